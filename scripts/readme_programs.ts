/**
 * The README's pairs of a server and a client, as a new user has them: files of his own, which import the package. What
 * the client has to print stands behind it there. `tests/docs_test.ts` runs the same ones from the sources.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

import { ROOT, runCommand } from "./command.ts";

/** A server, the client behind it, and what that prints. */
export interface Pair {
  readonly server: string;
  readonly client: string;
  readonly output: string;
}

/** The port that they name; a free one takes its place. */
const PORT = "9090";

/** The longest a program may take, in seconds. */
const TIMEOUT = 30;

/** @throws {Error} when a server has no client behind it, or a client no output */
export function pairsOf(markdown: string): Pair[] {
  const blocks = [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = "", text = ""]) => ({
    info,
    text,
  }));
  return blocks.flatMap(({ info, text }, i) => {
    if (info !== "ts server") return [];
    const [client, output] = [blocks[i + 1], blocks[i + 2]];
    if (client?.info !== "ts client" || output?.info !== "text output") {
      throw new Error(`A server needs a client and its output behind it: ${text}`);
    }
    return [{ server: text, client: client.text, output: output.text }];
  });
}

/** Writes the README's programs into `folder`. Resolves with them and their names, without endings. */
export async function writeReadme(folder: string): Promise<(Pair & { readonly name: string })[]> {
  const pairs = pairsOf(await readFile(join(ROOT, "README.md"), "utf8"));
  return await Promise.all(pairs.map(async (pair, i) => {
    const name = `readme_${i + 1}`;
    await writeFile(join(folder, `${name}_server.ts`), pair.server.replaceAll(PORT, "0"));
    await writeFile(join(folder, `${name}_client.ts`), pair.client);
    return { ...pair, name };
  }));
}

/**
 * Starts a server, and its client once that listens.
 *
 * @param command what starts a program, its file left out
 * @param server the server's file, which has the port 0
 * @param client the client's file, of which a copy beside it gets the server's port
 * @throws {Error} with what was printed, unless the client prints `output` and ends well
 */
export async function runPair(
  command: readonly [file: string, ...args: string[]],
  [server, client]: readonly [string, string],
  output: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [file, ...args] = command;
  const child = spawn(file, [...args, server], { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT * 1000);
  try {
    const port = await portOf(child);
    const copy = client.replace(/(\.\w+)$/, "_ready$1");
    await writeFile(copy, (await readFile(client, "utf8")).replaceAll(PORT, port));
    const run = await runCommand(file, [...args, copy], { timeout: TIMEOUT, env });
    if (!run.ok || run.output.trim() !== output.trim()) {
      throw new Error(`${run.failure}. It printed\n${run.output.trim()}\nand not\n${output.trim()}`);
    }
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

/** Once a server has printed where it listens. */
function portOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    for (const pipe of [server.stdout, server.stderr]) {
      pipe?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        const port = /\bws:\/\/[\w.]+:(\d+)\n/.exec(said)?.[1];
        if (port !== undefined) resolve(port);
      });
    }
    server.on("error", reject);
    server.on("close", () => reject(new Error(`The server ended before it listened: ${said}`)));
  });
}
