/** Who may (features A1): the scopes that are asked for, and those that somebody has. Knows no scheme. */

import { wrongKind } from "../option_check.ts";

/** RFC 6749 §3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Whether `text` can be a scope: visible ASCII without quotes and backslashes. */
export function isScope(text: unknown): text is string {
  return typeof text === "string" && SCOPE.test(text);
}

/**
 * The scopes of an option, undefined for none: one, or a list of at least one.
 *
 * @param option its name
 * @throws {TypeError} when they are anything else: an empty list would let everybody in, or nobody
 */
export function checkScopes(scopes: unknown, option = "scopes"): readonly string[] | undefined {
  if (scopes === undefined) return undefined;
  const list: unknown = typeof scopes === "string" ? [scopes] : scopes;
  if (Array.isArray(list) && list.length > 0 && list.every(isScope)) return [...list];
  throw wrongKind(option, "a scope, or a list of at least one");
}

/** Whether somebody who has `scopes` has one of those that are asked for. */
export function suffices(scopes: readonly string[], asked: readonly string[] | undefined): boolean {
  return asked === undefined || asked.some((scope) => scopes.includes(scope));
}

/** The scopes that a token's claim tells: text with spaces between (RFC 6749 §3.3), or a list. */
export function scopesIn(claim: unknown): readonly string[] {
  const list: readonly unknown[] = typeof claim === "string" ? claim.split(" ") : Array.isArray(claim) ? claim : [];
  return list.filter(isScope);
}
