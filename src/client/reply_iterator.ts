/**
 * The replies of one request, one after the other (features D5). Those that wait for their reader stand in a queue of
 * their own, beside that of the connection (F1). A hot path: one promise for a reply.
 */

import { END, type Next, PendingNexts, type ReadOptions } from "../streams/pending_nexts.ts";
import type { MessageQueue } from "../streams/message_queue.ts";
import { Ring } from "../streams/ring.ts";
import type { PendingRequest, ReplyEndpoint } from "./pending_request.ts";
import type { BindReply, Reply } from "./reply_binder.ts";
import { replyTimedOut } from "./single_reply.ts";

/**
 * What `requestStream` gives: the replies, for one `for await`. Leaving the loop gives the request up.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/clock", {
 *   dispatcherKey: "event",
 *   dispatcherStreamId: "id",
 *   dispatcherComplete: "complete",
 *   get: () => ({
 *     async *onCountdown() {
 *       yield { left: 2 };
 *       yield { left: 1 };
 *     },
 *   }),
 * });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/clock`, {
 *   dispatcherKey: "event",
 *   dispatcherStreamId: "id",
 *   dispatcherComplete: "complete",
 * });
 * for await (const reply of client.requestStream({ event: "countdown" })) {
 *   console.log((reply as { left: number }).left); // 2, then 1
 * }
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export interface ReplyStream<T> extends AsyncIterableIterator<T, undefined, void>, AsyncDisposable {
  /**
   * The next reply, or the end. Rejects once, when there will be none: with a `RequestError`, a `PayloadBindingError`, a
   * `ReadTimedOutError`, a `ConnectionClosureError`, the signal's reason, or what the request's write rejected with.
   */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Gives the request up. Resolves at once. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** Itself: there is one loop. */
  [Symbol.asyncIterator](): this;
}

export class ReplyIterator<T> implements ReplyStream<T>, PendingRequest {
  readonly isStream = true;
  readonly #bind: BindReply<T>;
  readonly #nexts: PendingNexts<T>;
  #over: (() => void) | undefined;
  /** Replies that wait, and on which connection they came. Made for the first that has to wait. */
  #queue: MessageQueue | undefined;
  /** The same replies, parsed. */
  readonly #parsed = new Ring<Reply>();
  #endpoint: ReplyEndpoint | undefined;
  /** No more replies come, and why not, when it is for an error. */
  #ending: { readonly error?: unknown } | undefined;
  /** The reader has been told the end. */
  #done = false;

  constructor(bind: BindReply<T>, options: ReadOptions) {
    this.#bind = bind;
    this.#nexts = new PendingNexts(options, () => this.abort(replyTimedOut(options.readMs)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next<T>> {
    if (this.#done) return Promise.resolve(END);
    if (this.#nexts.length === 0) {
      const text = this.#queue?.shift();
      if (text !== undefined) {
        this.#endpoint!.released(this.#queue);
        return Promise.resolve(this.#bound(text as string, this.#parsed.shift()!));
      }
      if (this.#ending !== undefined) return Promise.resolve(this.#finish(this.#ending));
    }
    return this.#nexts.add();
  }

  return(): Promise<Next<T>> {
    this.#stop();
    return Promise.resolve(END);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  begin(over: () => void): void {
    this.#over = over;
  }

  reply(text: string, reply: Reply, endpoint: ReplyEndpoint): void {
    // Behind one that was dropped nothing is delivered.
    const settle = endpoint.overflowed ? undefined : this.#nexts.shift();
    if (settle !== undefined) return settle(this.#bound(text, reply));
    this.#endpoint = endpoint;
    const queue = this.#queue ??= endpoint.queue.beside();
    endpoint.hold(text, queue);
    // It may have been dropped.
    if (queue.length > this.#parsed.length) this.#parsed.push(reply);
  }

  completed(_reply: Reply, endpoint: ReplyEndpoint): void {
    this.#end(endpoint.overflowed ? { error: endpoint.closedError("Cannot read further") } : {});
  }

  ended(error: unknown): void {
    this.#end({ error });
  }

  abort(error: unknown): void {
    if (this.#done) return;
    this.#drop();
    this.#over?.();
    this.#end({ error });
  }

  #bound(text: string, reply: Reply): Next<T> | Promise<Next<T>> {
    try {
      const value = this.#bind(text, reply);
      return value instanceof Promise ? value.then(toNext, (error) => this.#refuse(error)) : toNext(value);
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** A reply that cannot be bound ends the stream. */
  #refuse(error: unknown): Promise<never> {
    this.#stop();
    return Promise.reject(error);
  }

  /** The end, behind the replies that wait. */
  #end(ending: { readonly error?: unknown }): void {
    this.#ending = ending;
    if (this.#nexts.length > 0) this.#nexts.end(this.#finish(ending));
  }

  /** Tells the end. */
  #finish(ending: { readonly error?: unknown }): Next<T> | Promise<Next<T>> {
    this.#done = true;
    this.#over?.();
    return "error" in ending ? Promise.reject(ending.error) : END;
  }

  /** Ends it at once: nobody wants anything more. */
  #stop(): void {
    if (this.#done) return;
    this.#drop();
    this.#finish({});
    this.#nexts.end(END);
  }

  #drop(): void {
    this.#queue?.clear();
    this.#parsed.clear();
    this.#endpoint?.released(this.#queue);
  }
}

function toNext<T>(value: T): Next<T> {
  return { value, done: false };
}
