/**
 * The tokens of a client from an OAuth 2.0 server (features A4), with the package `oauth4webapi` 3: four grants, each token
 * used until shortly before its end, and another one got for the attempt to connect that comes then.
 */

import { genericTokenEndpointRequest, processGenericTokenEndpointResponse, ResponseBodyError } from "oauth4webapi";
import { isToken68 } from "../auth/authorization.ts";
import type { CredentialSource } from "../auth/credential_source.ts";
import { checkScopes } from "../auth/scopes.ts";
import { AuthError, WebSocketError } from "../errors.ts";
import { checkFunction, checkIsOptions, checkNames, checkSeconds, type Given, wrongKind } from "../option_check.ts";
import {
  checkOAuth2Client,
  OAUTH2_CLIENT_NAMES,
  type OAuth2Client,
  oauth2Error,
  type OAuth2Request,
} from "./oauth2_request.ts";

/** What the options of every grant have. Times are seconds, fractions allowed. */
export interface TokenOptions extends OAuth2Client {
  /** Where the server gives tokens. */
  readonly tokenUrl: string | URL;
  /** The scopes to ask for. Default: those that the server gives by itself. */
  readonly scopes?: string | readonly string[];
  /** How long a token counts of which the server does not say it. Default 3600. */
  readonly defaultTokenExpTime?: number;
  /** How long before its end a token is not used any more, half its life at most. Default 10. */
  readonly clockSkew?: number;
}

/** The program for itself (RFC 6749 §4.4). */
export interface ClientCredentialsGrant extends TokenOptions {
  /** Which grant it is. */
  readonly grant: "clientCredentials";
}

/** A user whose password the program has (RFC 6749 §4.3); then with the refresh token, if there is one. */
export interface PasswordGrant extends TokenOptions {
  /** Which grant it is. */
  readonly grant: "password";
  /** The user's name. */
  readonly username: string;
  /** The user's password. */
  readonly password: string;
}

/** A user who logged in elsewhere (RFC 6749 §6). */
export interface RefreshTokenGrant extends TokenOptions {
  /** Which grant it is. */
  readonly grant: "refreshToken";
  /** What was got then. */
  readonly refreshToken: string;
  /** Hears of each refresh token that replaces it, to keep it for the next start. What it throws is an `AuthError`. */
  readonly onRefreshToken?: (refreshToken: string) => void | Promise<void>;
}

/** Whoever an assertion says (RFC 7523 §2.1). */
export interface JwtBearerGrant extends TokenOptions {
  /** Which grant it is. */
  readonly grant: "jwtBearer";
  /** The assertion, a JSON Web Token, or a function that makes one for each token, and may be async. */
  readonly assertion: string | (() => string | Promise<string>);
}

/** Options of `oauth2Grant`. */
export type GrantOptions = ClientCredentialsGrant | PasswordGrant | RefreshTokenGrant | JwtBearerGrant;

/** Tokens of an OAuth 2.0 server: the option `auth` of any number of clients. */
export interface OAuth2Credentials extends CredentialSource {
  /**
   * Gives up the token that there is: the next attempt to connect gets another. For one that a server refuses.
   *
   * Many clients may have used it, and each of them may say so: within a second of getting a token, as many calls as there
   * were attempts with the one before are taken to speak of that one, and do nothing.
   */
  forget(): void;
}

const NAMES: readonly string[] = [
  ...OAUTH2_CLIENT_NAMES,
  "grant",
  "tokenUrl",
  "scopes",
  "defaultTokenExpTime",
  "clockSkew",
];

/** The options that each grant has of its own. */
const OWN: Readonly<Record<GrantOptions["grant"], readonly string[]>> = {
  clientCredentials: [],
  password: ["username", "password"],
  refreshToken: ["refreshToken", "onRefreshToken"],
  jwtBearer: ["assertion"],
};

/**
 * The credentials of a client: bearer tokens that an OAuth 2.0 server gives. Nothing is asked before they are needed.
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range
 */
export function oauth2Grant(options: GrantOptions): OAuth2Credentials {
  checkIsOptions(options);
  const given: Given = { ...options };
  const own = Object.hasOwn(OWN, options.grant) ? OWN[options.grant] : undefined;
  if (own === undefined) throw wrongKind("grant", `one of ${Object.keys(OWN).join(", ")}`);
  checkNames(options, [...NAMES, ...own]);
  checkFunction(given, "onRefreshToken");
  for (const name of ["username", "password", "refreshToken"]) {
    if (own.includes(name) && (typeof given[name] !== "string" || given[name] === "")) {
      throw wrongKind(name, "a string with a character");
    }
  }
  const { assertion } = given;
  if (
    own.includes("assertion") && typeof assertion !== "function" && (typeof assertion !== "string" || assertion === "")
  ) {
    throw wrongKind("assertion", "a string with a character, or a function");
  }
  return new Tokens({ ...options }, {
    request: checkOAuth2Client(given, "tokenUrl", "token_endpoint"),
    scope: checkScopes(given["scopes"])?.join(" "),
    defaultMs: checkSeconds(given, "defaultTokenExpTime", 3_600, false),
    skewMs: checkSeconds(given, "clockSkew", 10, false),
  });
}

interface Settings {
  readonly request: OAuth2Request;
  readonly scope: string | undefined;
  readonly defaultMs: number;
  readonly skewMs: number;
}

/** So long behind a new token, a refusal may be one of the token before. */
const LATE_REFUSAL_MS = 1_000;

class Tokens implements OAuth2Credentials {
  readonly #options: GrantOptions;
  readonly #settings: Settings;
  #token: { readonly value: string; readonly until: number } | undefined;
  /** When it was got. */
  #gotAt = 0;
  /** Attempts with it, and with the one before it, of which nobody has said yet that they were refused. */
  #uses = 0;
  #usesBefore = 0;
  /** Of the user, not of the program. */
  #refreshToken: string | undefined;
  /** One request for all who wait for it. */
  #pending: Promise<string> | undefined;

  constructor(options: GrantOptions, settings: Settings) {
    this.#options = options;
    this.#settings = settings;
    if (options.grant === "refreshToken") this.#refreshToken = options.refreshToken;
  }

  async authorization(): Promise<string> {
    const token = this.#token;
    if (token !== undefined && Date.now() < token.until) {
      this.#uses++;
      return `Bearer ${token.value}`;
    }
    this.#pending ??= this.#renew().finally(() => this.#pending = undefined);
    const value = await this.#pending;
    this.#uses++;
    return `Bearer ${value}`;
  }

  forget(): void {
    // Else a hundred clients that are refused with one token would have a hundred others got, one after the other.
    if (this.#usesBefore > 0 && Date.now() < this.#gotAt + LATE_REFUSAL_MS) {
      this.#usesBefore--;
      return;
    }
    if (this.#uses > 0) this.#uses--;
    this.#token = undefined;
  }

  async #renew(): Promise<string> {
    const { grant } = this.#options;
    if (this.#refreshToken !== undefined) {
      const again = { refresh_token: this.#refreshToken };
      try {
        return await this.#get("refresh_token", again);
      } catch (error) {
        const isOver = error instanceof ResponseBodyError && error.error === "invalid_grant";
        if (!isOver || grant === "refreshToken") throw this.#failure(error);
        // It is used up or out of date; the password is not.
        this.#refreshToken = undefined;
      }
    }
    try {
      return await this.#get(...await this.#parameters());
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #parameters(): Promise<[grantType: string, parameters: Readonly<Record<string, string>>]> {
    const options = this.#options;
    if (options.grant === "password") {
      return ["password", { username: options.username, password: options.password }];
    }
    if (options.grant === "jwtBearer") {
      return ["urn:ietf:params:oauth:grant-type:jwt-bearer", { assertion: await assertionOf(options) }];
    }
    return ["client_credentials", {}];
  }

  async #get(grantType: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const { request, scope, defaultMs, skewMs } = this.#settings;
    const { server, client, authentication, optionalParams } = request;
    const asked = { ...optionalParams, ...(scope !== undefined && { scope }), ...parameters };
    const asking = Date.now();
    const response = genericTokenEndpointRequest(server, client, authentication, grantType, asked, request.options());
    const answer = await processGenericTokenEndpointResponse(server, client, await withoutIdToken(await response));
    const { access_token: value, expires_in: seconds, refresh_token: next } = answer;
    if (answer.token_type !== "bearer" || !isToken68(value)) {
      throw new AuthError("Cannot connect: the OAuth 2.0 server gave a token that is no bearer token");
    }
    if (next !== undefined) await this.#keepRefreshToken(next);
    const lifeMs = seconds === undefined ? defaultMs : seconds * 1_000;
    // One that lives short would else be got for each attempt of each client.
    this.#token = { value, until: asking + lifeMs - Math.min(skewMs, lifeMs / 2) };
    this.#gotAt = Date.now();
    [this.#usesBefore, this.#uses] = [this.#uses, 0];
    return value;
  }

  async #keepRefreshToken(next: string): Promise<void> {
    const options = this.#options;
    const isNew = next !== this.#refreshToken;
    if (options.grant === "password" || options.grant === "refreshToken") this.#refreshToken = next;
    if (options.grant !== "refreshToken" || !isNew) return;
    try {
      await options.onRefreshToken?.(next);
    } catch (cause) {
      throw new AuthError('Cannot connect: the function "onRefreshToken" failed', { cause });
    }
  }

  #failure(error: unknown): WebSocketError {
    return error instanceof WebSocketError ? error : oauth2Error("Cannot connect", this.#settings.request, error);
  }
}

async function assertionOf({ assertion }: JwtBearerGrant): Promise<string> {
  if (typeof assertion === "string") return assertion;
  let made: unknown;
  try {
    made = await assertion();
  } catch (cause) {
    if (cause instanceof WebSocketError) throw cause;
    throw new AuthError('Cannot connect: the function "assertion" failed', { cause, temporary: true });
  }
  if (typeof made === "string" && made !== "") return made;
  throw new AuthError('Cannot connect: the function "assertion" made no string');
}

/** Who the user is, is not what we ask; the package would look at it, and wants to know the server better for that. */
async function withoutIdToken(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  if (status !== 200) return response;
  const text = await response.text();
  let body = text;
  try {
    const { id_token: _, ...others } = JSON.parse(text);
    body = JSON.stringify(others);
  } catch {
    // The package says what is wrong with it.
  }
  return new Response(body, { status, statusText, headers });
}
