/** A peer in a process of its own. It ends when its stdin does, which is when we stop it or are gone ourselves. */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { python } from "../../../scripts/system_packages.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));

/** A line of a peer: see peers/parrot.ts. */
interface Fact {
  readonly port?: number;
  readonly id?: number;
  readonly opened?: { readonly extensions: string };
  readonly closed?: PeerClosure;
}

/** How a connection ended, as the peer saw it. */
export interface PeerClosure {
  readonly code: number;
  readonly reason: string;
}

/** One connection, as the peer sees it. */
export interface PeerConnection {
  readonly extensions: string;
  readonly closed: Promise<PeerClosure>;
}

export class PeerProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #gone: Promise<void>;
  readonly #facts: Fact[] = [];
  /** Those who wait for a line. */
  #waiting: (() => void)[] = [];
  #isGone = false;
  #complaints = "";
  #lastId = 0;

  /** Starts a program of `peers/`: TypeScript in Node, whatever runtime runs the test, or Python. */
  constructor(file: string, ...args: string[]) {
    const [command, ...rest] = file.endsWith(".py") ? [python(), "-B", "-u"] : ["node", "--import", "tsx"];
    this.#child = spawn(command!, [...rest, PEERS + file, ...args], { cwd: ROOT, stdio: "pipe" });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => this.#complaints += text);
    createInterface(this.#child.stdout).on("line", (line) => {
      this.#facts.push(JSON.parse(line) as Fact);
      this.#heard();
    });
    this.#gone = new Promise((resolve) => {
      const gone = (why: string): void => {
        this.#isGone = true;
        this.#complaints += why;
        this.#heard();
        resolve();
      };
      this.#child.on("error", (error) => gone(`cannot start: ${error.message}`));
      this.#child.on("close", (code, signal) => gone(`ended with ${code ?? signal}`));
    });
  }

  /** Where it listens. */
  async port(): Promise<number> {
    return (await this.#fact((fact) => fact.port !== undefined)).port!;
  }

  /** Tells it something: of a client, the URL to go to. */
  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Its next connection, once it is open. */
  async nextConnection(): Promise<PeerConnection> {
    const { id, opened } = await this.#fact((fact) => fact.opened !== undefined && fact.id! > this.#lastId);
    this.#lastId = id!;
    const closed = this.#fact((fact) => fact.id === id && fact.closed !== undefined).then((fact) => fact.closed!);
    closed.catch(() => {});
    return { extensions: opened!.extensions, closed };
  }

  /** Ends it. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  /** The first line that `fits`, once it is there. */
  async #fact(fits: (fact: Fact) => boolean): Promise<Fact> {
    for (;;) {
      const fact = this.#facts.find(fits);
      if (fact !== undefined) return fact;
      if (this.#isGone) throw new Error(`The peer is gone: ${this.#complaints}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #heard(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
