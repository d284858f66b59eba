/**
 * A message as a request (features D1, D4, B1): it goes to the handler that it asks for, and what that returns goes back.
 * One at a time here; knows no life cycle.
 */

import { isInstance } from "../instance_of.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Caller } from "./caller.ts";
import { BindingFailure, callHandler, type Handlers } from "./handlers.ts";
import { discard, isStream, isThenable, reply, type ReplyTarget } from "./reply.ts";
import { Context } from "./concurrent_request.ts";
import type { Service } from "./service.ts";

/** The connection whose messages are requests. */
export interface RequestsHost extends ReplyTarget {
  readonly service: Service;
  readonly caller: Caller;
  /** No request is begun now. */
  readonly isHeld: boolean;
  /** Begins none until `letGo` was called as often. */
  hold(): void;
  letGo(): void;
  /** A request has ended: goes on with what waits. */
  goOn(): void;
  /** There was a message that no handler takes. */
  unhandled(): void;
  /** Tells of a failure of what was done for `target`. A promise: it takes time; it never rejects. */
  failed(error: unknown, target: ReplyTarget): Promise<unknown> | undefined;
  /** Tells of an answer that could not be sent. As `failed`. */
  notSent(error: unknown, target: ReplyTarget): Promise<unknown> | undefined;
}

/** How a connection handles its requests. */
export interface Requests {
  /** Runs `onOpen`, as one of them. Absent: it is none. */
  open?(call: () => unknown): void;
  /** Begins the request that `message` is, or puts it behind others. Not while they are held. */
  take(message: Message): void;
  /** Begins what waits, as far as there is room. */
  goOn(): void;
  /** Nothing runs, and nothing waits. */
  readonly isIdle: boolean;
  /** Drops what waits; how many those were. */
  drop(): number;
}

/** One request after the other. What waits is kept by the host. */
export class OneByOne implements Requests {
  readonly isIdle = true;
  readonly #handlers: Handlers;
  readonly #host: RequestsHost;

  constructor(handlers: Handlers, host: RequestsHost) {
    this.#handlers = handlers;
    this.#host = host;
  }

  take(message: Message): void {
    const host = this.#host;
    const asked = this.#handlers.find(message);
    if (asked.handler === undefined) return host.unhandled();
    const context = new Context(host);
    const pending = run(host, host, () => callHandler(host.service, asked, host.caller, message, context));
    if (pending === undefined) return;
    host.hold();
    pending.then(() => host.letGo());
  }

  goOn(): void {}

  drop(): number {
    return 0;
  }
}

/**
 * Calls a handler and sends what it returns. Undefined: that is done; a promise: it takes time, and never rejects.
 *
 * @param streaming called when what it returned is a stream, which is on its way
 * @param streamed called when such a stream has come to its end by itself; may send, as `Endpoint.send`
 */
export function run(
  host: RequestsHost,
  target: ReplyTarget,
  call: () => unknown,
  streaming?: () => void,
  streamed?: () => Promise<void> | undefined,
): Promise<unknown> | undefined {
  let returned: unknown;
  try {
    returned = call();
    if (isThenable(returned)) return Promise.resolve(returned).then(answer, failed);
  } catch (error) {
    return failed(error);
  }
  return answer(returned);

  function answer(value: unknown): Promise<unknown> | undefined {
    if (target.isCancelled) {
      discard(target, value);
      return undefined;
    }
    try {
      const pending = reply(target, value);
      if (pending === undefined || streaming === undefined || !isStream(value)) {
        return pending?.catch((error) => host.notSent(error, target));
      }
      streaming();
      return pending.then(streamed).catch((error) => host.notSent(error, target));
    } catch (error) {
      return host.notSent(error, target);
    }
  }

  function failed(error: unknown): Promise<unknown> | undefined {
    if (!target.isCancelled) return host.failed(error, target);
    // That it was cancelled, or sent what it should not have, matters to nobody any more; what else went wrong does.
    const isExpected = isInstance(error, BindingFailure) || (isInstance(error, Error) && error.name === "AbortError");
    if (!isExpected) target.report(error);
    return undefined;
  }
}
