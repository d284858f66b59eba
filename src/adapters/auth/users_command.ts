/**
 * The command `hawser-users`: adds a user to a file, gives one another password or other scopes, or takes one out. Reads
 * the password from the standard input, never from its arguments, which everybody on the machine can read.
 */

import { existsSync } from "node:fs";
import { chmod, chown, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { problemOf } from "../../auth/authorization.ts";
import { isScope } from "../../auth/scopes.ts";
import { AuthError } from "../../errors.ts";
import { type HashCost, hashPassword } from "./password_hash.ts";
import { nameIn, parseUsers } from "./user_file.ts";

/** What it is told with. */
export interface CommandLine {
  /** Its arguments. */
  readonly args: readonly string[];
  /** The first line of the standard input. */
  readPassword(): Promise<string>;
  print(line: string): void;
  /** What the hash of a password costs. Default: as `hashPassword`. */
  readonly cost?: HashCost;
}

const USAGE = `Usage:
  hawser-users FILE set NAME [SCOPE …]   adds a user or replaces one; the password is the first line of the standard input
  hawser-users FILE remove NAME          takes a user out
  hawser-users FILE list                 prints the names and what they may`;

/** Runs the command. Resolves with its exit code. */
export async function usersCommand({ args, readPassword, print, cost }: CommandLine): Promise<number> {
  const [file = "", action = "", givenName = "", ...scopes] = args;
  // As a login has it, however it was typed.
  const name = givenName.normalize("NFC");
  const refuse = (reason: string): number => {
    print(reason);
    return 1;
  };
  const needsName = action === "set" || action === "remove";
  if (file === "" || !(needsName ? name !== "" : action === "list" && name === "")) return refuse(USAGE);
  if (action === "remove" && scopes.length > 0) return refuse(USAGE);

  const users = parseUsers(file, existsSync(file) ? await readFile(file, "utf8") : "");
  if (action === "list") {
    for (const { user } of users.values()) print([user.name, ...user.scopes].join(" "));
    return 0;
  }
  if (action === "remove" && !users.has(name)) return refuse(`There is no user ${JSON.stringify(name)}`);

  const added: string[] = [];
  if (action === "set") {
    const problem = name.startsWith("#")
      ? "a user name does not begin with #"
      : problemOf({ username: name, password: "" });
    if (problem !== undefined) return refuse(`Cannot add the user: ${problem}`);
    if (!scopes.every(isScope)) return refuse("Cannot add the user: a scope is ASCII without quotes and backslashes");
    const password = await readPassword();
    if (password === "") return refuse("Cannot add the user: there is no password on the standard input");
    if (problemOf({ username: "", password }) !== undefined) {
      return refuse("Cannot add the user: no control characters");
    }
    added.push([name, await hashPassword(password, cost), scopes.join(" ")].join(":"));
  }
  await change(file, (text) => {
    parseUsers(file, text);
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    // Other lines, and the comments among them, stay as they are.
    const others = lines.filter((line) => line.startsWith("#") || nameIn(line) !== name);
    return [...others, ...added].map((line) => `${line}\n`).join("");
  });
  print(action === "set" ? `${JSON.stringify(name)} can log in` : `${JSON.stringify(name)} is gone`);
  return 0;
}

/**
 * Reads the file, and writes it anew, while nobody else does so: typing a password takes long enough for another change.
 * Whoever reads it meanwhile sees the old one or the new one, and whoever could, can. A new one is for its owner's eyes only.
 */
async function change(path: string, edit: (text: string) => string): Promise<void> {
  const isThere = existsSync(path);
  const file = isThere ? await realpath(path) : path;
  const draft = `${file}.new`;
  try {
    await writeFile(draft, "", { mode: 0o600, flag: "wx" });
  } catch (cause) {
    if ((cause as { readonly code?: unknown }).code !== "EEXIST") throw cause;
    const reason = `${JSON.stringify(draft)} is there: somebody changes it, or was stopped while doing so`;
    throw new AuthError(`Cannot change the user file ${JSON.stringify(path)}: ${reason}`, { cause });
  }
  try {
    await writeFile(draft, edit(isThere ? await readFile(file, "utf8") : ""));
    if (isThere) await keepAccess(file, draft);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The listener that reads it may be another user than the one at the keyboard. */
async function keepAccess(file: string, draft: string): Promise<void> {
  const [{ mode, uid, gid }, own] = await Promise.all([stat(file), stat(draft)]);
  if (own.uid !== uid || own.gid !== gid) await chown(draft, uid, gid);
  if ((own.mode ^ mode) & 0o777) await chmod(draft, mode & 0o777);
}
