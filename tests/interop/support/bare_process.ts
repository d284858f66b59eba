/**
 * A program with the environment that it is given and nothing else of ours, as a service manager starts it. Only PATH is
 * added, and, for a Node that does not strip types by itself, what does that here.
 */

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

/** The longest it may run, in seconds. */
const TIMEOUT = 25;

/** From this Node on a file in TypeScript is run as it is. */
const STRIPS_TYPES = [22, 18] as const;

export interface BareProcess {
  readonly pid: number;
  readonly output: string;
  /** Resolves once its output fits, with the match; rejects when it ends before. */
  wrote(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal to it, or to `target`. Resolves with how it ended: its exit code, or the signal that killed it. */
  kill(signal: NodeJS.Signals, target?: number): Promise<number | string | null>;
}

/** What makes our Node run TypeScript, where that is not Node's own doing. */
function typeStripping(): Record<string, string> {
  if ("Deno" in globalThis || "Bun" in globalThis) return {};
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > STRIPS_TYPES[0] || (major === STRIPS_TYPES[0] && minor >= STRIPS_TYPES[1])) return {};
  const tsx = createRequire(import.meta.url).resolve("tsx");
  return { NODE_OPTIONS: `--import=${pathToFileURL(tsx).href}` };
}

/** Starts `command` in `folder`, until the test is over at the latest. */
export function spawnPlainly(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  folder: string,
): BareProcess {
  const [file = "", ...args] = command;
  const env = { PATH: process.env["PATH"] ?? "", ...typeStripping(), ...environment };
  const child = spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let isRunning = true;
  let onOutput: () => void = () => {};
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT * 1_000);
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", () => isRunning = false);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    });
  });
  ended.catch(() => {}); // It is told to whoever waits.
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      onOutput();
    });
  }
  onTestFinished(() => void (isRunning && child.kill("SIGKILL")));
  return {
    pid: child.pid!,
    get output() {
      return output;
    },
    wrote: (pattern) =>
      new Promise((resolve, reject) => {
        const look = onOutput = () => {
          const found = pattern.exec(output.replace(/[^\n]*$/, ""));
          if (found !== null) resolve(found);
        };
        look();
        ended.then(() => reject(new Error(`It never wrote ${pattern}: ${output}`)), reject);
      }),
    kill(signal, target = child.pid!) {
      // Not the child's own `kill`: Deno 2.9 says then that the signal ended it, whatever it did about it.
      if (isRunning) process.kill(target, signal);
      return ended;
    },
  };
}
