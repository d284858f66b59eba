/** Starts a program in TypeScript in a process of its own, inside the runtime that runs the tests. */

import { spawn } from "node:child_process";
import process from "node:process";

import { type Finished, ROOT, runCommand } from "../../scripts/command.ts";

/** The longest a program may take, in seconds. */
const TIMEOUT = 45;

/** Runs `file` to its end, of at most `timeout` seconds. Resolves with how it ended. */
export function runProgram(
  file: string,
  env: Readonly<Record<string, string>> = {},
  timeout: number = TIMEOUT,
): Promise<Finished> {
  const [command, ...args] = starter(file);
  return runCommand(command, [...args, file], { timeout, env });
}

/** A program that listens, and goes on until it is stopped. */
export interface RunningServer {
  /** Where it listens: the first `ws:` URL it printed. */
  readonly url: URL;
  /** Ends it. Resolves when its process is gone. */
  stop(): Promise<void>;
  /** Stops its process where it is, connections and all: the system still takes connections and bytes for it. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
}

/** Starts `file` with `args`. Resolves once it printed where it listens; rejects with its output when it ends without that. */
export function startServer(
  file: string,
  env: Readonly<Record<string, string>> = {},
  ...args: string[]
): Promise<RunningServer> {
  const [command, ...options] = starter(file);
  const child = spawn(command, [...options, file, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: "pipe",
  });
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  return new Promise((resolve, reject) => {
    let output = "";
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT * 1000);
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const url = output.match(/\bws:\/\/[\w.:[\]]+/)?.[0];
        // Its line is complete: the port is all there.
        if (url !== undefined && output.slice(output.indexOf(url)).includes("\n")) {
          clearTimeout(timer);
          // Deno 2.9 takes a child for killed by whatever its own `kill` sends.
          const send = (signal: NodeJS.Signals) => (): void => void process.kill(child.pid!, signal);
          resolve({ url: new URL(url), stop, freeze: send("SIGSTOP"), thaw: send("SIGCONT") });
        }
      });
    }
    child.on("error", reject);
    void gone.then(() => {
      clearTimeout(timer);
      reject(new Error(`The server ended before it listened: ${output}`));
    });
  });
}

/** What starts a program in this runtime, and what stands before its `file`; one in TypeScript when it is not told. */
export function starter(file = ""): [command: string, ...args: string[]] {
  // With the packages of npm's folder, as the tests themselves; deno.json would have it fetch its own.
  if ("Deno" in globalThis) return [process.execPath, "run", "-A", "--node-modules-dir=manual"];
  if ("Bun" in globalThis) return [process.execPath];
  return file.endsWith(".mjs") ? [process.execPath] : [process.execPath, "--import", "tsx"];
}
