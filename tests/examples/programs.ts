/** The programs of examples/ as a test runs them: by the command of their README, and gone when it is over. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { Client, type ClientConfiguration } from "../../mod.ts";
import { ROOT } from "../../scripts/command.ts";
import { compiled } from "../support/compiled.ts";
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
  return start([...OPTIONS, `examples/${name}`, ...args], env);
}

/** Starts a server on a free port. */
export async function serve(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: PipedProgram; url: string }> {
  return await whereItListens(run(name, { PORT: "0", ...env }));
}

/**
 * The same two for `names`, of which a test file starts many: Node gets them compiled. As the README starts them there they
 * are tried by docs_commands_test.ts. To be called once at the top of a test file.
 */
export function examplePrograms(...names: readonly string[]): { run: typeof run; serve: typeof serve } {
  if (RUNTIME !== "Node") return { run, serve };
  let folder: string;
  let files: readonly string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "hawser-examples-"));
    files = await compiled(names.map((name) => join(ROOT, "examples", name)), folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const runIt: typeof run = (name, env = {}, ...args) => start([files[names.indexOf(name)]!, ...args], env);
  return { run: runIt, serve: async (name, env) => await whereItListens(runIt(name, { PORT: "0", ...env })) };
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): PipedProgram {
  const program = new PipedProgram([process.execPath, ...args], env);
  onTestFinished(() => void program.kill("SIGKILL"));
  return program;
}

async function whereItListens(program: PipedProgram): Promise<{ program: PipedProgram; url: string }> {
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
