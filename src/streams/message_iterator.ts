/**
 * `for await` over the messages of an inbox (features C2). A hot path: one promise for a message, no closure, no timer
 * unless there is a time limit.
 */

import type { Message } from "../transport/message_socket.ts";
import type { Inbox, MessageTaker } from "./inbox.ts";
import { END, type Next, PendingNexts, type ReadOptions, readTimedOut } from "./pending_nexts.ts";

export class MessageIterator implements AsyncIterableIterator<Message, undefined, void>, AsyncDisposable, MessageTaker {
  readonly #inbox: Inbox;
  readonly #leave: () => void;
  readonly #nexts: PendingNexts<Message>;
  #done = false;

  /**
   * @param leave called when the loop is left early
   * @throws {TypeError} when somebody reads already
   */
  constructor(inbox: Inbox, options: ReadOptions, leave: () => void) {
    inbox.lock(this, "an iterator");
    this.#inbox = inbox;
    this.#leave = leave;
    this.#nexts = new PendingNexts(options, () => this.#finish(Promise.reject(readTimedOut(options.readMs))));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Resolves with the next message, at the clean end with `done`; rejects once at any other end, or when time is up. */
  next(): Promise<Next<Message>> {
    if (this.#done) return Promise.resolve(END);
    if (this.#nexts.length === 0) {
      const message = this.#inbox.next();
      if (message !== undefined) return Promise.resolve({ value: message, done: false });
      if (this.#inbox.isOver) {
        this.#finish(END);
        return Promise.resolve(this.#outcome());
      }
    }
    return this.#nexts.add();
  }

  /** Leaves the loop. Resolves at once: the closing handshake goes on by itself. */
  return(): Promise<Next<Message>> {
    if (!this.#done) {
      this.#finish(END);
      this.#leave();
    }
    return Promise.resolve(END);
  }

  /** Reads no further, and lets somebody else: the connection lives on. */
  release(): void {
    if (!this.#done) this.#finish(END);
  }

  /** As `return`: what `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  take(message: Message): boolean {
    const settle = this.#nexts.shift();
    if (settle === undefined) return false;
    settle({ value: message, done: false });
    return true;
  }

  ended(): void {
    // Who does not wait hears of it from `next`, after the messages that are left.
    if (this.#nexts.length > 0) this.#finish(this.#outcome());
  }

  #outcome(): Next<Message> | Promise<Next<Message>> {
    const failure = this.#inbox.failure("Cannot read further");
    return failure === undefined ? END : Promise.reject(failure);
  }

  /** Settles the oldest `next` with `first` and the others with the end, and lets somebody else read. */
  #finish(first: Next<Message> | Promise<Next<Message>>): void {
    this.#done = true;
    this.#inbox.unlock(this);
    this.#nexts.end(first);
  }
}
