/**
 * The command `hawser-users`: adds a user to a file, gives one another password or other scopes, or takes one out. Reads
 * the password from the standard input, never from its arguments, which everybody on the machine can read.
 */

import { existsSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import process from "node:process";
import { problemOf } from "../../auth/authorization.ts";
import { isScope } from "../../auth/scopes.ts";
import { type HashCost, hashPassword } from "./password_hash.ts";
import { parseUsers } from "./user_file.ts";

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
  const [file = "", action = "", name = "", ...scopes] = args;
  const refuse = (reason: string): number => {
    print(reason);
    return 1;
  };
  const needsName = action === "set" || action === "remove";
  if (file === "" || !(needsName ? name !== "" : action === "list" && name === "")) return refuse(USAGE);
  if (action === "remove" && scopes.length > 0) return refuse(USAGE);

  const text = existsSync(file) ? await readFile(file, "utf8") : "";
  const users = parseUsers(file, text);
  if (action === "list") {
    for (const { user } of users.values()) print([user.name, ...user.scopes].join(" "));
    return 0;
  }
  if (action === "remove" && !users.has(name)) return refuse(`There is no user ${JSON.stringify(name)}`);

  // Other lines, and the comments among them, stay as they are.
  const others = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith(`${name}:`));
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
    others.push([name.normalize("NFC"), await hashPassword(password, cost), scopes.join(" ")].join(":"));
  }
  await replace(file, others.map((line) => `${line}\n`).join(""));
  print(action === "set" ? `${JSON.stringify(name)} can log in` : `${JSON.stringify(name)} is gone`);
  return 0;
}

/** Whoever reads the file meanwhile sees the old one or the new one. For its owner's eyes only. */
async function replace(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
