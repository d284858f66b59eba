/**
 * A WHATWG `WebSocket` as a `MessageSocket`: a browser's, or the server's end of one of `Deno.upgradeWebSocket`. It has no
 * ping, no pong, no pause and no parts, and answers close frames by itself; features that need them are refused above.
 */

import { byteSize } from "../../bytes.ts";
import { NO_STATUS } from "../../close_code.ts";
import { closureOf } from "../../connection/closure_of.ts";
import { type CloseFrameInfo, PayloadTooLargeError, type WebSocketError } from "../../errors.ts";
import type { BufferBudget } from "../../transport/buffer_budget.ts";
import type { Clock } from "../../transport/clock.ts";
import type { Message, MessageSink, MessageSocket } from "../../transport/message_socket.ts";
import { Delivery } from "../native/delivery.ts";
import type { DrainPoll, Full } from "./drain_poll.ts";

/** The part of a platform's `WebSocket` that is used. Its handlers are ours alone. */
export interface PlatformSocket {
  binaryType: string;
  readonly protocol: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: object) => void) | null;
  onclose: ((event: PlatformCloseEvent) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
}

export interface PlatformCloseEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export interface WebSocketOptions {
  readonly clock: Pick<Clock, "afterTurn">;
  readonly drainPoll: DrainPoll;
  /** Of the message as a whole, once the runtime has it. */
  readonly maxMessageSize: number;
  /** Bytes that may wait in the platform before a write is told to wait, if these are fewer than a mebibyte. */
  readonly maxBufferedAmount?: number | undefined;
  /** Where all connections of a listener count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget | undefined;
  /** As agreed on, where the platform's socket does not tell. */
  readonly protocol?: string | undefined;
  /** The code that may travel for one that may not. Default: every code may. */
  readonly closeCode?: ((code: number) => number) | undefined;
  /** What an event of the platform's really means, where that is known better. */
  readonly judge?: ((event: PlatformCloseEvent, closedFirst: boolean) => PlatformCloseEvent) | undefined;
  /**
   * What went wrong when it was lost, told from the reason and what an `error` event said; undefined: nothing did. Default:
   * a `ConnectionError` when there was such an event.
   */
  readonly lossOf?: ((reason: string, cause: Error | undefined) => WebSocketError | undefined) | undefined;
  /** Called once, at the end. */
  readonly onClosed?: (() => void) | undefined;
}

/** Bytes that may wait in the platform before a write is told to wait. */
const HIGH_WATER = 1_048_576;
/** The `readyState` from which on what is sent goes nowhere. */
const CLOSING = 2;

export class WebSocketAdapter implements MessageSocket, Full {
  readonly protocol: string;
  readonly #socket: PlatformSocket;
  readonly #options: WebSocketOptions;
  readonly #delivery: Delivery;
  readonly #highWater: number;
  #sent: CloseFrameInfo | undefined;
  /** Why it ends, when that was known before the end. */
  #error: WebSocketError | undefined;
  #cause: Error | undefined;
  #isOver = false;
  /** `bufferedAmount` of the platform, as last seen. */
  #waiting = 0;
  /** Bytes of the binary and characters of the text messages. */
  #written = 0;

  /** @param socket open, or about to be; nothing was heard of it yet */
  constructor(socket: PlatformSocket, options: WebSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#delivery = new Delivery(options.clock, options.buffers);
    this.#highWater = Math.min(options.maxBufferedAmount ?? HIGH_WATER, HIGH_WATER);
    this.protocol = options.protocol ?? socket.protocol;
    socket.binaryType = "arraybuffer";
    // At once: what comes before anybody listens is lost, and what is thrown in here would end the process on Deno.
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = (event) => {
      const { error } = event as { error?: unknown };
      if (error instanceof Error) this.#cause ??= error;
    };
    socket.onclose = (event) => this.#end(event);
  }

  start(sink: MessageSink): void {
    this.#delivery.start(sink);
  }

  send(message: Message): boolean {
    if (this.#isOver || this.#sent !== undefined || this.#isGivenUp) return false;
    this.#socket.send(message);
    this.#written += message.length;
    this.#waiting = this.#socket.bufferedAmount;
    if (this.#waiting < this.#highWater) return true;
    this.#options.drainPoll.add(this);
    return false;
  }

  get bufferedAmount(): number {
    if (this.#isOver) return 0;
    // Then it says 0, of bytes that are still there.
    if (this.#isGivenUp) return Math.max(1, this.#waiting);
    return this.#waiting = this.#socket.bufferedAmount;
  }

  get bytesTaken(): number {
    return this.#written - this.bufferedAmount;
  }

  /**
   * The platform closes it and has not told: its close frame waits behind bytes that the peer does not take, for ever if
   * need be, and what is sent meanwhile is dropped in silence.
   */
  get #isGivenUp(): boolean {
    return this.#sent === undefined && this.#socket.readyState >= CLOSING;
  }

  drain(): boolean {
    if (this.#isOver || this.#sent !== undefined || this.#isGivenUp) return true;
    if (this.#socket.bufferedAmount > this.#highWater / 4) return false;
    this.#delivery.drained();
    return true;
  }

  close(code?: number, reason = ""): void {
    if (this.#isOver || this.#sent !== undefined) return;
    if (code === undefined) {
      this.#sent = { code: NO_STATUS, reason: "" };
      this.#socket.close();
      return;
    }
    const travels = this.#options.closeCode?.(code) ?? code;
    this.#sent = { code: travels, reason };
    this.#socket.close(travels, reason);
  }

  /** The platform has no way to cut a connection: it is asked to close, and not listened to any more. */
  destroy(error?: WebSocketError): void {
    if (this.#isOver) return;
    this.#delivery.drop();
    this.#error ??= error;
    this.#finish(undefined);
    try {
      this.#socket.close();
    } catch {
      // A runtime may refuse to close what it has lost.
    }
  }

  #receive(data: unknown): void {
    if (this.#isOver || this.#error !== undefined) return;
    const message = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
    const { maxMessageSize: limit } = this.#options;
    // No character takes more than three bytes.
    const size = message.length * 3 <= limit ? 0 : byteSize(message);
    if (size <= limit) return this.#delivery.message(message);
    this.#error = new PayloadTooLargeError(`Message of ${size} bytes: ${limit} is the most`, size, limit);
    this.close(1009, "message too big");
  }

  #end(event: PlatformCloseEvent): void {
    const { judge, lossOf } = this.#options;
    const { code, reason, wasClean } = judge?.(event, this.#sent !== undefined) ?? event;
    if (!wasClean && lossOf !== undefined) {
      this.#error ??= lossOf(reason, this.#cause);
      this.#cause = undefined;
    }
    this.#finish(wasClean ? { code, reason } : undefined);
  }

  /** @param received the peer's close frame; the runtime has answered it, unless it answers ours */
  #finish(received: CloseFrameInfo | undefined): void {
    this.#isOver = true;
    const first = this.#sent !== undefined ? "local" : received !== undefined ? "remote" : undefined;
    if (received !== undefined) this.#sent ??= { code: received.code, reason: "" };
    const socket = this.#socket;
    // What still comes is not ours; an error that nobody hears would end the process on Deno, which also tells twice of
    // the end of a connection that it gave up.
    socket.onmessage = socket.onclose = null;
    socket.onerror = ignore;
    this.#options.drainPoll.delete(this);
    const ending = { received, sent: this.#sent, first, error: this.#error, cause: this.#cause } as const;
    this.#delivery.closed(closureOf(ending));
    this.#options.onClosed?.();
  }
}

function ignore(): void {}
