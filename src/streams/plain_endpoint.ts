/**
 * One endpoint of an open WebSocket, where there need not be pings: what a client and a server's caller have in common
 * above the waist. Paces reading (features F1) and writing (F2), notices idleness (U5), closes (P3). Knows no frame, no
 * handler and no runtime; it never changes a message.
 */

import { ABNORMAL, boundReason, checkClose } from "../close_code.ts";
import {
  type CloseFrameInfo,
  type Closure,
  ConnectionClosureError,
  ConnectionError,
  type PayloadTooLargeError,
  type WebSocketError,
} from "../errors.ts";
import type { Cancel } from "../transport/clock.ts";
import type { Watched } from "../transport/deadlines.ts";
import type { Message, MessageSink, MessageSocket } from "../transport/message_socket.ts";
import { RateLimit } from "../transport/rate_limit.ts";
import { DEFAULT_LIMITS } from "../transport/upgrade.ts";
import type { HeldWrites } from "./held_writes.ts";
import type { KeepAlive } from "./keep_alive.ts";
import type { EndpointReader, MessageEndpoint } from "./message_endpoint.ts";
import { MessageQueue } from "./message_queue.ts";
import type { PlainEndpointOptions } from "./plain_endpoint_options.ts";
import type { SharedMessage } from "./shared_message.ts";
import { unheard } from "./unheard.ts";
import { Writes, type WritesHost } from "./writes.ts";

export class PlainEndpoint implements MessageEndpoint, MessageSink, Watched, WritesHost {
  readonly #socket: MessageSocket;
  readonly #options: PlainEndpointOptions;
  readonly #reader: EndpointReader;

  /** Data messages that came. */
  messagesReceived = 0;

  /** Made at the first need: whoever handles messages at once has none that wait, and some never send any. */
  #queue: MessageQueue | undefined;
  #writes: Writes | undefined;

  #state: "open" | "closing" | "closed" = "open";
  #received: CloseFrameInfo | undefined;
  #sent: CloseFrameInfo | undefined;
  #first: "local" | "remote" | undefined;
  #closure: Closure | undefined;
  #closing: Promise<Closure> | undefined;
  #whenClosed: Promise<Closure> | undefined;
  #resolveClosed: ((closure: Closure) => void) | undefined;
  #cancelClose: Cancel | undefined;
  /** Why we closed, when it was for something that went wrong. */
  #failure: WebSocketError | undefined;
  #abort: AbortController | undefined;

  readonly #rate: RateLimit | undefined;
  #paused = false;
  /** Paused from its start on: what comes all the same, at its end, finds no room and is lost with it. */
  #startedFull = false;
  /** After our close frame: a message that finds the queue full is dropped, and so are all that follow it. */
  #dropsOverflow = false;
  #overflowed = false;

  /** A message or a ping came since the last look; and when, as seen from the coarse timer. */
  #heard = false;
  #heardAt: number;
  readonly #keepAlive: KeepAlive | undefined;

  /** @param keepAlive sees to it that the peer is there; undefined: nobody does */
  constructor(socket: MessageSocket, reader: EndpointReader, options: PlainEndpointOptions, keepAlive?: KeepAlive) {
    this.#socket = socket;
    this.#reader = reader;
    this.#options = options;
    this.#queue = options.queue;
    this.#keepAlive = keepAlive;
    const { maxMessagesPerSecond = Infinity } = options;
    if (maxMessagesPerSecond < Infinity) this.#rate = new RateLimit(maxMessagesPerSecond, options.clock);
    this.#heardAt = Math.ceil(options.clock.now());
  }

  /** Starts delivery. Called once. */
  start(): void {
    const { idleMs, buffers } = this.#options;
    // What waits for the peer is looked at, too: no tick is longer than that needs.
    const longest = buffers === undefined ? Infinity : 10_000;
    const shortest = Math.min(idleMs, this.#keepAlive?.shortestMs ?? Infinity, longest);
    if (shortest < Infinity) this.#options.deadlines.add(this, shortest);
    this.#socket.start(this);
    if (this.#queue?.full !== true || !this.#socket.pause) return;
    this.#paused = this.#startedFull = true;
    this.#socket.pause();
  }

  /** What came and was not handled yet. */
  get queue(): MessageQueue {
    return this.#queue ??= new MessageQueue(this.#options.readAhead, undefined, this.#options.buffers);
  }

  get writes(): Writes {
    return this.#writes ??= new Writes(this.#socket, this.#options, this);
  }

  /** How many messages wait in `queue`. */
  get waiting(): number {
    return this.#queue === undefined ? 0 : this.#queue.length;
  }

  /** The sub-protocol that was agreed on, empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** Seconds from our last keep-alive ping to its pong; undefined before the first. */
  get latency(): number | undefined {
    return this.#keepAlive?.latency;
  }

  /** How it ended, once it has. */
  get closure(): Closure | undefined {
    return this.#closure;
  }

  /** Bytes accepted and not yet with the operating system, those of held writes included. */
  get bufferedAmount(): number {
    return this.#writes === undefined ? this.#socket.bufferedAmount : this.#writes.bufferedAmount;
  }

  /** Data messages that were handed to the socket, and that `bufferPolicy` dropped. */
  get messagesSent(): number {
    return this.#writes?.messagesSent ?? 0;
  }

  get messagesDropped(): number {
    return this.#writes?.messagesDropped ?? 0;
  }

  /** Messages that came after our close frame found no room and were dropped: what was read is not all. */
  get overflowed(): boolean {
    return this.#overflowed;
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

  /** Puts `message` aside until its reader takes it out of `queue`, or one beside it; pauses the socket at the mark. */
  hold(message: Message, queue: MessageQueue = this.queue): void {
    if (this.#startedFull) return;
    if (this.#overflowed || (this.#dropsOverflow && queue.full)) {
      this.#overflowed = true;
      return;
    }
    queue.push(message);
    this.#holdBack();
  }

  /**
   * As `hold`, for a message, or a part of one, that the reader keeps itself until it calls `queue.countOut`. False: it is
   * to be dropped.
   */
  holdElsewhere(message: Message): boolean {
    if (this.#overflowed || (this.#dropsOverflow && this.queue.full)) {
      this.#overflowed = true;
      return false;
    }
    this.queue.countIn(message);
    this.#holdBack();
    return true;
  }

  /** Closes, because what came is more than its reader takes: neither it nor anything behind it is delivered. */
  refuse(violation: PayloadTooLargeError): void {
    this.#failure ??= violation;
    this.#overflowed = true;
    this.queue.clear();
    // As where a rule is broken below: who sends too much is not waited for.
    void this.close(violation.closeCode, boundReason(violation.message), 0);
  }

  /** Pauses the socket at the mark. */
  #holdBack(): void {
    if (this.#paused || this.#dropsOverflow || !this.queue.full) return;
    if (this.#socket.pause) {
      this.#paused = true;
      this.#socket.pause();
    } else if (this.#state === "open") {
      // A socket that cannot pause would fill the memory instead (features F1).
      const { crowded } = this.queue;
      this.#closeForLimit(crowded ? "maxTotalBuffered" : "readAhead", "read-ahead exceeded", crowded ? 1013 : 1008);
    }
  }

  /**
   * To be called after messages were taken out of `queue`: lets the socket go on below the mark; and when nothing is left
   * in `queue`, because its reader would wait for those of other queues, as soon as there is room.
   *
   * @param mayWait false: the reader has more to do than what is in `queue`
   */
  released(queue?: MessageQueue, mayWait = true): void {
    if (!this.#paused) return;
    const { low, length, full } = queue ?? this.queue;
    if (low || (mayWait && length === 0 && !full)) this.#resume();
  }

  message(message: Message): void {
    this.messagesReceived++;
    this.#heard = true;
    if (this.#rate !== undefined) this.#checkRate(this.#rate);
    this.#reader.message(message);
  }

  messagePart(part: Message, fin: boolean): void {
    if (fin) this.messagesReceived++;
    this.#heard = true;
    if (fin && this.#rate !== undefined) this.#checkRate(this.#rate);
    this.#reader.messagePart!(part, fin);
  }

  #checkRate(rate: RateLimit): void {
    if (rate.exceeded() && this.#state === "open") this.#closeForLimit("maxMessagesPerSecond", "too many messages");
  }

  /** Closes because the peer sent more than the limit `name` takes. What came stays the reader's. */
  #closeForLimit(name: string, reason: string, code = 1008): void {
    this.#failure = new ConnectionError(`The peer sent more than ${name} takes`);
    void this.close(code, reason);
  }

  ping(payload: Uint8Array): boolean {
    this.#heard = true;
    if (this.#reader.ping === undefined) return false;
    this.#reader.ping(payload);
    return true;
  }

  pong(payload: Uint8Array): void {
    if (!this.#keepAlive?.pong(payload)) this.#reader.pong?.(payload);
  }

  /**
   * Hands `message` over, which stays the caller's. Undefined: go on; a promise: the peer is slow, it resolves when
   * there is room. The hot path of returned values, which allocates nothing while the peer keeps up.
   * With `compress` false it goes as it is; `shared` is the same message on its way to others too.
   * @throws {ConnectionClosureError} when the connection is closing or closed
   * @throws {ConnectionError} when too many writes wait already, which happens to callers that do not await theirs
   */
  send(message: Message, compress = true, shared?: SharedMessage): Promise<void> | undefined {
    if (this.#state !== "open") throw this.closedError("Cannot send a message");
    return this.writes.send(message, compress, shared);
  }

  /** As `send`, but always a promise, which rejects instead of throwing. Its rejection may go unheard. */
  write(message: Message, compress = true): Promise<void> {
    try {
      return this.send(message, compress) ?? DONE;
    } catch (error) {
      return unheard(Promise.reject(error));
    }
  }

  /** Undefined: the peer keeps up; a promise: it is slow, and this resolves when there is room, or rejects at the end. */
  whenWritable(): Promise<void> | undefined {
    return this.#state === "open" ? this.writes.whenWritable() : undefined;
  }

  drained(): void {
    this.#keepAlive?.touch();
    this.#writes?.drained();
  }

  /** Sends what was held elsewhere, behind what is held here, at the peer's pace: whatever is sent from now on follows. */
  adopt(writes: HeldWrites): void {
    this.writes.adopt(writes);
  }

  giveUp(reason: string): ConnectionClosureError {
    void this.close(1013, reason);
    return this.closedError("Cannot send a message");
  }

  /** Sends a ping. Absent where there is none. */
  sendPing?(payload: Uint8Array): void;
  /** Sends a pong. Absent where there is none. */
  sendPong?(payload: Uint8Array): void;

  /**
   * Starts the closing handshake behind everything that was written, or answers the peer's. Resolves with how it ended;
   * a second call with the first's promise. After `timeoutMs` without an answer the connection is cut. 0: resolves at
   * once with what is known, and the connection is cut after `lingerMs`. What the peer still sends is read, so that its
   * answer is seen: messages that find no room are dropped, unless `overflow` says that somebody will read them.
   * @throws {RangeError} when the code or reason may not travel; nothing is sent then
   */
  close(
    code = 1000,
    reason = "",
    timeoutMs: number = this.#options.closeMs,
    overflow: "drop" | "wait" = "drop",
  ): Promise<Closure> {
    checkClose(code, reason);
    if (this.#closure === undefined && overflow === "drop") this.#dropOverflow();
    if (this.#closing !== undefined) return this.#closing;
    if (this.#closure !== undefined) return Promise.resolve(this.#closure);
    this.#sent ??= { code, reason };
    this.#first ??= "local";
    this.#leaveOpen("closing");
    this.#socket.close(code, reason);
    this.#closing = timeoutMs === 0 ? Promise.resolve(this.#closureSoFar()) : this.whenClosed();
    const cutMs = timeoutMs === 0 ? this.#options.lingerMs ?? DEFAULT_LIMITS.lingerMs : timeoutMs;
    if (cutMs < Infinity) this.#cancelClose = this.#options.clock.after(cutMs, () => this.#socket.destroy());
    return this.#closing;
  }

  /** Drops the connection now, without a close frame. `error` becomes the closure's. */
  terminate(error?: WebSocketError): void {
    if (this.#state === "closed") return;
    this.#leaveOpen("lost");
    this.#socket.destroy(error);
  }

  /** Resolves with how it ended; never rejects. The same promise at each call. */
  whenClosed(): Promise<Closure> {
    this.#whenClosed ??= this.#closure === undefined
      ? new Promise((resolve) => this.#resolveClosed = resolve)
      : Promise.resolve(this.#closure);
    return this.#whenClosed;
  }

  closing(code: number, reason: string): void {
    this.#received = { code, reason };
    this.#first ??= "remote";
    this.#reader.closing?.(code, reason);
    // Unless the reader has answered, the socket does, right after this call.
    this.#sent ??= { code, reason: "" };
    this.#leaveOpen("lost");
  }

  closed(ending: Closure): void {
    const failure = this.#failure;
    const closure = failure === undefined || ending.error !== undefined ? ending : { ...ending, error: failure };
    this.#closure = closure;
    this.#cancelClose?.();
    this.#options.deadlines.delete(this);
    this.#leaveOpen("lost");
    this.#state = "closed";
    this.#paused = false;
    this.#writes?.closed();
    this.#reader.closed(closure);
    this.#resolveClosed?.(closure);
  }

  check(now: number): void {
    // Pings and pongs wait for the peer, too, also of one that is sent nothing else.
    if (this.bufferedAmount > 0) this.writes.recount();
    else this.#writes?.recount();
    if (this.#state !== "open") return;
    if (this.#heard) this.#keepAlive?.touch();
    this.#checkIdle(now);
    if (this.#state !== "open" || this.#keepAlive?.check(now, this.#paused, this.#writes?.full === true) !== false) {
      return;
    }
    this.terminate(new ConnectionError("The peer did not answer a ping in time"));
  }

  /** Time stands still while it is us who do not read (features F1). */
  #checkIdle(now: number): void {
    if (this.#heard || this.#paused) {
      this.#heard = false;
      this.#heardAt = now;
    } else if (now - this.#heardAt >= this.#options.idleMs) {
      this.#heardAt = now;
      this.#reader.idle?.();
    }
  }

  #resume(): void {
    this.#paused = this.#startedFull = false;
    const now = Math.ceil(this.#options.clock.now());
    this.#heardAt = now;
    this.#keepAlive?.resumed(now);
    this.#socket.resume?.();
  }

  #dropOverflow(): void {
    this.#dropsOverflow = true;
    if (this.#paused) this.#resume();
  }

  /**
   * Nothing new can be sent from here on, and whoever waits to write is told: before our own close frame everything that
   * waits is handed over, else nobody knows what arrived.
   */
  #leaveOpen(how: "closing" | "lost"): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const flushes = how === "closing" && this.#received === undefined;
    const unsent = (writes: HeldWrites): void => this.#reader.unsent?.(writes);
    this.#writes?.end(flushes, () => this.closedError("Cannot send a message"), unsent);
    this.#abort?.abort(this.closedError("The connection has ended"));
  }

  /** What is known of the end before it is there (RFC 6455 §7.1.5). */
  #closureSoFar(): Closure {
    const received = this.#received;
    const sent = this.#sent;
    return {
      code: received?.code ?? ABNORMAL,
      reason: received?.reason ?? "",
      clean: received !== undefined && sent !== undefined,
      ...(received && { received }),
      ...(sent && { sent }),
      ...(this.#first && { first: this.#first }),
    };
  }
}

const DONE: Promise<void> = Promise.resolve();
