/**
 * UTF-8 to strings, the short ASCII ones without the decoder's call. Knows bytes and characters, no message. Changes
 * and keeps nothing.
 */

import type { DecodeAscii } from "../bytes.ts";

/** Up to here it pays to look for ASCII first (bench/micro/text.ts). */
const ASCII_UP_TO = 128;
/** Up to here building a string from character codes is faster than the decoder. */
const LOOP_UP_TO = 32;

// `ignoreBOM: true` keeps a byte order mark: it is part of the message.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of `bytes[start, end)`.
 * @throws {TypeError} when they are not UTF-8
 */
export function decodeText(bytes: Uint8Array, start: number, end: number, decodeAscii?: DecodeAscii): string {
  const length = end - start;
  if (length <= (decodeAscii === undefined ? LOOP_UP_TO : ASCII_UP_TO) && isAscii(bytes, start, end)) {
    return decodeAscii === undefined ? fromCodes(bytes, start, end) : decodeAscii(bytes, start, end);
  }
  return decoder.decode(bytes.subarray(start, end));
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let i = start; i < end; i++) all |= bytes[i]!;
  return all < 0x80;
}

/** Eight characters a call: one by one would make a rope of as many links. */
function fromCodes(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let i = start;
  for (; i + 8 <= end; i += 8) {
    text += String.fromCharCode(
      bytes[i]!,
      bytes[i + 1]!,
      bytes[i + 2]!,
      bytes[i + 3]!,
      bytes[i + 4]!,
      bytes[i + 5]!,
      bytes[i + 6]!,
      bytes[i + 7]!,
    );
  }
  for (; i < end; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
