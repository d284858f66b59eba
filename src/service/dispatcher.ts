/**
 * Messages to handlers, and what they return to the peer (features S2 to S8). Handles one message at a time, in order,
 * and costs nothing more than the handler while that answers at once. Knows no life cycle.
 */

import { boundReason } from "../close_code.ts";
import { type Closure, ConnectionClosureError } from "../errors.ts";
import type { Endpoint } from "../streams/endpoint.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Caller } from "./caller.ts";
import type { CloseFrame } from "./close_frame.ts";
import { isThenable, reply, type ReplyTarget, StreamFailure } from "./reply.ts";
import type { Service } from "./service.ts";

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
  readonly service: Service;
  readonly caller: Caller;
  readonly endpoint: Endpoint;
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

export class Dispatcher implements ReplyTarget {
  readonly endpoint: Endpoint;
  readonly #host: DispatcherHost;
  readonly #service: Service;
  readonly #caller: Caller;
  readonly #onText: MessageHandler | undefined;
  readonly #onBinary: MessageHandler | undefined;

  /** Handlers and answers that take time, and hold back the next message: one, and one more while `onError` is asked. */
  #running = 0;
  /** Others that take time: answers to pings, pongs and idleness. */
  #asides = 0;
  #afterMessages: (() => void) | undefined;
  /** The service or its listener ended the connection, not the peer. */
  #ours = false;
  #peerLeft = false;
  #later: Later | undefined;

  constructor(host: DispatcherHost) {
    const { service } = host;
    this.#host = host;
    this.endpoint = host.endpoint;
    this.#service = service;
    this.#caller = host.caller;
    this.#onText = service.onTextMessage ?? service.onMessage;
    this.#onBinary = service.onBinaryMessage ?? service.onMessage;
  }

  get clock(): Clock {
    return this.#host.clock;
  }

  /** Starts delivery and runs `onOpen`; what comes before that has ended waits. */
  open(): void {
    this.endpoint.start();
    const service = this.#service;
    if (service.onOpen === undefined) return;
    let returned: unknown;
    try {
      returned = service.onOpen(this.#caller);
    } catch (error) {
      return this.#failed(error);
    }
    this.#answer(returned);
  }

  /** Handles `message`, or puts it behind those that wait. */
  message(message: Message): void {
    if (this.endpoint.state !== "open") this.#host.tally.dropped++;
    else if (this.#running > 0) this.endpoint.hold(message);
    else this.#handle(message);
  }

  /**
   * Runs `call` at once, whatever else is running, and sends what it returns; bytes as a pong if `asPong`. Does nothing
   * while too many such calls are unfinished.
   */
  aside(call: () => unknown, asPong = false): void {
    if (this.#asides >= MAX_ASIDES) return;
    let returned: unknown;
    try {
      returned = call();
    } catch (error) {
      return this.#failed(error);
    }
    const pending = isThenable(returned)
      ? Promise.resolve(returned).then((value) => this.#answerAside(value, asPong), (error) => this.#failed(error))
      : this.#answerAside(returned, asPong);
    if (pending === undefined) return;
    this.#asides++;
    pending.then(() => {
      this.#asides--;
      this.#goOn();
    });
  }

  /** Runs `run` once every message that came is handled: at once, if that is so. One at a time. */
  afterMessages(run: () => void): void {
    if (this.#running === 0 && this.endpoint.queue.length === 0) run();
    else this.#afterMessages = run;
  }

  /** Nothing is running, and nothing waits. */
  get isQuiet(): boolean {
    return this.#running === 0 && this.#asides === 0 && this.endpoint.queue.length === 0;
  }

  /** The peer, or the network, ended the connection: what it sent before that is still handled. */
  peerLeft(): void {
    this.#peerLeft = true;
  }

  /** Tells the service of a failure that is not its own. */
  fault(error: unknown): void {
    if (this.#service.onError === undefined) this.#host.errors.notice(error, this.#caller);
    else this.#failed(error);
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
    this.#host.errors.report(error, this.#caller);
  }

  #handle(message: Message): void {
    const handler = typeof message === "string" ? this.#onText : this.#onBinary;
    if (handler === undefined) {
      this.#host.tally.unhandled++;
      return;
    }
    let returned: unknown;
    try {
      returned = handler.call(this.#service, this.#caller, message as never);
    } catch (error) {
      return this.#failed(error);
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
      return this.#notSent(error);
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
        this.#goOn();
      },
      failed: (error) => {
        this.#running--;
        this.#failed(error);
        this.#goOn();
      },
      sent: () => {
        this.#running--;
        this.#goOn();
      },
      notSent: (error) => {
        this.#running--;
        this.#notSent(error);
        this.#goOn();
      },
    };
  }

  /** Never rejects. */
  #answerAside(value: unknown, asPong: boolean): Promise<void> | undefined {
    try {
      if (asPong && value instanceof Uint8Array) this.endpoint.sendPong(value);
      else if (asPong && value instanceof ArrayBuffer) this.endpoint.sendPong(new Uint8Array(value));
      else return reply(this, value)?.catch((error) => this.#notSent(error));
    } catch (error) {
      this.#notSent(error);
    }
    return undefined;
  }

  /** Handles what waits, until a handler takes its time or nothing is left. */
  #goOn(): void {
    const { queue } = this.endpoint;
    while (this.#running === 0) {
      const message = queue.shift();
      if (message === undefined) break;
      this.endpoint.released();
      this.#handle(message);
    }
    if (this.#running > 0) return;
    const run = this.#afterMessages;
    this.#afterMessages = undefined;
    run?.();
    this.#host.quiet();
  }

  #notSent(error: unknown): void {
    if (error instanceof StreamFailure) {
      return this.#failed(error.cause, boundReason(`streaming failed: ${messageOf(error.cause)}`));
    }
    const { endpoint } = this;
    if (this.#ours || endpoint.state === "open" || !(error instanceof ConnectionClosureError)) {
      return this.#failed(error);
    }
    // The endpoint gave up on a slow peer by itself: what waits would only keep its close frame from being read.
    if (!this.#peerLeft) this.#dropWaiting();
    if (this.#service.onError !== undefined) this.#failed(error);
    else this.#host.tally.unsent++;
  }

  /** `onError` first, so that it may choose the close frame; then ours, if that is still to be sent. */
  #failed(error: unknown, reason: string = INTERNAL_ERROR): void {
    const service = this.#service;
    if (service.onError === undefined) {
      this.report(error);
      return this.#closeFailed(reason);
    }
    let pending: Promise<unknown> | undefined;
    try {
      const returned: unknown = service.onError(this.#caller, error);
      pending = isThenable(returned)
        ? Promise.resolve(returned).then((value) => this.#answerError(value))
        : this.#answerError(returned);
    } catch (failure) {
      this.report(failure);
    }
    if (pending === undefined) return this.#closeFailed(reason);
    this.#running++;
    pending.catch((failure) => this.report(failure)).then(() => {
      this.#closeFailed(reason);
      this.#running--;
      this.#goOn();
    });
  }

  #answerError(value: unknown): Promise<void> | undefined {
    // Once the connection has ended, only a further failure matters.
    if (this.endpoint.state === "open" || value instanceof Error) return reply(this, value);
    return undefined;
  }

  #closeFailed(reason: string): void {
    if (this.endpoint.state === "open") this.close(1011, reason, undefined);
  }

  #abandon(): void {
    this.#ours = true;
    this.#dropWaiting();
  }

  /** Also lets a paused socket go on, so that the peer's close frame is read. */
  #dropWaiting(): void {
    const { queue } = this.endpoint;
    this.#host.tally.dropped += queue.length;
    queue.clear();
    this.endpoint.released();
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : "unknown error";
}
