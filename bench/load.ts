/** The load generator: compiled when needed, run against a server's port, its one line of JSON read. */

import { execFile, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCE = fileURLToPath(new URL("wsload.c", import.meta.url));
const BINARY = fileURLToPath(new URL("wsload", import.meta.url));

/** The load generator is also the server that floods clients: `FLOODER flood 0 …`. */
export const FLOODER: string = BINARY;

/** What a process opens besides its connections, with room. */
const OTHER_FILES = 200;

/** What one run told. Counts per second; which are there depends on the job. "Server" is what was measured, also a client. */
export interface Load {
  readonly opened: number;
  readonly errors: number;
  readonly seconds: number;
  readonly server_cpu_s: number;
  /** Bytes of resident memory. */
  readonly server_grown: number;
  readonly msgs_per_s?: number;
  readonly msgs_per_cpu_s?: number;
  readonly handshakes_per_s?: number;
  readonly handshakes_per_cpu_s?: number;
  readonly bytes_per_connection?: number;
  readonly p50_us?: number;
  readonly p99_us?: number;
  /** The share of the time in which the server that flooded a client ran. */
  readonly load_share?: number;
}

let canPin: boolean | undefined;

/** The words before a command that keep it on core `core`; none where that cannot be done. */
export function pinned(core: number): string[] {
  canPin ??= availableParallelism() > 1 && spawnSync("taskset", ["-c", `${core}`, "true"]).status === 0;
  return canPin ? ["taskset", "-c", `${core}`] : [];
}

/** Compiles the load generator when it is missing or older than its source. */
export function compileLoad(): void {
  if (modified(BINARY) >= modified(SOURCE)) return;
  const compiler = process.env.CC ?? "cc";
  const { error, status, stderr } = spawnSync(compiler, ["-O2", "-o", BINARY, SOURCE], { encoding: "utf8" });
  if (error) {
    throw new Error(
      `Cannot compile bench/wsload.c: there is no C compiler "${compiler}"; install one (Debian: apt-get install gcc libc6-dev) or name one in CC`,
      { cause: error },
    );
  }
  if (status !== 0) throw new Error(`Cannot compile bench/wsload.c: ${stderr}`);
}

/** Throws when a process may not open so many connections here. The measured ones inherit our limit. */
export function checkOpenFiles(row: string, connections: number): void {
  const { stdout } = spawnSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" });
  const limit = Number(stdout);
  if (!Number.isFinite(limit) || limit >= connections + OTHER_FILES) return;
  const need = `a process may open ${limit} files here and needs ${connections + OTHER_FILES}`;
  throw new Error(`Cannot run "${row}": ${need}; raise it (ulimit -n) or choose other rows with --rows`);
}

/** Runs the load generator to its end. */
export async function load(job: string, port: number, args: readonly string[], core: number): Promise<Load> {
  const command = [...pinned(core), BINARY, job, `${port}`, ...args];
  try {
    const { stdout } = await promisify(execFile)(command[0]!, command.slice(1));
    return JSON.parse(stdout);
  } catch (error) {
    // It ends with 1 when there were errors, which its line counts.
    const { stdout } = error as { stdout?: string };
    if (stdout) return JSON.parse(stdout);
    throw error;
  }
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1;
}
