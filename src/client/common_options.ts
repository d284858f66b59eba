/**
 * Those options of a client that can be had wherever it runs, besides those of every connection: their defaults and
 * limits, checked once and turned from seconds into milliseconds.
 */

import { checkBoolean, checkFunction, checkSeconds, type Given, wrongKind } from "../option_check.ts";

/** These options, checked. Times are milliseconds, Infinity for ever. */
export interface CommonSettings<Client> {
  readonly signal: AbortSignal | undefined;
  readonly handshakeMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly onIdleTimeout: ((client: Client) => void | Promise<void>) | undefined;
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
    signal: checkSignal(given.signal),
    handshakeMs: checkSeconds(given, "handshakeTimeout", 300, true),
    readMs: checkSeconds(given, "readTimeout", 0, true),
    writeMs: checkSeconds(given, "writeTimeout", 0, true),
    onIdleTimeout: given.onIdleTimeout as CommonSettings<Client>["onIdleTimeout"],
    validation: checkBoolean(given, "validation", true),
  };
}

/** How long `close` waits for the peer's close frame by default. */
export const CLOSE_MS = 60_000;

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw wrongKind("signal", "an AbortSignal");
}
