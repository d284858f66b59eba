/**
 * A WebSocket client (features C): connects, and is then an async iterator, a pair of streams, and a set of read and
 * write methods over one endpoint. Knows no frame, no runtime and no byte of the handshake.
 */

import { type Bindable, toBinder } from "../binding/binder.ts";
import { toBytes, toMessage } from "../binding/payload.ts";
import { EMPTY, randomId } from "../bytes.ts";
import { checkClose } from "../close_code.ts";
import { type Closure, UnsupportedError } from "../errors.ts";
import { closeMillis } from "../seconds.ts";
import type { WriteOptions } from "../streams/compression_options.ts";
import type { MessageStream } from "../streams/incoming_message.ts";
import { MessageIterator } from "../streams/message_iterator.ts";
import type { MessageReads } from "../streams/message_reads.ts";
import { messageReadable, messageWritable, type WritableMessage } from "../streams/message_streams.ts";
import { isStreamed } from "../streams/stream_source.ts";
import type { Message } from "../transport/message_socket.ts";
import { BoundIterator } from "./bound_iterator.ts";
import { ClientSession } from "./client_session.ts";
import { ClientWrites } from "./client_writes.ts";
import type { ClientPlan, ClientRuntime, HttpResponse } from "./connector.ts";
import type { ClientOptions } from "./options.ts";
import type { ReplyStream } from "./reply_iterator.ts";
import type { RequestOptions } from "./request_options.ts";
import type { Requests } from "./requests.ts";

/** Options of a `Client`: `ClientOptions`, whose callbacks are handed that client. */
export type ClientConfiguration = ClientOptions<Client>;

/**
 * A WebSocket connection to a server; with `retryConfig`, one after the other. Connecting starts in the constructor; until
 * `opened` resolves nothing can be read or written, but with `retryConfig` reads and writes wait for it. Messages wait for
 * their reader within `readAhead`; pings are answered and the end is noticed meanwhile.
 *
 * There is one reader at a time: a `for await`, `readable`, or read methods. A second one is refused with a `TypeError`.
 *
 * This is what the `Client` of every entry is, a page's too: a type, for code that takes a client from anywhere.
 */
export class Client implements AsyncIterable<Message> {
  /**
   * Resolves when the connection is open. Rejects when it could not be opened: with a `ConnectionError` (network), an
   * `InvalidHandshakeError` (the answer), a `HandshakeTimedOutError`, a `ProxyError`, an `SslError`, or the signal's
   * reason. A rejection that nobody listens to does not end the process; `closed` tells it too. With `retryConfig` it is
   * about the first connection, and rejects with the last error when there will be none.
   */
  readonly opened: Promise<void>;
  /**
   * Resolves with how the connection ended, also when it was never open. Never rejects. With `retryConfig`: when there will
   * be no other connection.
   */
  readonly closed: Promise<Closure>;

  readonly #runtime: ClientRuntime;
  readonly #plan: ClientPlan<Client>;
  readonly #session: ClientSession<Client>;
  readonly #writes: ClientWrites;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<WritableMessage> | undefined;
  #id: string | undefined;
  #attributes: Map<string, unknown> | undefined;

  /**
   * Starts to connect to `url`: `ws:`, `wss:`, `http:`, `https:`, or `ws+unix:/path/to.sock:/request/path`.
   *
   * @throws {TypeError} when the URL or an option cannot be used; the message names it
   * @throws {RangeError} when a number is out of range
   * @throws {UnsupportedError} when an option cannot be had in this place
   * @ignore
   */
  constructor(runtime: ClientRuntime, url: string | URL, config?: ClientConfiguration) {
    this.#runtime = runtime;
    this.#plan = runtime.plan<Client>(url, config);
    this.#session = new ClientSession<Client>(this, runtime, this.#plan);
    this.#writes = new ClientWrites(runtime, this.#plan.settings.writeMs, this.#session);
    this.opened = this.#session.opened;
    this.closed = this.#session.closed;
  }

  /** The URL as it was given, in its normal form. Where redirects led, `getHttpResponse().url` tells. */
  get url(): string {
    return this.#plan.href;
  }

  /**
   * Reads message after message, each a string or a `Uint8Array`. Ends when the connection was closed cleanly with 1000,
   * 1001 or no code; any other end throws a `ConnectionClosureError`, so that data cut short does not look complete; a
   * `ReadTimedOutError` leaves the connection open. Leaving the loop closes with 1000, without waiting for the answer; so
   * does the end of an `await using` of the iterator.
   *
   * @throws {TypeError} when somebody reads already, or the connection is not open yet
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined, void> & AsyncDisposable {
    return this.#iterate();
  }

  /**
   * Reads message after message, as `for await` over the client does.
   *
   * @throws {TypeError} when somebody reads already, or the connection is not open yet
   */
  messages(): AsyncIterableIterator<Message, undefined, void> & AsyncDisposable;
  /**
   * Reads message after message as `for await` over the client does, each bound as by `readMessage(bindable)`. One that
   * cannot be bound throws a `PayloadBindingError` and is consumed. The loop is over then and the connection is not: a new
   * loop goes on with the next message.
   *
   * @throws {TypeError} when somebody reads already, the connection is not open yet, or `bindable` is not one
   */
  messages<T>(bindable: Bindable<T>): AsyncIterableIterator<T, undefined, void> & AsyncDisposable;
  messages(bindable?: Bindable<unknown>): AsyncIterableIterator<unknown, undefined, void> & AsyncDisposable {
    if (bindable === undefined) return this.#iterate();
    // Checked before anybody is locked out.
    const bind = this.#binderOf(bindable);
    return new BoundIterator(this.#iterate(), bind);
  }

  /**
   * The messages as a stream, made on first use; from then on nobody else reads. Holds no messages of its own, so that
   * `readAhead` bounds what waits. Closes and fails as `for await` ends and throws. Cancelling it closes the connection
   * with 1000, or with the `closeCode` and `reason` of what it is cancelled with. `readTimeout` does not apply.
   *
   * @throws {TypeError} when somebody reads already, or the connection is not open yet
   */
  get readable(): ReadableStream<Message> {
    if (this.#readable === undefined) {
      const { inbox, endpoint } = this.#session.open("Cannot read messages");
      this.#readable = messageReadable(inbox, endpoint);
    }
    return this.#readable;
  }

  /**
   * A stream that sends what is written to it, made on first use: strings as text, bytes as binary. Its writes wait for
   * a slow peer. Closing it closes the connection with 1000, and waits for the peer's answer; aborting it closes with
   * 1011, or with the `closeCode` and `reason` of what it is aborted with.
   *
   * @throws {TypeError} when the connection is not open yet
   */
  get writable(): WritableStream<WritableMessage> {
    if (this.#writable === undefined) {
      const { inbox, endpoint } = this.#session.open("Cannot write messages");
      this.#writable = messageWritable(inbox, endpoint, (message) => this.#writes.write(message));
    }
    return this.#writable;
  }

  /**
   * Reads the next message, which must be text. Reads that wait are served in order. Messages that came before the end
   * can still be read after it.
   *
   * @throws {PayloadBindingError} as a rejection, like all below: the next message is binary; it stays and can be read
   * @throws {ReadTimedOutError} none came within `readTimeout`; none is lost
   * @throws {ConnectionClosureError} the connection is closed, and its last message was read
   * @throws {TypeError} somebody else reads, or the connection is not open yet
   */
  readTextMessage(): Promise<string> {
    return this.#read((reads) => reads.readText());
  }

  /**
   * Reads the next message, which must be binary.
   *
   * @throws as `readTextMessage` does, for a message that is text
   */
  readBinaryMessage(): Promise<Uint8Array> {
    return this.#read((reads) => reads.readBinary());
  }

  /**
   * Reads the next message, text or binary.
   *
   * @throws {ReadTimedOutError} as a rejection, like all below: none came within `readTimeout`; none is lost
   * @throws {ConnectionClosureError} the connection is closed, and its last message was read
   * @throws {TypeError} somebody else reads, or the connection is not open yet
   */
  readMessage(): Promise<Message>;
  /**
   * Reads the next message and binds it: by a binder such as `text` or `json`, or as JSON by any Standard Schema (zod,
   * valibot, arktype …), whose type it then has: see the example of `Bindable`.
   *
   * @throws {TypeError} at once, when `bindable` is neither
   * @throws {PayloadBindingError} as a rejection: the message does not have that shape; its `issues` tell what is wrong.
   *   The message is consumed, and the next read is clean.
   * @throws {PayloadValidationError} as a rejection: it has the shape, and a constraint refuses it; so with it
   * @throws as `readMessage()` does
   */
  readMessage<T>(bindable: Bindable<T>): Promise<T>;
  readMessage(bindable?: Bindable<unknown>): Promise<unknown> {
    if (bindable === undefined) return this.#read((reads) => reads.read());
    const bind = this.#binderOf(bindable);
    return this.#read((reads) => reads.read()).then(bind);
  }

  /**
   * Reads the next message as a stream of its parts, while it still comes: it may be larger than the memory. Needs the
   * option `messageStreams`. What is not read yet is bounded by `readAhead`. Until the stream is read to its end or
   * cancelled, which drops the rest of the message, nobody else reads. Rejects with:
   * a `ReadTimedOutError` when none begins within `readTimeout`;
   * a `ConnectionClosureError` after the last message; the stream fails with one when its message is cut;
   * a `TypeError` when somebody else reads, or the last stream is not over.
   *
   * @throws {TypeError} at once, without the option
   * @throws {UnsupportedError} at once, where the runtime shows whole messages only
   */
  readMessageStream(): Promise<MessageStream> {
    if (this.#runtime.writeInParts === undefined) {
      throw this.#unsupported("read a message in parts", "streamed message");
    }
    return this.#session.readStream();
  }

  /**
   * Sends a text message. Resolves at once while the peer keeps up, and when there is room again if it does not; not
   * when it was delivered. A rejection that nobody listens to does not end the process.
   *
   * @throws {TypeError} at once, when `text` is not a string, or an option cannot be used
   * @throws {ConnectionClosureError} as a rejection, like all below: the connection is closing or closed
   * @throws {WriteTimedOutError} there was no room within `writeTimeout`; the message may still arrive
   * @throws {ConnectionError} with the policy `wait`, when twice `maxBufferedAmount` waits; with `retryConfig`, when the
   *   `outbox` is full
   * @throws {TypeError} the connection is not open yet, and there is no `retryConfig`
   */
  writeTextMessage(text: string, options?: WriteOptions): Promise<void> {
    if (typeof text !== "string") throw new TypeError(`Cannot write a text message: it is of type ${typeof text}`);
    return this.#writes.write(text, this.#runtime.checkWrite(options));
  }

  /**
   * Sends a binary message. The bytes stay the caller's, and have been read when this returns. Resolves as
   * `writeTextMessage` does.
   *
   * @throws {TypeError} at once, when `data` is neither a `Uint8Array` nor an `ArrayBuffer`, or an option cannot be used
   * @throws as `writeTextMessage` does, as a rejection
   */
  writeBinaryMessage(data: Uint8Array | ArrayBuffer, options?: WriteOptions): Promise<void> {
    return this.#writes.write(toBytes(data, "Cannot write a binary message"), this.#runtime.checkWrite(options));
  }

  /**
   * Sends `value`: a string as text; a `Uint8Array` or `ArrayBuffer` as binary; a number, a boolean, `null`, a plain
   * object or an array as JSON text. Resolves as `writeTextMessage` does.
   *
   * A `ReadableStream`, or an async iterable, of strings or of bytes goes as one message in parts (RFC 6455 §5.4), each
   * sent when it comes, uncompressed; other messages wait behind it. It resolves when the last part is accepted. Rejects
   * also with what the stream fails with, and a connection on which the message had begun is closed then, with 1011; and
   * with a `ConnectionError` while there is no connection: it waits for none.
   *
   * @throws {TypeError} at once, for anything else, for a stream that somebody reads, or when an option cannot be used
   * @throws {UnsupportedError} at once, for a stream where the runtime sends whole messages only
   * @throws as `writeTextMessage` does, as a rejection
   */
  writeMessage(value: unknown, options?: WriteOptions): Promise<void> {
    const compress = this.#runtime.checkWrite(options);
    if (typeof value === "object" && value !== null && isStreamed(value)) return this.#writes.writeInParts(value);
    return this.#writes.write(toMessage(value), compress);
  }

  /**
   * Sends `message`, a plain object, as JSON text, with an id in its field `dispatcherStreamId` unless there is one, and
   * resolves with the reply: the object that comes with the same id. See the example of `RequestConfiguration`.
   *
   * @throws {TypeError} at once, without `dispatcherStreamId`, for a pending id, and when an argument cannot be used
   * @throws {RangeError} at once, when the timeout is out of range
   * @throws {RequestError} as a rejection, like all below: the reply is the server's error, or the end without a reply
   * @throws {ReadTimedOutError} no reply came within `timeout`, or else `requestTimeout`; one that still comes is dropped
   * @throws {ConnectionClosureError} the connection ended before the reply
   * @throws {ConnectionError} `maxPendingRequests` wait for replies already
   * @throws as a write rejects, or with the reason of the `signal`
   */
  request(message: object, bindable?: undefined, options?: RequestOptions): Promise<unknown>;
  /**
   * The same; the reply is bound as `readMessage(bindable)` binds, and has its type.
   *
   * @throws {PayloadBindingError} as a rejection: the reply is not what `bindable` takes
   */
  request<T>(message: object, bindable: Bindable<T>, options?: RequestOptions): Promise<T>;
  request(message: object, bindable?: Bindable<unknown>, options?: RequestOptions): Promise<unknown> {
    return this.#correlated.request(message, bindable, options);
  }

  /**
   * Sends `message` at once, as `request` does, and gives the replies up to the one that is `dispatcherComplete`. What
   * `request` rejects with, the loop throws; leaving it sends `dispatcherCancel`. Replies that nobody reads count for
   * `readAhead`, and past it hold up the whole connection. See the example of `ReplyStream`.
   *
   * @throws as `request` does: at once for what cannot be sent, else from the loop
   */
  requestStream(message: object, bindable?: undefined, options?: RequestOptions): ReplyStream<unknown>;
  /**
   * The same; the replies are bound as `readMessage(bindable)` binds, and have its type.
   *
   * @throws {PayloadBindingError} from the loop: a reply is not what `bindable` takes; the request is given up
   */
  requestStream<T>(message: object, bindable: Bindable<T>, options?: RequestOptions): ReplyStream<T>;
  requestStream(message: object, bindable?: Bindable<unknown>, options?: RequestOptions): ReplyStream<unknown> {
    return this.#correlated.stream(message, bindable, options);
  }

  /**
   * Sends a ping of at most 125 bytes (RFC 6455 §5.5.2). Its pong comes to `pingPongHandler`.
   *
   * @param data Default: empty.
   * @throws {RangeError} when it is longer; nothing is sent
   * @throws {TypeError} when it is neither a `Uint8Array` nor an `ArrayBuffer`, or the connection is not open yet
   * @throws {UnsupportedError} where the runtime has no ping
   * @throws {ConnectionClosureError} when the connection is closing or closed
   * @throws {ConnectionError} when more than `maxBufferedAmount` waits for the peer already
   */
  ping(data: Uint8Array | ArrayBuffer = EMPTY): void {
    const { endpoint } = this.#session.open("Cannot send a ping");
    if (endpoint.sendPing === undefined) throw this.#unsupported("send a ping", "ping");
    endpoint.sendPing(toBytes(data, "Cannot send a ping"));
  }

  /**
   * Sends a pong of at most 125 bytes (RFC 6455 §5.5.3): the answer to a ping that `pingPongHandler` got, or one nobody
   * asked for.
   *
   * @param data Default: empty.
   * @throws as `ping` does
   */
  pong(data: Uint8Array | ArrayBuffer = EMPTY): void {
    const { endpoint } = this.#session.open("Cannot send a pong");
    if (endpoint.sendPong === undefined) throw this.#unsupported("send a pong", "pong");
    endpoint.sendPong(toBytes(data, "Cannot send a pong"));
  }

  /**
   * Closes the connection (RFC 6455 §7.1.2), behind everything that was written; while it is not open yet, gives up connecting. Resolves
   * with how it ended; never rejects. A second call gets the first one's promise. Messages that still come can be read
   * within `readAhead`; those that find no room there are dropped.
   *
   * @param statusCode 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default 1000.
   * @param reason At most 123 bytes of UTF-8. Default empty.
   * @param timeout Seconds to wait for the peer's close frame before the connection is cut; 0 does not wait, −1 waits
   *   for ever. Default 60.
   * @throws {RangeError} at once, when one of them is out of range; nothing is sent
   * @throws {TypeError} at once, when the reason is not a string, or the timeout no number
   * @throws {UnsupportedError} at once, for a code that this place does not send
   */
  close(statusCode = 1000, reason = "", timeout = 60): Promise<Closure> {
    const timeoutMs = closeMillis("timeout", timeout);
    checkClose(statusCode, reason);
    this.#runtime.checkCode?.(statusCode);
    return this.#session.close(statusCode, reason, timeoutMs);
  }

  /** Drops the connection at once, without a close frame; while it is not open yet, gives up connecting. */
  terminate(): void {
    this.#session.terminate();
  }

  /** For `await using`: `close()`, which closes with 1000 and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * The answer that opened the connection, undefined before.
   *
   * @throws {UnsupportedError} where the runtime does not show it
   */
  getHttpResponse(): HttpResponse | undefined {
    const { response, wasOpened } = this.#session;
    if (wasOpened && response === undefined) throw this.#unsupported("tell the server's answer", "response");
    return response;
  }

  /**
   * A name for this client: 32 hexadecimal digits, random, the same at every call and over all its connections. The peer
   * has another.
   */
  getConnectionId(): string {
    return this.#id ??= randomId(this.#runtime.fillRandom);
  }

  /** The sub-protocol both sides agreed on (RFC 6455 §1.9); undefined for none, and before the connection is open. */
  getNegotiatedSubProtocol(): string | undefined {
    return this.#session.endpoint?.protocol || undefined;
  }

  /** Whether the connection is, or will be, encrypted: `wss:`. */
  isSecure(): boolean {
    // A redirect may lead from "ws:" to "wss:".
    return this.#session?.response?.url.startsWith("wss:") ?? this.#plan.secure;
  }

  /** Whether messages can be sent: the handshake is done, and neither side has begun to close. */
  isOpen(): boolean {
    return this.#session.endpoint?.state === "open";
  }

  /** Keeps `value` with this client, for `getAttribute`. */
  setAttribute(key: string, value: unknown): void {
    this.#attributes ??= new Map();
    this.#attributes.set(key, value);
  }

  /** What was kept under `key`, undefined when nothing was. */
  getAttribute(key: string): unknown {
    return this.#attributes?.get(key);
  }

  /** Takes out what was kept under `key` and hands it back, undefined when nothing was. */
  removeAttribute(key: string): unknown {
    const value = this.#attributes?.get(key);
    this.#attributes?.delete(key);
    return value;
  }

  /** Seconds the last keep-alive ping took to be answered, undefined before the first. */
  get latency(): number | undefined {
    return this.#session.endpoint?.latency;
  }

  /** Bytes written that have not reached the operating system yet; 0 before the connection is open. */
  get bufferedAmount(): number {
    return this.#session.endpoint?.bufferedAmount ?? 0;
  }

  #iterate(): MessageIterator {
    const { inbox, endpoint } = this.#session.open("Cannot read messages");
    return new MessageIterator(inbox, this.#session.readOptions, () => void endpoint.close());
  }

  #binderOf<T>(bindable: Bindable<T>): (message: Message) => T | Promise<T> {
    const binder = toBinder(bindable);
    return (message) => binder["~bind"](message, this.#plan.settings.validation);
  }

  #read<T>(read: (reads: MessageReads) => Promise<T>): Promise<T> {
    try {
      return read(this.#session.open("Cannot read a message").reads);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  get #correlated(): Requests {
    return this.#session.requests((text, isWanted) => this.#writes.send(text, true, isWanted));
  }

  #unsupported(action: string, feature: string): UnsupportedError {
    return new UnsupportedError(`Cannot ${action}: it cannot be had here`, feature, this.#runtime.name);
  }
}
