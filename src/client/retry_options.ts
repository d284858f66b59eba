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

/** When and how a client connects anew. Times are seconds, fractions allowed; sizes are bytes. */
export interface RetryConfig<Client> {
  /** Attempts in a row before it gives up; 0, the default, for no limit. */
  readonly maxCount?: number;
  /** The wait before the first attempt. Default 1. */
  readonly interval?: number;
  /** How much longer each further wait is, 1 or more. Default 2. */
  readonly backOffFactor?: number;
  /** The longest wait. Default 30. A `Retry-After` of the server may make it longer, by an hour at most. */
  readonly maxWaitInterval?: number;
  /** Waits a random part of the time instead of all of it, so that not all clients come back at once. Default true. */
  readonly jitter?: boolean;
  /** How long a connection must last before attempts are counted anew. Default 5. */
  readonly minUptime?: number;
  /** How much may wait to be sent while there is no connection; a message counts 64 bytes more. Default 1 048 576. */
  readonly outbox?: number;
  /**
   * Whether to try again. What it returns is taken at once: it cannot wait. When it throws, that is the end.
   *
   * @param error its `closure` is how the connection ended, or could not be opened (1006); `closure.error` tells more, such
   *   as the `InvalidHandshakeError` with the status
   * @param byDefault what is done without this function
   */
  retryOn?(error: ConnectionClosureError, byDefault: boolean): boolean;
  /**
   * Called for each connection but the first, before anything of it can be read. What is written before it is done goes
   * out ahead of the messages that waited. When it fails, or takes longer than `handshakeTimeout`, the connection is
   * dropped, and that was an attempt in vain.
   */
  onReconnect?(client: Client, info: ReconnectInfo): void | Promise<void>;
}

/** What there is to know of the connection that a new one replaces. */
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
