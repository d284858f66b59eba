/**
 * The peer as a handler sees it (features S10): write, ping, close, and what is known of it. A thin face over the
 * endpoint: seconds become milliseconds here, values become messages, and nothing else happens.
 */

import type { Identity } from "../auth/authenticator.ts";
import { toBytes, toMessage } from "../binding/payload.ts";
import { EMPTY, type FillRandom, randomId } from "../bytes.ts";
import type { Closure } from "../errors.ts";
import { checkWrite, type WriteOptions } from "../streams/compression_options.ts";
import type { Endpoint } from "../streams/endpoint.ts";
import { isStreamed } from "../streams/stream_source.ts";
import { type MessageParts, writeInParts } from "../streams/streamed_write.ts";
import type { Clock } from "../transport/clock.ts";
import type { PeerCertificate } from "../transport/tls.ts";
import type { UpgradeRequest } from "../transport/upgrade.ts";
import { closeMillis } from "../seconds.ts";

/** The request that became a connection. */
export interface CallerRequest {
  /** Absolute, such as `http://example.com/chat?room=1`. */
  readonly url: string;
  /** A copy, which stays readable. */
  readonly headers: Headers;
}

/** The connection that a caller stands for. */
export interface CallerLink {
  readonly endpoint: Endpoint;
  readonly request: UpgradeRequest;
  readonly auth: Identity | undefined;
  readonly fillRandom: FillRandom;
  readonly clock: Clock;
  /** The endpoint's own, for whoever sends to many at once. */
  readonly maxBufferedAmount: number;
  /** Closes on the service's behalf: no handler starts any more. As `Endpoint.close`. */
  close(code: number, reason: string, timeoutMs: number | undefined): Promise<Closure>;
  /** Drops the connection on the service's behalf. */
  terminate(): void;
  /** Tells of a failure of somebody's code. */
  report(error: unknown): void;
}

let linkIn: (caller: Caller) => CallerLink;

/** What is behind a caller. Not for users: they have no way to it. */
export function linkOf(caller: Caller): CallerLink {
  return linkIn(caller);
}

/**
 * One connected peer, as a service's handlers see it. May be kept and used from anywhere until it is closed. A type: the
 * listener makes them.
 */
export class Caller {
  static {
    linkIn = (caller) => caller.#link;
  }

  readonly #link: CallerLink;
  #id: string | undefined;
  #attributes: Map<string, unknown> | undefined;

  /**
   * Made by the listener, one for each connection.
   *
   * @ignore
   */
  constructor(link: CallerLink) {
    this.#link = link;
  }

  /**
   * Sends `value`: a string as text, a `Uint8Array` or `ArrayBuffer` as binary, anything JSON knows as JSON text.
   * Resolves at once while the peer keeps up, and when there is room again if it does not; not when it was delivered.
   * The value has been read when this returns.
   *
   * A `ReadableStream`, or an async iterable, of strings or of bytes goes as one message in parts (RFC 6455 §5.4), each
   * sent when it comes, uncompressed; other messages wait behind it. It resolves when the last part is accepted. Rejects
   * also with what the stream fails with; a connection on which the message had begun is closed then, with 1011.
   *
   * @throws {TypeError} at once, when `value` is none of these, a stream that somebody reads, or an option cannot be used
   * @throws {UnsupportedError} at once, for a stream where the runtime sends whole messages only
   * @throws {ConnectionClosureError} as a rejection, when the connection is closing or closed
   * @throws {ConnectionError} as a rejection, with the policy `wait`, when twice `maxBufferedAmount` waits
   */
  writeMessage(value: unknown, options?: WriteOptions): Promise<void> {
    const compress = checkWrite(options);
    if (typeof value === "object" && value !== null && isStreamed(value)) return this.#writeInParts(value);
    return this.#link.endpoint.write(toMessage(value), compress);
  }

  /**
   * Sends a text message. Resolves as `writeMessage` does.
   *
   * @throws {TypeError} at once, when `text` is not a string, or an option cannot be used
   * @throws as `writeMessage` does, as a rejection
   */
  writeTextMessage(text: string, options?: WriteOptions): Promise<void> {
    if (typeof text !== "string") throw new TypeError(`Cannot write a text message: it is of type ${typeof text}`);
    return this.#link.endpoint.write(text, checkWrite(options));
  }

  /**
   * Sends a binary message. The bytes stay yours, and have been read when this returns. Resolves as `writeMessage` does.
   *
   * @throws {TypeError} at once, when `data` is neither a `Uint8Array` nor an `ArrayBuffer`, or an option cannot be used
   * @throws as `writeMessage` does, as a rejection
   */
  writeBinaryMessage(data: Uint8Array | ArrayBuffer, options?: WriteOptions): Promise<void> {
    return this.#link.endpoint.write(toBytes(data, "Cannot write a binary message"), checkWrite(options));
  }

  /**
   * Sends a ping of at most 125 bytes (RFC 6455 §5.5.2). Its pong comes to the service's `onPong`.
   *
   * @param data Default: empty.
   * @throws {RangeError} when it is longer; nothing is sent
   * @throws {TypeError} when it is neither a `Uint8Array` nor an `ArrayBuffer`
   * @throws {UnsupportedError} where the runtime has no ping
   * @throws {ConnectionClosureError} when the connection is closing or closed
   * @throws {ConnectionError} when more than `maxBufferedAmount` waits for the peer already
   */
  ping(data: Uint8Array | ArrayBuffer = EMPTY): void {
    this.#link.endpoint.sendPing(toBytes(data, "Cannot send a ping"));
  }

  /**
   * Sends a pong of at most 125 bytes (RFC 6455 §5.5.3): the answer to a ping that `onPing` got, or one nobody asked for.
   *
   * @param data Default: empty.
   * @throws as `ping` does
   */
  pong(data: Uint8Array | ArrayBuffer = EMPTY): void {
    this.#link.endpoint.sendPong(toBytes(data, "Cannot send a pong"));
  }

  /**
   * Closes the connection (RFC 6455 §7.1.2). Messages that wait for a handler are dropped. Resolves with how it ended; never rejects.
   *
   * @param statusCode 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default 1000.
   * @param reason At most 123 bytes of UTF-8. Default empty.
   * @param timeout Seconds to wait for the peer's close frame before the connection is cut; 0 does not wait, −1 waits
   *   for ever. Default: the service's `connectionClosureTimeout`.
   * @throws {RangeError} at once, when one of them is out of range; nothing is sent
   * @throws {TypeError} at once, when the reason is not a string, or the timeout no number
   */
  close(statusCode = 1000, reason = "", timeout?: number): Promise<Closure> {
    const timeoutMs = timeout === undefined ? undefined : closeMillis("timeout", timeout);
    return this.#link.close(statusCode, reason, timeoutMs);
  }

  /** Drops the connection at once, without a close frame. */
  terminate(): void {
    this.#link.terminate();
  }

  /** Keeps `value` with this connection, for `getAttribute`. */
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

  /** A name for this connection: 32 hexadecimal digits, random, the same at every call. The peer has another. */
  getConnectionId(): string {
    return this.#id ??= randomId(this.#link.fillRandom);
  }

  /** The sub-protocol both sides agreed on (RFC 6455 §1.9), undefined when there is none. */
  getNegotiatedSubProtocol(): string | undefined {
    return this.#link.endpoint.protocol || undefined;
  }

  /** Whether the connection is encrypted: itself, or, as a trusted proxy says, up to that (`trustedProxies`). */
  isSecure(): boolean {
    return this.#link.request.secure;
  }

  /** Whether messages can be sent: no close frame was sent or answered yet, and the connection is not lost. */
  isOpen(): boolean {
    return this.#link.endpoint.state === "open";
  }

  /** Aborted as soon as nothing can be sent any more, with a `ConnectionClosureError` as its reason. */
  get signal(): AbortSignal {
    return this.#link.endpoint.signal;
  }

  /** The peer's IP address, when the runtime tells it; behind a proxy of `trustedProxies` what that says. */
  get remoteAddress(): string | undefined {
    return this.#link.request.remoteAddress;
  }

  /**
   * The certificate that the client has shown, verified: with `mutualSsl`, or with an `https` server of yours that asks for
   * one. Undefined when there is none, and where the runtime does not tell it. Behind a proxy it is the proxy's.
   */
  get peerCertificate(): PeerCertificate | undefined {
    return this.#link.request.peerCertificate;
  }

  /** The request that became this connection. */
  get request(): CallerRequest {
    return this.#link.request;
  }

  /** Who it is, as `auth` of the service or the listener has verified; undefined where everybody may connect. */
  get auth(): Identity | undefined {
    return this.#link.auth;
  }

  /** Bytes written that have not reached the operating system yet. */
  get bufferedAmount(): number {
    return this.#link.endpoint.bufferedAmount;
  }

  /** How many text and binary messages came, whether they were handled or not. */
  get messagesReceived(): number {
    return this.#link.endpoint.messagesReceived;
  }

  /** How many text and binary messages were accepted for sending. */
  get messagesSent(): number {
    return this.#link.endpoint.messagesSent;
  }

  /** Seconds the last keep-alive ping took to be answered, undefined before the first. */
  get latency(): number | undefined {
    return this.#link.endpoint.latency;
  }

  #writeInParts(parts: unknown): Promise<void> {
    const { endpoint, clock } = this.#link;
    return writeInParts(endpoint, parts as MessageParts, {
      clock,
      runtime: "native",
      writeMs: Infinity,
      close: (code, reason) => void this.#link.close(code, reason, undefined),
      report: (error) => this.#link.report(error),
    });
  }
}
