/**
 * `for await` over the messages of an inbox (features C2). A hot path: one promise for a message, no closure, no timer
 * unless there is a time limit.
 */

import { ReadTimedOutError } from "../errors.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Inbox, MessageTaker } from "./inbox.ts";
import { Ring } from "./ring.ts";

/** How long a read may wait. */
export interface ReadOptions {
  readonly clock: Clock;
  /** Milliseconds until a read gives up, Infinity for never. */
  readonly readMs: number;
}

type Result = IteratorResult<Message, undefined>;

const END: Result = { value: undefined, done: true };

export class MessageIterator implements AsyncIterableIterator<Message, undefined, void>, AsyncDisposable, MessageTaker {
  readonly #inbox: Inbox;
  readonly #options: ReadOptions;
  readonly #leave: () => void;
  /** `next` calls that wait, the oldest first. */
  readonly #waiting = new Ring<(result: Result | Promise<Result>) => void>();
  readonly #wait = (resolve: (result: Result | Promise<Result>) => void): void => this.#waiting.push(resolve);
  #cancelTimeout: Cancel | undefined;
  #done = false;

  /**
   * @param leave called when the loop is left early
   * @throws {TypeError} when somebody reads already
   */
  constructor(inbox: Inbox, options: ReadOptions, leave: () => void) {
    inbox.lock(this, "an iterator");
    this.#inbox = inbox;
    this.#options = options;
    this.#leave = leave;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves with the next message, at the clean end with `done`; rejects once at any other end, or when time is up. */
  next(): Promise<Result> {
    if (this.#done) return Promise.resolve(END);
    if (this.#waiting.length === 0) {
      const message = this.#inbox.next();
      if (message !== undefined) return Promise.resolve({ value: message, done: false });
      if (this.#inbox.isOver) {
        this.#finish(END);
        return Promise.resolve(this.#outcome());
      }
    }
    const result = new Promise<Result>(this.#wait);
    if (this.#options.readMs < Infinity && this.#cancelTimeout === undefined) this.#arm();
    return result;
  }

  /** Leaves the loop. Resolves at once: the closing handshake goes on by itself. */
  return(): Promise<Result> {
    if (!this.#done) {
      this.#finish(END);
      this.#leave();
    }
    return Promise.resolve(END);
  }

  /** As `return`: what `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  take(message: Message): boolean {
    const resolve = this.#waiting.shift();
    if (resolve === undefined) return false;
    resolve({ value: message, done: false });
    if (this.#cancelTimeout !== undefined) this.#arm();
    return true;
  }

  ended(): void {
    // Who does not wait hears of it from `next`, after the messages that are left.
    if (this.#waiting.length > 0) this.#finish(this.#outcome());
  }

  #outcome(): Result | Promise<Result> {
    const failure = this.#inbox.failure("Cannot read further");
    return failure === undefined ? END : Promise.reject(failure);
  }

  /** Settles the oldest `next` with `first` and the others with the end, and lets somebody else read. */
  #finish(first: Result | Promise<Result>): void {
    this.#done = true;
    this.#inbox.unlock(this);
    this.#disarm();
    this.#waiting.shift()?.(first);
    for (let resolve = this.#waiting.shift(); resolve; resolve = this.#waiting.shift()) resolve(END);
  }

  /** The time limit of the oldest `next`: one timer serves all, because a message that came starts it anew. */
  #arm(): void {
    this.#disarm();
    if (this.#waiting.length === 0) return;
    const { clock, readMs } = this.#options;
    this.#cancelTimeout = clock.after(readMs, () => this.#finish(Promise.reject(readTimedOut(readMs))));
  }

  #disarm(): void {
    this.#cancelTimeout?.();
    this.#cancelTimeout = undefined;
  }
}

/** The error of a read that waited for `readMs` in vain. */
export function readTimedOut(readMs: number): ReadTimedOutError {
  return new ReadTimedOutError(`Cannot read a message: none came within ${readMs / 1_000} s`);
}
