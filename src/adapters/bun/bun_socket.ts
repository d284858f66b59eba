/**
 * The server's end of one of `Bun.serve`'s WebSockets (Bun 1.4) as a `MessageSocket`. Bun speaks the frames, answers pings
 * and close frames by itself, and does not wait for the answer to a close frame of ours: it ends the connection four
 * seconds after it, whatever still waits for the peer.
 */

import { byteSize } from "../../bytes.ts";
import { ABNORMAL } from "../../close_code.ts";
import { closureOf } from "../../connection/closure_of.ts";
import { RateLimit } from "../../transport/rate_limit.ts";
import {
  type CloseFrameInfo,
  CorruptedFrameError,
  InvalidContinuationFrameError,
  PayloadTooLargeError,
  type WebSocketError,
} from "../../errors.ts";
import type { BufferBudget } from "../../transport/buffer_budget.ts";
import type { Cancel, Clock } from "../../transport/clock.ts";
import type { Message, MessageSink, MessageSocket } from "../../transport/message_socket.ts";
import type { SocketLimits } from "../../transport/upgrade.ts";
import { Delivery } from "../native/delivery.ts";
import type { BunServerSocket } from "./bun_api.ts";

export interface BunSocketOptions {
  readonly clock: Clock;
  readonly protocol: string;
  readonly limits: SocketLimits;
  /** Where all connections of a listener count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget | undefined;
  /** Bytes from which on a message is compressed, if that was agreed on; Infinity for never. */
  readonly threshold: number;
  /** Called once, at the end. */
  readonly onClosed: () => void;
}

/** Down to here what waits in Bun has to fall before `drained` is told: Bun tells of each step. */
const LOW_WATER = 65_536;

/** Milliseconds between two looks at whether a paused peer is still there. */
const LOOK_MS = 1_000;
const LOOKING_MS = 5;
/** Bytes kept, beyond which nobody looks: a peer that sends and never reads must not fill the memory that way. */
const MAX_KEPT = 1_048_576;

export class BunSocket implements MessageSocket {
  readonly protocol: string;
  readonly #options: BunSocketOptions;
  readonly #delivery: Delivery;
  readonly #controlRate: RateLimit;
  #socket!: BunServerSocket;
  /** Bun has told that it is open, which it does while it upgrades. */
  isOpen = false;
  /** A close frame of ours that is not Bun's yet: output waits, and Bun would cut it. */
  #unsent: CloseFrameInfo | undefined;
  #sent: CloseFrameInfo | undefined;
  #error: WebSocketError | undefined;
  /** `send` has answered false and no `drained` has followed yet. */
  #blocked = false;
  #isOver = false;
  #paused = false;
  #cancelLook: Cancel | undefined;

  constructor(options: BunSocketOptions) {
    this.#options = options;
    this.protocol = options.protocol;
    this.#delivery = new Delivery(options.clock, options.buffers);
    this.#controlRate = new RateLimit(options.limits.maxControlFramesPerSecond, options.clock);
  }

  // ── from above ──

  start(sink: MessageSink): void {
    this.#delivery.start(sink);
  }

  send(message: Message, compress = true): boolean {
    if (this.#isOver || this.#isClosing) return false;
    const compressed = compress && isAtLeast(message, this.#options.threshold);
    // 0 is the answer to an empty message too: one that is lost is lost with its connection.
    if (this.#socket.send(message, compressed) !== -1) return !this.#blocked;
    this.#blocked = true;
    return false;
  }

  get bufferedAmount(): number {
    return this.#isOver ? 0 : this.#socket.getBufferedAmount();
  }

  close(code = 1000, reason = ""): void {
    if (this.#isOver || this.#isClosing) return;
    if (this.#socket.getBufferedAmount() === 0) this.#closeNow({ code, reason });
    else this.#unsent = { code, reason };
  }

  destroy(error?: WebSocketError): void {
    if (this.#isOver) return;
    this.#error ??= error;
    this.#delivery.drop();
    this.#finish(undefined);
    // Calls `ended` before it returns.
    this.#socket.terminate();
  }

  pause(): void {
    if (this.#isOver) return;
    this.#delivery.pause();
    this.#socket.pause();
    this.#paused = true;
    this.#planLook();
  }

  resume(): void {
    this.#paused = false;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#delivery.resume();
    if (!this.#isOver) this.#socket.resume();
  }

  ping(payload: Uint8Array): void {
    if (!this.#isOver && !this.#isClosing) this.#socket.ping(payload);
  }

  pong(payload: Uint8Array): void {
    if (!this.#isOver && !this.#isClosing) this.#socket.pong(payload);
  }

  // ── from below ──

  opened(socket: BunServerSocket): void {
    this.#socket = socket;
    this.isOpen = true;
    socket.binaryType = "uint8array";
  }

  received(message: string | Uint8Array): void {
    if (!this.isOpen || this.#isOver || this.#sent !== undefined) return;
    const { maxMessageSize: limit } = this.#options.limits;
    // No character takes more than three bytes.
    const size = message.length * 3 <= limit ? 0 : byteSize(message);
    // Bun gives each message a buffer of its own; to ask for it would cost more than all the rest.
    if (size <= limit) return this.#delivery.message(message);
    this.#error = new PayloadTooLargeError(`Message of ${size} bytes: ${limit} is the most`, size, limit);
    this.#closeNow({ code: 1009, reason: "message too big" });
  }

  pinged(payload: Uint8Array): void {
    if (this.#mayControl()) this.#delivery.ping(owned(payload));
  }

  ponged(payload: Uint8Array): void {
    if (this.#mayControl()) this.#delivery.pong(owned(payload));
  }

  /** Some of what waited is with the operating system. */
  drained(): void {
    if (this.#isOver) return;
    const waiting = this.#socket.getBufferedAmount();
    if (this.#unsent !== undefined) {
      if (waiting === 0) this.#closeNow(this.#unsent);
    } else if (this.#blocked && waiting <= LOW_WATER) {
      this.#blocked = false;
      this.#delivery.drained();
    }
  }

  /** Bun has let it go. */
  ended(code: number, reason: string): void {
    if (this.#isOver) return;
    if (this.#sent !== undefined) return this.#finish(undefined);
    if (code !== ABNORMAL) return this.#finish({ code, reason });
    const broken = brokenRule(reason, this.#options.limits.maxMessageSize);
    if (broken !== undefined) {
      this.#error = broken;
      this.#sent = { code: broken.closeCode, reason };
    }
    this.#finish(undefined);
  }

  /**
   * Bun tells a socket that is paused, and has output waiting, of no reset: now and then it reads for a moment. What comes
   * meanwhile is kept, up to a limit.
   */
  #planLook(): void {
    const { clock } = this.#options;
    this.#cancelLook ??= clock.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      if (!this.#paused || this.#isOver) return;
      if (this.#socket.getBufferedAmount() > 0 && this.#delivery.size <= MAX_KEPT) {
        this.#socket.resume();
        // Bun's next turn comes before it has looked at its sockets.
        clock.after(LOOKING_MS, () => {
          if (this.#paused && !this.#isOver) this.#socket.pause();
        });
      }
      this.#planLook();
    });
  }

  get #isClosing(): boolean {
    return this.#unsent !== undefined || this.#sent !== undefined;
  }

  /** Whoever broke a rule has no claim to what still waits for it. */
  #closeNow(frame: CloseFrameInfo): void {
    this.#sent = frame;
    // Calls `ended` before it returns.
    this.#socket.close(frame.code, frame.reason);
  }

  #mayControl(): boolean {
    if (!this.isOpen || this.#isOver || this.#sent !== undefined) return false;
    if (!this.#controlRate.exceeded()) return true;
    this.#error = new CorruptedFrameError("Too many control frames in a second", 1008, "§10.4");
    this.#closeNow({ code: 1008, reason: "too many control frames" });
    return false;
  }

  /** @param received the peer's close frame, which Bun has answered */
  #finish(received: CloseFrameInfo | undefined): void {
    this.#isOver = true;
    this.#cancelLook?.();
    const sent = this.#sent ?? (received && { code: received.code, reason: "" });
    const first = this.#sent !== undefined ? "local" : received && "remote";
    const closure = closureOf({ received, sent, first, error: this.#error, cause: undefined });
    // Bun ends the connection with our close frame: whether it was answered nobody can know.
    const unanswered = first === "local" && received === undefined && sent !== undefined && !closure.error;
    this.#delivery.closed(unanswered ? { ...closure, code: sent.code, reason: sent.reason } : closure);
    this.#options.onClosed();
  }
}

/** Whether `message` has so many bytes: a text has at least one for each character, and at most three. */
function isAtLeast(message: Message, bytes: number): boolean {
  return message.length >= bytes || (message.length * 3 >= bytes && byteSize(message) >= bytes);
}

/** Bytes with a buffer of their own: keeping them keeps nothing else. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength && bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes);
}

/** Bun's close handler hears 1006 and a sentence when Bun has failed the connection, with a close frame that says the same. */
function brokenRule(sentence: string, limit: number): CorruptedFrameError | PayloadTooLargeError | undefined {
  if (!sentence.startsWith("Received ")) return undefined;
  if (sentence.startsWith("Received too big message")) return new PayloadTooLargeError(sentence, limit + 1, limit);
  if (sentence.includes("UTF-8")) return new CorruptedFrameError(sentence, 1007, "§8.1");
  if (sentence.includes("compressed")) return new CorruptedFrameError(sentence, 1007, "RFC 7692 §7.2.2");
  const outOfOrder = sentence.includes("fragmented message");
  return outOfOrder ? new InvalidContinuationFrameError(sentence) : new CorruptedFrameError(sentence, 1002, "§5.2");
}
