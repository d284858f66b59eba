/**
 * One message that is handled beside others (features D5): where its replies go, with its id on them, and how it is
 * cancelled. Knows no other request.
 */

import { isPlain } from "../binding/payload.ts";
import type { Endpoint } from "../streams/endpoint.ts";
import { Ring } from "../streams/ring.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { CloseFrame } from "./close_frame.ts";
import type { RequestId } from "./handlers.ts";
import type { ReplyTarget } from "./reply.ts";
import type { MessageContext } from "./service.ts";

/** A reply that waits until the endpoint takes it. */
interface LateReply {
  readonly request: ConcurrentRequest;
  readonly message: Message;
  readonly resolve: (sent?: Promise<void>) => void;
  readonly reject: (reason: unknown) => void;
}

/** The connection of such requests. Passes its end on to them: with a listener for each, runtimes would warn of a leak. */
export class SharedConnection {
  readonly target: ReplyTarget;
  /** One a request at most, as each waits for its own. Made at the first need. */
  #late: Ring<LateReply> | undefined;
  /** Made at the first need, as the listener is. */
  #hearing: Set<ConcurrentRequest> | undefined;

  constructor(target: ReplyTarget) {
    this.target = target;
  }

  /** Has `request.left` called when the connection ends. */
  add(request: ConcurrentRequest): void {
    if (this.#hearing === undefined) {
      const hearing = this.#hearing = new Set<ConcurrentRequest>();
      const { signal } = this.target.endpoint;
      signal.addEventListener("abort", () => hearing.forEach((each) => each.left(signal.reason)));
    }
    this.#hearing.add(request);
  }

  delete(request: ConcurrentRequest): void {
    this.#hearing?.delete(request);
  }

  /**
   * As `Endpoint.send`, for a reply to `request`; but what it refuses because too much waits for the peer already goes when
   * there is room, in turn. One request alone never gets there: so many at once do, and none of them is to blame.
   */
  send(request: ConcurrentRequest, message: Message): Promise<void> | undefined {
    const { endpoint } = this.target;
    if (this.#late === undefined || this.#late.length === 0) {
      try {
        return endpoint.send(message);
      } catch (error) {
        if (endpoint.whenWritable() === undefined) throw error;
      }
    }
    const late = this.#late ??= new Ring<LateReply>();
    const copy = typeof message === "string" ? message : message.slice();
    return new Promise((resolve, reject) => {
      late.push({ request, message: copy, resolve, reject });
      if (late.length === 1) this.#sendWhenRoom(late);
    });
  }

  #sendWhenRoom(late: Ring<LateReply>): void {
    const again = (): void => this.#sendLate(late);
    const room = this.target.endpoint.whenWritable();
    if (room === undefined) again();
    else room.then(again, again);
  }

  #sendLate(late: Ring<LateReply>): void {
    const { endpoint } = this.target;
    for (let reply = late.peek(); reply !== undefined; reply = late.peek()) {
      try {
        reply.resolve(reply.request.isCancelled ? undefined : endpoint.send(reply.message));
      } catch (error) {
        if (endpoint.whenWritable() !== undefined) return this.#sendWhenRoom(late);
        reply.reject(error);
      }
      late.shift();
    }
  }
}

export class ConcurrentRequest implements ReplyTarget {
  readonly id: RequestId | undefined;
  /** While it waits. What was parsed is not kept then: it may be many times as large. */
  message: Message | undefined;
  readonly #connection: SharedConnection;
  /** The field of a reply that tells whose it is. */
  readonly #idField: string | undefined;
  #cancelled = false;
  #ended = false;
  #abort: AbortController | undefined;

  constructor(connection: SharedConnection, idField: string | undefined, id?: RequestId) {
    this.#connection = connection;
    this.#idField = idField;
    this.id = id;
  }

  get endpoint(): Endpoint {
    return this.#connection.target.endpoint;
  }

  get clock(): Clock {
    return this.#connection.target.clock;
  }

  /** Nothing is sent for it any more. */
  get isCancelled(): boolean {
    return this.#cancelled;
  }

  /** Aborted when it is cancelled, or the connection has ended; by then it has not ended itself. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      const { signal } = this.endpoint;
      if (this.#cancelled) this.#abort.abort();
      else if (signal.aborted) this.#abort.abort(signal.reason);
      else if (!this.#ended) this.#connection.add(this);
    }
    return this.#abort.signal;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort();
  }

  /** The connection has ended. */
  left(reason: unknown): void {
    this.#abort?.abort(reason);
  }

  /** It has come to its end: the connection keeps nothing of it, whoever still asks for its signal. */
  end(): void {
    this.#ended = true;
    if (this.#abort !== undefined) this.#connection.delete(this);
  }

  /** A plain object with its id, unless it has one; the object itself is its user's. */
  stamp(value: unknown): unknown {
    const { id } = this;
    const field = this.#idField;
    if (id === undefined || field === undefined || typeof value !== "object" || value === null) return value;
    if (!isPlain(value) || (Object.hasOwn(value, field) && Reflect.get(value, field) !== undefined)) return value;
    return { ...value, [field]: id };
  }

  send(message: Message): Promise<void> | undefined {
    return this.#connection.send(this, message);
  }

  closeWith(frame: CloseFrame): void {
    this.#connection.target.closeWith(frame);
  }

  report(error: unknown): void {
    this.#connection.target.report(error);
  }
}

/** A request as its handler sees it. */
export class Context implements MessageContext {
  readonly #of: { readonly id?: RequestId | undefined; readonly signal: AbortSignal };

  constructor(of: { readonly id?: RequestId | undefined; readonly signal: AbortSignal }) {
    this.#of = of;
  }

  get id(): RequestId | undefined {
    return this.#of.id;
  }

  get signal(): AbortSignal {
    return this.#of.signal;
  }
}
