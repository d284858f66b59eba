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
    for (const full of this.#full) {
      if (full.drain()) this.#full.delete(full);
    }
    this.#cancel = this.#full.size === 0 ? undefined : this.#clock.after(POLL_MS, this.#look);
  };
}
