/** A request that waits for one reply (features D5), and not longer than it may. Knows neither its id nor a socket. */

import { RequestError } from "../errors.ts";
import { type ReadOptions, readTimedOut } from "../streams/pending_nexts.ts";
import type { Cancel } from "../transport/clock.ts";
import type { PendingRequest } from "./pending_request.ts";
import type { BindReply, Reply } from "./reply_binder.ts";

export class SingleReply<T> implements PendingRequest {
  readonly isStream = false;
  /** Settled once. */
  readonly promise: Promise<T>;
  readonly #bind: BindReply<T>;
  readonly #options: ReadOptions;
  #resolve!: (value: T | Promise<T>) => void;
  #reject!: (error: unknown) => void;
  #over: (() => void) | undefined;
  #cancelTimeout: Cancel | undefined;

  constructor(bind: BindReply<T>, options: ReadOptions) {
    this.#bind = bind;
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(over: () => void): void {
    this.#over = over;
    const { clock, readMs } = this.#options;
    if (readMs < Infinity) this.#cancelTimeout = clock.after(readMs, () => this.abort(replyTimedOut(readMs)));
  }

  reply(text: string, reply: Reply): void {
    this.#end();
    try {
      this.#resolve(this.#bind(text, reply));
    } catch (error) {
      this.#reject(error);
    }
  }

  completed(reply: Reply): void {
    this.ended(new RequestError("Cannot get a reply: the server completed the request without one", reply));
  }

  ended(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  abort(error: unknown): void {
    this.ended(error);
  }

  #end(): void {
    this.#cancelTimeout?.();
    this.#over?.();
  }
}

/** The error of a request that waited for a reply for `replyMs` in vain. */
export function replyTimedOut(replyMs: number): Error {
  return readTimedOut(replyMs, "Cannot get a reply");
}
