/**
 * A connection as a WHATWG pair of message streams (features C3), with the closing rules of WebSocketStream where they
 * apply: closing the writable and cancelling the readable close the connection, and its end ends both. Nothing is queued
 * here: `readAhead` bounds what waits to be read, bytes as well as messages.
 */

import { boundReason, isCloseCode } from "../close_code.ts";
import { ConnectionClosureError } from "../errors.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Inbox, MessageTaker } from "./inbox.ts";
import type { MessageEndpoint } from "./message_endpoint.ts";

/** What a client's `writable` takes: a string goes as text; an `ArrayBuffer`, or any view of one, as binary. */
export type WritableMessage = string | ArrayBuffer | ArrayBufferView;

/** Close codes of an end without one of its own: we have read enough; what we wrote is not all there was to write. */
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;

/**
 * The messages of `inbox`, which it holds until the stream ends.
 * @throws {TypeError} when somebody reads already
 */
export function messageReadable(inbox: Inbox, endpoint: MessageEndpoint): ReadableStream<Message> {
  const source = new MessageSource(inbox, endpoint);
  inbox.lock(source, "the readable stream");
  return new ReadableStream<Message>(source, { highWaterMark: 0 });
}

/** Writes to `endpoint` with `write`, which keeps the peer's pace. */
export function messageWritable(
  inbox: Inbox,
  endpoint: MessageEndpoint,
  write: (message: Message) => Promise<void>,
): WritableStream<WritableMessage> {
  return new WritableStream<WritableMessage>(new MessageDestination(inbox, endpoint, write));
}

class MessageSource implements MessageTaker, UnderlyingDefaultSource<Message> {
  readonly #inbox: Inbox;
  readonly #endpoint: MessageEndpoint;
  #controller: ReadableStreamDefaultController<Message> | undefined;
  /** Ends the pull that waits for a message. */
  #pulled: (() => void) | undefined;

  constructor(inbox: Inbox, endpoint: MessageEndpoint) {
    this.#inbox = inbox;
    this.#endpoint = endpoint;
  }

  start(controller: ReadableStreamDefaultController<Message>): void {
    this.#controller = controller;
    if (this.#inbox.isOver) this.#finish();
  }

  pull(controller: ReadableStreamDefaultController<Message>): Promise<void> | undefined {
    const message = this.#inbox.next();
    if (message === undefined) return new Promise((resolve) => this.#pulled = resolve);
    controller.enqueue(message);
    if (this.#inbox.isOver) this.#finish();
  }

  take(message: Message): boolean {
    const pulled = this.#pulled;
    if (pulled === undefined) return false;
    this.#pulled = undefined;
    this.#controller!.enqueue(message);
    pulled();
    return true;
  }

  ended(): void {
    if (this.#inbox.isOver) this.#finish();
  }

  cancel(reason: unknown): void {
    this.#inbox.unlock(this);
    this.#pulled?.();
    closeWith(this.#endpoint, reason, NORMAL);
  }

  /** What was enqueued is with its reader already, because a pull comes from a read: an error cannot drop it. */
  #finish(): void {
    this.#inbox.unlock(this);
    const failure = this.#inbox.failure("Cannot read further");
    if (failure === undefined) this.#controller!.close();
    else this.#controller!.error(failure);
    this.#pulled?.();
  }
}

class MessageDestination implements UnderlyingSink<WritableMessage> {
  readonly #inbox: Inbox;
  readonly #endpoint: MessageEndpoint;
  readonly #write: (message: Message) => Promise<void>;

  constructor(inbox: Inbox, endpoint: MessageEndpoint, write: (message: Message) => Promise<void>) {
    this.#inbox = inbox;
    this.#endpoint = endpoint;
    this.#write = write;
  }

  start(controller: WritableStreamDefaultController): void {
    // A write that waits for a slow peer would hold `abort` up: the stream calls it only afterwards.
    controller.signal.addEventListener("abort", () => this.abort(controller.signal.reason));
    this.#endpoint.whenClosed().then(() => {
      // Without effect once the stream is closed, or closing.
      controller.error(this.#endpoint.closedError("Cannot write a message"));
    });
  }

  write(chunk: WritableMessage): Promise<void> {
    return this.#write(toMessage(chunk));
  }

  /** Resolves after the closing handshake: everything written was taken. While somebody reads, no message is dropped. */
  async close(): Promise<void> {
    const overflow = this.#inbox.locked ? "wait" : "drop";
    const closure = await this.#endpoint.close(NORMAL, "", undefined, overflow);
    if (!closure.clean) throw new ConnectionClosureError("Cannot close the writable stream cleanly", closure);
  }

  abort(reason: unknown): void {
    closeWith(this.#endpoint, reason, INTERNAL_ERROR);
  }
}

/** Closes with the `closeCode` and `reason` that `reason` brings, if they may travel, or with `otherwise`. */
function closeWith(endpoint: MessageEndpoint, reason: unknown, otherwise: number): void {
  const told = typeof reason === "object" && reason !== null ? reason as { closeCode?: unknown; reason?: unknown } : {};
  const own = typeof told.closeCode === "number" && isCloseCode(told.closeCode);
  const text = own && typeof told.reason === "string" ? boundReason(told.reason) : "";
  // Its promise never rejects.
  void endpoint.close(own ? told.closeCode as number : otherwise, text);
}

function toMessage(chunk: unknown): Message {
  if (typeof chunk === "string" || chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError("Cannot write to the stream: the chunk is neither a string nor bytes");
}
