/** `WWW-Authenticate` (RFC 9110 §11.6.1): which schemes would do, and for `Bearer` what is wrong (RFC 6750 §3). */

import { wrongKind } from "../option_check.ts";

/**
 * `text` as a quoted string.
 *
 * @param option where it comes from
 * @throws {TypeError} when it is no text, or no header can carry it
 */
export function quoted(option: string, text: unknown): string {
  if (typeof text !== "string" || !/^[\t\x20-\x7e]*$/.test(text)) throw wrongKind(option, "text in ASCII");
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** One challenge. */
export function challengeOf(scheme: string, ...parameters: readonly (string | undefined)[]): string {
  const given = parameters.filter((parameter) => parameter !== undefined && parameter !== "");
  return given.length === 0 ? scheme : `${scheme} ${given.join(", ")}`;
}
