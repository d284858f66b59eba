#!/usr/bin/env node
/** The program behind the command `hawser-users`: `users_command.ts` on a terminal. */

import process from "node:process";
import { createInterface } from "node:readline";
import { usersCommand } from "./users_command.ts";

process.exitCode = await usersCommand({
  args: process.argv.slice(2),
  async readPassword() {
    if (process.stdin.isTTY) process.stderr.write("Password: ");
    const lines = createInterface({ input: process.stdin, terminal: false });
    for await (const line of lines) {
      lines.close();
      return line;
    }
    return "";
  },
  print: (line) => void process.stdout.write(`${line}\n`),
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
