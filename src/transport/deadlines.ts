/**
 * Many deadlines on one coarse timer. Whoever has deadlines keeps them as numbers and is asked at each tick: moving
 * one costs an assignment, not a timer. Knows no reason why anything is late.
 */

import type { Cancel, Clock } from "./clock.ts";

/** Somebody with deadlines. */
export interface Watched {
  /** Acts on every deadline that is not later than `now`, whole milliseconds. Must not throw. */
  check(now: number): void;
}

/** The longest time between two looks: how late a long deadline may be noticed. */
const LONGEST_TICK_MS = 1_000;
/** A tenth of the shortest deadline is precise enough; below this a timer costs more than it tells. */
const SHORTEST_TICK_MS = 5;

export class Deadlines {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #tickMs = LONGEST_TICK_MS;
  #cancel: Cancel | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at `watched` until it is taken out, often enough for a deadline of `shortestMs`. */
  add(watched: Watched, shortestMs: number): void {
    this.#watched.add(watched);
    const tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, shortestMs / 10));
    if (this.#cancel !== undefined && tickMs >= this.#tickMs) return;
    this.#tickMs = Math.min(this.#tickMs, tickMs);
    this.#cancel?.();
    this.#arm();
  }

  /** Harmless when it was never added. */
  delete(watched: Watched): void {
    if (!this.#watched.delete(watched) || this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#tickMs = LONGEST_TICK_MS;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#tickMs, () => {
      this.#cancel = undefined;
      // Engines keep a whole number in the object itself, and any other in one of its own.
      const now = Math.floor(this.#clock.now());
      for (const watched of this.#watched) watched.check(now);
      if (this.#watched.size > 0 && this.#cancel === undefined) this.#arm();
    });
  }
}
