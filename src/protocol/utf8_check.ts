/**
 * UTF-8, checked as it arrives (RFC 3629 §4): fails at the first byte that cannot be right, also in the middle of a
 * message (RFC 6455 §8.1). Decodes nothing.
 */

/** Below this a word view costs more than it saves (bench/micro/text.ts). */
const WORDS_FROM = 64;

export class Utf8Check {
  /** Continuation bytes that must still follow, and the range the next of them must lie in. */
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** The text may end here. */
  get complete(): boolean {
    return this.#missing === 0;
  }

  /** Takes `bytes[start, end)`, what follows upon the bytes before. False at the first bad byte. */
  accept(bytes: Uint8Array, start: number, end: number): boolean {
    let missing = this.#missing;
    let i = start;
    while (i < end) {
      if (missing === 0) {
        i = skipAscii(bytes, i, end);
        if (i === end) break;
        const first = bytes[i++]!;
        this.#low = 0x80;
        this.#high = 0xbf;
        if (first >= 0xc2 && first <= 0xdf) missing = 1;
        else if (first >= 0xe0 && first <= 0xef) {
          missing = 2;
          if (first === 0xe0) this.#low = 0xa0; // else overlong
          else if (first === 0xed) this.#high = 0x9f; // else a surrogate
        } else if (first >= 0xf0 && first <= 0xf4) {
          missing = 3;
          if (first === 0xf0) this.#low = 0x90; // else overlong
          else if (first === 0xf4) this.#high = 0x8f; // else above U+10FFFF
        } else return false;
      } else {
        const byte = bytes[i++]!;
        if (byte < this.#low || byte > this.#high) return false;
        this.#low = 0x80;
        this.#high = 0xbf;
        missing--;
      }
    }
    this.#missing = missing;
    return true;
  }
}

/** Where the first byte that is not ASCII stands in `bytes[i, end)`, or `end`. */
function skipAscii(bytes: Uint8Array, i: number, end: number): number {
  if (end - i >= WORDS_FROM && bytes[i]! < 0x80) {
    while ((bytes.byteOffset + i & 3) !== 0 && bytes[i]! < 0x80) i++;
    if ((bytes.byteOffset + i & 3) === 0) {
      const words = new Int32Array(bytes.buffer, bytes.byteOffset + i, end - i >>> 2);
      let w = 0;
      while (w < words.length && (words[w]! & 0x80808080) === 0) w++;
      i += w * 4;
    }
  }
  while (i < end && bytes[i]! < 0x80) i++;
  return i;
}
