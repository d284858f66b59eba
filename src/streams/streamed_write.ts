/**
 * One message out of a stream (features F3): each of its elements is a part, sent when it comes and at the peer's pace,
 * while all other messages wait; nothing of it is kept. Knows no frame and no runtime.
 */

import { EMPTY } from "../bytes.ts";
import { boundReason } from "../close_code.ts";
import { ConnectionClosureError, ConnectionError, UnsupportedError } from "../errors.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import { inTime, type PartsTurn, writeTimedOut } from "./held_writes.ts";
import type { MessageEndpoint } from "./message_endpoint.ts";
import { type SourceResult, type StreamSource, streamSource } from "./stream_source.ts";
import { unheard } from "./unheard.ts";
import type { Writes } from "./writes.ts";

/** The parts of one message: strings make a text message, bytes a binary one. */
export type MessageParts =
  | ReadableStream<string>
  | ReadableStream<Uint8Array | ArrayBuffer>
  | AsyncIterable<string>
  | AsyncIterable<Uint8Array | ArrayBuffer>;

/** How it is written. */
export interface StreamedWriteOptions {
  readonly clock: Clock;
  /** Milliseconds that a part may wait for a slow peer, and the message for its turn; Infinity for ever. */
  readonly writeMs: number;
  /** As the place calls itself. */
  readonly runtime: string;
  /** Closes: a message that was begun and cannot be finished leaves no other way. */
  close(code: number, reason: string): void;
  /** Told of what the stream fails with when it is told to stop. */
  readonly report: (error: unknown) => void;
}

/**
 * Sends what `parts` gives as one message, behind everything that was written. Resolves when the last part is accepted.
 * Rejects with a `ConnectionClosureError` at the end of the connection, with a `ConnectionError` while there is none, with
 * a `WriteTimedOutError`, and with what `parts` fails with; then `parts` is told to stop, and a connection on which the
 * message had begun is closed with 1011. Its rejection may go unheard.
 *
 * @throws {UnsupportedError} at once, where the runtime sends whole messages only
 * @throws {TypeError} at once, when somebody reads `parts` already
 */
export function writeInParts(
  endpoint: MessageEndpoint,
  parts: MessageParts,
  options: StreamedWriteOptions,
): Promise<void> {
  const { writes } = endpoint;
  if (writes?.hasParts === false) {
    const message = "Cannot write a stream as one message: this runtime sends whole messages only";
    throw new UnsupportedError(message, "streamed message", options.runtime);
  }
  const source = streamSource(parts);
  const promise = new Promise<void>((resolve, reject) => {
    if (endpoint.state === "open" && writes !== undefined) {
      return new StreamedWrite(writes, source, options, resolve, reject).start();
    }
    const error = endpoint.state === "connecting"
      ? new ConnectionError("Cannot write a stream as one message: there is no connection, and it cannot wait for one")
      : endpoint.closedError("Cannot send a message");
    stop(source, error, options);
    reject(error);
  });
  return unheard(promise);
}

class StreamedWrite implements PartsTurn {
  readonly #writes: Writes;
  /** Undefined once it has failed by itself: it need not be told to stop then. */
  #source: StreamSource | undefined;
  readonly #options: StreamedWriteOptions;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #hasTurn = false;
  /** A part is on its way: the message has to be finished, or the connection to end. */
  #hasBegun = false;
  #over = false;
  #kind: "text" | "binary" | undefined;
  /** The first half of a surrogate pair, which the next part completes. */
  #half = "";
  #goOn: (() => void) | undefined;
  #cancelTimer: Cancel | undefined;

  constructor(
    writes: Writes,
    source: StreamSource,
    options: StreamedWriteOptions,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.#writes = writes;
    this.#source = source;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#startTimer();
    try {
      this.#writes.takeTurn(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  begin(): boolean {
    if (this.#over) return false;
    this.#cancelTimer?.();
    this.#hasTurn = true;
    this.#send().catch((error) => this.#fail(error));
    return true;
  }

  goOn(): void {
    this.#goOn?.();
  }

  ended(error: Error): void {
    this.#hasTurn = false;
    this.#fail(error);
  }

  async #send(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#next();
      if (this.#over) return;
      if (done) break;
      const part = this.#partOf(value);
      if (part.length === 0) continue;
      this.#hasBegun = true;
      if (this.#writes.sendPart(part)) continue;
      await this.#room();
      if (this.#over) return;
    }
    // A stream without elements says of no kind that it is text.
    const room = this.#writes.sendLastPart(this.#kind === "text" ? this.#half : EMPTY);
    this.#over = true;
    // It rejects at the end of the connection, or in time.
    if (room !== undefined) inTime(room, this.#options.writeMs, this.#options.clock).then(this.#resolve, this.#reject);
    else this.#resolve();
  }

  async #next(): Promise<SourceResult> {
    try {
      return await this.#source!.next();
    } catch (error) {
      this.#source = undefined;
      throw error;
    }
  }

  /** @throws {TypeError} when it is none, or of another kind than the first one */
  #partOf(value: unknown): Message {
    const isText = typeof value === "string";
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    if (!isText && !(bytes instanceof Uint8Array)) {
      throw new TypeError("Cannot write a stream as one message: a part of it is neither a string nor bytes");
    }
    const kind = isText ? "text" : "binary";
    this.#kind ??= kind;
    if (kind !== this.#kind) {
      throw new TypeError(`Cannot write a stream as one message: behind ${this.#kind} parts comes a ${kind} one`);
    }
    if (!isText) return bytes as Uint8Array;
    const text = this.#half + value;
    const endsInHalf = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800;
    this.#half = endsInHalf ? text.slice(-1) : "";
    return endsInHalf ? text.slice(0, -1) : text;
  }

  /** Resolves when the next part may follow. */
  #room(): Promise<void> {
    this.#startTimer();
    return new Promise((resolve) => {
      this.#goOn = () => {
        this.#goOn = undefined;
        this.#cancelTimer?.();
        resolve();
      };
    });
  }

  #startTimer(): void {
    const { clock, writeMs } = this.#options;
    if (writeMs < Infinity) this.#cancelTimer = clock.after(writeMs, () => this.#fail(writeTimedOut(writeMs)));
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer?.();
    this.#goOn?.();
    if (this.#source !== undefined) stop(this.#source, error, this.#options);
    this.#reject(error);
    if (!this.#hasTurn) return;
    if (this.#hasBegun) this.#options.close(1011, boundReason(`streaming failed: ${messageOf(error)}`));
    else this.#writes.endTurn();
  }
}

/** Nobody waits for it: an async generator answers only when its pending step does, which may be never. */
function stop(source: StreamSource, reason: unknown, { report }: StreamedWriteOptions): void {
  const failed = (error: unknown): void => {
    // A message that is passed on is cut with its connection, whose end is told already.
    if (!(error instanceof ConnectionClosureError)) report(error);
  };
  try {
    Promise.resolve(source.stop(reason)).catch(failed);
  } catch (error) {
    failed(error);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : "unknown error";
}
