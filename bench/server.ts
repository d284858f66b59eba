/** Starts what listens, on a core of its own: a server under test, or the server that floods clients; waits for its port. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pinned } from "./load.ts";
import type { RuntimeName } from "./peers.ts";

export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Asks it to leave, waits until it has, and hands back what it said after its first line. */
  stop(): Promise<string>;
}

/** How each runtime is called: from `.tools/` when it is there, else from the PATH. */
const COMMANDS: Record<RuntimeName, (profileTo?: string) => string[]> = {
  node: (to) => [process.execPath, ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : [])],
  deno: (to) => [tool("deno"), "run", "-A", "--quiet", ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : [])],
  bun: (to) => [tool("bun"), ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : []), "run"],
};

/** What the measured processes run with. */
export const PRODUCTION: NodeJS.ProcessEnv = { ...process.env, NODE_ENV: "production" };

function tool(name: string): string {
  const path = fileURLToPath(new URL(`../.tools/node_modules/.bin/${name}`, import.meta.url));
  return existsSync(path) ? path : name;
}

/** The command line that runs `script` on `runtime`. */
export function commandOf(runtime: RuntimeName, script: string, profileTo?: string): string[] {
  return [...COMMANDS[runtime](profileTo), script];
}

/** Starts `command`, which `name` stands for in errors. Rejects when it ends before it told its port. */
export async function startServer(
  name: string,
  command: readonly string[],
  core: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const [file, ...args] = [...pinned(core), ...command];
  const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...PRODUCTION, ...env } });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const said: string[] = [];
  return {
    ...await address(child, name, said),
    stop() {
      child.stdin!.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      return ended.finally(() => clearTimeout(timer)).then(() => said.join("\n"));
    },
  };
}

/** The first line it prints: its port and its own process id, whatever wrappers stand between us. */
function address(child: ChildProcess, name: string, said: string[]): Promise<{ port: number; pid: number }> {
  const cannot = (cause?: Error) =>
    new Error(`Cannot measure "${name}": its server ended before it listened`, { cause });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(cannot(error))).once("close", () => reject(cannot()));
    createInterface(child.stdout!).on("line", (line) => {
      const [port, pid] = line.split(" ").map(Number);
      if (port && pid) resolve({ port, pid });
      else said.push(line);
    });
  });
}
