/**
 * Who tells a WHATWG `WebSocket` that was too full that it has room again: the platform has no event for it. One timer
 * looks at all of them, and only while there are some.
 */

import type { Cancel, Clock } from "../../transport/clock.ts";

/** Somebody with a full socket. */
export interface Full {
  /** True: there was room again, and it has been told. */
  drain(): boolean;
}

/** Milliseconds between two looks: the shortest that browsers keep to. */
const POLL_MS = 4;

export class DrainPoll {
  readonly #clock: Pick<Clock, "after">;
  readonly #full = new Set<Full>();
  #cancel: Cancel | undefined;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  add(full: Full): void {
    this.#full.add(full);
    this.#cancel ??= this.#clock.after(POLL_MS, this.#look);
  }

  /** Harmless when it was never added. */
  delete(full: Full): void {
    this.#full.delete(full);
    if (this.#full.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #look = (): void => {
    this.#cancel = undefined;
    for (const full of [...this.#full]) {
      // Who is told may be full again at once: then it is added by itself.
      if (this.#full.delete(full) && !full.drain()) this.#full.add(full);
    }
    if (this.#full.size > 0) this.#cancel ??= this.#clock.after(POLL_MS, this.#look);
  };
}
