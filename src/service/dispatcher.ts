/**
 * Messages to handlers, and what they return to the peer (features S2 to S8). Handles one message at a time, in order,
 * and costs nothing more than the handler while that answers at once. Knows no life cycle.
 */

import { boundReason } from "../close_code.ts";
import { type Closure, ConnectionClosureError } from "../errors.ts";
import { isInstance } from "../instance_of.ts";
import type { Endpoint } from "../streams/endpoint.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Caller } from "./caller.ts";
import type { CloseFrame } from "./close_frame.ts";
import { BindingFailure, type Handlers } from "./handlers.ts";
import { Lines } from "./lines.ts";
import { discard, isThenable, reply, type ReplyTarget, StreamFailure } from "./reply.ts";
import { OneByOne, type Requests, run } from "./requests.ts";
import type { Service } from "./service.ts";
import { type StreamedHost, StreamedMessages } from "./streamed_messages.ts";

/** What a listener counts over all of its connections. */
export interface Tally {
  /** Messages that no handler takes. */
  unhandled: number;
  /** Messages that waited for a handler, or came, when this side had closed already. */
  dropped: number;
  /** Answers that could not be sent any more because the peer had left, and that no `onError` heard of. */
  unsent: number;
}

/** Who takes errors that a service does not. Neither must throw. */
export interface Errors {
  /** A failure of somebody's code. */
  report(error: unknown, caller: Caller): void;
  /** A failure of the peer, or of the network. */
  notice(error: unknown, caller: Caller): void;
}

/** The connection whose messages are dispatched. */
export interface DispatcherHost {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly errors: Errors;
  /** Nothing is running any more. Called often. */
  quiet(): void;
}

type MessageHandler = (this: Service, caller: Caller, message: never) => unknown;

interface Later {
  readonly returned: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
  readonly sent: () => void;
  readonly notSent: (error: unknown) => void;
}

const INTERNAL_ERROR = "internal error";
/** So many handlers of pings, pongs and idleness may be unfinished: a peer decides how many pings there are. */
const MAX_ASIDES = 16;

export class Dispatcher implements StreamedHost {
  readonly endpoint: Endpoint;
  readonly #host: DispatcherHost;
  readonly service: Service;
  /** Undefined: the two below are all there is to it. */
  readonly #requests: Requests | undefined;
  /** The same, when each message is a stream. */
  readonly #streamed: StreamedMessages | undefined;
  readonly #onText: MessageHandler | undefined;
  readonly #onBinary: MessageHandler | undefined;

  /** Handlers and answers that take time, and hold back the next message: one, and one more while `onError` is asked. */
  #running = 0;
  /** Others that take time: answers to pings, pongs and idleness. */
  #asides = 0;
  #afterMessages: (() => void) | undefined;
  /** Who ended the connection: the service or its listener, or the peer or the network. */
  #endedBy: "us" | "peer" | undefined;
  #later: Later | undefined;

  /** @param handlers undefined: those that every service may have, one message at a time */
  constructor(host: DispatcherHost, service: Service, endpoint: Endpoint, handlers?: Handlers) {
    this.#host = host;
    this.endpoint = endpoint;
    this.service = service;
    this.#onText = service.onTextMessage ?? service.onMessage;
    this.#onBinary = service.onBinaryMessage ?? service.onMessage;
    if (service.onMessageStream !== undefined) this.#requests = this.#streamed = new StreamedMessages(this);
    else if (handlers !== undefined) {
      this.#requests = handlers.isConcurrent ? new Lines(handlers, this) : new OneByOne(handlers, this);
    }
  }

  get caller(): Caller {
    return this.#host.caller;
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  get signal(): AbortSignal {
    return this.endpoint.signal;
  }

  get isHeld(): boolean {
    return this.#running > 0;
  }

  hold(): void {
    this.#running++;
  }

  letGo(): void {
    this.#running--;
    this.goOn();
  }

  unhandled(): void {
    this.#host.tally.unhandled++;
  }

  /** Starts delivery and runs `onOpen`; what comes before that has ended waits. */
  open(): void {
    this.endpoint.start();
    const { service } = this;
    if (service.onOpen === undefined) return;
    const { caller } = this;
    if (this.#requests?.open !== undefined) return this.#requests.open(() => service.onOpen!(caller));
    let returned: unknown;
    try {
      returned = service.onOpen(caller);
    } catch (error) {
      return void this.failed(error);
    }
    this.#answer(returned);
  }

  /** Handles `message`, or puts it behind those that wait. */
  message(message: Message): void {
    if (this.endpoint.state !== "open") this.#host.tally.dropped++;
    else if (this.#running > 0) this.endpoint.hold(message);
    else this.#handle(message);
  }

  /** Handles a message that still comes, or lets it wait. */
  messagePart(part: Message, fin: boolean): void {
    if (this.endpoint.state === "open") this.#streamed?.part(part, fin);
    else if (fin) this.#host.tally.dropped++;
  }

  /**
   * Runs `call` at once, whatever else is running, and sends what it returns; bytes as a pong if `asPong`. Does nothing
   * while too many such calls are unfinished.
   */
  aside(call: () => unknown, asPong = false): void {
    if (this.#asides >= MAX_ASIDES) return;
    let pending: Promise<unknown> | undefined;
    try {
      const returned = call();
      pending = isThenable(returned)
        ? Promise.resolve(returned).then((value) => this.#answerAside(value, asPong), (error) => this.failed(error))
        : this.#answerAside(returned, asPong);
    } catch (error) {
      return void this.failed(error);
    }
    if (pending === undefined) return;
    this.#asides++;
    pending.then(() => {
      this.#asides--;
      this.goOn();
    });
  }

  /** Runs `run` once every message that came is handled: at once, if that is so. One at a time. */
  afterMessages(run: () => void): void {
    if (this.#hasHandledAll) run();
    else this.#afterMessages = run;
  }

  /** Nothing is running, and nothing waits. */
  get isQuiet(): boolean {
    return this.#asides === 0 && this.#hasHandledAll;
  }

  get #hasHandledAll(): boolean {
    return this.#running === 0 && this.endpoint.waiting === 0 && this.#requests?.isIdle !== false;
  }

  /** The peer, or the network, ended the connection: what it sent before that is still handled. */
  peerLeft(): void {
    this.#endedBy ??= "peer";
    this.#streamed?.cut(this.endpoint.closedError("Cannot read further"));
  }

  /** Tells the service of a failure that is not its own. */
  fault(error: unknown): void {
    if (this.service.onError === undefined) this.#host.errors.notice(error, this.caller);
    else this.failed(error);
  }

  /** Closes on this side's behalf: no message is handled any more. As `Endpoint.close`. */
  close(code: number, reason: string, timeoutMs: number | undefined): Promise<Closure> {
    const first = this.endpoint.state === "open";
    const closed = this.endpoint.close(code, reason, timeoutMs);
    if (first) this.#abandon();
    return closed;
  }

  closeWith({ status, reason }: CloseFrame): void {
    // Too late when a close frame went already: there is only one.
    if (this.endpoint.state === "open") this.close(status, reason, undefined);
  }

  /** Drops the connection on this side's behalf: no message is handled any more. */
  terminate(): void {
    const first = this.endpoint.state === "open";
    this.endpoint.terminate();
    if (first) this.#abandon();
  }

  report(error: unknown): void {
    this.#host.errors.report(error, this.caller);
  }

  #handle(message: Message): void {
    if (this.#requests !== undefined) return this.#requests.take(message);
    const handler = typeof message === "string" ? this.#onText : this.#onBinary;
    if (handler === undefined) return this.unhandled();
    let returned: unknown;
    try {
      returned = handler.call(this.service, this.caller, message as never);
    } catch (error) {
      return void this.failed(error);
    }
    if (returned !== undefined) this.#answer(returned);
  }

  /** Sends what a handler returned; while that takes time no other message is handled. */
  #answer(returned: unknown): void {
    let pending: Promise<void> | undefined;
    try {
      // What most handlers return, without asking what else it might be.
      if (typeof returned === "string" || returned instanceof Uint8Array) {
        pending = this.endpoint.send(returned);
      } else if (isThenable(returned)) {
        this.#running++;
        const later = this.#later ?? this.#makeLater();
        Promise.resolve(returned).then(later.returned, later.failed);
        return;
      } else {
        pending = reply(this, returned);
      }
    } catch (error) {
      return void this.notSent(error);
    }
    if (pending === undefined) return;
    this.#running++;
    const later = this.#later ?? this.#makeLater();
    pending.then(later.sent, later.notSent);
  }

  /** What a handler that takes its time comes to. Most connections have none, and keep no closures for it. */
  #makeLater(): Later {
    return this.#later = {
      returned: (value) => {
        this.#running--;
        if (value !== undefined) this.#answer(value);
        this.goOn();
      },
      failed: (error) => {
        this.#running--;
        this.failed(error);
        this.goOn();
      },
      sent: () => {
        this.#running--;
        this.goOn();
      },
      notSent: (error) => {
        this.#running--;
        this.notSent(error);
        this.goOn();
      },
    };
  }

  /** Never rejects. */
  #answerAside(value: unknown, asPong: boolean): Promise<unknown> | undefined {
    try {
      if (asPong && value instanceof Uint8Array) this.endpoint.sendPong(value);
      else if (asPong && value instanceof ArrayBuffer) this.endpoint.sendPong(new Uint8Array(value));
      else return reply(this, value)?.catch((error) => this.notSent(error));
    } catch (error) {
      return this.notSent(error);
    }
    return undefined;
  }

  /** Handles what waits, until a handler takes its time or nothing is left. */
  goOn(): void {
    this.#requests?.goOn();
    const { endpoint } = this;
    while (this.#running === 0 && endpoint.waiting > 0) {
      const message = endpoint.queue.shift()!;
      endpoint.released();
      this.#handle(message);
    }
    this.#streamed?.goOn();
    if (!this.#hasHandledAll) return;
    const run = this.#afterMessages;
    this.#afterMessages = undefined;
    run?.();
    this.#host.quiet();
  }

  notSent(error: unknown, target: ReplyTarget = this): Promise<unknown> | undefined {
    if (isInstance(error, StreamFailure)) {
      return this.failed(error.cause, target, boundReason(`streaming failed: ${messageOf(error.cause)}`));
    }
    const { endpoint } = this;
    if (this.#endedBy === "us" || endpoint.state === "open" || !isInstance(error, ConnectionClosureError)) {
      return this.failed(error, target);
    }
    // The endpoint gave up on a slow peer by itself: what waits would only keep its close frame from being read.
    if (this.#endedBy === undefined) this.#dropWaiting();
    if (this.service.onError !== undefined) return this.failed(error, target);
    this.#host.tally.unsent++;
    return undefined;
  }

  /** `onError` first, so that it may choose the close frame; then ours, if that is still to be sent. */
  failed(error: unknown, target: ReplyTarget = this, reason: string = INTERNAL_ERROR): Promise<unknown> | undefined {
    if (isInstance(error, BindingFailure)) return this.#refused(error, target);
    if (this.service.onError !== undefined) return this.#askOnError(error, target, reason);
    this.report(error);
    this.#closeFailed(reason);
    return undefined;
  }

  /** The peer's message is not what its handler takes: that is no failure, if somebody is there to hear of it. */
  #refused({ cause, errorHandler }: BindingFailure, target: ReplyTarget): Promise<unknown> | undefined {
    const { service, caller } = this;
    const handler = Reflect.get(service, errorHandler);
    if (typeof handler === "function") {
      return run(this, target, () => handler.call(service, caller, cause));
    }
    if (service.onError !== undefined) return this.#askOnError(cause, target, undefined);
    this.#host.errors.notice(cause, caller);
    if (this.endpoint.state === "open") {
      this.close(1003, boundReason(`data binding failed: ${cause.message}`), undefined);
    }
    return undefined;
  }

  /** @param reason of the close frame that follows; undefined: none does, unless `onError` itself fails */
  #askOnError(error: unknown, target: ReplyTarget, reason: string | undefined): Promise<unknown> | undefined {
    let pending: Promise<unknown> | undefined;
    let closing = reason;
    const fail = (failure: unknown): void => {
      closing ??= INTERNAL_ERROR;
      this.report(failure);
    };
    try {
      const returned: unknown = this.service.onError!(this.caller, error);
      pending = isThenable(returned)
        ? Promise.resolve(returned).then((value) => this.#answerError(value, target))
        : this.#answerError(returned, target);
    } catch (failure) {
      fail(failure);
    }
    if (pending === undefined) {
      this.#closeFailed(closing);
      return undefined;
    }
    // Before the connection is closed nothing else is to happen.
    if (reason !== undefined) this.hold();
    return pending.catch(fail).then(() => {
      this.#closeFailed(closing);
      if (reason !== undefined) this.letGo();
    });
  }

  #answerError(value: unknown, target: ReplyTarget): Promise<unknown> | undefined {
    if (target.isCancelled && !(value instanceof Error)) {
      discard(target, value);
      return undefined;
    }
    // Once the connection has ended, only a further failure matters.
    if (this.endpoint.state === "open" || value instanceof Error) return reply(target, value);
    return undefined;
  }

  #closeFailed(reason: string | undefined): void {
    if (reason !== undefined && this.endpoint.state === "open") this.close(1011, reason, undefined);
  }

  #abandon(): void {
    this.#endedBy = "us";
    this.#dropWaiting();
  }

  /** Also lets a paused socket go on, so that the peer's close frame is read. */
  #dropWaiting(): void {
    const { endpoint } = this;
    this.#host.tally.dropped += endpoint.waiting + (this.#requests?.drop() ?? 0);
    if (endpoint.waiting > 0) endpoint.queue.clear();
    endpoint.released();
  }
}

function messageOf(error: unknown): string {
  if (isInstance(error, Error)) return error.message;
  return typeof error === "string" ? error : "unknown error";
}
