/**
 * Asks authenticators who a request is from (features A1, A2), in order, and makes a refusal of what they say: 401 with a
 * challenge for each scheme, 403 when somebody is known and may not, 503 when it cannot be told. Knows no scheme but one:
 * only `Bearer` says in its challenge what is wrong.
 */

import { AuthnError, AuthzError, UpgradeError } from "../errors.ts";
import { checkNames, wrongKind } from "../option_check.ts";
import type { Authenticator, AuthRequest, AuthResult, Identity } from "./authenticator.ts";
import { parseAuthorization } from "./authorization.ts";
import { challengeOf } from "./challenge.ts";
import { checkScopes, suffices } from "./scopes.ts";

/** An authenticator, checked. */
interface Checked {
  readonly authenticator: Authenticator;
  readonly scheme: string;
  readonly scopes: readonly string[] | undefined;
}

/** Authenticators, checked, in their order. */
export type Authenticators = readonly Checked[];

const BEARER = "bearer";
const SCHEME = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Checks the option `auth`.
 *
 * @throws {TypeError} when it is no list of authenticators
 */
export function checkAuthenticators(auth: unknown): Authenticators | undefined {
  if (auth === undefined) return undefined;
  // An empty list may be a mistake, and would let everybody in.
  if (!Array.isArray(auth) || auth.length === 0) throw wrongKind("auth", "a list of at least one authenticator");
  return auth.map((authenticator: Partial<Authenticator> | null | undefined, i) => {
    const path = `auth[${i}]`;
    if (typeof authenticator?.authenticate !== "function") {
      throw wrongKind(path, 'an authenticator: it has no "authenticate"');
    }
    checkNames(authenticator, ["scheme", "challenge", "scopes", "authenticate"], undefined, `${path}.`);
    const { scheme, challenge } = authenticator;
    if (typeof scheme !== "string" || !SCHEME.test(scheme)) throw wrongKind(`${path}.scheme`, "a token");
    if (challenge !== undefined && !(typeof challenge === "string" && /^[\t\x20-\x7e]*$/.test(challenge))) {
      throw wrongKind(`${path}.challenge`, "the parameters of a challenge");
    }
    const scopes = checkScopes(authenticator.scopes, `${path}.scopes`);
    return { authenticator: authenticator as Authenticator, scheme: scheme.toLowerCase(), scopes };
  });
}

/**
 * Who a request is from: whom the first authenticator knows that lets them in. Rejects with an `UpgradeError` when none
 * does, and with the signal's reason when it aborts.
 *
 * @param token a bearer token from elsewhere than `Authorization`
 * @param report hears what an authenticator throws
 */
export async function authenticate(
  authenticators: Authenticators,
  request: AuthRequest,
  token: string | undefined,
  report: (error: unknown) => void,
): Promise<Identity> {
  const { signal } = request;
  const header = parseAuthorization(request.headers.get("authorization"));
  const refusedBy = new Set<Checked>();
  let forbidden = false;
  let failure: UpgradeError | undefined;
  for (const checked of authenticators) {
    const { authenticator, scheme, scopes } = checked;
    const credentials = header?.scheme === scheme ? header.credentials : scheme === BEARER ? token : undefined;
    let result: unknown;
    try {
      result = await authenticator.authenticate(credentials, request) satisfies AuthResult;
      signal.throwIfAborted();
      if (isIdentity(result)) {
        if (suffices(result.scopes, scopes)) return result;
        forbidden = true;
      } else if (result instanceof AuthzError) forbidden = true;
      else if (result instanceof AuthnError) refusedBy.add(checked);
      else if (result instanceof Error) throw result;
      else if (result !== undefined) {
        throw new TypeError(`An authenticator for "${authenticator.scheme}" told no identity`);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AuthzError) forbidden = true;
      else if (error instanceof AuthnError) refusedBy.add(checked);
      else if (error instanceof UpgradeError) failure ??= error;
      else {
        report(error);
        failure ??= new UpgradeError(503, "Who you are cannot be told at the moment");
      }
    }
  }
  // One that could not be asked might have let the client in: that none does cannot be said.
  if (failure !== undefined) throw failure;
  if (forbidden) throw forbid(authenticators);
  throw unknown(authenticators, refusedBy);
}

function isIdentity(value: unknown): value is Identity {
  const { subject, scopes, claims, expiresAt } = Object(value) as Partial<Identity>;
  return typeof subject === "string" && Array.isArray(scopes) && typeof claims === "object" && claims !== null &&
    (expiresAt === undefined || Number.isFinite(expiresAt));
}

function unknown(authenticators: Authenticators, refusedBy: ReadonlySet<Checked>): UpgradeError {
  const headers = new Headers();
  const challenges = authenticators.map((checked) => {
    const { authenticator, scheme } = checked;
    const error = scheme === BEARER && refusedBy.has(checked) ? 'error="invalid_token"' : undefined;
    return challengeOf(authenticator.scheme, authenticator.challenge, error);
  });
  for (const challenge of new Set(challenges)) headers.append("www-authenticate", challenge);
  const reason = refusedBy.size > 0 ? "The credentials do not count" : "Credentials are needed";
  return new UpgradeError(401, reason, headers);
}

function forbid(authenticators: Authenticators): UpgradeError {
  const headers = new Headers();
  for (const { authenticator, scheme, scopes } of authenticators) {
    if (scheme !== BEARER || scopes === undefined) continue;
    const parameters = ['error="insufficient_scope"', `scope="${scopes.join(" ")}"`];
    headers.append("www-authenticate", challengeOf(authenticator.scheme, authenticator.challenge, ...parameters));
  }
  return new UpgradeError(403, "You may not", headers);
}
