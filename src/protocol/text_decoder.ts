/**
 * UTF-8 to strings, the short ASCII ones without the decoder's call, which costs more than they do. Knows bytes and
 * characters, no message. Changes and keeps nothing of the caller's.
 */

import type { DecodeAscii } from "../bytes.ts";

/** Up to here it pays to look for ASCII first, and to make the string without the decoder (bench/micro/text.ts). */
const ASCII_UP_TO = 128;
/** Up to here one call of `fromCharCode` wins over every other call. */
export const SHORT_TEXT = 32;

/** The arguments of that call, by their number: a loop fills them, so that nothing is allocated but the string. */
const ARGUMENTS: readonly number[][] = Array.from({ length: SHORT_TEXT + 1 }, (_, n) => new Array<number>(n).fill(0));

// `ignoreBOM: true` keeps a byte order mark: it is part of the message.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of `bytes[start, end)`.
 * @throws {TypeError} when they are not UTF-8
 */
export function decodeText(bytes: Uint8Array, start: number, end: number, decodeAscii?: DecodeAscii): string {
  if (decodeAscii !== undefined && end - start <= ASCII_UP_TO && isAscii(bytes, start, end)) {
    return decodeAscii(bytes, start, end);
  }
  return decoder.decode(bytes.subarray(start, end));
}

/**
 * The text of `bytes[start, end)`, masked with `key` and at most `SHORT_TEXT` of them, in one go; undefined when it is
 * not ASCII.
 */
export function decodeShortAscii(bytes: Uint8Array, start: number, end: number, key: number): string | undefined {
  const k0 = key >>> 24, k1 = key >>> 16 & 0xff, k2 = key >>> 8 & 0xff, k3 = key & 0xff;
  const length = end - start;
  const codes = ARGUMENTS[length]!;
  const whole = length & ~3;
  let all = 0;
  let i = 0;
  for (; i < whole; i += 4) {
    const a = bytes[start + i]! ^ k0, b = bytes[start + i + 1]! ^ k1;
    const c = bytes[start + i + 2]! ^ k2, d = bytes[start + i + 3]! ^ k3;
    all |= a | b | c | d;
    codes[i] = a;
    codes[i + 1] = b;
    codes[i + 2] = c;
    codes[i + 3] = d;
  }
  if (i < length) all |= codes[i] = bytes[start + i]! ^ k0;
  if (i + 1 < length) all |= codes[i + 1] = bytes[start + i + 1]! ^ k1;
  if (i + 2 < length) all |= codes[i + 2] = bytes[start + i + 2]! ^ k2;
  return all < 0x80 ? String.fromCharCode(...codes) : undefined;
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let i = start; i < end; i++) all |= bytes[i]!;
  return all < 0x80;
}
