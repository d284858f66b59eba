/**
 * Users in a file (features A1), one a line: `name:hash:scope scope`. Read anew when it has changed. Checking a password
 * costs memory and a core for a while, so few are checked at once, and few wait.
 */

import { readFileSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { isScope } from "../../auth/scopes.ts";
import { Turnstile } from "../../auth/turnstile.ts";
import type { User, UserStore } from "../../auth/basic.ts";
import { AuthError } from "../../errors.ts";
import { checkCount, checkIsOptions, checkNames, type Given } from "../../option_check.ts";
import { DECOY, decoyOf, isPassword, parseHash, type PasswordHash } from "./password_hash.ts";

/** Options of `fileUserStore`. */
export interface UserFileOptions {
  /** Passwords that are checked at once, each of which takes 32 MiB for a quarter of a second. Default 4. */
  readonly maxConcurrentChecks?: number;
  /** Those that wait for their turn; one more is answered with 503. Default 100. */
  readonly maxWaitingChecks?: number;
}

/** A line of a user file. */
export interface UserLine {
  readonly user: User;
  readonly hash: PasswordHash;
}

/** A file, as it was when it was read. */
interface Users {
  readonly version: string;
  readonly lines: ReadonlyMap<string, UserLine>;
  /** For who is not in it. */
  readonly decoy: PasswordHash;
}

/**
 * A store of the users in a file, which `hawser-users` writes. It is read now, and again when it has changed; while what
 * is there then cannot be read, nobody is let in: 503, and `onError` hears why.
 *
 * @throws {AuthError} when it cannot be read, or a line is none; the message names the file and the line, and the cause is
 *   the system's error
 * @throws {TypeError} when an option is none, or of the wrong kind
 * @throws {RangeError} when a number is out of range
 */
export function fileUserStore(path: string | URL, options: UserFileOptions = {}): UserStore {
  checkIsOptions(options);
  checkNames(options, ["maxConcurrentChecks", "maxWaitingChecks"]);
  const given = options as Given;
  const atOnce = checkCount(given, "maxConcurrentChecks", 4, 1);
  const turnstile = new Turnstile(atOnce, checkCount(given, "maxWaitingChecks", 100, 0));
  let users = reading(path, () => usersOf(path, versionOf(statSync(path)), readFileSync(path, "utf8")));
  return {
    async verify(username, password, signal) {
      try {
        const version = versionOf(await stat(path));
        if (version !== users.version) users = usersOf(path, version, await readFile(path, "utf8"));
      } catch (error) {
        throw asAuthError(path, error);
      }
      const line = users.lines.get(username);
      const hash = line?.hash ?? users.decoy;
      return await turnstile.run(() => isPassword(password, hash), signal) ? line?.user : undefined;
    },
  };
}

/** The name at the beginning of a line, as a login has it: in NFC. */
export function nameIn(line: string): string {
  const [name = ""] = line.split(":", 1);
  return name.normalize("NFC");
}

/**
 * The lines of a user file by the names of their users. Empty lines, and those that begin with `#`, count for nothing.
 *
 * @throws {AuthError} when a line is none, or a name stands there twice; it repeats nothing of the line
 */
export function parseUsers(path: string | URL, text: string): Map<string, UserLine> {
  const lines = new Map<string, UserLine>();
  // Editors on Windows begin with a mark, which would be part of the first name.
  text.replace(/^\uFEFF/, "").split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const name = nameIn(line);
    const [, encoded = "", ...rest] = line.split(":");
    const scopes = rest.join(":").split(" ").filter((scope) => scope !== "");
    const hash = parseHash(encoded);
    const refuse = (reason: string): never => {
      throw new AuthError(`Cannot use the user file ${JSON.stringify(String(path))}: line ${i + 1} ${reason}`);
    };
    if (name === "" || hash === undefined || !scopes.every(isScope)) return refuse("is not name:hash:scopes");
    if (lines.has(name)) refuse("has a name that an earlier one has");
    lines.set(name, { user: { name, scopes }, hash });
  });
  return lines;
}

function usersOf(path: string | URL, version: string, text: string): Users {
  const lines = parseUsers(path, text);
  const costs = [...lines.values()].map(({ hash }) => hash);
  const [first] = costs;
  return { version, lines, decoy: first === undefined ? DECOY : decoyOf(first) };
}

function versionOf({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }): string {
  return `${mtimeMs} ${size} ${ino}`;
}

function reading<T>(path: string | URL, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asAuthError(path, error);
  }
}

function asAuthError(path: string | URL, error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  return new AuthError(`Cannot read the user file ${JSON.stringify(String(path))}`, { cause: error });
}
