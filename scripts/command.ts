/** Runs a command to its end, from the root of the repository, with nothing on its standard input. */

import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The root of the repository, with its slash. */
export const ROOT = fileURLToPath(new URL("../", import.meta.url));

export interface CommandOptions {
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The output goes straight to ours, and `output` stays empty. */
  readonly stream?: boolean;
  /** Killed after this many seconds. Of one whose output is ours it is said first what it was doing. */
  readonly timeout?: number;
}

export interface Finished {
  readonly ok: boolean;
  /** Both outputs, in the order in which they came. */
  readonly output: string;
  /** Why it is not `ok`, as a phrase. */
  readonly failure: string;
}

/** Resolves with how it ended, also when it cannot be started. */
export function runCommand(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const { env, stream = false, timeout = 600 } = options;
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(file, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", stream ? "inherit" : "pipe", stream ? "inherit" : "pipe"],
    });
    // Not spawn's own `timeout`: it keeps us alive that long when the command could not be started.
    const timer = setTimeout(() => {
      if (stream) console.log(familyOf(child.pid));
      child.kill("SIGKILL");
    }, timeout * 1000);
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.setEncoding("utf8").on("data", (text: string) => output += text);
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ ok: false, output, failure: `cannot start: ${error.message}` });
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const failure = signal === null ? `exit code ${code}` : `killed by ${signal} (${timeout} s is the most)`;
      resolve({ ok: code === 0, output, failure });
    });
  });
}

/** A process and those it has started, as `ps` shows them: which of them stands still, and what it waits for. */
export function familyOf(pid: number | undefined): string {
  const { stdout } = spawnSync("ps", ["-e", "-o", "pid=,ppid=,stat=,time=,wchan:24=,args="], { encoding: "utf8" });
  const processes = (stdout ?? "").split("\n").map((line) => [...line.trim().split(/\s+/, 2), line]);
  const family = new Set([`${pid}`]);
  // A set hands on what is added while it is gone through.
  for (const one of family) {
    for (const [own = "", parent] of processes) if (parent === one) family.add(own);
  }
  return processes.filter(([own = ""]) => family.has(own)).map(([, , line = ""]) => line.slice(0, 160)).join("\n");
}
