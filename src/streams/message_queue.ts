/**
 * Messages that wait for a slow reader, up to a mark; past it the source is to pause (features F1). Counts them and their
 * size, over all queues of one source. Knows no socket.
 */

import type { BufferBudget, Share } from "../transport/buffer_budget.ts";
import type { Message } from "../transport/message_socket.ts";
import { Ring } from "./ring.ts";

/** The option `readAhead`: how much may wait for a slow reader before the peer is held back. Both count. */
export interface ReadAhead {
  /** Messages, 1 or more. Default 1 024. */
  readonly messages: number;
  /** Bytes of the binary and characters of the text ones, 1 or more. Default 1 048 576. */
  readonly bytes: number;
}

export class MessageQueue {
  readonly #readAhead: ReadAhead;
  /** The queue that counts: this one, or the one that this was put beside. */
  readonly #first: MessageQueue;
  readonly #ring = new Ring<Message>();
  #bytes = 0;
  /** What waits in this queue and in all that were put beside it. */
  #allMessages = 0;
  #allBytes = 0;
  readonly #share: Share | undefined;

  /**
   * @param beside another queue of the same source: what waits in the two counts together, for both
   * @param buffers where it counts with the queues of other sources, too
   */
  constructor(readAhead: ReadAhead, beside?: MessageQueue, buffers?: BufferBudget) {
    this.#readAhead = readAhead;
    this.#first = beside === undefined ? this : beside.#first;
    this.#share = buffers?.share();
  }

  /** Another queue of the same source. */
  beside(): MessageQueue {
    return new MessageQueue(this.#readAhead, this);
  }

  /** How many messages wait in this queue. */
  get length(): number {
    return this.#ring.length;
  }

  /** The source should pause. */
  get full(): boolean {
    const { messages, bytes } = this.#readAhead;
    return this.#first.#allMessages >= messages || this.#first.#allBytes >= bytes || this.crowded;
  }

  /** So it should, because all sources together have too much. */
  get crowded(): boolean {
    return this.#first.#share?.isPassed() === true;
  }

  /** A paused source may go on: half of it is free, so that the two do not take turns at every message. */
  get low(): boolean {
    const { messages, bytes } = this.#readAhead;
    return this.#first.#allMessages * 2 <= messages && this.#first.#allBytes * 2 <= bytes && !this.crowded;
  }

  push(message: Message): void {
    this.#ring.push(message);
    this.#count(1, message.length);
  }

  /** The oldest one, which stays. */
  peek(): Message | undefined {
    return this.#ring.peek();
  }

  /** Takes the oldest one out. */
  shift(): Message | undefined {
    const message = this.#ring.shift();
    if (message !== undefined) this.#count(-1, -message.length);
    return message;
  }

  /** Counts `message`, which waits elsewhere, as if it waited here. */
  countIn(message: Message): void {
    this.#first.#countAll(1, message.length);
  }

  /** Counts it no more. */
  countOut(message: Message): void {
    this.#first.#countAll(-1, -message.length);
  }

  /** Nobody knows when the rest is taken out: it counts for no other source any more. */
  giveUp(): void {
    this.#share?.release();
  }

  /** Drops what waits here. What waits elsewhere has been counted out by then. */
  clear(): void {
    this.#count(-this.#ring.length, -this.#bytes);
    this.#ring.clear();
  }

  #count(messages: number, bytes: number): void {
    this.#bytes += bytes;
    this.#first.#countAll(messages, bytes);
  }

  #countAll(messages: number, bytes: number): void {
    this.#allMessages += messages;
    this.#allBytes += bytes;
    this.#share?.set(this.#allBytes);
  }
}
