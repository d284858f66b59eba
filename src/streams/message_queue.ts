/**
 * Messages that wait for a slow reader, up to a mark; past it the source is to pause (features F1). A ring: neither end
 * moves the others. Knows no socket.
 */

import type { Message } from "../transport/message_socket.ts";

/** How much may wait before the source is paused. Both count. */
export interface ReadAhead {
  /** Messages, 1 or more. */
  readonly messages: number;
  /** Bytes of binary messages and characters of text, 1 or more. */
  readonly bytes: number;
}

export class MessageQueue {
  readonly #readAhead: ReadAhead;
  /** Its length is a power of two; absent until the first message waits, so that an idle connection has none. */
  #ring: (Message | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;

  constructor(readAhead: ReadAhead) {
    this.#readAhead = readAhead;
  }

  /** How many messages wait. */
  get length(): number {
    return this.#count;
  }

  /** The source should pause. */
  get full(): boolean {
    return this.#count >= this.#readAhead.messages || this.#bytes >= this.#readAhead.bytes;
  }

  /** A paused source may go on: half of it is free, so that the two do not take turns at every message. */
  get low(): boolean {
    return this.#count * 2 <= this.#readAhead.messages && this.#bytes * 2 <= this.#readAhead.bytes;
  }

  push(message: Message): void {
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#count) & (this.#ring.length - 1)] = message;
    this.#count++;
    this.#bytes += message.length;
  }

  /** The oldest one, which stays. */
  peek(): Message | undefined {
    return this.#count === 0 ? undefined : this.#ring[this.#head];
  }

  /** Takes the oldest one out. */
  shift(): Message | undefined {
    if (this.#count === 0) return undefined;
    const message = this.#ring[this.#head]!;
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#count--;
    this.#bytes -= message.length;
    return message;
  }

  clear(): void {
    this.#ring = [];
    this.#head = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const ring = new Array<Message | undefined>(Math.max(8, this.#ring.length * 2));
    for (let i = 0; i < this.#count; i++) ring[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)];
    this.#ring = ring;
    this.#head = 0;
  }
}
