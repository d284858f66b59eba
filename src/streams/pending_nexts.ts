/**
 * The calls of an async iterator's `next` that wait, the oldest first, and their common time limit. A hot path: one
 * promise for an item, no closure, no timer unless there is a limit. Knows nothing of where items come from.
 */

import { ReadTimedOutError } from "../errors.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import { Ring } from "./ring.ts";

/** How long a read may wait. */
export interface ReadOptions {
  readonly clock: Clock;
  /** Milliseconds until a read gives up, Infinity for never. */
  readonly readMs: number;
}

/** What `next` resolves with. */
export type Next<Item> = IteratorResult<Item, undefined>;

/** What `next` resolves with at the end. */
export const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

type Settle<Item> = (result: Next<Item> | Promise<Next<Item>>) => void;

export class PendingNexts<Item> {
  readonly #options: ReadOptions;
  readonly #timedOut: () => void;
  readonly #ring = new Ring<Settle<Item>>();
  readonly #wait = (settle: Settle<Item>): void => this.#ring.push(settle);
  #cancelTimeout: Cancel | undefined;

  /** @param timedOut called when the oldest has waited for `readMs`; to `end` them is up to it */
  constructor(options: ReadOptions, timedOut: () => void) {
    this.#options = options;
    this.#timedOut = timedOut;
  }

  /** How many wait. */
  get length(): number {
    return this.#ring.length;
  }

  /** Waits in line. */
  add(): Promise<Next<Item>> {
    const result = new Promise<Next<Item>>(this.#wait);
    if (this.#options.readMs < Infinity && this.#cancelTimeout === undefined) this.#arm();
    return result;
  }

  /** Takes the oldest one out, to settle it. */
  shift(): Settle<Item> | undefined {
    const settle = this.#ring.shift();
    if (this.#cancelTimeout !== undefined) this.#arm();
    return settle;
  }

  /** Settles the oldest with `first`, and the others with the end. */
  end(first: Next<Item> | Promise<Next<Item>>): void {
    this.#disarm();
    this.#ring.shift()?.(first);
    for (let settle = this.#ring.shift(); settle; settle = this.#ring.shift()) settle(END);
  }

  /** The time limit of the oldest: one timer serves all, because an item that came starts it anew. */
  #arm(): void {
    this.#disarm();
    if (this.#ring.length > 0) this.#cancelTimeout = this.#options.clock.after(this.#options.readMs, this.#timedOut);
  }

  #disarm(): void {
    this.#cancelTimeout?.();
    this.#cancelTimeout = undefined;
  }
}

/** The error of a read that waited for `readMs` in vain. */
export function readTimedOut(readMs: number, action = "Cannot read a message"): ReadTimedOutError {
  return new ReadTimedOutError(`${action}: none came within ${readMs / 1_000} s`);
}
