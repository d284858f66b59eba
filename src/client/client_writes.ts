/**
 * What a client writes: a message waits for room no longer than `writeTimeout`. Knows no value that is not a message, or a
 * stream of its parts.
 */

import { UnsupportedError } from "../errors.ts";
import { inTime } from "../streams/held_writes.ts";
import type { MessageParts } from "../streams/streamed_write.ts";
import { unheard } from "../streams/unheard.ts";
import type { Message } from "../transport/message_socket.ts";
import type { OpenSession } from "./client_session.ts";
import type { ClientRuntime } from "./connector.ts";

/** Where there is something to write to, or an error that says why not. */
export interface WritableSession {
  open(action: string): Pick<OpenSession, "endpoint">;
}

export class ClientWrites {
  readonly #runtime: ClientRuntime;
  readonly #writeMs: number;
  readonly #session: WritableSession;

  /** @param writeMs milliseconds that a write may wait, Infinity for ever */
  constructor(runtime: ClientRuntime, writeMs: number, session: WritableSession) {
    this.#runtime = runtime;
    this.#writeMs = writeMs;
    this.#session = session;
  }

  /** As `send`, but always a promise. */
  write(message: Message, compress = true): Promise<void> {
    return this.send(message, compress) ?? DONE;
  }

  /** Undefined: a socket has it. A promise, which rejects in time: it waits. */
  send(message: Message, compress = true, isWanted?: () => boolean): Promise<void> | undefined {
    let room: Promise<void> | undefined;
    try {
      const { endpoint } = this.#session.open(ACTION);
      room = isWanted && endpoint.sendIfWanted
        ? endpoint.sendIfWanted(message, isWanted)
        : endpoint.send(message, compress);
    } catch (error) {
      return unheard(Promise.reject(error));
    }
    return room && inTime(room, this.#writeMs, this.#runtime.clock);
  }

  /**
   * Sends a stream as one message.
   *
   * @throws {UnsupportedError} where messages are sent whole only
   * @throws {TypeError} when somebody reads the stream already
   */
  writeInParts(parts: ReadableStream<unknown> | AsyncIterable<unknown>): Promise<void> {
    const { writeInParts, clock, name, report } = this.#runtime;
    if (writeInParts === undefined) {
      const message = "Cannot write a stream as one message: it cannot be had here";
      throw new UnsupportedError(message, "streamed message", name);
    }
    let endpoint: OpenSession["endpoint"];
    try {
      ({ endpoint } = this.#session.open(ACTION));
    } catch (error) {
      return unheard(Promise.reject(error));
    }
    const close = (code: number, reason: string): void => void endpoint.close(code, reason);
    // What its elements are is seen when they come.
    const options = { clock, writeMs: this.#writeMs, runtime: name, report, close };
    return writeInParts(endpoint, parts as MessageParts, options);
  }
}

const ACTION = "Cannot send a message";
const DONE: Promise<void> = Promise.resolve();
