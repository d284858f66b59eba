/**
 * The name of the handler that a word of the peer's asks for (features D1, D3): `un subscribe` asks for `onUnSubscribe`.
 * Knows which names no word leads to, and no service.
 */

/** A longer word leads to no handler: the word is the peer's, and turning it into a name takes time. */
export const MAX_WORD_LENGTH = 256;
/** So many words are remembered with their names; the next one makes it forget them all. */
const MAX_REMEMBERED = 1_024;

/** A letter or digit, and all that follow; the marks on them (accents, the vowels of some scripts) are part of them. */
const PARTS = /[\p{L}\p{Nd}][\p{L}\p{Nd}\p{M}]*/gu;

const names = new Map<string, string>();

/**
 * The handler's name: what stands between runs of other characters than letters and digits, each part with its first
 * letter in upper case. Undefined for a word without a letter or digit, and for one of more than `MAX_WORD_LENGTH`.
 */
export function handlerName(word: string): string | undefined {
  if (word.length > MAX_WORD_LENGTH) return undefined;
  let name = names.get(word);
  if (name === undefined) {
    name = derive(word);
    if (names.size >= MAX_REMEMBERED) names.clear();
    names.set(word, name);
  }
  return name === "on" ? undefined : name;
}

/**
 * What a word has to become to reach the method `name`; undefined when none does: it is no name of that kind (`once`,
 * `on_message`), or that of an error handler.
 */
export function reachedAs(name: string): string | undefined {
  if (!name.startsWith("on") || isErrorHandler(name)) return undefined;
  const derived = handlerName(name.slice(2));
  return derived === name.normalize() ? derived : undefined;
}

/** Whether a method of this name hears of the messages that another one could not be given: `onSubscribeError`. */
export function isErrorHandler(name: string): boolean {
  return name.endsWith(ERROR);
}

/** The name of the method that hears of messages which the handler `name` could not be given. */
export function errorHandlerOf(name: string): string {
  return name + ERROR;
}

/** The name of the handler that the error handler `name` belongs to. */
export function handlerOf(name: string): string {
  return name.slice(0, -ERROR.length);
}

const ERROR = "Error";

function derive(word: string): string {
  let name = "on";
  // The same letters may have been typed in two ways, with their accents or with accents behind them.
  for (const [part] of word.normalize().matchAll(PARTS)) {
    const [first = ""] = part;
    name += first.toUpperCase() + part.slice(first.length);
  }
  return name;
}
