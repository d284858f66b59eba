/** A bound on work that costs much (features A1): so many at once, so many that wait, and 503 for who comes then. */

import { UpgradeError } from "../errors.ts";

interface Waiting {
  readonly start: () => void;
}

export class Turnstile {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  #running = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();

  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Does `work` when it is its turn. What has begun is not interrupted, and counts until it is done.
   *
   * Rejects with an `UpgradeError` of 503 when too many wait already, and with the signal's reason when it aborts before
   * the work has begun.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#atOnce) this.#running++;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // Whoever is next takes this place over.
      if (next === undefined) this.#running--;
      else next.start();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) {
      throw new UpgradeError(503, "Too many clients log in at the moment", { "retry-after": "1" });
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener("abort", left);
        this.#waiting.delete(waiting);
      };
      const left = (): void => {
        leave();
        reject(signal.reason);
      };
      const waiting = {
        start: () => {
          leave();
          resolve();
        },
      };
      signal.addEventListener("abort", left);
      this.#waiting.add(waiting);
    });
  }
}
