/**
 * OAuth 2.0 token introspection (RFC 7662) on a listener (features A1), with the package `oauth4webapi` 3: the server that
 * made a token is asked whether it counts, once for as long as the answer is good.
 */

import { introspectionRequest, type IntrospectionResponse, processIntrospectionResponse } from "oauth4webapi";
import { type Answer, AnswerCache } from "../auth/answer_cache.ts";
import type { Authenticator, AuthResult } from "../auth/authenticator.ts";
import { isToken68 } from "../auth/authorization.ts";
import { quoted } from "../auth/challenge.ts";
import { checkScopes, scopesIn } from "../auth/scopes.ts";
import { Turnstile } from "../auth/turnstile.ts";
import { AuthnError, UpgradeError } from "../errors.ts";
import {
  checkCount,
  checkIsOptions,
  checkNames,
  checkSeconds,
  checkText,
  type Given,
  wrongKind,
} from "../option_check.ts";
import { checkOAuth2Client, OAUTH2_CLIENT_NAMES, type OAuth2Client, oauth2Error } from "./oauth2_request.ts";

/** Options of `introspectionAuth`. Times are seconds, fractions allowed. */
export interface IntrospectionAuthOptions extends OAuth2Client {
  /** Where the server introspects tokens. */
  readonly url: string | URL;
  /** What kind of token it is, as the server calls it. Default: none is told. */
  readonly tokenTypeHint?: string;
  /** Who has to have made the token: `iss`. Default: whoever the server takes it from. */
  readonly issuer?: string;
  /** Whom it has to be for: one that `aud` has. Default: anybody. */
  readonly audience?: string | readonly string[];
  /** The member of the answer with the scopes: text with spaces between, or a list. Default `scope`. */
  readonly scopeKey?: string;
  /** Any one of them suffices. Default: everybody with a token may. */
  readonly scopes?: string | readonly string[];
  /** What the token is for, in the challenge. Default: none. */
  readonly realm?: string;
  /** How long an answer is used, at most, and never after the token's `exp`; 0: not again. Default 3600. */
  readonly cacheMaxAge?: number;
  /** The answers that are kept. Default 1000. */
  readonly cacheSize?: number;
  /** Tokens that the server is asked about at once. Default 16. */
  readonly maxConcurrentChecks?: number;
  /** Those that wait for their turn; one more is answered with 503. Default 100. */
  readonly maxWaitingChecks?: number;
}

const NAMES: readonly (keyof IntrospectionAuthOptions)[] = [
  ...OAUTH2_CLIENT_NAMES,
  "url",
  "tokenTypeHint",
  "issuer",
  "audience",
  "scopeKey",
  "scopes",
  "realm",
  "cacheMaxAge",
  "cacheSize",
  "maxConcurrentChecks",
  "maxWaitingChecks",
];

/**
 * Bearer tokens that a server knows. The identity's `subject` is `sub` of the answer, or else `username`, or `client_id`.
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range
 */
export function introspectionAuth(options: IntrospectionAuthOptions): Authenticator {
  checkIsOptions(options);
  checkNames(options, NAMES);
  const given: Given = { ...options };
  const request = checkOAuth2Client(given, "url", "introspection_endpoint");
  const hint = checkText(given, "tokenTypeHint");
  const additionalParameters = {
    ...request.optionalParams,
    ...(hint !== undefined && { token_type_hint: hint }),
  };
  const scopeKey = checkText(given, "scopeKey") ?? "scope";
  const issuer = checkText(given, "issuer");
  const audience = checkAudience(given["audience"]);
  const cacheMs = checkSeconds(given, "cacheMaxAge", 3_600, false);
  const cache = new AnswerCache<IntrospectionResponse>(checkCount(given, "cacheSize", 1_000, 0));
  const atOnce = checkCount(given, "maxConcurrentChecks", 16, 1);
  const turnstile = new Turnstile(atOnce, checkCount(given, "maxWaitingChecks", 100, 0));

  // Who leaves gives the place away, but for what others wait for, too.
  const ask = async (token: string, signal: AbortSignal): Promise<Answer<IntrospectionResponse>> => {
    const { server, client, authentication } = request;
    try {
      const answer = await turnstile.run(async () => {
        const sent = introspectionRequest(server, client, authentication, token, {
          ...request.options(),
          additionalParameters,
        });
        return await processIntrospectionResponse(server, client, await sent);
      }, signal);
      // One that does not count may do so soon.
      const until = answer.active ? Math.min(Date.now() + cacheMs, (answer.exp ?? Infinity) * 1_000) : 0;
      return { value: answer, until };
    } catch (error) {
      // While it waited for its turn.
      if (error instanceof UpgradeError || error === signal.reason) throw error;
      throw oauth2Error("Cannot check the token", request, error);
    }
  };

  return {
    scheme: "Bearer",
    challenge: options.realm === undefined ? undefined : `realm=${quoted("realm", options.realm)}`,
    scopes: checkScopes(options.scopes),
    async authenticate(credentials, { signal }): Promise<AuthResult> {
      if (credentials === undefined) return undefined;
      if (!isToken68(credentials)) return new AuthnError("The token is none");
      const answer = await cache.get(credentials, signal, (left) => ask(credentials, left));
      if (!isGood(answer, issuer, audience)) return new AuthnError("The token does not count");
      const claims: Readonly<Record<string, unknown>> = { ...answer };
      const { sub, username, client_id: client, exp } = answer;
      return {
        subject: [sub, username, client].find((name) => typeof name === "string") ?? "",
        scopes: scopesIn(Object.hasOwn(claims, scopeKey) ? claims[scopeKey] : undefined),
        claims,
        expiresAt: exp,
      };
    },
  };
}

/** Whatever the server says of it, the times and names in its answer count, too. */
function isGood(
  { active, exp, nbf, iss, aud }: IntrospectionResponse,
  issuer: string | undefined,
  audience: readonly string[] | undefined,
): boolean {
  const now = Date.now() / 1_000;
  const isTime = (time: unknown): boolean => time === undefined || Number.isFinite(time);
  const heard = Array.isArray(aud) ? aud : [aud];
  return active && isTime(exp) && isTime(nbf) && (exp === undefined || exp > now) &&
    (nbf === undefined || nbf <= now) &&
    (issuer === undefined || iss === issuer) &&
    (audience === undefined || audience.some((name) => heard.includes(name)));
}

function checkAudience(audience: unknown): readonly string[] | undefined {
  if (audience === undefined) return undefined;
  const list: unknown = typeof audience === "string" ? [audience] : audience;
  if (Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === "string")) return [...list];
  throw wrongKind("audience", "a string, or a list of at least one");
}
