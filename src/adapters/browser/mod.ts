/**
 * `hawser` in a browser, or wherever there is only a global `WebSocket`: the same `Client`. A bundler
 * for browsers finds it as `hawser`. What a page cannot have is refused with an `UnsupportedError`.
 *
 * @module
 */

import { Client as AnyClient, type ClientConfiguration } from "../../client/client.ts";
import { browserRuntime } from "./browser_runtime.ts";

/**
 * A WebSocket client: an async iterator of messages, a pair of WHATWG streams, and methods to read and write.
 *
 * A page cannot hold its peer back: when nobody reads what comes, and `readAhead` is passed, the connection is closed with
 * 4008. Codes from 1001 to 1014 with which the client would close by itself travel as 4001 to 4014.
 *
 * @example
 * ```ts browser
 * import { Client } from "hawser/browser";
 *
 * const client = await Client.connect("wss://example.com/chat");
 * await client.writeTextMessage("hello");
 * for await (const message of client) console.log(message);
 * ```
 */
export class Client extends AnyClient {
  /**
   * Connects to `url`: `ws:`, `wss:`, `http:` or `https:`. Resolves when the connection is open; rejects as `opened` does.
   *
   * @throws {TypeError} as a rejection, when the URL or an option cannot be used; the message names it
   * @throws {RangeError} as a rejection, when a number is out of range
   * @throws {UnsupportedError} as a rejection, for what a page cannot have
   */
  static async connect(url: string | URL, config?: ClientConfiguration): Promise<Client> {
    const client = new Client(url, config);
    await client.opened;
    return client;
  }

  /**
   * Starts to connect to `url`; `opened` tells when it is done.
   *
   * @throws {TypeError} when the URL or an option cannot be used; the message names it
   * @throws {RangeError} when a number is out of range
   * @throws {UnsupportedError} for what a page cannot have
   */
  constructor(url: string | URL, config?: ClientConfiguration) {
    super(browserRuntime, url, config);
  }
}

export type { Client as AnyClient, ClientConfiguration } from "../../client/client.ts";
export type { HttpResponse } from "../../client/connector.ts";
export type { Cookie, CookieJar } from "../../client/cookies.ts";
export type { ProxyOptions } from "../../client/http_proxy.ts";
export type { ClientOptions, CustomHeaders, PingPongHandler, PingReply } from "../../client/options.ts";
export type { ReconnectInfo, RetryConfig, Uncertain } from "../../client/retry_options.ts";
export type { RequestConfiguration, RequestOptions } from "../../client/request_options.ts";
export type { ReplyStream } from "../../client/reply_iterator.ts";
export type { BindingIssue, CloseFrameInfo, Closure, RejectedResponse } from "../../errors.ts";
export type { Message } from "../../transport/message_socket.ts";
export type { ReadAhead } from "../../streams/message_queue.ts";
export type { BufferPolicy } from "../../streams/endpoint.ts";
export type { CompressionOptions, WriteOptions } from "../../streams/compression_options.ts";
export type { ConnectionConfiguration } from "../../streams/connection_options.ts";
export type { BinaryMessageStream, MessageStream, TextMessageStream } from "../../streams/incoming_message.ts";
export type { WritableMessage } from "../../streams/message_streams.ts";
export type { SchemaIssue } from "../../binding/issues.ts";
export type { SchemaResult, StandardSchema } from "../../binding/schema.ts";
export {
  type Bindable,
  type Binder,
  type BoundBy,
  bytes,
  type FormatBinder,
  json,
  text,
  union,
} from "../../binding/binder.ts";
export {
  type AnyWebSocketError,
  ConnectionClosureError,
  ConnectionError,
  type ErrorCode,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  PayloadBindingError,
  PayloadTooLargeError,
  PayloadValidationError,
  ReadTimedOutError,
  RequestError,
  UnsupportedError,
  WebSocketError,
  WriteTimedOutError,
} from "../../errors.ts";
