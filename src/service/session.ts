/**
 * One open connection of a service: endpoint, caller and dispatcher in one hand, and the life cycle (features S3, S9):
 * onOpen first, onClose last and exactly once. Knows no upgrade and no other session.
 */

import type { Closure, WebSocketError } from "../errors.ts";
import { Endpoint, type EndpointReader } from "../streams/endpoint.ts";
import type { Message, MessageSocket } from "../transport/message_socket.ts";
import type { Runtime } from "../transport/runtime.ts";
import type { UpgradeRequest } from "../transport/upgrade.ts";
import { Caller } from "./caller.ts";
import { isCloseFrame } from "./close_frame.ts";
import { Dispatcher, type Errors, type Tally } from "./dispatcher.ts";
import type { ServiceSettings } from "./options.ts";
import { isThenable } from "./reply.ts";
import type { Service } from "./service.ts";

/** What a session needs of its surroundings. */
export interface SessionParts {
  readonly request: UpgradeRequest;
  readonly settings: ServiceSettings;
  readonly runtime: Pick<Runtime, "clock" | "deadlines" | "fillRandom">;
  readonly tally: Tally;
  readonly errors: Errors;
  readonly sessions: SessionList;
}

/** Who keeps the sessions. */
export interface SessionList {
  /** The connection is gone. Exactly once. */
  closed(session: Session): void;
  /** And every handler has ended. Exactly once, and last. */
  ended(closure: Closure): void;
}

export class Session implements EndpointReader {
  readonly caller: Caller;
  /** Present when the service answers pings; else they are answered below. */
  readonly ping?: (payload: Uint8Array) => void;
  readonly pong?: (payload: Uint8Array) => void;
  readonly #service: Service;
  readonly #parts: SessionParts;
  readonly #endpoint: Endpoint;
  readonly #dispatcher: Dispatcher;
  /** It is known how the connection ends, and `onClose` is on its way. */
  #ending = false;
  #onCloseEnded = false;
  #closure: Closure | undefined;
  #told = false;

  constructor(socket: MessageSocket, service: Service, parts: SessionParts) {
    const { clock, deadlines, fillRandom } = parts.runtime;
    const { pacing } = parts.settings;
    this.#service = service;
    this.#parts = parts;
    this.#endpoint = new Endpoint(socket, this, { ...pacing, clock, deadlines });
    this.caller = new Caller({
      endpoint: this.#endpoint,
      ending: this,
      request: parts.request,
      fillRandom,
      maxBufferedAmount: pacing.maxBufferedAmount,
    });
    this.#dispatcher = new Dispatcher({
      service,
      caller: this.caller,
      endpoint: this.#endpoint,
      clock,
      tally: parts.tally,
      errors: parts.errors,
      quiet: () => this.#tellEnded(),
    });
    if (service.onPing !== undefined) {
      this.ping = (data) => this.#dispatcher.aside(() => service.onPing!(this.caller, data), true);
    }
    if (service.onPong !== undefined) {
      this.pong = (data) => this.#dispatcher.aside(() => service.onPong!(this.caller, data));
    }
  }

  /** Starts delivery; `onOpen` runs first. */
  open(): void {
    this.#dispatcher.open();
  }

  /** Closes on the service's behalf, or the listener's. As `Endpoint.close`. */
  close(code: number, reason: string, timeoutMs?: number): Promise<Closure> {
    return this.#dispatcher.close(code, reason, timeoutMs);
  }

  /** Drops the connection now. */
  terminate(): void {
    this.#dispatcher.terminate();
  }

  message(message: Message): void {
    this.#dispatcher.message(message);
  }

  idle(): void {
    const service = this.#service;
    if (service.onIdleTimeout === undefined) this.close(1001, "idle timeout");
    else this.#dispatcher.aside(() => service.onIdleTimeout!(this.caller));
  }

  closing(code: number, reason: string): void {
    this.#dispatcher.peerLeft();
    this.#end(code, reason, undefined);
  }

  closed(closure: Closure): void {
    this.#closure = closure;
    this.#parts.sessions.closed(this);
    this.#dispatcher.peerLeft();
    this.#end(closure.code, closure.reason, closure.error);
    this.#tellEnded();
  }

  /** `onError` before `onClose`, both behind the messages that came. */
  #end(code: number, reason: string, error: WebSocketError | undefined): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#dispatcher.afterMessages(() => {
      if (error !== undefined) this.#dispatcher.fault(error);
      this.#dispatcher.afterMessages(() => this.#runOnClose(code, reason));
    });
  }

  #runOnClose(code: number, reason: string): void {
    let returned: unknown;
    try {
      returned = this.#service.onClose?.(this.caller, code, reason);
    } catch (error) {
      this.#dispatcher.report(error);
    }
    if (!isThenable(returned)) return this.#onCloseReturned(returned);
    Promise.resolve(returned)
      .catch((error) => this.#dispatcher.report(error))
      .then((value) => this.#onCloseReturned(value));
  }

  #onCloseReturned(value: unknown): void {
    if (isCloseFrame(value)) this.#dispatcher.closeWith(value);
    else if (value instanceof Error) this.#dispatcher.report(value);
    this.#onCloseEnded = true;
    this.#tellEnded();
  }

  #tellEnded(): void {
    if (this.#told || this.#closure === undefined || !this.#onCloseEnded || !this.#dispatcher.isQuiet) return;
    this.#told = true;
    this.#parts.sessions.ended(this.#closure);
  }
}
