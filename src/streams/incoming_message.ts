/**
 * One message as a stream of its parts (features F3), read while it still comes: what is not read yet counts for
 * `readAhead`, so that a slow reader holds the peer back. Knows no socket, and not whose turn it is to read.
 */

import { byteSize, concatAll } from "../bytes.ts";
import { PayloadTooLargeError } from "../errors.ts";
import type { Message } from "../transport/message_socket.ts";
import type { MessageEndpoint } from "./message_endpoint.ts";
import { Ring } from "./ring.ts";

/** A text message as a stream of strings, none of which ends inside a character. */
export interface TextMessageStream extends ReadableStream<string> {
  /** Tells it from a binary message. */
  readonly kind: "text";
}

/** A binary message as a stream of bytes, the reader's from then on. */
export interface BinaryMessageStream extends ReadableStream<Uint8Array> {
  /** Tells it from a text message. */
  readonly kind: "binary";
}

/**
 * One message as a stream of its parts, as they came: where one ends and the next begins says nothing. It fails when the
 * connection ends before the message does; cancelling it drops the rest of the message, and nothing else.
 */
export type MessageStream = TextMessageStream | BinaryMessageStream;

/** The most that a message may come to for a reader of whole ones. */
export interface WholeLimits {
  /** Bytes of one message, inclusive. */
  readonly maxMessageSize: number;
}

/** A part costs about a hundred bytes besides its own: what is shorter than this, or as many as this, become one. */
const SHORT_PARTS = 1_024;
const MOST_SHORT_PARTS = 256;

/** What an incoming message needs of its endpoint. */
export type PartHolder = Pick<MessageEndpoint, "queue" | "holdElsewhere" | "released" | "closedError" | "refuse">;

// It says not that it implements `UnderlyingDefaultSource`: who compiles without the library `dom` lacks the name.
export class IncomingMessage {
  readonly kind: "text" | "binary";
  /** Called once nothing more is read of it. */
  onOver: (() => void) | undefined;
  /** What its reader is told instead of the end. */
  failure: Error | undefined;
  readonly #endpoint: PartHolder;
  /** What came and was not read, and whether it counts for `readAhead`. */
  readonly #parts = new Ring<Message>();
  #isCounted: boolean;
  /** It is put together for somebody who reads whole messages; how many bytes that are by now. */
  #limits: WholeLimits | undefined;
  #size = 0;
  /** Of those bytes, the last parts that were too short to be kept alone, and how long they are together. */
  #short: Message[] = [];
  #shortLength = 0;
  #hasEnded = false;
  #over = false;
  #controller: ReadableStreamDefaultController<Message> | undefined;
  /** Ends the pull that waits for a part. */
  #pulled: (() => void) | undefined;

  constructor(kind: "text" | "binary", endpoint: PartHolder, isCounted = true) {
    this.kind = kind;
    this.#endpoint = endpoint;
    this.#isCounted = isCounted;
  }

  /** One that has come whole, and is counted by nobody any more. */
  static of(message: Message, endpoint: PartHolder): IncomingMessage {
    const incoming = new IncomingMessage(kindOf(message), endpoint, false);
    incoming.push(message);
    incoming.end();
    return incoming;
  }

  /** Nothing more is read of it. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Its stream. To be called once. */
  stream(): MessageStream {
    if (this.#limits !== undefined) this.#countAgain();
    const stream = new ReadableStream<Message>(this, { highWaterMark: 0 });
    return Object.assign(stream, { kind: this.kind }) as MessageStream;
  }

  /** From now on it is put together, and is a message like others then: counts no more, within `limits`. */
  collect(limits: WholeLimits): void {
    if (this.#limits !== undefined || this.#over) return;
    this.#limits = limits;
    for (let left = this.#parts.length; left > 0; left--) {
      const part = this.#parts.shift()!;
      this.#gather(part);
      this.#release(part);
    }
    this.#isCounted = false;
    this.#checkLimits(limits);
  }

  /** Keeps `part` with those before it, however small the pieces are that the peer, or the network, makes of a message. */
  #gather(part: Message): void {
    this.#size += byteSize(part);
    this.#short.push(part);
    this.#shortLength += part.length;
    if (this.#shortLength >= SHORT_PARTS || this.#short.length >= MOST_SHORT_PARTS) this.#joinShort();
  }

  #joinShort(): void {
    const short = this.#short;
    if (short.length === 0) return;
    this.#parts.push(short.length === 1 ? short[0]! : this.#joined(short));
    this.#short = [];
    this.#shortLength = 0;
  }

  #joined(parts: Message[]): Message {
    return this.kind === "text" ? parts.join("") : concatAll(parts as Uint8Array[]);
  }

  /** Whoever it was put together for has left it to somebody who reads it in parts. */
  #countAgain(): void {
    this.#joinShort();
    this.#limits = undefined;
    this.#isCounted = true;
    for (let left = this.#parts.length; left > 0; left--) {
      const part = this.#parts.shift()!;
      if (this.#endpoint.holdElsewhere(part)) this.#parts.push(part);
      else this.fail(this.#endpoint.closedError("Cannot read further"));
    }
  }

  /** The next part. */
  push(part: Message): void {
    if (this.#over || part.length === 0) return;
    const pulled = this.#pulled;
    if (pulled !== undefined) {
      this.#pulled = undefined;
      this.#controller!.enqueue(part);
      return pulled();
    }
    if (this.#isCounted && !this.#endpoint.holdElsewhere(part)) {
      return this.fail(this.#endpoint.closedError("Cannot read further"));
    }
    if (this.#limits === undefined) return void this.#parts.push(part);
    this.#gather(part);
    this.#checkLimits(this.#limits);
  }

  /** That was the last one. */
  end(): void {
    this.#hasEnded = true;
    if (this.#controller !== undefined && this.#parts.length === 0) this.#finish();
  }

  /** There will be no other part, and the message is not whole. What came before can still be read. */
  fail(error: Error): void {
    if (this.#hasEnded) return;
    this.failure = error;
    this.end();
  }

  /** All of it, once it has ended and before its stream was made. */
  join(): Message {
    this.#joinShort();
    const parts: Message[] = [];
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      parts.push(part);
      this.#release(part);
    }
    this.#over = true;
    return this.#joined(parts);
  }

  /** Drops it, what came and what will come. Who still reads is told of `error`. */
  drop(error?: Error): void {
    if (this.#over) return;
    this.failure = error;
    this.#short = [];
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) this.#release(part);
    this.#finish();
  }

  start(controller: ReadableStreamDefaultController<Message>): void {
    this.#controller = controller;
    // An empty one ends before anybody reads.
    if (this.#hasEnded && this.#parts.length === 0) this.#finish();
  }

  pull(controller: ReadableStreamDefaultController<Message>): Promise<void> | undefined {
    const part = this.#parts.shift();
    if (part !== undefined) {
      controller.enqueue(part);
      this.#release(part);
    }
    // What was enqueued is with its reader already, because a pull comes from a read: an error cannot drop it.
    if (this.#hasEnded && this.#parts.length === 0) this.#finish();
    else if (part === undefined) return new Promise((resolve) => this.#pulled = resolve);
  }

  cancel(): void {
    // It is closed already.
    this.#controller = undefined;
    this.drop();
  }

  #release(part: Message): void {
    if (!this.#isCounted) return;
    this.#endpoint.queue.countOut(part);
    this.#endpoint.released(this.#endpoint.queue, false);
  }

  #checkLimits({ maxMessageSize }: WholeLimits): void {
    if (this.#size <= maxMessageSize) return;
    this.drop();
    this.#endpoint.refuse(tooLarge(this.#size, maxMessageSize));
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    const pulled = this.#pulled;
    this.#pulled = undefined;
    if (this.failure !== undefined) this.#controller?.error(this.failure);
    else if (this.#hasEnded) this.#controller?.close();
    pulled?.();
    this.onOver?.();
  }
}

/** Whether it is text. */
export function kindOf(message: Message): "text" | "binary" {
  return typeof message === "string" ? "text" : "binary";
}

/** The violation of a message that is too large for its reader. */
export function tooLarge(size: number, limit: number): PayloadTooLargeError {
  return new PayloadTooLargeError(`Message of ${size} bytes: ${limit} is the most`, size, limit);
}
