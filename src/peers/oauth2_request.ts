/**
 * What asking an OAuth 2.0 server takes, whatever it is asked for (RFC 6749 §2.3): who we are, the limits of a request, and
 * errors that have no secret in them. With the package `oauth4webapi` 3. Knows no grant.
 */

import {
  allowInsecureRequests,
  type AuthorizationServer,
  type Client,
  type ClientAuth as ClientAuthentication,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  None,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";
import { type Fetch, limitedFetch } from "../auth/limited_fetch.ts";
import { AuthError } from "../errors.ts";
import { checkBoolean, checkFunction, checkSeconds, checkText, type Given, wrongKind } from "../option_check.ts";

/** Who asks an OAuth 2.0 server, and how. Times are seconds, fractions allowed. */
export interface OAuth2Client {
  /** The name under which the server knows the program that asks. */
  readonly clientId: string;
  /** Its password. Default: none; the server has to know it otherwise. */
  readonly clientSecret?: string;
  /** Where the password goes: into the header (`"basic"`) or into the body (`"post"`). Default `"basic"`. */
  readonly clientAuthentication?: "basic" | "post";
  /** More parameters of the request, such as `{ audience: "https://api.example.com" }`. Default: none. */
  readonly optionalParams?: Readonly<Record<string, string>>;
  /** How long a request may take. Default 10. */
  readonly timeout?: number;
  /** Takes a server without TLS: everybody on the way reads the secrets. For tests. Default false. */
  readonly allowInsecureRequests?: boolean;
  /** Asks the server: through a proxy, or with certificates of its own. Default: the platform's `fetch`. */
  readonly fetch?: Fetch;
}

/** The names of these options. */
export const OAUTH2_CLIENT_NAMES: readonly (keyof OAuth2Client)[] = [
  "clientId",
  "clientSecret",
  "clientAuthentication",
  "optionalParams",
  "timeout",
  "allowInsecureRequests",
  "fetch",
];

/** The arguments of a request, as the package takes them. */
export interface OAuth2Request {
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly authentication: ClientAuthentication;
  readonly optionalParams: Readonly<Record<string, string>>;
  /** To be made for each request: its time runs from then on. */
  options(): {
    readonly signal: AbortSignal;
    readonly [customFetch]: Fetch;
    readonly [allowInsecureRequests]: boolean;
  };
}

/**
 * Checks the values of these options; the names are the caller's to check.
 *
 * @param urlOption the name of the option with the URL
 * @param endpoint what the server does there
 * @throws {TypeError} for a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkOAuth2Client(
  given: Given,
  urlOption: string,
  endpoint: "token_endpoint" | "introspection_endpoint",
): OAuth2Request {
  const insecure = checkBoolean(given, "allowInsecureRequests", false);
  const url = checkEndpoint(given, urlOption, insecure);
  const timeoutMs = Math.ceil(checkSeconds(given, "timeout", 10, false));
  const clientId = checkText(given, "clientId");
  if (clientId === undefined) throw wrongKind("clientId", "a string with a character");
  checkFunction(given, "fetch");
  const fetcher = limitedFetch(given["fetch"] as Fetch | undefined ?? fetch);
  return {
    // Its name is looked at in answers that we never ask for.
    server: { issuer: url.origin, [endpoint]: url.href },
    client: { client_id: clientId },
    authentication: checkAuthentication(given),
    optionalParams: checkParams(given["optionalParams"]),
    options: () => ({
      signal: AbortSignal.timeout(timeoutMs),
      [customFetch]: fetcher,
      [allowInsecureRequests]: insecure,
    }),
  };
}

/**
 * The error of a request that failed. Nothing of the answer goes along but the server's word for what is wrong, since there
 * may be tokens in it.
 *
 * @param what what could not be done, such as `Cannot connect`
 */
export function oauth2Error(what: string, { server }: OAuth2Request, error: unknown): AuthError {
  const { host, pathname, search } = new URL((server.token_endpoint ?? server.introspection_endpoint)!);
  const at = `the OAuth 2.0 server at ${host}${pathname}`;
  if (error instanceof ResponseBodyError) {
    const answer = `${at} answered with status ${error.status}, ${codeOf(error.error)}`;
    return new AuthError(`${what}: ${answer}`, { temporary: isTemporary(error.status) });
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return new AuthError(`${what}: ${at} answered with status ${error.status}: it does not know this client`);
  }
  const { cause, message, code } = error as Error & { readonly code?: unknown };
  if (cause instanceof Response && cause.status !== 200) {
    const answer = `${at} answered with status ${cause.status}`;
    return new AuthError(`${what}: ${answer}`, { temporary: isTemporary(cause.status) });
  }
  // The package's own, whose causes have the whole answer.
  if (typeof code === "string" && code.startsWith("OAUTH_")) {
    return new AuthError(`${what}: ${at} answered with what is no answer`, { cause: new Error(message) });
  }
  // On Bun and Deno what `fetch` throws has the whole URL.
  const told = search === "" ? error : new Error("The request failed; why is not told, since the URL has a query");
  return new AuthError(`${what}: ${at} cannot be reached`, { cause: told, temporary: true });
}

function isTemporary(status: number): boolean {
  return status === 429 || status >= 500;
}

/** RFC 6749 §5.2: one of a few words; whatever else stands there is not repeated. */
function codeOf(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? `"${error}"` : "and no reason";
}

function checkEndpoint(given: Given, option: string, insecure: boolean): URL {
  const value = given[option];
  let url: URL | undefined;
  try {
    url = typeof value === "string" || value instanceof URL ? new URL(value) : undefined;
  } catch {
    // Refused below, as what is none.
  }
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrongKind(option, "a URL of HTTP");
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw wrongKind(option, "a URL without a user name, a password and a fragment");
  }
  if (url.protocol === "https:" || insecure) return url;
  throw new TypeError(`Cannot use the option "${option}": it is not "https:", and "allowInsecureRequests" is not set`);
}

function checkAuthentication(given: Given): ClientAuthentication {
  const secret = checkText(given, "clientSecret");
  const { clientAuthentication = "basic" } = given;
  if (clientAuthentication !== "basic" && clientAuthentication !== "post") {
    throw wrongKind("clientAuthentication", '"basic" or "post"');
  }
  if (secret === undefined) return None();
  return clientAuthentication === "basic" ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}

function checkParams(params: unknown = {}): Readonly<Record<string, string>> {
  if (
    typeof params === "object" && params !== null && Object.values(params).every((value) => typeof value === "string")
  ) {
    return { ...params } as Readonly<Record<string, string>>;
  }
  throw wrongKind("optionalParams", "an object of strings");
}
