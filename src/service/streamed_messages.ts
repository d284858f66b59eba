/**
 * Each message as a stream of its parts, handled while it still comes (features F3), one at a time. Knows no life cycle,
 * and nothing of what a handler returns.
 */

import { ConnectionClosureError } from "../errors.ts";
import { IncomingMessage } from "../streams/incoming_message.ts";
import { PartedMessages, type PartsReader } from "../streams/parted_messages.ts";
import type { Message } from "../transport/message_socket.ts";
import { isThenable } from "./reply.ts";
import { type Requests, type RequestsHost, run } from "./requests.ts";

/** The connection whose messages these are. */
export interface StreamedHost extends RequestsHost {
  /** Handles `message`, or puts it behind those that wait. */
  message(message: Message): void;
}

export class StreamedMessages implements Requests, PartsReader {
  readonly #host: StreamedHost;
  readonly #parted: PartedMessages;

  constructor(host: StreamedHost) {
    this.#host = host;
    this.#parted = new PartedMessages(host.endpoint, this);
  }

  /** From the endpoint. */
  part(part: Message, fin: boolean): void {
    this.#parted.part(part, fin);
  }

  begun(): void {
    this.goOn();
  }

  whole(message: Message): void {
    this.#host.message(message);
  }

  take(message: Message): void {
    this.#handle(IncomingMessage.of(message, this.#host.endpoint));
  }

  /** To be called once more when nothing else waits: the one that still comes is the last. */
  goOn(): void {
    if (this.#host.isHeld || this.#host.endpoint.waiting > 0) return;
    const { waiting } = this.#parted;
    if (waiting !== undefined) this.#handle(this.#parted.take()!);
  }

  get isIdle(): boolean {
    return this.#parted.waiting === undefined;
  }

  /** No other part will come. */
  cut(error: Error): void {
    this.#parted.cut(error);
  }

  drop(): number {
    const dropped = this.#parted.waiting === undefined ? 0 : 1;
    this.cut(this.#host.endpoint.closedError("Cannot read further"));
    return dropped;
  }

  #handle(message: IncomingMessage): void {
    const host = this.#host;
    const { service, caller } = host;
    const stream = message.stream();
    const call = (): unknown => {
      const returned: unknown = service.onMessageStream!(caller, stream);
      return isThenable(returned) ? Promise.resolve(returned).catch((error) => this.#failed(message, error)) : returned;
    };
    const pending = run(host, host, call);
    if (pending === undefined) return leave(message);
    host.hold();
    pending.then(() => {
      leave(message);
      host.letGo();
    });
  }

  /**
   * That its message was cut is no failure of a handler, whether it hears of that as its reader or as the writer of an
   * answer, such as the same message: without `onError`, `onClose` tells enough.
   */
  #failed(message: IncomingMessage, error: unknown): void {
    const isCut = message.failure instanceof ConnectionClosureError && error instanceof ConnectionClosureError;
    if (!isCut || this.#host.service.onError !== undefined) throw error;
  }
}

/** What the handler has not read by its end, nobody will. */
function leave(message: IncomingMessage): void {
  // Most have read it all, and an error costs more than a short message.
  if (!message.isOver) message.drop(new TypeError("Cannot read further: the handler has ended"));
}
