/**
 * One endpoint of an open WebSocket: what a client and a server's caller have in common above the waist. Paces reading
 * (features F1) and writing (F2), keeps alive (P2), notices idleness (U5), closes (P3). Knows no frame, no handler and
 * no runtime; it never touches a message.
 */

import { ABNORMAL, checkClose, NO_STATUS } from "../close_code.ts";
import {
  type CloseFrameInfo,
  type Closure,
  ConnectionClosureError,
  ConnectionError,
  UnsupportedError,
} from "../errors.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import type { Deadlines, Watched } from "../transport/deadlines.ts";
import type { Message, MessageSink, MessageSocket } from "../transport/message_socket.ts";
import { MessageQueue, type ReadAhead } from "./message_queue.ts";

/** What becomes of a write that would pass `maxBufferedAmount`. */
export type BufferPolicy = "wait" | "drop" | "close";

/** How an endpoint paces and ends. Validated already; Infinity switches a time off. */
export interface EndpointOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly readAhead: ReadAhead;
  /** Bytes that may wait for a slow peer. */
  readonly maxBufferedAmount: number;
  readonly bufferPolicy: BufferPolicy;
  /** Milliseconds without a message or a ping. */
  readonly idleMs: number;
  /** Milliseconds from ping to ping. */
  readonly pingMs: number;
  /** Milliseconds a pong may take. */
  readonly pongMs: number;
  /** Milliseconds `close` waits for the peer's close frame. */
  readonly closeMs: number;
}

/** Who reads: told of each thing as it happens. Must not throw. */
export interface EndpointReader {
  /** A whole message, the reader's from now on. It may be put into `endpoint.queue` with `hold`. */
  message(message: Message): void;
  /** Present: this answers pings, with `endpoint.pong`. Absent: they are answered with the same payload. */
  ping?(payload: Uint8Array): void;
  /** A pong, but for those of keep-alive. */
  pong?(payload: Uint8Array): void;
  /** Nothing was heard for `idleMs`, again and again. */
  idle?(): void;
  /** The peer's close frame. A `close` from in here is the answer; without one it is echoed. */
  closing?(code: number, reason: string): void;
  /** Exactly once, and last. */
  closed(closure: Closure): void;
}

interface HeldWrite {
  readonly message: Message;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The most a ping or pong may carry (RFC 6455 §5.5). */
const MAX_CONTROL_PAYLOAD = 125;

export class Endpoint implements MessageSink, Watched {
  /** What came and was not handled yet. */
  readonly queue: MessageQueue;
  readonly #socket: MessageSocket;
  readonly #options: EndpointOptions;
  readonly #reader: EndpointReader;

  /** Data messages that came, went, and were dropped by `bufferPolicy`. */
  messagesReceived = 0;
  messagesSent = 0;
  messagesDropped = 0;

  #state: "open" | "closing" | "closed" = "open";
  #received: CloseFrameInfo | undefined;
  #sent: CloseFrameInfo | undefined;
  #closure: Closure | undefined;
  #closing: Promise<Closure> | undefined;
  readonly #whenClosed: ((closure: Closure) => void)[] = [];
  #cancelClose: Cancel | undefined;
  #abort: AbortController | undefined;

  #paused = false;
  #blocked = false;
  /** Writes that were accepted above the mark, and wait for `drained`. */
  #waiting: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  /** Writes that were not accepted yet. */
  #held: HeldWrite[] = [];
  #heldBytes = 0;

  #heardAt: number;
  #heard = false;
  #pingDue: number;
  #pingAt = 0;
  #pingCount = 0;
  #pongDue = Infinity;
  #bytesAtPing = 0;
  /** Seconds from our last keep-alive ping to its pong; undefined before the first. */
  latency: number | undefined;

  constructor(socket: MessageSocket, reader: EndpointReader, options: EndpointOptions) {
    this.#socket = socket;
    this.#reader = reader;
    this.#options = options;
    this.queue = new MessageQueue(options.readAhead);
    const now = options.clock.now();
    this.#heardAt = now;
    this.#pingDue = socket.ping ? now + options.pingMs : Infinity;
  }

  /** Starts delivery. Called once. */
  start(): void {
    const { idleMs, pingMs, pongMs } = this.#options;
    const shortest = Math.min(idleMs, this.#socket.ping ? Math.min(pingMs, pongMs) : Infinity);
    if (shortest < Infinity) this.#options.deadlines.add(this, shortest);
    this.#socket.start(this);
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** How it ended, once it has. */
  get closure(): Closure | undefined {
    return this.#closure;
  }

  /** Bytes accepted and not yet with the operating system, those of held writes included. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount + this.#heldBytes;
  }

  /** Aborted as soon as nothing can be sent any more, with a `ConnectionClosureError`. Made when it is asked for. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#state !== "open") this.#abort.abort(this.closedError("The connection has ended"));
    }
    return this.#abort.signal;
  }

  /** The error of an operation that needs the connection open: `action` is its first half. */
  closedError(action: string): ConnectionClosureError {
    return new ConnectionClosureError(action, this.#closure ?? this.#closureSoFar());
  }

  // ── reading ──

  /** Puts `message` aside until the reader takes it out of `queue`; pauses the socket at the mark. */
  hold(message: Message): void {
    this.queue.push(message);
    if (this.#paused || !this.queue.full) return;
    if (this.#socket.pause) {
      this.#paused = true;
      this.#socket.pause();
    } else if (this.#state === "open") {
      // A socket that cannot pause would fill the memory instead (features F1).
      this.close(1008, "read-ahead exceeded").catch(ignore);
    }
  }

  /** To be called after messages were taken out of `queue`: lets the socket go on below the mark. */
  released(): void {
    if (!this.#paused || !this.queue.low) return;
    this.#paused = false;
    const now = this.#options.clock.now();
    this.#heardAt = now;
    if (this.#pongDue < Infinity) this.#pongDue = now + this.#options.pongMs;
    this.#socket.resume?.();
  }

  message(message: Message): void {
    this.messagesReceived++;
    this.#heard = true;
    this.#reader.message(message);
  }

  ping(payload: Uint8Array): boolean {
    this.#heard = true;
    if (this.#reader.ping === undefined) return false;
    this.#reader.ping(payload);
    return true;
  }

  pong(payload: Uint8Array): void {
    if (this.#pongDue < Infinity && isCount(payload, this.#pingCount)) {
      this.#pongDue = Infinity;
      this.latency = (this.#options.clock.now() - this.#pingAt) / 1_000;
    } else {
      this.#reader.pong?.(payload);
    }
  }

  // ── writing ──

  /**
   * Hands `message` over, which stays the caller's. Undefined: go on; a promise: the peer is slow, it resolves when
   * there is room. The hot path of returned values, which allocates nothing while the peer keeps up.
   * @throws {ConnectionClosureError} when the connection is closing or closed
   */
  send(message: Message): Promise<void> | undefined {
    if (this.#state !== "open") throw this.closedError("Cannot send a message");
    if (this.#blocked) return this.#sendBlocked(message);
    this.messagesSent++;
    if (this.#socket.send(message)) return undefined;
    this.#blocked = true;
    return this.#room();
  }

  /** As `send`, but always a promise, which rejects instead of throwing. */
  write(message: Message): Promise<void> {
    try {
      return this.send(message) ?? DONE;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  drained(): void {
    this.#blocked = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
    while (this.#held.length > 0 && !this.#blocked) {
      // Reversed once, popped in order: neither end moves the others.
      const { message, resolve, reject } = this.#nextHeld();
      if (this.#socket.send(message)) resolve();
      else {
        this.#blocked = true;
        this.#waiting.push({ resolve, reject });
      }
    }
  }

  /**
   * @throws {RangeError} when `payload` is longer than 125 bytes
   * @throws {UnsupportedError} where the runtime has no ping
   * @throws {ConnectionClosureError} when the connection is closing or closed
   */
  sendPing(payload: Uint8Array): void {
    this.#checkControl("ping", payload);
    this.#socket.ping!(payload);
  }

  /** @throws as `sendPing` does */
  sendPong(payload: Uint8Array): void {
    this.#checkControl("pong", payload);
    this.#socket.pong!(payload);
  }

  // ── ending ──

  /**
   * Starts the closing handshake, or answers the peer's. Resolves with how it ended; a second call with the first's
   * promise. After `timeoutMs` without an answer the connection is cut. 0: resolves at once and waits for nobody.
   * @throws {RangeError} when the code or reason may not travel; nothing is sent then
   */
  close(code = 1000, reason = "", timeoutMs: number = this.#options.closeMs): Promise<Closure> {
    checkClose(code, reason);
    if (this.#closing !== undefined) return this.#closing;
    if (this.#closure !== undefined) return Promise.resolve(this.#closure);
    this.#sent ??= { code, reason };
    this.#leaveOpen();
    this.#socket.close(code, reason);
    if (timeoutMs === 0) {
      this.#closing = Promise.resolve(this.#closureSoFar());
    } else {
      this.#closing = this.whenClosed();
      if (timeoutMs < Infinity) {
        this.#cancelClose = this.#options.clock.after(timeoutMs, () => this.#socket.destroy());
      }
    }
    return this.#closing;
  }

  /** Drops the connection now, without a close frame. */
  terminate(): void {
    if (this.#state === "closed") return;
    this.#leaveOpen();
    this.#socket.destroy();
  }

  /** Resolves with how it ended; never rejects. */
  whenClosed(): Promise<Closure> {
    if (this.#closure !== undefined) return Promise.resolve(this.#closure);
    return new Promise((resolve) => this.#whenClosed.push(resolve));
  }

  closing(code: number, reason: string): void {
    this.#received = { code, reason };
    const answered = this.#sent !== undefined;
    this.#reader.closing?.(code, reason);
    if (!answered) this.#sent ??= { code, reason: "" };
    this.#leaveOpen();
  }

  closed(closure: Closure): void {
    this.#closure = closure;
    this.#cancelClose?.();
    this.#options.deadlines.delete(this);
    this.#leaveOpen();
    this.#state = "closed";
    this.#reader.closed(closure);
    for (const resolve of this.#whenClosed) resolve(closure);
    this.#whenClosed.length = 0;
  }

  // ── time ──

  check(now: number): void {
    if (this.#state !== "open") return;
    const { idleMs, pingMs, pongMs } = this.#options;
    if (this.#heard || this.#paused) {
      this.#heard = false;
      this.#heardAt = now;
    } else if (now - this.#heardAt >= idleMs) {
      this.#heardAt = now;
      this.#reader.idle?.();
      if (this.state !== "open") return;
    }
    if (this.#paused) this.#pongDue = this.#pongDue < Infinity ? now + pongMs : Infinity;
    if (now >= this.#pongDue) {
      // A peer in the middle of a long message answers after it: what arrives is as good as a pong.
      const bytes = this.#socket.bytesReceived ?? 0;
      if (bytes === this.#bytesAtPing) return this.#dead();
      this.#bytesAtPing = bytes;
      this.#pongDue = now + pongMs;
    }
    if (now >= this.#pingDue) {
      this.#pingDue = now + pingMs;
      // One at a time is enough to know; while we pause they go on, so that a reset is noticed.
      if (this.#pongDue === Infinity || this.#paused) this.#keepAlive(now);
    }
  }

  #keepAlive(now: number): void {
    this.#pingCount++;
    this.#pingAt = now;
    this.#pongDue = now + this.#options.pongMs;
    this.#bytesAtPing = this.#socket.bytesReceived ?? 0;
    this.#socket.ping!(countPayload(this.#pingCount));
  }

  #dead(): void {
    this.#leaveOpen();
    this.#socket.destroy(new ConnectionError("The peer did not answer a ping in time"));
  }

  #checkControl(what: "ping" | "pong", payload: Uint8Array): void {
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`Cannot send a ${what} of ${payload.length} bytes: ${MAX_CONTROL_PAYLOAD} is the most`);
    }
    if (this.#socket[what] === undefined) {
      throw new UnsupportedError(`Cannot send a ${what}: this runtime has no ${what}`, what, "native");
    }
    if (this.#state !== "open") throw this.closedError(`Cannot send a ${what}`);
  }

  #sendBlocked(message: Message): Promise<void> | undefined {
    const { maxBufferedAmount, bufferPolicy } = this.#options;
    const size = message.length;
    if (this.#held.length === 0 && this.#socket.bufferedAmount + size <= maxBufferedAmount) {
      this.messagesSent++;
      this.#socket.send(message);
      return this.#room();
    }
    switch (bufferPolicy) {
      case "drop":
        this.messagesDropped++;
        return undefined;
      case "close":
        this.close(1013, "too slow").catch(ignore);
        throw this.closedError("Cannot send a message");
      case "wait":
        return this.#holdWrite(message, size);
    }
  }

  /** The bytes stay the caller's, so what waits here is a copy. */
  #holdWrite(message: Message, size: number): Promise<void> {
    if (this.#heldBytes + size > this.#options.maxBufferedAmount && this.#held.length > 0) {
      throw new ConnectionError(`Cannot send a message: ${this.#heldBytes} bytes of writes are waiting already`);
    }
    this.messagesSent++;
    this.#heldBytes += size;
    const copy = typeof message === "string" ? message : message.slice();
    return new Promise((resolve, reject) => this.#held.push({ message: copy, resolve, reject }));
  }

  #nextHeld(): HeldWrite {
    const held = this.#held.shift()!;
    this.#heldBytes -= held.message.length;
    return held;
  }

  #room(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Nothing can be sent from here on: whoever waits to write is told. */
  #leaveOpen(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const error = this.closedError("Cannot send a message");
    for (const { reject } of this.#waiting) reject(error);
    for (const { reject } of this.#held) reject(error);
    this.#waiting = [];
    this.#held = [];
    this.#heldBytes = 0;
    this.#abort?.abort(this.closedError("The connection has ended"));
  }

  #closureSoFar(): Closure {
    const received = this.#received;
    const sent = this.#sent;
    return {
      code: received?.code ?? (sent === undefined ? ABNORMAL : sent.code ?? NO_STATUS),
      reason: received?.reason ?? "",
      clean: received !== undefined && sent !== undefined,
      ...(received && { received }),
      ...(sent && { sent }),
      ...(received && sent ? {} : received ? { first: "remote" } : sent ? { first: "local" } : {}),
    };
  }
}

const DONE: Promise<void> = Promise.resolve();

function ignore(): void {}

/** Keep-alive's payload: its number, so that a late pong is not taken for this one. */
function countPayload(count: number): Uint8Array {
  return Uint8Array.of(0x68, 0x77, count >>> 24, count >>> 16, count >>> 8, count);
}

function isCount(payload: Uint8Array, count: number): boolean {
  const expected = countPayload(count);
  return payload.length === expected.length && expected.every((byte, i) => payload[i] === byte);
}
