/** The programs of examples/ as a test runs them: by the command of their README, and gone when it is over. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { onTestFinished } from "vitest";
import { Client, type ClientConfiguration } from "../../mod.ts";
import { ROOT } from "../../scripts/command.ts";
import { PipedProgram } from "../support/piped_program.ts";

const RUNTIME = "Deno" in globalThis ? "Deno" : "Bun" in globalThis ? "Bun" : "Node";

/** What README.md writes before the file, for the runtime that runs the tests: that one is what is started. */
const OPTIONS = (() => {
  const readme = readFileSync(join(ROOT, "examples/README.md"), "utf8");
  const command = new RegExp(`^\\| ${RUNTIME} *\\| \`(.+) examples/chat/server\\.ts\``, "m").exec(readme)![1]!;
  const [name, ...options] = command.split(" ");
  if (name !== RUNTIME.toLowerCase()) throw new Error(`The command for ${RUNTIME} is of ${name}`);
  return options;
})();

/** Starts `examples/<name>`. */
export function run(name: string, env: Readonly<Record<string, string>> = {}, ...args: string[]): PipedProgram {
  const program = new PipedProgram([process.execPath, ...OPTIONS, `examples/${name}`, ...args], env);
  onTestFinished(() => void program.kill("SIGKILL"));
  return program;
}

/** Starts a server on a free port. */
export async function serve(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: PipedProgram; url: string }> {
  const program = run(name, { PORT: "0", ...env });
  const [url] = await program.wrote(/ws:\/\/[\d.:]+/);
  return { program, url };
}

/** A client of the public API, connected. */
export async function visit(url: string, config?: ClientConfiguration): Promise<Client> {
  const client = new Client(url, config);
  onTestFinished(() => client.terminate());
  await client.opened;
  return client;
}

/** The next `count` messages. */
export async function hear(client: Client, count: number): Promise<string[]> {
  const heard: string[] = [];
  while (heard.length < count) heard.push(await client.readTextMessage());
  return heard;
}
