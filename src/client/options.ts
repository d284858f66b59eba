/**
 * The options of a client: their names, defaults and limits, checked once and turned from seconds into milliseconds; and
 * the URL. Nothing that is given is ever ignored: what cannot be had is refused by its name.
 */

import { type Authorize, checkClientAuth, type ClientAuth } from "../auth/client_auth.ts";
import { ConnectionError, WebSocketError } from "../errors.ts";
import { validateProtocols } from "../handshake/subprotocol.ts";
import { HINTS_OF_CLIENT } from "../foreign_options.ts";
import { checkBoolean, checkCount, checkIsOptions, checkNames, type Given, wrongKind } from "../option_check.ts";
import { checkCompression, type CompressionOptions } from "../streams/compression_options.ts";
import {
  checkConnection,
  CONNECTION_NAMES,
  type ConnectionConfiguration,
  type ConnectionSettings,
} from "../streams/connection_options.ts";
import type { ClientTlsSettings } from "../transport/tls.ts";
import type { CompressionSettings } from "../transport/upgrade.ts";
import { checkCommon, CLOSE_MS, type CommonSettings } from "./common_options.ts";
import { checkCookies, type Cookie, type CookieJar, type CookieSource } from "./cookies.ts";
import { type CheckedHeaders, checkHeaders } from "./header_option.ts";
import { checkProxy, type ProxyOptions, type ProxySetting } from "./http_proxy.ts";
import { REQUEST_NAMES, type RequestConfiguration } from "./request_options.ts";
import type { RetryConfig } from "./retry_options.ts";
import { checkClientSecure, type ClientSecureSocket } from "./secure_socket.ts";

/** The option `pingPongHandler`: takes pings and pongs (RFC 6455 §5.5.2) instead of the client itself. */
export interface PingPongHandler<Client> {
  /**
   * A ping came. Present: it is this method that answers, by returning the pong's bytes, or a promise of them, or by
   * calling `client.pong`. Absent: pings are answered by themselves. Pings that come while 16 calls are unfinished are
   * passed over. What it throws goes to the runtime's warning.
   */
  onPing?(client: Client, data: Uint8Array): PingReply | Promise<PingReply>;
  /** A pong came that answers none of the keep-alive's pings. */
  onPong?(client: Client, data: Uint8Array): void | Promise<void>;
}

/** What `onPing` returns: the bytes of the pong, at most 125; undefined for none. */
export type PingReply = Uint8Array | ArrayBuffer | undefined | void;

/** The option `customHeaders`: headers by their names, with one value or several. */
export type CustomHeaders = Headers | Readonly<Record<string, string | readonly string[]>>;

/**
 * Options of a `Client`. Times are seconds, fractions allowed; sizes are bytes. A name that is not here is a `TypeError`,
 * a value of the wrong kind too, and a number out of range a `RangeError`: from the constructor, with the name.
 */
export interface ClientOptions<Client> extends ConnectionConfiguration, RequestConfiguration {
  /**
   * The sub-protocols to offer (RFC 6455 §1.9), the favourite first. The server must choose one of them, else
   * `InvalidHandshakeError`. Default: none.
   */
  readonly subProtocols?: string | readonly string[];
  /**
   * Headers to add to the request, or a function that makes them for each attempt to connect, and may be async; what it
   * throws is the cause of a `ConnectionError`. Those of the handshake itself are a `TypeError`. Default: none.
   */
  readonly customHeaders?: CustomHeaders | (() => CustomHeaders | Promise<CustomHeaders>);
  /**
   * Who the client says it is, in the `Authorization` header, made anew for each attempt to connect. It goes to no other
   * origin than the first. What makes it fails with an `AuthError`. An `Authorization` in `customHeaders` is refused then.
   * Default: nobody.
   */
  readonly auth?: ClientAuth;
  /** The `Origin` header, such as `https://example.com`. Default: none. */
  readonly origin?: string;
  /**
   * Cookies to send (RFC 6265), to each URL those that are for it; or a jar, which is asked for them, and told what every
   * answer sets. A Cookie header in `customHeaders` is refused then. Default: none.
   */
  readonly cookies?: readonly Cookie[] | CookieJar;
  /**
   * How many redirects of the handshake are followed; one more, or one to a place that is not safe, is an
   * `InvalidHandshakeError`. The headers Authorization, Cookie and Proxy-Authorization of `customHeaders` go to no other
   * origin than the first. Default 0: none.
   */
  readonly maxRedirects?: number;
  /**
   * The HTTP proxy to connect through (RFC 9110 §9.3.6): its URL, or an object with it. `"environment"`: the one that
   * `HTTPS_PROXY`, for `wss:`, or `HTTP_PROXY`, for `ws:`, names, else `ALL_PROXY`, but for the hosts in `NO_PROXY`.
   * What it refuses is a `ProxyError`. Default: none, whatever the environment says.
   */
  readonly proxy?: string | URL | ProxyOptions;
  /** How to speak TLS, with a `wss:` URL. What fails is an `SslError`. Default: none, as the runtime does. */
  readonly secureSocket?: ClientSecureSocket;
  /**
   * Aborted while connecting: `opened` rejects with its reason. Aborted later: the connection is cut, with a
   * `ConnectionError` in `closed`. Default: none.
   */
  readonly signal?: AbortSignal;
  /** Seconds that connecting may take, the server's answer included; then `HandshakeTimedOutError`. 0: for ever. Default 300. */
  readonly handshakeTimeout?: number;
  /**
   * Seconds that a read method, or a turn of `for await`, waits for a message; then `ReadTimedOutError`, and the
   * connection lives on. 0: for ever. Default 0.
   */
  readonly readTimeout?: number;
  /**
   * Seconds that a write waits for a slow peer; then `WriteTimedOutError`, and the message may still arrive. 0: for ever.
   * Default 0.
   */
  readonly writeTimeout?: number;
  /**
   * Whether messages are handed on while they come, so that `readMessageStream` can read one that is larger than
   * `maxMessageSize`. Who reads whole messages gets them as ever. Not with `dispatcherStreamId`. Default false.
   */
  readonly messageStreams?: boolean;
  /** Called after each `idleTimeout` of silence. Default: none, and then the client closes with 1001. */
  readonly onIdleTimeout?: (client: Client) => void | Promise<void>;
  /** Takes pings and pongs. Default: pings are answered, pongs dropped. */
  readonly pingPongHandler?: PingPongHandler<Client>;
  /** Whether to offer permessage-deflate (RFC 7692), and how to compress. Default true. */
  readonly webSocketCompressionEnabled?: boolean | CompressionOptions;
  /** How to connect anew when connecting fails, or the connection is lost. Default: not at all. */
  readonly retryConfig?: RetryConfig<Client>;
  /**
   * Whether a message is refused that has the right shape and does not meet its schema's constraints, such as a smallest
   * number. False takes it, where the schema's library tells the two apart and what the value would be. Default true.
   */
  readonly validation?: boolean;
}

/** A client's options, checked. Times are milliseconds, Infinity for ever. */
export interface ClientSettings<Client> extends CommonSettings<Client>, ConnectionSettings {
  readonly protocols: readonly string[];
  readonly headers: CheckedHeaders | ((signal: AbortSignal) => Promise<CheckedHeaders>);
  readonly origin: string | undefined;
  readonly cookies: CookieSource | undefined;
  readonly maxRedirects: number;
  readonly proxy: ProxySetting;
  /** Undefined: as the platform does. */
  readonly secureSocket: ClientTlsSettings | undefined;
  readonly pingPongHandler: PingPongHandler<Client>;
  readonly compression: CompressionSettings | undefined;
}

/**
 * Checks the options of a client.
 *
 * @param secure whether its URL asks for TLS
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and what this version does not do
 * @throws {RangeError} for a number out of range
 */
export function checkClient<Client>(config: ClientOptions<Client> = {}, secure = true): ClientSettings<Client> {
  checkIsOptions(config);
  const given = config as Given;
  checkNames(given, NAMES, undefined, "", HINTS_OF_CLIENT);
  const { origin } = config;
  if (origin !== undefined && (typeof origin !== "string" || !/^[\x21-\x7e]+$/.test(origin))) {
    throw wrongKind("origin", "an origin");
  }

  const connection = checkConnection(given, 0, CLOSE_MS);
  return {
    ...checkCommon<Client>(given),
    protocols: checkProtocols(config.subProtocols),
    headers: authorized(
      checkCustomHeaders(config.customHeaders, given),
      config.auth === undefined ? undefined : checkClientAuth(config.auth),
    ),
    origin,
    cookies: checkCookies(config.cookies),
    maxRedirects: checkCount(given, "maxRedirects", 0, 0),
    proxy: checkProxy(config.proxy),
    secureSocket: checkClientSecure(config.secureSocket, secure),
    pingPongHandler: checkPingPongHandler(config.pingPongHandler),
    compression: checkCompression(given),
    ...connection,
    limits: { ...connection.limits, streamedSize: checkStreamed(given, connection.maxStreamedMessageSize) },
  };
}

/** Undefined: messages come whole. */
function checkStreamed(given: Given, size: number): number | undefined {
  const isStreamed = checkBoolean(given, "messageStreams", false);
  if (isStreamed && given["dispatcherStreamId"] !== undefined) {
    throw new TypeError('Cannot use the option "messageStreams": replies, with "dispatcherStreamId", are read whole');
  }
  return isStreamed ? size : undefined;
}

const NAMES: readonly string[] = [
  ...CONNECTION_NAMES,
  "subProtocols",
  "customHeaders",
  "auth",
  "origin",
  "cookies",
  "maxRedirects",
  "proxy",
  "secureSocket",
  "signal",
  "handshakeTimeout",
  "readTimeout",
  "writeTimeout",
  "messageStreams",
  "onIdleTimeout",
  "pingPongHandler",
  "webSocketCompressionEnabled",
  "retryConfig",
  ...REQUEST_NAMES,
  "validation",
];

function checkProtocols(subProtocols: unknown = []): readonly string[] {
  const protocols: unknown = typeof subProtocols === "string" ? [subProtocols] : subProtocols;
  if (!Array.isArray(protocols)) throw wrongKind("subProtocols", "a string or a list of strings");
  try {
    validateProtocols(protocols);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use the option "subProtocols": ${reason}`, { cause });
  }
  return [...protocols];
}

/** Headers that have an option of their own, which then is the only place for them. */
const OPTION_OF: ReadonlyMap<string, string> = new Map([
  ["authorization", "auth"],
  ["origin", "origin"],
  ["cookie", "cookies"],
  ["proxy-authorization", "proxy"],
]);

function checkCustomHeaders(headers: unknown, options: Given): ClientSettings<never>["headers"] {
  const check = (made: unknown): CheckedHeaders =>
    checkHeaders("customHeaders", made, (name) => ownOption(name, options));
  if (typeof headers !== "function") return check(headers);
  return async () => {
    let made: unknown;
    try {
      made = await headers();
    } catch (cause) {
      if (cause instanceof WebSocketError) throw cause;
      throw new ConnectionError('Cannot connect: the function "customHeaders" failed', { cause });
    }
    // What it forgot to return is not the same as an option that was left out.
    return check(made ?? null);
  };
}

/** Both may take their time, and neither waits for the other. */
function authorized(headers: ClientSettings<never>["headers"], authorize: Authorize | undefined): typeof headers {
  if (authorize === undefined) return headers;
  const line = (value: string) => ["Authorization", value] as const;
  if (typeof authorize === "string" && typeof headers !== "function") return [...headers, line(authorize)];
  return async (signal) => {
    const [others, value] = await Promise.all([
      typeof headers === "function" ? headers(signal) : headers,
      typeof authorize === "function" ? authorize(signal) : authorize,
    ]);
    return [...others, line(value)];
  };
}

function ownOption(header: string, options: Given): string | undefined {
  const option = OPTION_OF.get(header);
  return option === undefined || options[option] === undefined ? undefined : `is set by the option "${option}" too`;
}

function checkPingPongHandler<Client>(handler: PingPongHandler<Client> = {}): PingPongHandler<Client> {
  if (typeof handler !== "object" || handler === null) throw wrongKind("pingPongHandler", "an object");
  for (const name of ["onPing", "onPong"] as const) {
    const method: unknown = handler[name];
    if (method !== undefined && typeof method !== "function") throw wrongKind(`pingPongHandler.${name}`, "a function");
  }
  return handler;
}
