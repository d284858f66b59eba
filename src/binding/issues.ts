/**
 * What is wrong with a value, as an error carries it: as many issues, and as much of each, as a peer may make us keep.
 * A schema writes an issue for each element that a peer sent, and quotes it. Knows no schema.
 */

import type { BindingIssue } from "../errors.ts";
import { printable, quote } from "../printable.ts";

/** One issue, as a `StandardSchema` tells it. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, from the outside in; absent for the value as a whole. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Issues that one error carries at most. */
export const MAX_ISSUES = 64;
/** Characters of one issue's message, or of what an error says of all of them. */
export const MAX_SENTENCE = 256;
/** Keys of an issue's path, and characters of one key. */
export const MAX_PATH = 32;
export const MAX_KEY = 64;

/** The first of them, with plain paths. What is longer than it may be ends in "…". */
export function toIssues(issues: readonly SchemaIssue[]): BindingIssue[] {
  return firstOf(MAX_ISSUES, issues, ({ message, path }) => {
    const issue = { message: bounded(message, MAX_SENTENCE) };
    return path === undefined ? issue : { ...issue, path: firstOf(MAX_PATH, path, toKey) };
  });
}

/** The first issue in words, and how many there are besides. */
export function summaryOf(issues: readonly BindingIssue[], count: number): string {
  const [first] = issues;
  if (first === undefined) return "the schema refused it";
  const where = first.path?.length ? ` at ${quote(cut(first.path.map(String).join("."), MAX_KEY), MAX_KEY)}` : "";
  return `${first.message}${where}${count > 1 ? `, and ${count - 1} more` : ""}`;
}

/** At most `most` characters of `text`, on one line, as they may stand in an error. */
export function bounded(text: string, most: number): string {
  return printable(cut(text, most).replace(/\s+/g, " "));
}

function cut(text: string, most: number): string {
  // A character of two halves is not cut between them.
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** What `map` makes of the first `most` of them. Not by `slice`: a library's own kind of list may make another. */
function firstOf<T, U>(most: number, list: readonly T[], map: (item: T) => U): U[] {
  return Array.from({ length: Math.min(most, list.length) }, (_, i) => map(list[i]!));
}

function toKey(part: PropertyKey | { readonly key: PropertyKey }): PropertyKey {
  const key = typeof part === "object" ? part.key : part;
  if (typeof key === "string") return cut(key, MAX_KEY);
  // The key of a Map may be anything.
  return typeof key === "number" || typeof key === "symbol" ? key : typeof key;
}
