/** Starts a built server on a runtime, on a core of its own, and waits for its port. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pinned } from "./load.ts";
import type { Job, Peer, RuntimeName } from "./rows.ts";

export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Asks it to leave, and waits until it has. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly peer: Peer;
  readonly script: string;
  readonly runtime: RuntimeName;
  readonly job: Job;
  readonly compressed: boolean;
  readonly core: number;
  /** A folder for a CPU profile. */
  readonly profileTo?: string;
}

/** How each runtime is called: from `.tools/` when it is there, else from the PATH. */
const COMMANDS: Record<RuntimeName, (profileTo?: string) => string[]> = {
  node: (to) => [process.execPath, ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : [])],
  deno: (to) => [tool("deno"), "run", "-A", "--quiet", ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : [])],
  bun: (to) => [tool("bun"), ...(to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : []), "run"],
};

function tool(name: string): string {
  const path = fileURLToPath(new URL(`../.tools/node_modules/.bin/${name}`, import.meta.url));
  return existsSync(path) ? path : name;
}

/** The command line that runs `script` on `runtime`. */
export function commandOf(runtime: RuntimeName, script: string, profileTo?: string): string[] {
  return [...COMMANDS[runtime](profileTo), script];
}

/** Starts the server. Rejects when it ends before it told its port. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { peer, script, runtime, job, compressed, core, profileTo } = options;
  const words = [job, ...(compressed ? ["compressed"] : [])];
  const [command, ...args] = [...pinned(core), ...commandOf(runtime, script, profileTo), ...words];
  const child = spawn(command!, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_ENV: "production", ...peer.env },
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    ...await address(child, peer.name),
    stop() {
      child.stdin!.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      return ended.finally(() => clearTimeout(timer));
    },
  };
}

/** The first line it prints: its port and its own process id, whatever wrappers stand between us. */
async function address(child: ChildProcess, name: string): Promise<{ port: number; pid: number }> {
  child.once("error", () => {});
  for await (const line of createInterface(child.stdout!)) {
    const [port, pid] = line.split(" ").map(Number);
    if (!port || !pid) continue;
    child.stdout!.resume();
    return { port, pid };
  }
  throw new Error(`Cannot measure "${name}": its server ended before it listened`);
}
