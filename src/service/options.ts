/**
 * The options of a listener and of an upgrade service: their names, defaults and limits, checked once and turned from
 * seconds into milliseconds. Nothing that is given is ever ignored: what cannot be had is refused by its name.
 */

import type { Authenticator } from "../auth/authenticator.ts";
import { type Authenticators, checkAuthenticators } from "../auth/authentication.ts";
import { checkTokenFrom, type TokenFrom } from "../auth/token_source.ts";
import { checkSchema, type StandardSchema } from "../binding/schema.ts";
import { isFieldValue } from "../handshake/header_grammar.ts";
import { compileRanges, type RangeCheck } from "../handshake/ip_range.ts";
import { compileOrigins, type OriginRule, type Origins } from "../handshake/origin.ts";
import { type SubProtocols, validateProtocols } from "../handshake/subprotocol.ts";
import { checkCompression, type CompressionOptions } from "../streams/compression_options.ts";
import {
  checkConnection,
  CONNECTION_NAMES,
  type ConnectionConfiguration,
  type ConnectionSettings,
} from "../streams/connection_options.ts";
import { UnsupportedError } from "../errors.ts";
import { HINTS_OF_LISTENER, HINTS_OF_SERVICE } from "../foreign_options.ts";
import type { ServerTlsSettings } from "../transport/tls.ts";
import { type CompressionSettings, DEFAULT_LIMITS, type FetchHandler, type Limitations } from "../transport/upgrade.ts";
import type { Caller } from "./caller.ts";
import { checkDispatch, type DispatchConfiguration, type DispatchSettings } from "./dispatch_options.ts";
import type { PlaceLimits } from "./places.ts";
import type { RequestSchemas } from "./request_binding.ts";
import { checkListenerSecure, type ListenerSecureSocket } from "./secure_socket.ts";
import {
  checkBoolean,
  checkCount,
  checkFunction,
  checkIsOptions,
  checkNames,
  checkObject,
  checkSeconds,
  checkSupported,
  type Given,
  wrongKind,
} from "../option_check.ts";
import { closeMillis } from "../seconds.ts";

/**
 * The option `onError`: hears of an error that no service took. `caller` is the connection it happened on, if it was one.
 *
 * @category Listener
 */
export type ListenerErrorHandler = (error: unknown, caller?: Caller) => void;

/**
 * The option `requestLimits`: what an HTTP request may cost before it is a WebSocket. With a server of your own they hold
 * for upgrades only.
 *
 * @category Listener
 */
export interface RequestLimits {
  /** Characters of the request target; longer: 414. Default 4 096. */
  readonly maxUriLength?: number;
  /** Bytes of all headers; more: 431. Default 8 192. */
  readonly maxHeaderSize?: number;
  /** Bytes of a body that `fetch` is handed; more: 413. −1: no limit. Default −1. */
  readonly maxEntityBodySize?: number;
}

/**
 * Options of a `Listener`. Times are seconds, fractions allowed; sizes are bytes. A name that is not here is a `TypeError`,
 * a value of the wrong kind too, and a number out of range a `RangeError`: from the constructor, with the name.
 *
 * @category Listener
 */
export interface ListenerConfiguration {
  /**
   * The address to bind. `"native"` serves on the runtime's own server and sockets instead of on hawser's engine, on all
   * addresses; `{ native: address }` does so on that address. Not with a server of your own. Default `"0.0.0.0"`.
   */
  readonly host?: string | { readonly native: string };
  /**
   * Seconds for a request to arrive (408), and then for `get` to decide (503). With a server of your own, only for `get`.
   * 0: for ever. Default 120.
   */
  readonly timeout?: number;
  /** The `Server` header of responses. Default: none. */
  readonly server?: string;
  /** Speaks TLS, and `wss:` alone. Not with a server of your own. Default: none. */
  readonly secureSocket?: ListenerSecureSocket;
  /** What a request may cost: see `RequestLimits` for its parts and their defaults. */
  readonly requestLimits?: RequestLimits;
  /**
   * HTTP before the upgrade. There is one setting, and one value of it: `keepAlive: "AUTO"` follows the Connection header.
   * Not with a server of your own. Default `{ keepAlive: "AUTO" }`.
   */
  readonly http1Settings?: { readonly keepAlive?: "AUTO" };
  /** Whether to agree to permessage-deflate (RFC 7692), and how to compress. Default true. */
  readonly webSocketCompressionEnabled?: boolean | CompressionOptions;
  /**
   * Addresses and ranges of them (`10.0.0.0/8`, `::1`) of proxies whose `Forwarded` (RFC 7239), `X-Forwarded-For` and
   * `X-Forwarded-Proto` count: for `remoteAddress`, and for whether a connection is secure. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Connections that may be open or being decided on at once; more: 503. 0: no limit. Default 0. */
  readonly maxConnections?: number;
  /**
   * The same with one address, of which IPv6 ones count as one that share their first 64 bits; more: 429. With
   * `trustedProxies` it is the address that they tell. 0: no limit. Default 0.
   */
  readonly maxConnectionsPerAddress?: number;
  /**
   * Bytes that all connections may keep in memory together, for peers that do not finish a message, that send faster than
   * handlers handle, and that do not read what they are sent. Beyond it a connection that keeps more than 64 KiB gets no
   * more: an unfinished message is refused with 1013, what waits for a handler holds its peer back, and for what waits for a
   * peer the service's `bufferPolicy` counts. Default 536 870 912.
   */
  readonly maxTotalBuffered?: number;
  /**
   * Who may connect to services without an `auth` of their own: authenticators, asked in order until one of them knows who
   * it is. Else the answer is 401, 403 or 503. Default: everybody may.
   */
  readonly auth?: readonly Authenticator[];
  /**
   * Answers requests that are no upgrades; what it throws is a 500. Not with a server of your own, which answers them
   * itself. Default: none, and they get 426.
   */
  readonly fetch?: FetchHandler;
  /**
   * Hears of errors that no service took. Default: none, and then the runtime's own warning does, with the code
   * `HAWSER_UNHANDLED`.
   */
  readonly onError?: ListenerErrorHandler;
}

/**
 * Options of an upgrade service. Times are seconds, fractions allowed; sizes are bytes. They are checked by `attach`: a
 * name that is not here is a `TypeError`, a value of the wrong kind too, and a number out of range a `RangeError`.
 *
 * @category Upgrade
 */
export interface UpgradeServiceOptions extends ConnectionConfiguration, DispatchConfiguration {
  /**
   * The sub-protocols that the service speaks (RFC 6455 §1.9): a list, of which the client's first offer is taken, or a
   * function. Default: none.
   */
  readonly subProtocols?: SubProtocols;
  /**
   * Which pages may connect (RFC 6455 §10.2): a list, a function or `allowAnyOrigin`; others get 403. Default: none, and
   * then those of the same host and port may.
   */
  readonly origins?: Origins;
  /**
   * Seconds that `close` waits for the peer's close frame; then the connection is cut. 0: does not wait. −1: for ever.
   * Default 60.
   */
  readonly connectionClosureTimeout?: number;
  /**
   * Whether a message or a request is refused that has the right shape and does not meet its schema's constraints, such
   * as a smallest number. False takes it, where the schema's library tells the two apart and what the value would be.
   * Default true.
   */
  readonly validation?: boolean;
  /** Who may connect: in place of the listener's `auth`; false: everybody. Default: as the listener says. */
  readonly auth?: readonly Authenticator[] | false;
  /** Where a bearer token may be besides `Authorization`, which counts first. Default: nowhere. */
  readonly tokenFrom?: TokenFrom;
  /** Whether a connection is closed with 3000 when its token, or what else it was let in with, expires. Default false. */
  readonly closeOnExpiry?: boolean;
}

/** A listener's options, checked. */
export interface ListenerSettings {
  readonly hostname: string;
  /** On the runtime's own server. */
  readonly native: boolean;
  readonly timeoutMs: number;
  readonly server: string | undefined;
  /** Undefined: without TLS. */
  readonly secureSocket: ServerTlsSettings | undefined;
  readonly maxUriLength: number;
  readonly maxHeaderSize: number;
  readonly maxEntityBodySize: number;
  readonly compression: CompressionSettings | undefined;
  /** Whose word counts for who sent a request; undefined for nobody's. */
  readonly trusts: RangeCheck | undefined;
  readonly places: PlaceLimits;
  readonly maxTotalBuffered: number;
  /** Undefined: everybody may. */
  readonly auth: Authenticators | undefined;
  readonly fetch: FetchHandler | undefined;
  readonly onError: ListenerErrorHandler | undefined;
}

/** An upgrade service's options, checked. */
export interface ServiceSettings extends ConnectionSettings {
  readonly subProtocols: SubProtocols | undefined;
  readonly allowsOrigin: OriginRule;
  readonly validation: boolean;
  readonly schemas: RequestSchemas;
  readonly dispatch: DispatchSettings;
  /** Undefined: as the listener says; false: everybody may. */
  readonly auth: Authenticators | false | undefined;
  readonly tokenFrom: TokenFrom | undefined;
  readonly closeOnExpiry: boolean;
}

/**
 * Checks a listener's options, whose target is a port or, as an object, a server.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and what this version does not do
 * @throws {RangeError} for a number out of range
 */
export function checkListener(target: number | object, config: ListenerConfiguration = {}): ListenerSettings {
  checkIsOptions(config);
  const given = config as Given;
  checkNames(given, LISTENER_NAMES, LISTENER_REFUSALS, "", LISTENER_HINTS);
  if (typeof target === "object") refuseBesideServer(given);

  checkHttpSettings(given);
  checkFunction(given, "fetch");
  checkFunction(given, "onError");
  if (config.server !== undefined && (typeof config.server !== "string" || !isFieldValue(config.server))) {
    throw wrongKind("server", "a header value");
  }

  const limits = checkObject(given, "requestLimits");
  checkNames(limits, REQUEST_LIMIT_NAMES, undefined, "requestLimits.");
  const bodySize = checkCount(limits, "maxEntityBodySize", -1, -1, "requestLimits.maxEntityBodySize");
  return {
    ...checkHost(config.host),
    timeoutMs: checkSeconds(given, "timeout", 120, true),
    server: config.server,
    secureSocket: checkListenerSecure(config.secureSocket),
    maxUriLength: checkCount(limits, "maxUriLength", 4_096, 1, "requestLimits.maxUriLength"),
    maxHeaderSize: checkCount(limits, "maxHeaderSize", 8_192, 1, "requestLimits.maxHeaderSize"),
    maxEntityBodySize: bodySize === -1 ? Infinity : bodySize,
    compression: checkCompression(given),
    trusts: checkProxies(config.trustedProxies),
    places: {
      maxConnections: checkCount(given, "maxConnections", 0, 0),
      maxConnectionsPerAddress: checkCount(given, "maxConnectionsPerAddress", 0, 0),
    },
    maxTotalBuffered: checkCount(given, "maxTotalBuffered", 536_870_912, 1),
    auth: checkAuthenticators(config.auth),
    fetch: config.fetch,
    onError: config.onError,
  };
}

/**
 * Checks the options of an upgrade service.
 *
 * @throws {TypeError} for an unknown name, a value of the wrong kind, and what this version does not do
 * @throws {RangeError} for a number out of range
 */
export function checkService(options: UpgradeServiceOptions): ServiceSettings {
  const given = options as Given;
  checkNames(given, SERVICE_NAMES, SERVICE_REFUSALS, "", SERVICE_HINTS);
  const { subProtocols, origins } = options;
  checkSubProtocols(subProtocols);
  return {
    subProtocols,
    allowsOrigin: compileOrigins(origins),
    validation: checkBoolean(given, "validation", true),
    schemas: {
      params: checkRequestSchema(given, "params"),
      query: checkRequestSchema(given, "query"),
      headers: checkRequestSchema(given, "headers"),
    },
    dispatch: checkDispatch(given),
    auth: given.auth === false ? false : checkAuthenticators(given.auth),
    tokenFrom: checkTokenFrom(given.tokenFrom),
    closeOnExpiry: checkBoolean(given, "closeOnExpiry", false),
    ...checkConnection(given, 30, closeMillis("connectionClosureTimeout", given.connectionClosureTimeout ?? 60)),
  };
}

/**
 * Refuses the options of an upgrade service that its host cannot keep.
 *
 * @throws {UnsupportedError} naming the option
 */
export function checkHosted(options: UpgradeServiceOptions, limitations: Limitations | undefined): void {
  if (limitations === undefined) return;
  const { runtime, largestMessage = Infinity } = limitations;
  checkSupported(options, limitations.options, runtime);
  if ((options.maxMessageSize ?? DEFAULT_LIMITS.maxMessageSize) <= largestMessage) return;
  const reason = `${largestMessage} bytes are the most that this server takes, from its start on`;
  throw new UnsupportedError(`Cannot use the option "maxMessageSize": ${reason}`, "maxMessageSize", runtime);
}

/**
 * Refuses the options of a listener that its host cannot keep.
 *
 * @throws {UnsupportedError} naming the option
 */
export function checkHostedListener(options: ListenerConfiguration, { compression, runtime }: Limitations): void {
  const wanted = options.webSocketCompressionEnabled;
  if (compression !== undefined && typeof wanted === "object") checkSupported(wanted, compression, runtime);
}

const LISTENER_NAMES: readonly string[] = [
  "host",
  "timeout",
  "server",
  "secureSocket",
  "requestLimits",
  "http1Settings",
  "webSocketCompressionEnabled",
  "trustedProxies",
  "maxConnections",
  "maxConnectionsPerAddress",
  "maxTotalBuffered",
  "auth",
  "fetch",
  "onError",
];

const REQUEST_LIMIT_NAMES: readonly string[] = ["maxUriLength", "maxHeaderSize", "maxEntityBodySize"];

const SERVICE_NAMES: readonly string[] = [
  ...CONNECTION_NAMES,
  "get",
  "subProtocols",
  "origins",
  "connectionClosureTimeout",
  "validation",
  "auth",
  "tokenFrom",
  "closeOnExpiry",
  "params",
  "query",
  "headers",
  "dispatcherKey",
  "dispatcherStreamId",
  "dispatcherCancel",
  "dispatcherComplete",
  "concurrent",
  "maxConcurrentRequests",
];

const LISTENER_REFUSALS: ReadonlyMap<string, string> = new Map([
  ["certValidation", "certificates are not looked up by OCSP or CRL here"],
  ["maxPipelinedRequests", "how many requests are pipelined is the runtime's affair"],
]);

const SERVICE_REFUSALS: ReadonlyMap<string, string> = new Map([
  ["allowAnyOrigin", 'it is a value of the option "origins"'],
  ["webSocketCompressionEnabled", "it is an option of the listener"],
]);

/** An option that the other of the two has is taken for one of it more often than it is misspelled. */
const LISTENER_HINTS: ReadonlyMap<string, string> = new Map([
  ...HINTS_OF_LISTENER,
  ...SERVICE_NAMES.map((name) => [name, ', it is an option of "attach"'] as const),
]);

const SERVICE_HINTS: ReadonlyMap<string, string> = new Map([
  ...LISTENER_NAMES.map((name) => [name, ", it is an option of the listener"] as const),
  ...HINTS_OF_SERVICE,
]);

/**
 * Refuses what nobody can listen on.
 *
 * @throws {TypeError} when it is neither a port nor a server, such as the options of another library
 * @throws {RangeError} when it is no port that there can be
 */
export function checkTarget(target: unknown): void {
  if (typeof target === "number") {
    if (!Number.isInteger(target) || target < 0 || target > 65_535) {
      throw new RangeError(`Cannot listen on port ${target}: it is not an integer from 0 to 65535`);
    }
  } else if (typeof Object(target).on !== "function") {
    throw new TypeError("Cannot listen: the first argument is neither a port nor a server");
  }
}

function checkHost(host: unknown = ANY_ADDRESS): { hostname: string; native: boolean } {
  const native = host === "native" || (typeof host === "object" && host !== null && "native" in host);
  if (native && typeof host === "object") checkNames(host as object, ["native"], undefined, "host.");
  const hostname = host === "native" ? ANY_ADDRESS : native ? (host as { native: unknown }).native : host;
  if (typeof hostname !== "string" || hostname === "") {
    throw wrongKind("host", 'the name or address of a network interface, "native", or { native: address }');
  }
  return { hostname, native };
}

const ANY_ADDRESS = "0.0.0.0";

/** What belongs to whoever made the server. */
function refuseBesideServer(given: Given): void {
  for (const name of ["host", "fetch", "http1Settings", "secureSocket"]) {
    if (given[name] !== undefined) {
      throw new TypeError(`Cannot use the option "${name}": it belongs to the server that was handed over`);
    }
  }
}

function checkHttpSettings(given: Given): void {
  const settings = checkObject(given, "http1Settings");
  checkNames(settings, ["keepAlive"], LISTENER_REFUSALS, "http1Settings.");
  const { keepAlive } = settings;
  if (keepAlive !== undefined && keepAlive !== "AUTO") {
    throw new TypeError(
      `Cannot use the option "http1Settings.keepAlive": ${JSON.stringify(keepAlive)} is not "AUTO", the only one here`,
    );
  }
}

function checkProxies(proxies: unknown): RangeCheck | undefined {
  if (proxies === undefined) return undefined;
  const isList = Array.isArray(proxies) && proxies.every((range) => typeof range === "string");
  if (!isList) throw wrongKind("trustedProxies", "a list of addresses and ranges");
  try {
    return compileRanges(proxies);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use the option "trustedProxies": ${reason}`, { cause });
  }
}

function checkSubProtocols(subProtocols: unknown): void {
  if (subProtocols === undefined || typeof subProtocols === "function") return;
  if (!Array.isArray(subProtocols)) throw wrongKind("subProtocols", "a list or a function");
  try {
    validateProtocols(subProtocols);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot use the option "subProtocols": ${reason}`, { cause });
  }
}

function checkRequestSchema(given: Given, name: keyof RequestSchemas): StandardSchema | undefined {
  const schema = given[name];
  if (schema === undefined) return undefined;
  try {
    checkSchema(schema);
  } catch (cause) {
    throw new TypeError(`Cannot use the option "${name}": it is not a Standard Schema of version 1`, { cause });
  }
  return schema as StandardSchema;
}
