/** A client's runtime whose attempts to connect a test answers, each with a fake socket or a failure, on a manual clock. */

import { clientRuntime } from "../../src/client/connect.ts";
import type { ClientRuntime, Opened } from "../../src/client/connector.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import { FakeSocket } from "./fake_socket.ts";
import type { ManualClock } from "./manual_clock.ts";
import { ScriptedServer } from "./scripted_server.ts";

export interface Attempt {
  readonly signal: AbortSignal;
  open(socket?: FakeSocket): Promise<FakeSocket>;
  fail(error: unknown): Promise<void>;
}

export class Attempts {
  readonly clock: ManualClock;
  readonly reported: unknown[];
  /** Every attempt so far, the oldest first. */
  readonly all: Attempt[] = [];
  /** What is drawn for jitter. */
  random: number[] = [0xff, 0xff, 0xff, 0xff];
  readonly runtime: ClientRuntime;

  constructor() {
    const { clock, reported, runtime } = new ScriptedServer();
    this.clock = clock;
    this.reported = reported;
    const fillRandom: Runtime["fillRandom"] = (bytes) => bytes.set(this.random.slice(0, bytes.length));
    const real = clientRuntime({ ...runtime, fillRandom });
    this.runtime = {
      ...real,
      plan: (url, config) => ({ ...real.plan(url, config), connect: (signal) => this.#connect(signal) }),
    };
  }

  /** The last one. */
  get last(): Attempt {
    return this.all.at(-1)!;
  }

  #connect(signal: AbortSignal): Promise<Opened> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      this.all.push({
        signal,
        open: async (socket = new FakeSocket()) => {
          const headers = new Headers({ "x-attempt": `${this.all.length}` });
          resolve({ socket, response: { status: 101, url: "ws://example.test/", headers } });
          await this.clock.settle();
          return socket;
        },
        fail: async (error) => {
          reject(error);
          await this.clock.settle();
        },
      });
    });
  }
}
