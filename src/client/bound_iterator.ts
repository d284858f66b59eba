/**
 * `for await` over messages that are bound on the way (features B1, B3). Knows neither binder nor inbox.
 */

import type { MessageIterator } from "../streams/message_iterator.ts";
import type { Message } from "../transport/message_socket.ts";

export class BoundIterator<T> implements AsyncIterableIterator<T, undefined, void>, AsyncDisposable {
  readonly #messages: MessageIterator;
  readonly #bind: (message: Message) => T | Promise<T>;

  constructor(messages: MessageIterator, bind: (message: Message) => T | Promise<T>) {
    this.#messages = messages;
    this.#bind = bind;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Resolves and rejects as the messages' own `next` does. Rejects also when its message cannot be bound, and this is the
   * end of the iterator then, as a loop takes it to be: the message is consumed, and somebody else may read.
   */
  async next(): Promise<IteratorResult<T, undefined>> {
    const result = await this.#messages.next();
    if (result.done) return result;
    try {
      return { value: await this.#bind(result.value), done: false };
    } catch (error) {
      this.#messages.release();
      throw error;
    }
  }

  /** Leaves the loop, as the messages' own `return` does. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#messages.return();
    return { value: undefined, done: true };
  }

  /** As `return`: what `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
