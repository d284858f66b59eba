/** How many of something may come within a second. Reads the clock once for as many as that, not for each. */

import type { Clock } from "./clock.ts";

const SECOND_MS = 1_000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #since: number;
  #count = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Counts `more`; true when there have been more than `perSecond`, inclusive, within a second. */
  exceeded(more = 1): boolean {
    this.#count += more;
    if (this.#count <= this.#perSecond) return false;
    const now = this.#clock.now();
    if (now - this.#since < SECOND_MS) return true;
    this.#since = now;
    this.#count = more;
    return more > this.#perSecond;
  }
}
