/** Basic (RFC 7617) on a listener (features A1): the scheme, whoever keeps the users. */

import { AuthnError } from "../errors.ts";
import { checkIsOptions, checkNames, wrongKind } from "../option_check.ts";
import type { Authenticator, AuthResult } from "./authenticator.ts";
import { parseBasic } from "./authorization.ts";
import { quoted } from "./challenge.ts";
import { checkScopes } from "./scopes.ts";

/** Somebody whom a user store knows. */
export interface User {
  /** As the store has it. */
  readonly name: string;
  /** What the user may. */
  readonly scopes: readonly string[];
}

/** Who keeps users and their passwords. */
export interface UserStore {
  /**
   * Who it is whose password this is; undefined when there is no such user, or it is another's password. Takes as long
   * for a user that there is not. May throw as an `Authenticator` does.
   */
  verify(username: string, password: string, signal: AbortSignal): Promise<User | undefined>;
}

/** Options of `basicAuth`. */
export interface BasicAuthOptions {
  /** Who keeps the users, such as `fileUserStore(path)`. */
  readonly users: UserStore;
  /** Any one of them suffices. Default: every user may. */
  readonly scopes?: string | readonly string[];
  /** What the password is for, as a browser shows it. Default `WebSocket`. */
  readonly realm?: string;
}

/**
 * Basic authentication of users with passwords, which travel in every request: only for encrypted connections.
 *
 * @throws {TypeError} when an option is none, or of the wrong kind
 */
export function basicAuth(options: BasicAuthOptions): Authenticator {
  checkIsOptions(options);
  checkNames(options, ["users", "scopes", "realm"]);
  const { users, realm = "WebSocket" } = options;
  if (typeof (users as UserStore | undefined)?.verify !== "function") {
    throw wrongKind("users", 'a store of users: it has no "verify"');
  }
  return {
    scheme: "Basic",
    challenge: `realm=${quoted("realm", realm)}, charset="UTF-8"`,
    scopes: checkScopes(options.scopes),
    async authenticate(credentials, { signal }): Promise<AuthResult> {
      if (credentials === undefined) return undefined;
      const given = parseBasic(credentials);
      if (given === undefined) return new AuthnError("The credentials are not those of Basic authentication");
      const user = await users.verify(given.username, given.password, signal);
      // The same words for a user that there is not.
      if (user === undefined) return new AuthnError("The user name or the password is wrong");
      return { subject: user.name, scopes: user.scopes, claims: {} };
    },
  };
}
