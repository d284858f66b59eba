/** The programs of examples/ as a test runs them: started where it stands, and gone when it is over. */

import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Client, type ClientConfiguration } from "../../mod.ts";
import { ROOT } from "../../scripts/command.ts";
import { PipedProgram } from "../support/piped_program.ts";

/** Starts `examples/<name>`. */
export function run(name: string, env: Readonly<Record<string, string>> = {}, ...args: string[]): PipedProgram {
  const program = new PipedProgram(join(ROOT, "examples", name), env, ...args);
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
