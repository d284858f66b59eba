/**
 * When to connect anew (features C9): which ends are worth another attempt, and how long to wait for it. Pure: knows no
 * clock, no timer and no connection.
 */

import type { FillRandom } from "../bytes.ts";
import { ABNORMAL } from "../close_code.ts";
import {
  AuthError,
  type Closure,
  ConnectionError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  ProxyError,
  SslError,
  WebSocketError,
} from "../errors.ts";
import { MAX_SECONDS } from "../seconds.ts";
import type { RetrySettings } from "./retry_options.ts";

/** The longest that a server may put a client off with `Retry-After`. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

const MAX_WAIT_MS = MAX_SECONDS * 1_000;

/** How the system calls a connection that was lost, or took too long. */
const LOST: readonly string[] = ["ECONNRESET", "EPIPE", "ETIMEDOUT"];

/** How a connection ended that was never open. */
export function failureOf(cause: unknown): Closure {
  const error = cause instanceof WebSocketError
    ? cause
    : new ConnectionError("Cannot connect: it was given up", { cause });
  return { code: ABNORMAL, reason: "", clean: false, error };
}

/**
 * Whether an end is worth another attempt: the network failed, or the peer went away, is restarting, or has too much to
 * do. Not when this side began to close, a rule was broken, or the answer would be the same again.
 */
export function isTransient({ error, received, first }: Closure): boolean {
  if (error instanceof InvalidHandshakeError || error instanceof ProxyError) {
    return error.status === 429 || (error.status >= 500 && error.status < 600);
  }
  if (error instanceof HandshakeTimedOutError) return true;
  // What was lost may come back; what was refused stays refused.
  if (error instanceof SslError) return LOST.includes(Object(error.cause).code);
  if (error instanceof AuthError) return error.temporary;
  if (first === "local" || (error !== undefined && !(error instanceof ConnectionError))) return false;
  // RFC 6455 §7.4.1 and the registry of close codes: going away, service restart, try again later.
  return received === undefined || [1001, 1012, 1013].includes(received.code);
}

/**
 * Milliseconds to wait before an attempt, when `count` went before it in vain: the formula's, or with jitter a random part
 * of that, on top of what the server asked for.
 */
export function retryWait(
  count: number,
  settings: Pick<RetrySettings<never>, "intervalMs" | "backOffFactor" | "maxWaitMs" | "jitter">,
  afterMs: number,
  fillRandom: FillRandom,
): number {
  const { intervalMs, backOffFactor, maxWaitMs, jitter } = settings;
  // The power may be Infinity, and nothing times that is no number.
  const wait = intervalMs === 0 ? 0 : Math.min(maxWaitMs, intervalMs * backOffFactor ** count);
  return Math.min(MAX_WAIT_MS, jitter ? afterMs + wait * fraction(fillRandom) : Math.max(afterMs, wait));
}

/**
 * Milliseconds for which the server that refused with 429 or 503 asked to be left alone (RFC 9110 §10.2.3), never more than
 * an hour; 0 when it did not ask. A date is held against the server's own, or else against `now`, since 1970.
 */
export function retryAfterMs(error: unknown, now: number): number {
  if (!(error instanceof InvalidHandshakeError) || (error.status !== 429 && error.status !== 503)) return 0;
  const value = error.headers.get("retry-after") ?? "";
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1_000
    : dateIn(value) - (dateIn(error.headers.get("date") ?? "") || now);
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms || 0));
}

/** A date of HTTP in any of its three forms (RFC 9110 §5.6.7), which are all in UTC; NaN for anything else. */
function dateIn(text: string): number {
  return /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text.endsWith("GMT") ? text : `${text} GMT`) : NaN;
}

/** From 0 to 1, both included. */
function fraction(fillRandom: FillRandom): number {
  const bytes = new Uint8Array(4);
  fillRandom(bytes);
  return new DataView(bytes.buffer).getUint32(0) / 0xffff_ffff;
}
