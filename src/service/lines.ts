/**
 * Requests side by side (features D5, S5): those of one id in order, those of different ids at once, and no more at once
 * than the service's limit. What waits counts for the connection's read-ahead. Knows no handler.
 */

import { Ring } from "../streams/ring.ts";
import type { Message } from "../transport/message_socket.ts";
import { type Asked, callHandler, type Handlers, type RequestId } from "./handlers.ts";
import { ConcurrentRequest, Context, SharedConnection } from "./concurrent_request.ts";
import { type Requests, type RequestsHost, run } from "./requests.ts";

/** Requests of one id, or without any. */
class Line {
  readonly id: RequestId | undefined;
  /** The one that the others wait for. */
  holder: ConcurrentRequest | undefined;
  readonly waiting: Ring<ConcurrentRequest> = new Ring();

  constructor(id: RequestId | undefined) {
    this.id = id;
  }
}

export class Lines implements Requests {
  readonly #handlers: Handlers;
  readonly #host: RequestsHost;
  readonly #connection: SharedConnection;
  /** Those that have a holder, or stand in `ready`. Made at the first need. */
  #lines: Map<RequestId | undefined, Line> | undefined;
  /** Lines without a holder in which somebody waits; and those of which that was cancelled, no more than of the others. */
  readonly #ready = new Ring<Line>();
  #emptied = 0;
  /** Handlers that take time, and streams. */
  #running = 0;

  constructor(handlers: Handlers, host: RequestsHost) {
    this.#handlers = handlers;
    this.#host = host;
    this.#connection = new SharedConnection(host);
  }

  /** Holds back all messages until `onOpen` has ended; a stream that it returned is a request without an id. */
  open(call: () => unknown): void {
    const host = this.#host;
    host.hold();
    let isOpening = true;
    this.#begin(new ConcurrentRequest(this.#connection, undefined), this.#lineOf(undefined), call, () => {
      if (!isOpening) return;
      isOpening = false;
      host.letGo();
    });
  }

  take(message: Message): void {
    const { streamId } = this.#handlers.settings;
    const asked = this.#handlers.find(message);
    if (asked.cancels) this.#cancel(asked.id);
    // Whom a cancelled request would have been given to is not asked to take its end.
    if (asked.cancels && !asked.isOwn) return;
    if (asked.handler === undefined) return this.#host.unhandled();
    const request = new ConcurrentRequest(this.#connection, streamId, asked.id);
    const line = asked.cancels ? new Line(asked.id) : this.#lineOf(asked.id);
    const isFirst = line.holder === undefined && line.waiting.length === 0;
    if (isFirst && this.#hasRoom) return this.#handle(request, line, message, asked);
    request.message = message;
    line.waiting.push(request);
    if (isFirst) this.#ready.push(line);
    this.#host.endpoint.holdElsewhere(message);
  }

  goOn(): void {
    const { endpoint } = this.#host;
    while (this.#hasRoom) {
      const line = this.#ready.shift();
      if (line === undefined) return;
      const request = line.waiting.shift();
      if (request === undefined) {
        this.#emptied--;
        continue;
      }
      const message = request.message!;
      // It may be a stream for ever, and its message a large one.
      request.message = undefined;
      endpoint.queue.countOut(message);
      endpoint.released(endpoint.queue, false);
      this.#handle(request, line, message, this.#handlers.find(message));
    }
  }

  get isIdle(): boolean {
    return this.#running === 0 && this.#ready.length === 0;
  }

  drop(): number {
    let dropped = 0;
    for (const line of this.#lines?.values() ?? []) dropped += this.#empty(line);
    for (let line = this.#ready.shift(); line !== undefined; line = this.#ready.shift()) {
      dropped += this.#empty(line);
      this.#forget(line);
    }
    this.#emptied = 0;
    return dropped;
  }

  get #hasRoom(): boolean {
    return !this.#host.isHeld && this.#running < this.#handlers.settings.maxConcurrent;
  }

  #lineOf(id: RequestId | undefined): Line {
    const lines = this.#lines ??= new Map<RequestId | undefined, Line>();
    let line = lines.get(id);
    if (line === undefined) lines.set(id, line = new Line(id));
    return line;
  }

  #handle(request: ConcurrentRequest, line: Line, message: Message, asked: Asked): void {
    const { service, caller } = this.#host;
    this.#begin(request, line, () => callHandler(service, asked, caller, message, new Context(request)));
  }

  /** @param opened called when the handler has ended: its stream begins, or its answer was sent */
  #begin(request: ConcurrentRequest, line: Line, call: () => unknown, opened?: () => void): void {
    line.holder = request;
    this.#running++;
    let isLate = false;
    const streaming = (): void => {
      opened?.();
      // What has an id is not done before its stream is.
      if (request.id !== undefined || !this.#handlers.settings.concurrent) return;
      this.#leave(request, line);
      if (isLate) this.#host.goOn();
    };
    const ended = (): void => {
      this.#running--;
      request.end();
      this.#leave(request, line);
      opened?.();
    };
    const pending = run(this.#host, request, call, streaming, () => this.#complete(request));
    if (pending === undefined) return ended();
    isLate = true;
    pending.then(() => {
      ended();
      this.#host.goOn();
    });
  }

  /** Lets the next one of its line begin. Not if it has left the line already. */
  #leave(request: ConcurrentRequest, line: Line): void {
    if (line.holder !== request) return;
    line.holder = undefined;
    if (line.waiting.length > 0) this.#ready.push(line);
    else this.#forget(line);
  }

  #forget(line: Line): void {
    if (this.#lines?.get(line.id) === line) this.#lines.delete(line.id);
  }

  /** Nothing more is sent for this id, of what has begun and of what waits. */
  #cancel(id: RequestId | undefined): void {
    const line = this.#lines?.get(id);
    if (line === undefined) return;
    const { holder } = line;
    line.holder = undefined;
    this.#forget(line);
    if (this.#empty(line) > 0 && holder === undefined) this.#emptied++;
    this.#tidy();
    holder?.cancel();
  }

  /** A peer that asks and cancels while there is no room would fill the memory with lines. */
  #tidy(): void {
    if (this.#emptied * 2 <= this.#ready.length) return;
    for (let left = this.#ready.length; left > 0; left--) {
      const line = this.#ready.shift()!;
      if (line.waiting.length > 0) this.#ready.push(line);
    }
    this.#emptied = 0;
  }

  #empty({ waiting }: Line): number {
    const { queue } = this.#host.endpoint;
    const count = waiting.length;
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      queue.countOut(request.message!);
    }
    if (count > 0) this.#host.endpoint.released(queue, false);
    return count;
  }

  /** Says that the stream of a request has come to its end. */
  #complete(request: ConcurrentRequest): Promise<void> | undefined {
    const { id, isCancelled } = request;
    const { key, streamId, complete } = this.#handlers.settings;
    const { endpoint } = this.#host;
    if (complete === undefined || id === undefined || isCancelled || endpoint.state !== "open") return undefined;
    return request.send(JSON.stringify({ [key!]: complete, [streamId!]: id }));
  }
}
