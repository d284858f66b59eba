/** A program of the system that runs in the foreground until it is told to end, or until we are gone. */

import { spawn } from "node:child_process";

export interface Daemon {
  /** What it said that made it ready. */
  readonly ready: string;
  /** Ends it. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** The program takes the shell's place; behind it waits one who ends it when our end of the pipe is gone. */
const UNTIL_WE_ARE_GONE = `exec 3<&0; (cat <&3 >/dev/null; kill -TERM $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`;

/** Starts `command`. Resolves once it wrote what `ready` fits; rejects with its output when it ends before. */
export function startDaemon(command: string, args: readonly string[], ready: RegExp): Promise<Daemon> {
  const child = spawn("sh", ["-c", UNTIL_WE_ARE_GONE, "sh", command, ...args], { stdio: "pipe" });
  child.stdin.on("error", () => {});
  const gone = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await gone;
    child.stdin.end();
  };
  return new Promise((resolve, reject) => {
    let output = "";
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = ready.exec(output);
        if (found !== null) resolve({ ready: found[1] ?? found[0], stop });
      });
    }
    child.on("error", reject);
    void gone.then(() => {
      child.stdin.end();
      reject(new Error(`${command} ended before it was ready: ${output}`));
    });
  });
}
