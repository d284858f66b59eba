/**
 * The option `auth` of a client (features A4): a password, a bearer token, or whatever makes credentials, turned into the
 * `Authorization` header of one attempt to connect. No message has a secret in it. Knows no handshake.
 */

import { AuthError, WebSocketError } from "../errors.ts";
import { checkNames, type Given, wrongKind } from "../option_check.ts";
import { basicAuthorization, type Credentials, isToken68, problemOf } from "./authorization.ts";
import type { CredentialSource } from "./credential_source.ts";

/** A bearer token (RFC 6750). */
export interface BearerToken {
  /** The token, or a function that is asked for it for each attempt to connect, and may be async. */
  readonly token: string | (() => string | Promise<string>);
}

/** Who a client says it is: a user name and a password (Basic), a bearer token, or a source such as `issuedJwt`. */
export type ClientAuth = Credentials | BearerToken | CredentialSource;

/** The header's value, or how to come to it for each attempt. */
export type Authorize = string | ((signal: AbortSignal) => Promise<string>);

/**
 * Checks the option.
 *
 * @throws {TypeError} when it is none of its kinds, or cannot be sent
 */
export function checkClientAuth(auth: unknown): Authorize {
  if (typeof auth === "object" && auth !== null) {
    if (typeof (auth as Given)["authorization"] === "function") return fromSource(auth as CredentialSource);
    if ("username" in auth || "password" in auth) return basic(auth);
    if ("token" in auth) return bearer(auth);
  }
  throw wrongKind("auth", 'an object with "username" and "password", with "token", or with "authorization"');
}

function basic(auth: object): string {
  checkNames(auth, ["username", "password"], undefined, "auth.");
  const { username, password } = auth as Given;
  if (typeof username !== "string") throw wrongKind("auth.username", "a string");
  if (typeof password !== "string") throw wrongKind("auth.password", "a string");
  const problem = problemOf({ username, password });
  if (problem !== undefined) throw new TypeError(`Cannot use the option "auth": ${problem}`);
  return basicAuthorization({ username, password });
}

function bearer(auth: object): Authorize {
  checkNames(auth, ["token"], undefined, "auth.");
  const { token } = auth as Given;
  if (typeof token === "function") {
    return async () => bearerAuthorization(await asking('the function "auth.token" failed', () => token()));
  }
  return bearerAuthorization(token);
}

function bearerAuthorization(token: unknown): string {
  if (typeof token !== "string" || !isToken68(token)) throw wrongKind("auth.token", "a bearer token");
  return `Bearer ${token}`;
}

function fromSource(source: CredentialSource): Authorize {
  return async (signal) => {
    const value: unknown = await asking("the credentials cannot be had", () => source.authorization(signal));
    // Visible ASCII with single spaces between: RFC 9110 §11.4, without what `Authorization` has no use for.
    if (typeof value === "string" && /^[!-~]+( [!-~]+)*$/.test(value)) return value;
    throw wrongKind("auth", 'a source of credentials: "authorization" made no header');
  };
}

/** The cause is what was thrown: whoever made the function says what is in there. */
async function asking(what: string, ask: () => unknown): Promise<unknown> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof WebSocketError) throw cause;
    throw new AuthError(`Cannot connect: ${what}`, { cause, temporary: true });
  }
}
