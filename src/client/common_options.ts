/**
 * Those options of a client that can be had wherever it runs, besides those of every connection: their defaults and
 * limits, checked once and turned from seconds into milliseconds.
 */

import { checkBoolean, checkFunction, checkSeconds, checkSignal, type Given } from "../option_check.ts";
import { checkRequests, type RequestSettings } from "./request_options.ts";
import { checkRetry, type RetrySettings } from "./retry_options.ts";

/** These options, checked. Times are milliseconds, Infinity for ever. */
export interface CommonSettings<Client> {
  readonly signal: AbortSignal | undefined;
  readonly handshakeMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly onIdleTimeout: ((client: Client) => void | Promise<void>) | undefined;
  /** How to connect anew, undefined for not at all. */
  readonly retry: RetrySettings<Client> | undefined;
  readonly requests: RequestSettings;
  readonly validation: boolean;
}

/**
 * Checks the values of these options; the names are the caller's to check.
 *
 * @throws {TypeError} for a value of the wrong kind
 * @throws {RangeError} for a number out of range
 */
export function checkCommon<Client>(given: Given): CommonSettings<Client> {
  checkFunction(given, "onIdleTimeout");
  return {
    signal: checkSignal(given),
    handshakeMs: checkSeconds(given, "handshakeTimeout", 300, true),
    readMs: checkSeconds(given, "readTimeout", 0, true),
    writeMs: checkSeconds(given, "writeTimeout", 0, true),
    onIdleTimeout: given.onIdleTimeout as CommonSettings<Client>["onIdleTimeout"],
    retry: checkRetry(given.retryConfig),
    requests: checkRequests(given),
    validation: checkBoolean(given, "validation", true),
  };
}

/** How long `close` waits for the peer's close frame by default. */
export const CLOSE_MS = 60_000;
