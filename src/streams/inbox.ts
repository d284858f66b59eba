/**
 * What an endpoint received, and who reads it: one reader at a time (features C3), and the end only after the last
 * message (P5). Knows no kind of reader.
 */

import type { Closure, ConnectionClosureError } from "../errors.ts";
import type { Message } from "../transport/message_socket.ts";
import type { MessageEndpoint } from "./message_endpoint.ts";

/** Somebody who reads while it holds the inbox. Waits for a message only while none is in the inbox. */
export interface MessageTaker {
  /** Takes `message` if it waits for one; false: it does not, and the message is kept. */
  take(message: Message): boolean;
  /** The connection has ended. Messages may still be there. */
  ended(): void;
}

export class Inbox {
  /** Called when somebody looks whether there is a message. */
  beforeRead: (() => void) | undefined;
  readonly #endpoint: MessageEndpoint;
  #taker: MessageTaker | undefined;
  /** What the taker is, for a sentence. */
  #what = "";

  constructor(endpoint: MessageEndpoint) {
    this.#endpoint = endpoint;
  }

  /** From the endpoint. */
  message(message: Message): void {
    // Behind a message that was dropped nothing is delivered, though somebody may wait again.
    const isTaken = !this.#endpoint.overflowed && this.#taker?.take(message) === true;
    if (!isTaken) this.#endpoint.hold(message);
  }

  /** From the endpoint. */
  closed(): void {
    this.#taker?.ended();
  }

  /** Whether somebody reads. */
  get locked(): boolean {
    return this.#taker !== undefined;
  }

  /**
   * Makes `taker` the only reader until it unlocks. Again by the same one: nothing happens.
   * @throws {TypeError} when somebody else reads
   */
  lock(taker: MessageTaker, what: string): void {
    if (this.#taker !== undefined && this.#taker !== taker) {
      throw new TypeError(`Cannot read with ${what}: ${this.#what} is reading already`);
    }
    this.#taker = taker;
    this.#what = what;
  }

  /** Harmless when `taker` does not hold the lock. */
  unlock(taker: MessageTaker): void {
    if (this.#taker === taker) this.#taker = undefined;
  }

  /** The oldest message, which stays. */
  peek(): Message | undefined {
    this.beforeRead?.();
    return this.#endpoint.queue.peek();
  }

  /** Takes the oldest message out. */
  next(): Message | undefined {
    this.beforeRead?.();
    const message = this.#endpoint.queue.shift();
    if (message !== undefined) this.#endpoint.released();
    return message;
  }

  /** The connection has ended, and nothing is left to read. */
  get isOver(): boolean {
    return this.#endpoint.state === "closed" && this.#endpoint.queue.length === 0;
  }

  /** Once it is over: the error of a read that needs one message more, however it ended. */
  closedError(action: string): ConnectionClosureError {
    return this.#endpoint.closedError(action);
  }

  /** Once it is over: what tells a reader that this was not a clean end, or undefined. */
  failure(action: string): ConnectionClosureError | undefined {
    const { closure, overflowed } = this.#endpoint;
    return closure !== undefined && isCleanEnd(closure) && !overflowed ? undefined : this.closedError(action);
  }
}

/** Whether nothing can be missing: close frames went both ways, with 1000, 1001 or no code (features C2). */
export function isCleanEnd(closure: Closure): boolean {
  return closure.clean && (closure.code === 1000 || closure.code === 1001 || closure.code === 1005);
}
