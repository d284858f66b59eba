#!/usr/bin/env node
/** The program behind the command `hawser-users`: `users_command.ts` on a terminal. */

import process from "node:process";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { usersCommand } from "./users_command.ts";

process.exitCode = await usersCommand({
  args: process.argv.slice(2),
  async readPassword() {
    const { isTTY } = process.stdin;
    if (isTTY) process.stderr.write("Password: ");
    // What is typed goes nowhere: a terminal that is read in lines would show it.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input: process.stdin, output: nowhere, terminal: isTTY });
    // Ctrl+C
    lines.on("SIGINT", () => lines.close());
    try {
      for await (const line of lines) return line;
      return "";
    } finally {
      lines.close();
      if (isTTY) process.stderr.write("\n");
    }
  },
  print: (line) => void process.stdout.write(`${line}\n`),
}).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
