/**
 * Requests of a client and the replies to them (features D5): tied together by the field that `dispatcherStreamId` names,
 * whatever else is going on on the connection. Knows no socket and no frame; a client lends it what it needs.
 */

import type { Bindable } from "../binding/binder.ts";
import { isPlain, toMessage } from "../binding/payload.ts";
import { ConnectionError, RequestError, WriteTimedOutError } from "../errors.ts";
import type { Clock } from "../transport/clock.ts";
import type { Message } from "../transport/message_socket.ts";
import type { PendingRequest, ReplyEndpoint } from "./pending_request.ts";
import { type BindReply, type Reply, toReplyBinder } from "./reply_binder.ts";
import { ReplyIterator, type ReplyStream } from "./reply_iterator.ts";
import { checkRequest, type RequestOptions, type RequestSettings } from "./request_options.ts";
import { SingleReply } from "./single_reply.ts";

/**
 * How many requests that were given up are remembered, so that their replies are dropped; and of those that were answered,
 * so that the end of a stream is. The oldest is forgotten.
 */
export const MAX_ABANDONED = 1_024;

type Id = string | number;

/**
 * Sends a message: undefined once a socket has it, a promise while it waits, whose rejection may go unheard. What waits for
 * a connection is dropped, and resolves, when `isWanted` says false by then.
 */
export type SendRequest = (text: string, isWanted: () => boolean) => Promise<void> | undefined;

/** A request before it is sent, checked. */
interface Call<T> {
  readonly id: Id;
  readonly text: string;
  readonly bind: BindReply<T>;
  readonly replyMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The options of requests, and whether replies have to meet the constraints of their schema, as they do by default. */
type Settings = RequestSettings & { readonly validation?: boolean };

export class Requests {
  readonly #settings: Settings;
  readonly #idField: string;
  readonly #clock: Clock;
  readonly #send: SendRequest;
  readonly #pending = new Map<Id, PendingRequest>();
  /** Those that were given up, and whether more than one reply may come to them. */
  readonly #abandoned = new Map<Id, boolean>();
  /** Those that took one reply, of what may be a stream: its end may follow. Empty where there is no word for the end. */
  readonly #answered = new Set<Id>();
  /** Those whose write waits, given up or not. */
  readonly #unsent = new Map<Id, PendingRequest>();
  #lastId = 0;

  /** @throws {TypeError} when no field for the id is set */
  constructor(settings: Settings, clock: Clock, send: SendRequest) {
    if (settings.idField === undefined) {
      throw new TypeError('Cannot send a request: the option "dispatcherStreamId" is not set');
    }
    this.#settings = settings;
    this.#idField = settings.idField;
    this.#clock = clock;
    this.#send = send;
  }

  /**
   * Sends `message` and resolves with the reply to it.
   *
   * @throws {TypeError} at once, when the message, its id, the bindable or the options cannot be used
   * @throws {RangeError} at once, when the time is out of range
   */
  request<T = unknown>(message: object, bindable?: Bindable<T>, options?: RequestOptions): Promise<T> {
    const call = this.#check(message, bindable, options);
    const single = new SingleReply(call.bind, { clock: this.#clock, readMs: call.replyMs });
    this.#begin(call, single);
    return single.promise;
  }

  /**
   * Sends `message` and gives the replies to it.
   *
   * @throws as `request` does
   */
  stream<T = unknown>(message: object, bindable?: Bindable<T>, options?: RequestOptions): ReplyStream<T> {
    const call = this.#check(message, bindable, options);
    const replies = new ReplyIterator(call.bind, { clock: this.#clock, readMs: call.replyMs });
    this.#begin(call, replies);
    return replies;
  }

  /** Takes `message`, which came on `endpoint`, when it is a reply. Looks into none while no reply can come. */
  take(message: Message, endpoint: ReplyEndpoint): boolean {
    if (typeof message !== "string" || !(this.#waitsForReplies || this.#mayEndStream(message))) return false;
    const reply = parseObject(message);
    if (reply === undefined) return false;
    const id = reply[this.#idField] as Id;
    const { keyField, complete, error } = this.#settings;
    const word = keyField === undefined ? undefined : reply[keyField];
    const isError = word !== undefined && word === error;
    const isComplete = word !== undefined && word === complete;

    const pending = this.#pending.get(id);
    if (pending === undefined) {
      return this.#takeLate(id, isError || isComplete) || (isComplete && this.#answered.delete(id));
    }
    if (isError || isComplete || !pending.isStream) this.#pending.delete(id);
    if (!isError && !isComplete && !pending.isStream && complete !== undefined) this.#rememberAnswered(id);
    if (isError) pending.ended(new RequestError("Cannot get a reply: the server answered with an error", reply));
    else if (isComplete) pending.completed(reply, endpoint);
    else pending.reply(message, reply, endpoint);
    return true;
  }

  /**
   * The connection has ended, as `error` says: no reply comes over it any more. What waits to be sent goes out over the
   * next one, and is answered there; if there is none, its write rejects.
   */
  ended(error: Error): void {
    this.#answered.clear();
    const waiting = new Set(this.#unsent.keys());
    for (const id of [...this.#abandoned.keys(), ...this.#pending.keys()]) if (!waiting.has(id)) this.#lose(id, error);
    // A write that the connection took in its last moment says so within this turn: it goes out over no other.
    this.#clock.afterTurn(() => {
      for (const id of waiting) if (!this.#unsent.has(id)) this.#lose(id, error);
    });
  }

  get #waitsForReplies(): boolean {
    return this.#pending.size + this.#abandoned.size > 0;
  }

  /** Spares ordinary messages the parsing. Not for sure: the word may stand there for something else. */
  #mayEndStream(text: string): boolean {
    return this.#answered.size > 0 && text.includes(this.#settings.complete!);
  }

  #rememberAnswered(id: Id): void {
    if (this.#answered.size === MAX_ABANDONED) this.#answered.delete(this.#answered.keys().next().value!);
    this.#answered.add(id);
  }

  #lose(id: Id, error: Error): void {
    this.#abandoned.delete(id);
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    request?.ended(error);
  }

  #check<T>(message: object, bindable?: Bindable<T>, options?: RequestOptions): Call<T> {
    const bind = toReplyBinder(bindable, this.#settings.validation);
    const limits = checkRequest(options, this.#settings);
    if (typeof message !== "object" || message === null || !isPlain(message)) {
      throw new TypeError("Cannot send a request: it is not a plain object");
    }
    const given: unknown = Object.hasOwn(message, this.#idField) ? (message as Reply)[this.#idField] : undefined;
    const id = given === undefined ? this.#freshId() : this.#checkId(given);
    return { id, text: toMessage({ ...message, [this.#idField]: id }) as string, bind, ...limits };
  }

  #checkId(id: unknown): Id {
    const name = JSON.stringify(this.#idField);
    if (typeof id !== "string" && !(typeof id === "number" && Number.isFinite(id))) {
      throw new TypeError(`Cannot send a request: its ${name} is neither a string nor a finite number`);
    }
    if (this.#pending.has(id)) {
      throw new TypeError(`Cannot send a request: one with the ${name} ${JSON.stringify(id)} is pending already`);
    }
    return id;
  }

  #freshId(): string {
    let id: string;
    const isKnown = (): boolean => this.#pending.has(id) || this.#abandoned.has(id) || this.#answered.has(id);
    do id = String(++this.#lastId); while (isKnown());
    return id;
  }

  /** Sends what was checked, unless that is of no use any more. */
  #begin({ id, text, signal }: Call<unknown>, request: PendingRequest): void {
    if (signal?.aborted) return request.abort(signal.reason);
    if (this.#pending.size >= this.#settings.maxPending) {
      return request.abort(new ConnectionError(`Cannot send a request: ${this.#pending.size} are pending already`));
    }
    this.#abandoned.delete(id);
    this.#answered.delete(id);
    this.#unsent.delete(id);
    this.#pending.set(id, request);
    /** It waited for a connection, and nobody for its reply any more: it never went out. */
    let isDropped = false;
    const abort = (): void => request.abort(signal!.reason);
    signal?.addEventListener("abort", abort);
    request.begin(() => {
      signal?.removeEventListener("abort", abort);
      if (this.#pending.get(id) === request) this.#abandon(id, request.isStream, () => !isDropped);
    });
    const waits = this.#send(text, () => {
      isDropped = this.#pending.get(id) !== request;
      if (isDropped) this.#abandoned.delete(id);
      return !isDropped;
    });
    if (waits === undefined) return;
    this.#unsent.set(id, request);
    waits.then(() => this.#settled(id, request), (error: unknown) => this.#failed(id, request, error));
  }

  /** The write of `request` is done with. */
  #settled(id: Id, request: PendingRequest): void {
    if (this.#unsent.get(id) === request) this.#unsent.delete(id);
  }

  #failed(id: Id, request: PendingRequest, error: unknown): void {
    this.#settled(id, request);
    if (this.#pending.get(id) !== request) return;
    // What waited too long may still arrive, and be answered.
    if (!(error instanceof WriteTimedOutError)) this.#pending.delete(id);
    request.abort(error);
  }

  /** Nobody waits for `id` any more, though replies may come: they are to reach nobody else. */
  #abandon(id: Id, isStream: boolean, wasSent: () => boolean): void {
    this.#pending.delete(id);
    if (this.#abandoned.size === MAX_ABANDONED) this.#abandoned.delete(this.#abandoned.keys().next().value!);
    this.#abandoned.set(id, isStream);
    const { keyField, cancel } = this.#settings;
    if (cancel !== undefined) void this.#send(JSON.stringify({ [keyField!]: cancel, [this.#idField]: id }), wasSent);
  }

  /** Drops a reply to a request that was given up. */
  #takeLate(id: Id, isLast: boolean): boolean {
    const isStream = this.#abandoned.get(id);
    if (isStream === undefined) return false;
    if (isLast || !isStream) this.#abandoned.delete(id);
    return true;
  }
}

/** The object that `text` is, if it is one. */
function parseObject(text: string): Reply | undefined {
  // Most of what is none is told by its first character.
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Reply;
  } catch {
    return undefined;
  }
}
