/**
 * How an option is looked at: its name, its kind, its range, and the sentence that refuses it. Knows no option.
 */

import { UnsupportedError } from "./errors.ts";
import { MAX_SECONDS, toMillis } from "./seconds.ts";

/** Options as a user of plain JavaScript may hand them over. */
export type Given = Readonly<Record<string, unknown>>;

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Refuses what cannot hold options: a list of sub-protocols in their place would be ignored in silence.
 *
 * @throws {TypeError} when it is not an object, or a list
 */
export function checkIsOptions(config: unknown): asserts config is object {
  if (isObject(config)) return;
  const what = config === null ? "null" : Array.isArray(config) ? "a list" : `of type ${typeof config}`;
  throw new TypeError(`Cannot use the options: they are ${what}, not an object`);
}

/**
 * Refuses names that are no option.
 *
 * @param known the names there are
 * @param refused the names that are understood and refused, each with the reason; none by default
 * @param within what stands before the names in the sentence, such as `cookies[1].`; empty by default
 * @param hints how the sentence ends for names that other libraries know, instead of the nearest one; none by default
 * @throws {TypeError} naming the option, and the known name that is meant, as far as that can be told
 */
export function checkNames(
  given: object,
  known: readonly string[],
  refused: ReadonlyMap<string, string> = NONE,
  within = "",
  hints: ReadonlyMap<string, string> = NONE,
): void {
  const names = new Set(Object.keys(given));
  // The options of a class instance may come from its prototype, and its fields are its own business.
  const plain = isPlain(given);
  for (const [name, reason] of refused) {
    if ((names.has(name) || (!plain && name in given)) && (given as Given)[name] !== undefined) {
      throw new TypeError(`Cannot use the option "${within}${name}": ${reason}`);
    }
  }
  if (!plain) return;
  for (const name of names) {
    if (known.includes(name) || refused.has(name)) continue;
    const hint = hints.get(name) ?? suggestion(name, known);
    throw new TypeError(`Cannot use the option "${within}${name}": there is none of that name${hint}`);
  }
}

/**
 * Refuses what is an option, but cannot be had in this place.
 *
 * @param refused the names, each with the reason
 * @param runtime the place, as it calls itself
 * @throws {UnsupportedError} naming the option
 */
export function checkSupported(given: object, refused: ReadonlyMap<string, string>, runtime: string): void {
  for (const [name, reason] of refused) {
    if ((given as Given)[name] === undefined) continue;
    throw new UnsupportedError(`Cannot use the option "${name}": ${reason}`, name, runtime);
  }
}

/**
 * Seconds as milliseconds. With `zeroIsOff`, 0 is Infinity.
 *
 * @throws {TypeError} when it is not a number
 * @throws {RangeError} when it is negative, or longer than a timer can wait
 */
export function checkSeconds(
  given: Given,
  name: string,
  fallback: number,
  zeroIsOff: boolean,
  path: string = name,
): number {
  const value = given[name] ?? fallback;
  if (typeof value !== "number") throw wrongKind(path, "a number of seconds");
  const millis = toMillis(value);
  if (millis === undefined) {
    throw new RangeError(`Cannot use the option "${path}": ${value} is not from 0 to ${MAX_SECONDS} seconds`);
  }
  return zeroIsOff && millis === 0 ? Infinity : millis;
}

/**
 * @throws {TypeError} when it is not a number
 * @throws {RangeError} when it is not an integer, or smaller than `least`
 */
export function checkCount<Fallback extends number | undefined>(
  given: Given,
  name: string,
  fallback: Fallback,
  least: number,
  path: string = name,
): number | Fallback {
  const value = given[name];
  if (value === undefined) return fallback;
  if (typeof value !== "number") throw wrongKind(path, "a number");
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`Cannot use the option "${path}": ${value} is not an integer of at least ${least}`);
  }
  return value;
}

/** @throws {TypeError} when it is something else than a boolean */
export function checkBoolean(given: Given, name: string, fallback: boolean, path: string = name): boolean {
  const value = given[name] ?? fallback;
  if (typeof value !== "boolean") throw wrongKind(path, "a boolean");
  return value;
}

/** @throws {TypeError} when it is something else than a string, or an empty one */
export function checkText(given: Given, name: string): string | undefined {
  const value = given[name];
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw wrongKind(name, "a string with a character");
}

/** @throws {TypeError} when one is given, and the other, without which it means nothing, is not */
export function checkNeeds(given: Given, name: string, needed: string): void {
  if (given[name] === undefined || given[needed] !== undefined) return;
  throw new TypeError(`Cannot use the option "${name}": it needs "${needed}"`);
}

/** Whether it can hold options: an object, and no list. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws {TypeError} when it is something else than an object */
export function checkObject(given: Given, name: string): Given {
  const value = given[name] ?? {};
  if (!isObject(value)) throw wrongKind(name, "an object");
  return value as Given;
}

/** @throws {TypeError} when it is something else than a function */
export function checkFunction(given: Given, name: string, path: string = name): void {
  const value = given[name];
  if (value !== undefined && typeof value !== "function") throw wrongKind(path, "a function");
}

/** @throws {TypeError} when it is something else than an `AbortSignal` */
export function checkSignal(given: Given): AbortSignal | undefined {
  const { signal } = given;
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw wrongKind("signal", "an AbortSignal");
}

/** The refusal of a value of another kind than `expected`. */
export function wrongKind(name: string, expected: string): TypeError {
  return new TypeError(`Cannot use the option "${name}": it is not ${expected}`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function suggestion(name: string, known: readonly string[]): string {
  let nearest = "";
  let least = Infinity;
  for (const candidate of known) {
    const changes = distance(name.toLowerCase(), candidate.toLowerCase());
    if (changes < least) [nearest, least] = [candidate, changes];
  }
  // What shares less than half of its letters is a guess, not a help.
  return least <= nearest.length / 2 ? `, the nearest is "${nearest}"` : "";
}

/** How many letters to put in, take out or change to get from `a` to `b`. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
