/**
 * The options of requests: what ties a reply to its request, and how long one may take. Checked once, and turned from
 * seconds into milliseconds. Knows no message.
 */

import {
  checkCount,
  checkIsOptions,
  checkNames,
  checkNeeds,
  checkSeconds,
  checkSignal,
  checkText,
  type Given,
} from "../option_check.ts";

/**
 * Options of a client that sends requests: what ties a reply to its request. Times are seconds, fractions allowed.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/sums", {
 *   dispatcherKey: "event",
 *   dispatcherStreamId: "id",
 *   get: () => ({
 *     onAdd: (_caller, message) => {
 *       const { a, b } = message as { a: number; b: number };
 *       return { sum: a + b }; // goes back with the id of the request
 *     },
 *   }),
 * });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/sums`, { dispatcherStreamId: "id" });
 * const reply = await client.request({ event: "add", a: 1, b: 2 }, undefined, { timeout: 5 }) as { sum: number };
 * console.log(reply.sum); // 3
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export interface RequestConfiguration {
  /** The field of a request, and of its replies, that holds its id. Default: none, and then there are no requests. */
  readonly dispatcherStreamId?: string;
  /**
   * The field that says what kind of message one is; another one than `dispatcherStreamId`. The three values below need
   * both. Default: none.
   */
  readonly dispatcherKey?: string;
  /** What `dispatcherKey` is in a message of the server that ends a stream of replies. Default: none ends it. */
  readonly dispatcherComplete?: string;
  /** What `dispatcherKey` is in a message that tells the server that nobody waits any more. Default: it is not told. */
  readonly dispatcherCancel?: string;
  /**
   * What `dispatcherKey` is in a reply that is an error, which is a `RequestError` then; another value than
   * `dispatcherComplete`. Default: none is.
   */
  readonly dispatcherError?: string;
  /**
   * Seconds that a request waits for its reply, a stream for the next one; then `ReadTimedOutError`, and the connection
   * lives on. 0: for ever. Default 30.
   */
  readonly requestTimeout?: number;
  /** Requests and streams that may wait for replies at once; one more is a `ConnectionError`. Default 1 024. */
  readonly maxPendingRequests?: number;
}

/** The names of these options. */
export const REQUEST_NAMES: readonly (keyof RequestConfiguration)[] = [
  "dispatcherStreamId",
  "dispatcherKey",
  "dispatcherComplete",
  "dispatcherCancel",
  "dispatcherError",
  "requestTimeout",
  "maxPendingRequests",
];

/** Options of one `request` or `requestStream`. */
export interface RequestOptions {
  /** Aborted: the request is given up, with the signal's reason. Default: none. */
  readonly signal?: AbortSignal;
  /** Seconds to wait for the reply, or for the next one of a stream; 0 for ever. Default: `requestTimeout`. */
  readonly timeout?: number;
}

/** The options of all requests, checked. Times are milliseconds, Infinity for ever. */
export interface RequestSettings {
  /** The field of the id; undefined: there are no requests. */
  readonly idField: string | undefined;
  /** The field of the three words. */
  readonly keyField: string | undefined;
  readonly complete: string | undefined;
  readonly cancel: string | undefined;
  readonly error: string | undefined;
  readonly replyMs: number;
  readonly maxPending: number;
}

/** One request's options, checked. */
export interface RequestLimits {
  readonly signal: AbortSignal | undefined;
  readonly replyMs: number;
}

/**
 * Checks the values of a client's options; the names are the caller's to check.
 *
 * @throws {TypeError} for a value of the wrong kind, and for one that needs another option
 * @throws {RangeError} for a number out of range
 */
export function checkRequests(given: Given): RequestSettings {
  const settings: RequestSettings = {
    idField: checkText(given, "dispatcherStreamId"),
    keyField: checkText(given, "dispatcherKey"),
    complete: checkWord(given, "dispatcherComplete"),
    cancel: checkWord(given, "dispatcherCancel"),
    error: checkWord(given, "dispatcherError"),
    replyMs: checkSeconds(given, "requestTimeout", 30, true),
    maxPending: checkCount(given, "maxPendingRequests", 1_024, 1),
  };
  if (settings.idField !== undefined && settings.idField === settings.keyField) {
    throw new TypeError('Cannot use the option "dispatcherStreamId": it names the same field as "dispatcherKey"');
  }
  if (settings.error !== undefined && settings.error === settings.complete) {
    throw new TypeError('Cannot use the option "dispatcherError": it is the same as "dispatcherComplete"');
  }
  return settings;
}

/**
 * Checks the options of one request.
 *
 * @throws {TypeError} for an unknown name, or a value of the wrong kind
 * @throws {RangeError} when the time is out of range
 */
export function checkRequest(options: RequestOptions | undefined, { replyMs }: RequestSettings): RequestLimits {
  if (options === undefined) return { signal: undefined, replyMs };
  checkIsOptions(options);
  checkNames(options, ["signal", "timeout"]);
  const given = options as Given;
  return {
    signal: checkSignal(given),
    replyMs: given.timeout === undefined ? replyMs : checkSeconds(given, "timeout", 0, true),
  };
}

/** One of the values of `dispatcherKey`. */
function checkWord(given: Given, name: string): string | undefined {
  const word = checkText(given, name);
  for (const needed of ["dispatcherKey", "dispatcherStreamId"]) checkNeeds(given, name, needed);
  return word;
}
