/**
 * A text that is decoded as it arrives (RFC 6455 §8.1): each piece is the characters that are whole by then, and what is
 * no UTF-8 fails at its first bad byte. Keeps the beginning of one character at the most.
 */

import { concat, EMPTY } from "../bytes.ts";
import { decodeText } from "./text_decoder.ts";
import { Utf8Check } from "./utf8_check.ts";

export class TextParts {
  readonly #check = new Utf8Check();
  /** The first bytes of a character that is not whole yet. */
  #begun: Uint8Array = EMPTY;

  /** The text up to the last whole character in `bytes[start, end)`; undefined: what came is no UTF-8, or `fin` cuts it. */
  decode(bytes: Uint8Array, start: number, end: number, fin: boolean): string | undefined {
    if (!this.#check.accept(bytes, start, end) || (fin && !this.#check.complete)) return undefined;
    const cut = this.#check.complete ? end : Math.max(start, lastLead(bytes, start, end));
    const begun = this.#begun;
    const isContinued = begun.length > 0 && cut === start && !this.#check.complete;
    // Less than a character has come.
    if (isContinued) {
      this.#begun = concat(begun, bytes.subarray(start, end));
      return "";
    }
    this.#begun = cut === end ? EMPTY : bytes.slice(cut, end);
    if (begun.length === 0) return decodeText(bytes, start, cut);
    const whole = concat(begun, bytes.subarray(start, cut));
    return decodeText(whole, 0, whole.length);
  }
}

/** Where the last character begins, or before `start` when it began earlier. */
function lastLead(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && (bytes[at]! & 0xc0) === 0x80) at--;
  return at;
}
