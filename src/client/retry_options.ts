/** The options of a client that reconnects: checked once, and turned from seconds into milliseconds. Knows no connection. */

import type { Closure, ConnectionClosureError } from "../errors.ts";
import {
  checkBoolean,
  checkCount,
  checkFunction,
  checkNames,
  checkSeconds,
  type Given,
  wrongKind,
} from "../option_check.ts";

/**
 * The option `retryConfig`: when and how a client connects anew; `{}` is all of the defaults. Times are seconds, fractions
 * allowed; sizes are bytes. What is written while there is no connection waits in `outbox`; reads wait for the next one.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * let connections = 0;
 * listener.attach("/feed", {
 *   get: () => {
 *     const number = ++connections;
 *     return { onOpen: (caller) => number === 1 ? caller.terminate() : "back again" }; // cuts the first one
 *   },
 * });
 * await listener.start();
 *
 * const client = new Client(`${listener.url}/feed`, {
 *   retryConfig: {
 *     interval: 0.05, // seconds
 *     maxCount: 5,
 *     onReconnect: (_client, { attempt, closure }) => console.log(attempt, closure.code), // 1 1006
 *   },
 * });
 * console.log(await client.readTextMessage()); // back again
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export interface RetryConfig<Client> {
  /** Attempts in a row; then `closed` tells the last failure. 0: no limit. Default 0. */
  readonly maxCount?: number;
  /** Seconds to wait before the first attempt. Default 1. */
  readonly interval?: number;
  /** The factor, 1 or more, by which each wait is longer than the one before. Default 2. */
  readonly backOffFactor?: number;
  /**
   * Seconds of the longest wait. A `Retry-After` of the server (RFC 9110 §10.2.3) may ask for a longer one, up to an hour.
   * Default 30.
   */
  readonly maxWaitInterval?: number;
  /** Waits a random part of the time instead of all of it, so that not all clients come back at once. Default true. */
  readonly jitter?: boolean;
  /**
   * Seconds that a connection must last before attempts are counted anew; the time of `onReconnect` does not count.
   * Default 5.
   */
  readonly minUptime?: number;
  /**
   * Bytes that may wait to be sent while there is no connection, 64 more for each message; then a write rejects with a
   * `ConnectionError`. Default 1 048 576.
   */
  readonly outbox?: number;
  /**
   * Whether to try again. What it returns is taken at once: it cannot wait. When it throws, or returns what is no boolean,
   * that is reported, and the end. Default: none, and `byDefault` counts.
   *
   * @param error its `closure` is how the connection ended, or could not be opened (1006); `closure.error` tells more, such
   *   as the `InvalidHandshakeError` with the status
   * @param byDefault what is done without this function
   */
  retryOn?(error: ConnectionClosureError, byDefault: boolean): boolean;
  /**
   * Called for each connection but the first, before anything of it can be read. What is written before it is done goes
   * out ahead of the messages that waited. When it fails, or takes longer than `handshakeTimeout`, the connection is
   * dropped, and that was an attempt in vain. Default: none.
   */
  onReconnect?(client: Client, info: ReconnectInfo): void | Promise<void>;
}

/** What `onReconnect` is told of the connection that a new one replaces. */
export interface ReconnectInfo {
  /** How many attempts it took. */
  readonly attempt: number;
  /** How the last connection ended. */
  readonly closure: Closure;
  /** What may not have arrived, and is not sent again. */
  readonly uncertain: Uncertain;
}

/**
 * What was handed to the last connection since it opened; where `pingInterval` is set, since the last ping that the peer
 * answered: what was sent before that has arrived.
 */
export interface Uncertain {
  /** How many messages. */
  readonly messages: number;
  /** Bytes of the binary and characters of the text ones. */
  readonly bytes: number;
}

/** These options, checked. Times are milliseconds; `maxCount` is Infinity for no limit. */
export interface RetrySettings<Client> {
  readonly maxCount: number;
  readonly intervalMs: number;
  readonly backOffFactor: number;
  readonly maxWaitMs: number;
  readonly jitter: boolean;
  readonly minUptimeMs: number;
  readonly outboxBytes: number;
  readonly retryOn: RetryConfig<Client>["retryOn"];
  readonly onReconnect: RetryConfig<Client>["onReconnect"];
}

const NAMES: readonly (keyof RetryConfig<unknown>)[] = [
  "maxCount",
  "interval",
  "backOffFactor",
  "maxWaitInterval",
  "jitter",
  "minUptime",
  "outbox",
  "retryOn",
  "onReconnect",
];

/**
 * Checks `retryConfig`; undefined when it is absent.
 *
 * @throws {TypeError} for an unknown name, or a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkRetry<Client>(config: unknown): RetrySettings<Client> | undefined {
  if (config === undefined) return undefined;
  if (typeof config !== "object" || config === null || Array.isArray(config)) throw wrongKind(OPTION, "an object");
  checkNames(config, NAMES, undefined, `${OPTION}.`);
  const given = config as Given;
  const count = (name: keyof RetryConfig<Client>, fallback: number): number =>
    checkCount(given, name, fallback, 0, `${OPTION}.${name}`);
  const millis = (name: keyof RetryConfig<Client>, fallback: number): number =>
    checkSeconds(given, name, fallback, false, `${OPTION}.${name}`);
  const { backOffFactor = 2 } = given;
  if (typeof backOffFactor !== "number") throw wrongKind(`${OPTION}.backOffFactor`, "a number");
  if (!(backOffFactor >= 1 && backOffFactor < Infinity)) {
    throw new RangeError(
      `Cannot use the option "${OPTION}.backOffFactor": ${backOffFactor} is not a number of at least 1`,
    );
  }
  return {
    maxCount: count("maxCount", 0) || Infinity,
    intervalMs: millis("interval", 1),
    backOffFactor,
    maxWaitMs: millis("maxWaitInterval", 30),
    jitter: checkBoolean(given, "jitter", true, `${OPTION}.jitter`),
    minUptimeMs: millis("minUptime", 5),
    outboxBytes: count("outbox", 1_048_576),
    retryOn: method<RetryConfig<Client>, "retryOn">(given, "retryOn"),
    onReconnect: method<RetryConfig<Client>, "onReconnect">(given, "onReconnect"),
  };
}

const OPTION = "retryConfig";

/** A method that knows the object it was given with. */
function method<Config, Name extends keyof Config & string>(given: Given, name: Name): Config[Name] {
  checkFunction(given, name, `${OPTION}.${name}`);
  return (given[name] as ((...args: unknown[]) => unknown) | undefined)?.bind(given) as Config[Name];
}
