/**
 * What becomes of a value that a handler returned (features S4, S5, S6): a message, a close frame, or a stream whose
 * elements are sent at the peer's pace until it or the connection ends. Knows no handler.
 */

import { toMessage } from "../binding/payload.ts";
import type { Endpoint } from "../streams/endpoint.ts";
import { isStreamed, type SourceResult, type StreamSource, streamSource } from "../streams/stream_source.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import { type CloseFrame, isCloseFrame } from "./close_frame.ts";

/** Where replies go. */
export interface ReplyTarget {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** Aborted when a stream is of no use any more. */
  readonly signal: AbortSignal;
  /** Nothing is to be sent any more, though the connection is open. Absent: that cannot be. */
  readonly isCancelled?: boolean;
  /** What is sent for `value`. Absent: the value. */
  stamp?(value: unknown): unknown;
  /** As the endpoint's. Absent: by that. */
  send?(message: Message): Promise<void> | undefined;
  /** Closes, or does nothing when that has begun. */
  closeWith(frame: CloseFrame): void;
  /** Takes the failure of a stream that nobody waits for any more. */
  report(error: unknown): void;
}

/** A returned stream broke off. Never leaves the library: `cause` is what its user threw. */
export class StreamFailure extends Error {
  override readonly name: string = "StreamFailure";
}

/**
 * Sends `value`, which is not a promise. Undefined: it is done; a promise: the peer is slow, or it is a stream, and it
 * resolves when the next message may be handled. A stream ends quietly with its connection, and is told to stop.
 *
 * @throws {TypeError} when it can neither be sent nor streamed
 * @throws {ConnectionClosureError} when the connection is closing or closed
 * @throws {Error} `value` itself, when it is one
 * @throws {StreamFailure} as a rejection only
 */
export function reply(target: ReplyTarget, value: unknown): Promise<void> | undefined {
  if (typeof value === "object" && value !== null && !(value instanceof Uint8Array)) {
    if (value instanceof Error) throw value;
    if (isCloseFrame(value)) {
      target.closeWith(value);
      return undefined;
    }
    const source = toSource(value);
    if (source !== undefined) return sendAll(target, source);
  }
  return value === undefined ? undefined : send(target, messageOf(target, value));
}

/** Whether `value` is sent in elements. */
export function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isStreamed(value) || isIterator(value);
}

/** Lets go of a value that is not sent: a stream is told to stop. */
export function discard(target: ReplyTarget, value: unknown): void {
  try {
    if (isStream(value)) stop(target, toSource(value as object)!);
  } catch (error) {
    target.report(error);
  }
}

function messageOf(target: ReplyTarget, value: unknown): Message {
  return toMessage(target.stamp === undefined ? value : target.stamp(value));
}

function send(target: ReplyTarget, message: Message): Promise<void> | undefined {
  return target.send === undefined ? target.endpoint.send(message) : target.send(message);
}

/** After so many elements, or KiB, the others have their turn. */
const FAIR_ELEMENTS = 1_024;

/** What can be streamed: a `ReadableStream`, an async iterable, or a sync *iterator*; arrays and Maps are not. */
function toSource(value: object): StreamSource | undefined {
  if (isStreamed(value)) return streamSource(value);
  if (isIterator(value)) return { next: () => value.next(), stop: () => value.return?.() };
  return undefined;
}

function isIterator(value: object): value is Iterator<unknown> {
  return Symbol.iterator in value && "next" in value && typeof value.next === "function";
}

function sendAll(target: ReplyTarget, source: StreamSource): Promise<void> {
  const { endpoint } = target;
  if (endpoint.state !== "open") {
    stop(target, source);
    throw endpoint.closedError("Cannot send a stream");
  }
  return new Promise((resolve, reject) => new StreamReply(target, source, resolve, reject).start());
}

function stop(target: ReplyTarget, source: StreamSource): void {
  try {
    // Nobody waits for it: an async generator answers only when its pending step does, which may be never.
    Promise.resolve(source.stop()).catch((error) => target.report(error));
  } catch (error) {
    target.report(error);
  }
}

/** One stream on its way out. Ends exactly once: it is done, it failed, or the connection ended. */
class StreamReply {
  readonly #target: ReplyTarget;
  readonly #source: StreamSource;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #over = false;
  /** Inside the source's own code, from where it cannot be stopped. */
  #stepping = false;
  #fair = FAIR_ELEMENTS;

  constructor(target: ReplyTarget, source: StreamSource, resolve: () => void, reject: (reason: unknown) => void) {
    this.#target = target;
    this.#source = source;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#target.signal.addEventListener("abort", this.#left);
    this.#pull();
  }

  readonly #pull = (): void => {
    while (!this.#over) {
      let next: SourceResult | PromiseLike<SourceResult>;
      let later: PromiseLike<SourceResult> | undefined;
      try {
        this.#stepping = true;
        next = this.#source.next();
        if (isThenable(next)) later = next;
      } catch (error) {
        return this.#fail(error);
      } finally {
        this.#stepping = false;
      }
      if (this.#over) {
        // Its own step ended the connection: what the step still comes to is of no use to anybody.
        if (later !== undefined) Promise.resolve(later).catch(ignore);
        return stop(this.#target, this.#source);
      }
      if (later !== undefined) {
        Promise.resolve(later).then(this.#took, this.#fail);
        return;
      }
      if (!this.#send(next as SourceResult)) return;
    }
  };

  readonly #took = (result: SourceResult): void => {
    if (!this.#over && this.#send(result)) this.#pull();
  };

  /** True: go on at once. */
  #send(result: SourceResult): boolean {
    let pending: Promise<void> | undefined;
    let size: number;
    try {
      const { done, value } = result;
      if (done) {
        this.#end();
        this.#resolve();
        return false;
      }
      if (value === undefined) return this.#isFair(1);
      if (isCloseFrame(value)) {
        // Closing aborts the signal, which ends this.
        this.#target.closeWith(value);
        return false;
      }
      if (value instanceof Error) throw value;
      const message = messageOf(this.#target, value);
      size = message.length;
      pending = send(this.#target, message);
    } catch (error) {
      if (!this.#over) {
        this.#fail(error);
        stop(this.#target, this.#source);
      }
      return false;
    }
    if (pending !== undefined) {
      pending.then(this.#pull, this.#fail);
      return false;
    }
    return this.#isFair(1 + (size >>> 10));
  }

  #isFair(cost: number): boolean {
    this.#fair -= cost;
    if (this.#fair > 0) return true;
    this.#fair = FAIR_ELEMENTS;
    this.#target.clock.nextTurn(this.#pull);
    return false;
  }

  readonly #left = (): void => {
    this.#end();
    this.#resolve();
    if (!this.#stepping) stop(this.#target, this.#source);
  };

  /** Told to nobody when the connection has ended: that is why it failed, and the promise is settled. */
  readonly #fail = (cause: unknown): void => {
    this.#end();
    this.#reject(new StreamFailure("A returned stream failed", { cause }));
  };

  #end(): void {
    this.#over = true;
    this.#target.signal.removeEventListener("abort", this.#left);
  }
}

function ignore(): void {}

/** Whether `value` is a promise, or may be awaited like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
