/**
 * The answers to upgrades that come to nothing (features U2, L7): unless a service says it in its own way, a peer is told one
 * plain sentence. Knows neither what is asked of an upgrade nor who asks.
 */

import { AuthnError, AuthzError, UpgradeError } from "../errors.ts";
import { FAILED, type Refusal } from "../handshake/refusal.ts";
import { isInstance } from "../instance_of.ts";
import { wrongHeader } from "./answer_headers.ts";
import type { NoPlace } from "./places.ts";

/** A refusal with one plain sentence. */
export function refusal(status: number, sentence: string, added?: Headers): Response {
  const headers = new Headers(added);
  // Not every runtime says by itself what a string is.
  if (!headers.has("content-type")) headers.set("content-type", "text/plain;charset=utf-8");
  return new Response(sentence, { status, headers });
}

/** As a host refuses by itself. */
export function refusalAs({ status, message }: Pick<Refusal, "status" | "message">): Response {
  return refusal(status, message);
}

/** Who is alone to blame for there being no place is told so (RFC 6585 §4). */
export function noPlaceRefusal(noPlace: NoPlace): Response {
  return noPlace === "all"
    ? refusal(503, "The server has as many connections as it takes")
    : refusal(429, "There are too many connections with this address");
}

/** What a service's word, or an authenticator's, comes to when it is an error. What nobody is to be told is reported. */
export function refusalOf(error: unknown, errors: { report(error: unknown): void }): Response {
  if (isInstance(error, UpgradeError)) {
    const wrong = wrongHeader(error.headers);
    if (wrong === undefined) return refusal(error.status, error.message, error.headers);
    error = wrong;
  }
  if (isInstance(error, AuthnError)) return refusal(401, error.message);
  if (isInstance(error, AuthzError)) return refusal(403, error.message);
  errors.report(error);
  return refusalAs(FAILED);
}

/**
 * Whether it is one, of whatever class: the global one may have been replaced since, as `@hono/node-server` 1.19 does. A
 * refusal that is taken for a service lets everybody in.
 */
export function isResponse(value: unknown): value is Response {
  return value instanceof Response || Object.prototype.toString.call(value) === "[object Response]";
}
