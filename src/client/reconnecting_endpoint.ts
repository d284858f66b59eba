/**
 * One endpoint over one connection after the other (features C9): when a connection is lost, or cannot be opened, it waits
 * and connects anew, while readers and writers keep what they have. Whether and when, retry.ts says; it knows no handshake.
 */

import { byteSize, type FillRandom } from "../bytes.ts";
import {
  type Closure,
  ConnectionClosureError,
  ConnectionError,
  HandshakeTimedOutError,
  type PayloadTooLargeError,
  WebSocketError,
} from "../errors.ts";
import { HeldWrites, writeTimedOut } from "../streams/held_writes.ts";
import type { EndpointReader, MessageEndpoint } from "../streams/message_endpoint.ts";
import type { MessageQueue } from "../streams/message_queue.ts";
import type { PlainEndpoint } from "../streams/plain_endpoint.ts";
import { unheard } from "../streams/unheard.ts";
import type { Writes } from "../streams/writes.ts";
import type { Cancel, Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { EndpointExtras, Opened } from "./connector.ts";
import { failureOf, isTransient, retryAfterMs, retryWait } from "./retry.ts";
import type { ReconnectInfo, RetrySettings, Uncertain } from "./retry_options.ts";

/** What it takes. Times are milliseconds, Infinity for ever. */
export interface ReconnectingOptions {
  readonly clock: Clock;
  readonly fillRandom: FillRandom;
  /** Told of what the user's functions throw. */
  readonly report: (error: unknown) => void;
  readonly retry: Omit<RetrySettings<never>, "onReconnect">;
  readonly handshakeMs: number;
  readonly writeMs: number;
  /** What came and was not read yet, over all connections. */
  readonly queue: MessageQueue;
  /** As `Connect`. */
  readonly connect: (signal: AbortSignal) => Promise<Opened>;
  /** The endpoint of a connection that was opened, not started yet. */
  readonly endpoint: (
    opened: Opened,
    reader: Required<Pick<EndpointReader, "unsent" | "closed">>,
    extras: EndpointExtras,
  ) => PlainEndpoint;
  readonly onReconnect: (info: ReconnectInfo) => void | Promise<void>;
  /** Called once, when there will be no other connection. */
  readonly ended: () => void;
}

const NOTHING: Uncertain = { messages: 0, bytes: 0 };

export class ReconnectingEndpoint implements MessageEndpoint {
  readonly queue: MessageQueue;
  /** Resolves when the first connection is open; rejects when there will be none. */
  readonly opened: Promise<void>;
  readonly #options: ReconnectingOptions;
  /** Messages that no socket was handed. Empty while there is a connection, but for the time of `onReconnect`. */
  readonly #outbox = new HeldWrites();
  /** The connection that there is, or the last that there was. */
  #link: PlainEndpoint | undefined;
  /** Since when it is open and `onReconnect` done. */
  #readySince: number | undefined;
  #attempt: AbortController | undefined;
  /** Of the wait for the next attempt, or the time limit of `onReconnect`. */
  #cancelTimer: Cancel | undefined;
  /** Attempts since a connection proved stable. */
  #attempts = 0;
  /** How the last connection ended, and what it may have lost. */
  #loss: Closure | undefined;
  #uncertain = NOTHING;
  /** How the last connection or attempt ended. */
  #last: Closure | undefined;
  /** The user ends it: there will be no other attempt. */
  #ending = false;
  #closing: Promise<Closure> | undefined;
  #closure: Closure | undefined;
  readonly #whenClosed: Promise<Closure>;
  #resolveOpened!: () => void;
  #rejectOpened!: (reason: unknown) => void;
  #resolveClosed!: (closure: Closure) => void;

  constructor(options: ReconnectingOptions) {
    this.#options = options;
    this.queue = options.queue;
    this.opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.#whenClosed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  /** Begins to connect. Called once. */
  start(): void {
    if (!this.#ending) void this.#connect();
  }

  get state(): "connecting" | "open" | "closing" | "closed" {
    if (this.#closure !== undefined) return "closed";
    if (this.#ending) return "closing";
    return this.#link?.state === "open" ? "open" : "connecting";
  }

  get closure(): Closure | undefined {
    return this.#closure;
  }

  get overflowed(): boolean {
    return this.#link?.overflowed === true;
  }

  get protocol(): string {
    return this.#link?.protocol ?? "";
  }

  get latency(): number | undefined {
    return this.#link?.latency;
  }

  get bufferedAmount(): number {
    return (this.#live?.bufferedAmount ?? 0) + this.#outbox.bytes;
  }

  closedError(action: string): ConnectionClosureError {
    return this.#closure === undefined
      ? this.#link!.closedError(action)
      : new ConnectionClosureError(action, this.#closure);
  }

  hold(message: Message, queue?: MessageQueue): void {
    this.#link!.hold(message, queue);
  }

  holdElsewhere(message: Message): boolean {
    return this.#link!.holdElsewhere(message);
  }

  released(queue?: MessageQueue, mayWait?: boolean): void {
    this.#link?.released(queue, mayWait);
  }

  refuse(violation: PayloadTooLargeError): void {
    this.#link?.refuse(violation);
  }

  get writes(): Writes | undefined {
    return this.#link?.state === "open" ? this.#link.writes : undefined;
  }

  /** @throws {ConnectionError} when there is no connection, and no room in the outbox; else as an endpoint's */
  send(message: Message, compress = true): Promise<void> | undefined {
    return this.#send(message, compress);
  }

  sendIfWanted(message: Message, isWanted: () => boolean): Promise<void> | undefined {
    return this.#send(message, true, isWanted);
  }

  #send(message: Message, compress: boolean, isWanted?: () => boolean): Promise<void> | undefined {
    if (this.#link?.state === "open") return this.#link.send(message, compress);
    if (this.#ending) throw this.closedError("Cannot send a message");
    this.#dropLate();
    const bytes = byteSize(message);
    if (!this.#fits(bytes)) throw this.#full();
    return unheard(this.#outbox.add(message, bytes, compress, this.#options.clock.now(), isWanted));
  }

  get sendPing(): ((payload: Uint8Array) => void) | undefined {
    return this.#control("sendPing", "ping");
  }

  get sendPong(): ((payload: Uint8Array) => void) | undefined {
    return this.#control("sendPong", "pong");
  }

  #control(method: "sendPing" | "sendPong", what: string): ((payload: Uint8Array) => void) | undefined {
    const link = this.#link;
    if (link?.state === "open") return link[method]?.bind(link);
    return () => {
      if (this.#ending) throw this.closedError(`Cannot send a ${what}`);
      throw new ConnectionError(`Cannot send a ${what}: there is no connection at the moment`);
    };
  }

  /** The code and reason are checked already. */
  close(code?: number, reason?: string, timeoutMs?: number, overflow?: "drop" | "wait"): Promise<Closure> {
    this.#ending = true;
    const link = this.#live;
    if (link !== undefined) {
      const closing = link.close(code, reason, timeoutMs, overflow);
      return this.#closing ??= closing;
    }
    this.#giveUp(new ConnectionError("Cannot connect: the client was closed before the connection was open"));
    return this.#closing ??= this.#whenClosed;
  }

  /** @param reason what `opened` rejects with, when there was no connection yet */
  terminate(error?: WebSocketError, reason: unknown = error): void {
    this.#ending = true;
    const link = this.#live;
    if (link !== undefined) link.terminate(error);
    else this.#giveUp(reason ?? new ConnectionError("Cannot connect: the client was terminated"));
  }

  whenClosed(): Promise<Closure> {
    return this.#whenClosed;
  }

  /** The connection that there is. */
  get #live(): PlainEndpoint | undefined {
    return this.#link?.state === "closed" ? undefined : this.#link;
  }

  /** Without a connection there is nobody to wait for. */
  #giveUp(reason: unknown): void {
    this.#attempt?.abort(reason);
    this.#cancelTimer?.();
    this.#end(this.#last ?? failureOf(reason), reason);
  }

  async #connect(): Promise<void> {
    const { signal } = this.#attempt = new AbortController();
    let opened: Opened;
    try {
      opened = await this.#options.connect(signal);
    } catch (error) {
      if (signal.aborted) return;
      const closure = failureOf(error);
      // What is no error of ours is a mistake, and stays one.
      return this.#retry(closure, error instanceof WebSocketError && isTransient(closure), error);
    }
    // Given up between the last byte of the handshake and this line: nobody listened any more.
    if (signal.aborted) opened.socket.destroy();
    else this.#begin(opened);
  }

  #begin(opened: Opened): void {
    let [arrived, pinged] = [NOTHING, NOTHING];
    const reader = {
      unsent: (writes: HeldWrites) => this.#keep(writes),
      closed: (closure: Closure) => this.#lost(closure, sentSince(link, arrived)),
    };
    const link = this.#options.endpoint(opened, reader, {
      queue: this.queue,
      onPing: () => pinged = sentSince(link, NOTHING),
      onAnswer: () => arrived = pinged,
    });
    const isFirst = this.#link === undefined;
    this.#link = link;
    link.start();
    if (!isFirst) return this.#greet(link);
    this.#ready(link);
    this.#resolveOpened();
  }

  /** Nothing is delivered before the user's function has been called: nothing is, from inside `start`. */
  #greet(link: PlainEndpoint): void {
    const { clock, handshakeMs, onReconnect } = this.#options;
    let called: void | Promise<void>;
    try {
      called = onReconnect({ attempt: this.#attempts, closure: this.#loss!, uncertain: this.#uncertain });
    } catch (error) {
      return this.#drop(link, error);
    }
    if (!(called instanceof Promise)) return this.#ready(link);
    if (handshakeMs < Infinity) {
      const late = (): void => {
        const seconds = handshakeMs / 1_000;
        this.#drop(link, new HandshakeTimedOutError(`Cannot reconnect: "onReconnect" took longer than ${seconds} s`));
      };
      this.#cancelTimer = clock.after(handshakeMs, late);
    }
    called.then(() => this.#ready(link), (error) => this.#drop(link, error));
  }

  #ready(link: PlainEndpoint): void {
    if (link !== this.#link || link.state !== "open") return;
    this.#cancelTimer?.();
    this.#readySince = this.#options.clock.now();
    this.#dropLate();
    if (this.#outbox.length > 0) link.adopt(this.#outbox);
  }

  /** A connection that `onReconnect` failed for is of no use. That it was lost meanwhile is no failure of the function. */
  #drop(link: PlainEndpoint, cause: unknown): void {
    const isCurrent = link === this.#link && link.state === "open";
    if (isCurrent || !(cause instanceof ConnectionClosureError)) this.#options.report(cause);
    if (isCurrent) link.terminate(new ConnectionError('Cannot reconnect: "onReconnect" failed', { cause }));
  }

  /** What `onReconnect` wrote is of its connection only; everything else waits for the next one. */
  #keep(writes: HeldWrites): void {
    if (this.#ending || this.#readySince === undefined) return;
    for (let write = writes.next(); write !== undefined; write = writes.next()) {
      if (this.#fits(write.bytes)) this.#outbox.put(write);
      else write.reject(this.#full());
    }
  }

  #lost(closure: Closure, uncertain: Uncertain): void {
    this.#cancelTimer?.();
    this.#loss = closure;
    this.#uncertain = uncertain;
    const since = this.#readySince;
    this.#readySince = undefined;
    if (this.#ending) return this.#end(closure);
    const { clock, retry } = this.#options;
    if (since !== undefined && clock.now() - since >= retry.minUptimeMs) this.#attempts = 0;
    this.#retry(closure, isTransient(closure));
  }

  #retry(closure: Closure, byDefault: boolean, failure?: unknown): void {
    this.#last = closure;
    const { clock, fillRandom, retry } = this.#options;
    const goesOn = this.#wants(closure, byDefault) && this.#attempts < retry.maxCount;
    // The user may have ended it from in there.
    if (this.#closure !== undefined) return;
    if (!goesOn) return this.#end(closure, failure);
    const waitMs = retryWait(this.#attempts++, retry, retryAfterMs(closure.error, Date.now()), fillRandom);
    this.#cancelTimer = clock.after(waitMs, () => void this.#connect());
  }

  #wants(closure: Closure, byDefault: boolean): boolean {
    const { report, retry: { retryOn } } = this.#options;
    if (retryOn === undefined) return byDefault;
    try {
      const wanted: unknown = retryOn(new ConnectionClosureError("There is no connection", closure), byDefault);
      if (typeof wanted === "boolean") return wanted;
      if (wanted instanceof Promise) wanted.catch(report);
      throw new TypeError('Cannot tell whether to connect anew: "retryOn" did not return a boolean');
    } catch (error) {
      report(error);
      return false;
    }
  }

  #end(closure: Closure, reason: unknown = closure.error): void {
    if (this.#closure !== undefined) return;
    this.#ending = true;
    this.#closure = closure;
    for (let write = this.#outbox.next(); write !== undefined; write = this.#outbox.next()) {
      write.reject(this.closedError("Cannot send a message"));
    }
    this.#rejectOpened(reason);
    this.#options.ended();
    this.#resolveClosed(closure);
  }

  #fits(bytes: number): boolean {
    return this.#outbox.fits(bytes, this.#options.retry.outboxBytes);
  }

  #full(): ConnectionError {
    const { bytes } = this.#outbox;
    return new ConnectionError(
      `Cannot send a message: there is no connection, and no room beside ${bytes} bytes that wait`,
    );
  }

  /** Whoever wrote them has been told that it took too long: they are not sent any more. */
  #dropLate(): void {
    const { clock, writeMs } = this.#options;
    const now = clock.now();
    for (let write = this.#outbox.peek(); write && now - write.since >= writeMs; write = this.#outbox.peek()) {
      this.#outbox.next();
      write.reject(writeTimedOut(writeMs));
    }
  }
}

/** What `link` was handed after `before`. */
function sentSince(link: PlainEndpoint, before: Uncertain): Uncertain {
  return { messages: link.messagesSent - before.messages, bytes: link.writes.bytesSent - before.bytes };
}
