/**
 * Messages that wait for a slow reader, up to a mark; past it the source is to pause (features F1). Counts them and their
 * size. Knows no socket.
 */

import type { Message } from "../transport/message_socket.ts";
import { Ring } from "./ring.ts";

/** How much may wait before the source is paused. Both count. */
export interface ReadAhead {
  /** Messages, 1 or more. */
  readonly messages: number;
  /** Bytes of binary messages and characters of text, 1 or more. */
  readonly bytes: number;
}

export class MessageQueue {
  readonly #readAhead: ReadAhead;
  readonly #ring = new Ring<Message>();
  /** Messages that were taken out, and wait elsewhere. */
  #elsewhere = 0;
  #bytes = 0;

  constructor(readAhead: ReadAhead) {
    this.#readAhead = readAhead;
  }

  /** How many messages wait. */
  get length(): number {
    return this.#ring.length;
  }

  /** The source should pause. */
  get full(): boolean {
    return this.#ring.length + this.#elsewhere >= this.#readAhead.messages || this.#bytes >= this.#readAhead.bytes;
  }

  /** A paused source may go on: half of it is free, so that the two do not take turns at every message. */
  get low(): boolean {
    return (this.#ring.length + this.#elsewhere) * 2 <= this.#readAhead.messages &&
      this.#bytes * 2 <= this.#readAhead.bytes;
  }

  push(message: Message): void {
    this.#ring.push(message);
    this.#bytes += message.length;
  }

  /** The oldest one, which stays. */
  peek(): Message | undefined {
    return this.#ring.peek();
  }

  /** Takes the oldest one out. */
  shift(): Message | undefined {
    const message = this.#ring.shift();
    if (message !== undefined) this.#bytes -= message.length;
    return message;
  }

  /** Counts `message`, which waits elsewhere, as if it waited here. */
  countIn(message: Message): void {
    this.#elsewhere++;
    this.#bytes += message.length;
  }

  /** Counts it no more. */
  countOut(message: Message): void {
    this.#elsewhere--;
    this.#bytes -= message.length;
  }

  /** Drops what waits here. What waits elsewhere has been counted out by then. */
  clear(): void {
    this.#ring.clear();
    this.#bytes = 0;
  }
}
