/** A program in a process of its own, with a test at its standard input and output. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";

import { ROOT } from "../../scripts/command.ts";

/** The longest it may run, in seconds. */
const TIMEOUT = 25;

export class PipedProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  #isRunning = true;
  #output = "";
  #onOutput: () => void = () => {};
  /** How it ended: its exit code, or the signal that killed it. */
  readonly ended: Promise<number | string | null>;

  /** Starts `command` in the root of the repository. */
  constructor([file, ...args]: readonly [file: string, ...args: string[]], env: Readonly<Record<string, string>>) {
    const child = spawn(file, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: "pipe",
    });
    this.#child = child;
    child.stdin.on("error", () => {}); // It may have ended.
    for (const pipe of [child.stdout, child.stderr]) {
      pipe.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        this.#onOutput();
      });
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT * 1_000);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", () => this.#isRunning = false);
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        resolve(code ?? signal);
        this.#onOutput();
      });
    });
  }

  /** All that it has written so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves once its whole lines fit `pattern`, with the match; rejects when it ends before. Called by one at a time. */
  wrote(pattern: RegExp): Promise<RegExpExecArray> {
    const fit = (): RegExpExecArray | null => pattern.exec(this.#output.replace(/[^\n]*$/, ""));
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = fit();
        if (found !== null) resolve(found);
      };
      this.#onOutput = look;
      look();
      void this.ended.then(() => fit() ?? reject(new Error(`It never wrote ${pattern}: ${this.#output}`)));
    });
  }

  /** Writes to its standard input. */
  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Ends its standard input. */
  end(): void {
    this.#child.stdin.end();
  }

  /** Sends a signal. Resolves with how it ended. */
  kill(signal: NodeJS.Signals): Promise<number | string | null> {
    // Not the child's own `kill`: Deno 2.9 says then that the signal ended it, whatever it did about it.
    if (this.#isRunning) process.kill(this.#child.pid!, signal);
    return this.ended;
  }
}
