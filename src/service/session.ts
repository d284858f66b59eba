/**
 * One open connection of a service: endpoint, caller and dispatcher in one hand, and the life cycle (features S3, S9):
 * onOpen first, onClose last and exactly once. Knows no upgrade and no other session.
 */

import type { Identity } from "../auth/authenticator.ts";
import type { Closure, WebSocketError } from "../errors.ts";
import { Endpoint, type EndpointOptions, type EndpointReader } from "../streams/endpoint.ts";
import type { FillRandom } from "../bytes.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message, MessageSocket } from "../transport/message_socket.ts";
import type { UpgradeRequest } from "../transport/upgrade.ts";
import { Caller, type CallerLink } from "./caller.ts";
import { isCloseFrame } from "./close_frame.ts";
import { Dispatcher, type DispatcherHost, type Errors, type Tally } from "./dispatcher.ts";
import type { Handlers } from "./handlers.ts";
import { isThenable } from "./reply.ts";
import type { Service } from "./service.ts";

/** What all sessions of one service share. */
export interface SessionHost {
  readonly endpointOptions: EndpointOptions;
  readonly fillRandom: FillRandom;
  readonly tally: Tally;
  readonly errors: Errors;
  readonly sessions: SessionList;
}

/** Who keeps the sessions. */
export interface SessionList {
  /** The connection is gone. Exactly once. */
  closed(session: Session): void;
  /** And every handler has ended. Exactly once, and last. */
  ended(session: Session, closure: Closure): void;
}

export class Session implements EndpointReader, CallerLink, DispatcherHost {
  readonly request: UpgradeRequest;
  readonly auth: Identity | undefined;
  /** Present when the service answers pings; else they are answered below. */
  declare readonly ping?: (payload: Uint8Array) => void;
  declare readonly pong?: (payload: Uint8Array) => void;
  readonly #host: SessionHost;
  readonly #dispatcher: Dispatcher;
  /** Made for the first who asks: who says nothing to a service that does not greet has none. */
  #caller: Caller | undefined;
  /** Once it is known how the connection ends, `onClose` is on its way; when that has ended, and all handlers, it is told. */
  #stage: "open" | "ending" | "closed" | "told" = "open";

  /**
   * @param handlers of the service, if there is more to them than what every service may have
   * @param auth who the peer is, if that was verified
   */
  constructor(
    socket: MessageSocket,
    service: Service,
    request: UpgradeRequest,
    host: SessionHost,
    handlers?: Handlers,
    auth?: Identity,
  ) {
    this.request = request;
    this.auth = auth;
    this.#host = host;
    this.#dispatcher = new Dispatcher(this, service, new Endpoint(socket, this, host.endpointOptions), handlers);
    if (service.onPing !== undefined) {
      this.ping = (data) => this.#dispatcher.aside(() => service.onPing!(this.caller, data), true);
    }
    if (service.onPong !== undefined) {
      this.pong = (data) => this.#dispatcher.aside(() => service.onPong!(this.caller, data));
    }
  }

  get service(): Service {
    return this.#dispatcher.service;
  }

  get endpoint(): Endpoint {
    return this.#dispatcher.endpoint;
  }

  get caller(): Caller {
    return this.#caller ??= new Caller(this);
  }

  get clock(): Clock {
    return this.#host.endpointOptions.clock;
  }

  get fillRandom(): FillRandom {
    return this.#host.fillRandom;
  }

  get maxBufferedAmount(): number {
    return this.#host.endpointOptions.maxBufferedAmount;
  }

  get tally(): Tally {
    return this.#host.tally;
  }

  get errors(): Errors {
    return this.#host.errors;
  }

  /** Starts delivery; `onOpen` runs first. */
  open(): void {
    this.#dispatcher.open();
  }

  /** Closes on the service's behalf, or the listener's. As `Endpoint.close`. */
  close(code: number, reason: string, timeoutMs?: number): Promise<Closure> {
    return this.#dispatcher.close(code, reason, timeoutMs);
  }

  report(error: unknown): void {
    this.#dispatcher.report(error);
  }

  /** Drops the connection now. */
  terminate(): void {
    this.#dispatcher.terminate();
  }

  /** The connection is gone, and its handlers are waited for no longer: what waits for them is theirs. */
  giveUp(): void {
    this.endpoint.queue.giveUp();
  }

  message(message: Message): void {
    this.#dispatcher.message(message);
  }

  messagePart(part: Message, fin: boolean): void {
    this.#dispatcher.messagePart(part, fin);
  }

  idle(): void {
    const { service } = this;
    if (service.onIdleTimeout === undefined) this.close(1001, "idle timeout");
    else this.#dispatcher.aside(() => service.onIdleTimeout!(this.caller));
  }

  closing(code: number, reason: string): void {
    this.#dispatcher.peerLeft();
    this.#end(code, reason, undefined);
  }

  closed(closure: Closure): void {
    this.#host.sessions.closed(this);
    this.#dispatcher.peerLeft();
    this.#end(closure.code, closure.reason, closure.error);
    this.#tellEnded();
  }

  /** Nothing is running any more. */
  quiet(): void {
    this.#tellEnded();
  }

  /** `onError` before `onClose`, both behind the messages that came. */
  #end(code: number, reason: string, error: WebSocketError | undefined): void {
    if (this.#stage !== "open") return;
    this.#stage = "ending";
    this.#dispatcher.afterMessages(() => {
      if (error !== undefined) this.#dispatcher.fault(error);
      this.#dispatcher.afterMessages(() => this.#runOnClose(code, reason));
    });
  }

  #runOnClose(code: number, reason: string): void {
    let pending: PromiseLike<unknown> | undefined;
    try {
      const returned: unknown = this.service.onClose?.(this.caller, code, reason);
      if (isThenable(returned)) pending = returned;
      else this.#takeOnClose(returned);
    } catch (error) {
      this.#dispatcher.report(error);
    }
    if (pending === undefined) return this.#endOnClose();
    Promise.resolve(pending)
      .then((value) => this.#takeOnClose(value))
      .catch((error) => this.#dispatcher.report(error))
      .then(() => this.#endOnClose());
  }

  /** @throws {Error} when that is what `onClose` returned */
  #takeOnClose(value: unknown): void {
    if (isCloseFrame(value)) this.#dispatcher.closeWith(value);
    else if (value instanceof Error) throw value;
  }

  #endOnClose(): void {
    this.#stage = "closed";
    this.#tellEnded();
  }

  #tellEnded(): void {
    const { closure } = this.endpoint;
    if (this.#stage !== "closed" || closure === undefined || !this.#dispatcher.isQuiet) return;
    this.#stage = "told";
    this.#host.sessions.ended(this, closure);
  }
}
