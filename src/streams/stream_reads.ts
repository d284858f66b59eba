/**
 * Reading message after message as a stream of its parts (features F3), beside the reads of whole ones: a message goes to
 * whoever reads when it begins, and when nobody does, to whoever reads next.
 */

import { byteSize } from "../bytes.ts";
import type { Cancel } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Inbox, MessageTaker } from "./inbox.ts";
import { IncomingMessage, type MessageStream, tooLarge, type WholeLimits } from "./incoming_message.ts";
import type { MessageEndpoint } from "./message_endpoint.ts";
import { PartedMessages, type PartsReader } from "./parted_messages.ts";
import { type ReadOptions, readTimedOut } from "./pending_nexts.ts";

interface PendingStream {
  readonly resolve: (stream: MessageStream) => void;
  readonly reject: (reason: unknown) => void;
  readonly cancelTimeout: Cancel | undefined;
}

export class StreamReads implements MessageTaker, PartsReader {
  readonly #endpoint: MessageEndpoint;
  readonly #inbox: Inbox;
  readonly #limits: WholeLimits;
  readonly #options: ReadOptions;
  readonly #parted: PartedMessages;
  /** Somebody waits for a stream, or has one that is not over; no one else reads meanwhile. */
  #pending: PendingStream | undefined;
  #isReading = false;

  constructor(endpoint: MessageEndpoint, inbox: Inbox, limits: WholeLimits, options: ReadOptions) {
    this.#endpoint = endpoint;
    this.#inbox = inbox;
    this.#limits = limits;
    this.#options = options;
    this.#parted = new PartedMessages(endpoint, this);
    inbox.beforeRead = () => this.#beforeRead();
  }

  /**
   * Reads the next message. Rejects with a `ConnectionClosureError` after the last one, with a `ReadTimedOutError` when none
   * began in time, with a `TypeError` while somebody else reads, and while the last stream is not read to its end.
   */
  read(): Promise<MessageStream> {
    return new Promise((resolve, reject) => {
      if (this.#pending !== undefined || this.#isReading) {
        throw new TypeError(
          "Cannot read a message as a stream: the one before is neither read to its end nor cancelled",
        );
      }
      this.#inbox.lock(this, "a message stream");
      this.#isReading = true;
      const message = this.#inbox.next();
      const incoming = message === undefined ? this.#parted.take() : IncomingMessage.of(message, this.#endpoint);
      if (incoming !== undefined) return resolve(this.#streamOf(incoming));
      this.#isReading = false;
      if (this.#inbox.isOver) {
        this.#inbox.unlock(this);
        return reject(this.#failure());
      }
      this.#pending = { resolve, reject, cancelTimeout: this.#startTimeout() };
    });
  }

  /** From the endpoint. */
  part(part: Message, fin: boolean): void {
    this.#parted.part(part, fin);
  }

  /** The connection has ended, or will bring no other part. */
  cut(error: Error): void {
    this.#parted.cut(error);
  }

  begun(): void {
    // Behind a message that was dropped nothing is delivered, though somebody may wait again.
    if (this.#endpoint.overflowed) return;
    if (this.#pending !== undefined) this.#deliver(this.#parted.take()!);
    else if (this.#inbox.locked && !this.#isReading && this.#endpoint.queue.length === 0) this.#collect();
  }

  whole(message: Message): void {
    this.#inbox.message(message);
  }

  take(message: Message): boolean {
    if (this.#pending === undefined) return false;
    this.#deliver(IncomingMessage.of(message, this.#endpoint));
    return true;
  }

  ended(): void {
    // One that is being read has been told by `cut`.
    if (this.#pending !== undefined) this.#giveUp(this.#failure());
  }

  /** Somebody looks for a whole message: one that waits is put together, and one that is too large refused. */
  #beforeRead(): void {
    if (this.#isReading) return;
    const first = this.#endpoint.queue.peek();
    if (first === undefined) return this.#collect();
    const { maxMessageSize } = this.#limits;
    if (first.length * 3 <= maxMessageSize || byteSize(first) <= maxMessageSize) return;
    this.#parted.waiting?.drop();
    this.#endpoint.refuse(tooLarge(byteSize(first), maxMessageSize));
  }

  #collect(): void {
    this.#parted.waiting?.collect(this.#limits);
  }

  #streamOf(incoming: IncomingMessage): MessageStream {
    this.#isReading = true;
    incoming.onOver = () => {
      this.#isReading = false;
      this.#inbox.unlock(this);
    };
    return incoming.stream();
  }

  #deliver(incoming: IncomingMessage): void {
    const { resolve, cancelTimeout } = this.#pending!;
    this.#pending = undefined;
    cancelTimeout?.();
    resolve(this.#streamOf(incoming));
  }

  #giveUp(reason: unknown): void {
    const { reject, cancelTimeout } = this.#pending!;
    this.#pending = undefined;
    cancelTimeout?.();
    this.#inbox.unlock(this);
    reject(reason);
  }

  #startTimeout(): Cancel | undefined {
    const { clock, readMs } = this.#options;
    return readMs === Infinity ? undefined : clock.after(readMs, () => this.#giveUp(readTimedOut(readMs)));
  }

  #failure(): Error {
    return this.#inbox.closedError("Cannot read a message");
  }
}
