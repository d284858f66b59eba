/**
 * The options of a client: their names, defaults and limits, checked once and turned from seconds into milliseconds; and
 * the URL. Nothing that is given is ever ignored: what cannot be had is refused by its name.
 */

import { isFieldValue, isToken } from "../handshake/header_grammar.ts";
import { isReservedHeader } from "../handshake/reserved_header.ts";
import { validateProtocols } from "../handshake/subprotocol.ts";
import { checkIsOptions, checkNames, type Given, wrongKind } from "../option_check.ts";
import { checkCompression, type CompressionOptions } from "../streams/compression_options.ts";
import {
  checkConnection,
  CONNECTION_NAMES,
  type ConnectionConfiguration,
  type ConnectionSettings,
} from "../streams/connection_options.ts";
import type { CompressionSettings } from "../transport/upgrade.ts";
import { checkCommon, CLOSE_MS, type CommonSettings } from "./common_options.ts";

/** Takes pings and pongs instead of the client itself. */
export interface PingPongHandler<Client> {
  /**
   * A ping came. Present: it is this method that answers, by returning the pong's bytes, or a promise of them, or by
   * calling `client.pong`. Absent: pings are answered by themselves. Pings that come while 16 calls are unfinished are
   * passed over.
   */
  onPing?(client: Client, data: Uint8Array): PingReply | Promise<PingReply>;
  /** A pong came that answers none of the keep-alive's pings. */
  onPong?(client: Client, data: Uint8Array): void | Promise<void>;
}

/** The bytes of the pong, at most 125; undefined for none. */
export type PingReply = Uint8Array | ArrayBuffer | undefined | void;

/** Options of a `Client`. Times are seconds, fractions allowed; sizes are bytes. */
export interface ClientOptions<Client> extends ConnectionConfiguration {
  /** The sub-protocols to offer, the favourite first. The server must choose one of them. Default: none. */
  readonly subProtocols?: string | readonly string[];
  /** Headers to add to the request. Those of the handshake itself are refused. */
  readonly customHeaders?: Headers | Readonly<Record<string, string | readonly string[]>>;
  /** The `Origin` header, such as `https://example.com`. Default: none. */
  readonly origin?: string;
  /** Aborted: ends connecting, and drops the connection later. */
  readonly signal?: AbortSignal;
  /** How long the connection and the server's answer may take; 0 for ever. Default 300. */
  readonly handshakeTimeout?: number;
  /** How long a read, or a turn of `for await`, may wait for a message; 0, the default, for ever. */
  readonly readTimeout?: number;
  /** How long a write may wait for a slow peer; 0, the default, for ever. */
  readonly writeTimeout?: number;
  /** Called after each `idleTimeout` of silence. Without it the client closes with 1001. */
  readonly onIdleTimeout?: (client: Client) => void | Promise<void>;
  /** Takes pings and pongs. Default: pings are answered, pongs dropped. */
  readonly pingPongHandler?: PingPongHandler<Client>;
  /** Whether to offer the compression of messages, and how to compress them. Default true. */
  readonly webSocketCompressionEnabled?: boolean | CompressionOptions;
  /**
   * Whether a message is refused that has the right shape and does not meet its schema's constraints, such as a smallest
   * number. False takes it, where the schema's library tells the two apart and what the value would be. Default true.
   */
  readonly validation?: boolean;
}

/** A client's options, checked. Times are milliseconds, Infinity for ever. */
export interface ClientSettings<Client> extends CommonSettings<Client>, ConnectionSettings {
  readonly protocols: readonly string[];
  readonly headers: readonly (readonly [string, string])[];
  readonly origin: string | undefined;
  readonly pingPongHandler: PingPongHandler<Client>;
  readonly compression: CompressionSettings | undefined;
}

/**
 * Checks the options of a client.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and what this version does not do
 * @throws {RangeError} for a number out of range
 */
export function checkClient<Client>(config: ClientOptions<Client> = {}): ClientSettings<Client> {
  checkIsOptions(config);
  const given = config as Given;
  checkNames(given, NAMES, REFUSALS);
  const { origin } = config;
  if (origin !== undefined && (typeof origin !== "string" || !/^[\x21-\x7e]+$/.test(origin))) {
    throw wrongKind("origin", "an origin");
  }

  return {
    ...checkCommon<Client>(given),
    protocols: checkProtocols(config.subProtocols),
    headers: checkHeaders(config.customHeaders, origin !== undefined),
    origin,
    pingPongHandler: checkPingPongHandler(config.pingPongHandler),
    compression: checkCompression(given),
    ...checkConnection(given, 0, CLOSE_MS),
  };
}

const NAMES: readonly string[] = [
  ...CONNECTION_NAMES,
  "subProtocols",
  "customHeaders",
  "origin",
  "signal",
  "handshakeTimeout",
  "readTimeout",
  "writeTimeout",
  "onIdleTimeout",
  "pingPongHandler",
  "webSocketCompressionEnabled",
  "validation",
];

const NOT_YET = "this version does not do it";
const REFUSALS: ReadonlyMap<string, string> = new Map([
  ["secureSocket", `${NOT_YET}; "wss:" trusts what the platform trusts`],
  ["cookies", `${NOT_YET}; a "Cookie" in "customHeaders" is sent`],
  ["auth", `${NOT_YET}; an "Authorization" in "customHeaders" is sent`],
  ["retryConfig", NOT_YET],
  ["proxy", NOT_YET],
  ["maxRedirects", NOT_YET],
]);

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

function checkHeaders(headers: unknown = {}, hasOrigin: boolean): readonly (readonly [string, string])[] {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw wrongKind("customHeaders", "a Headers or an object");
  }
  const lines: [string, string][] = [];
  for (const [name, values] of headers instanceof Headers ? headers : Object.entries(headers)) {
    const refuse = (reason: string): never => {
      throw new TypeError(`Cannot use the option "customHeaders": ${JSON.stringify(name)} ${reason}`);
    };
    if (!isToken(name)) refuse("is not the name of a header");
    if (isReservedHeader(name)) refuse("belongs to the handshake");
    if (hasOrigin && name.toLowerCase() === "origin") refuse('is set by the option "origin" too');
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== "string" || !isFieldValue(value)) refuse("has a value that no header can carry");
      lines.push([name, value]);
    }
  }
  return lines;
}

function checkPingPongHandler<Client>(handler: PingPongHandler<Client> = {}): PingPongHandler<Client> {
  if (typeof handler !== "object" || handler === null) throw wrongKind("pingPongHandler", "an object");
  for (const name of ["onPing", "onPong"] as const) {
    const method: unknown = handler[name];
    if (method !== undefined && typeof method !== "function") throw wrongKind(`pingPongHandler.${name}`, "a function");
  }
  return handler;
}
