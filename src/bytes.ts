/** A handful of pure functions over bytes. None keeps, changes or hands back its argument. */

/** Fills `bytes` with random values: `crypto.getRandomValues`, or fixed ones in tests. */
export type FillRandom = (bytes: Uint8Array) => void;

/** Makes a string of `bytes[start, end)`, which are ASCII: a runtime's own way, where a call of it is cheap. */
export interface DecodeAscii {
  (bytes: Uint8Array, start: number, end: number): string;
  /** So cheap that it beats one call of `fromCharCode`, however short the text is. */
  readonly always?: boolean;
}

/** Makes an array that owns its buffer and holds anything: whoever asks for it fills all of what others will see. */
export type Allocate = (size: number) => Uint8Array;

/** No bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** The bytes of `parts`, one after the other, in an array of their own. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatAll(parts);
}

/** As `concat`, of any number: a call takes no more than about a hundred thousand arguments. */
export function concatAll(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const encoder = new TextEncoder();
// `ignoreBOM: true` keeps a byte order mark: it is part of the message.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `text` as UTF-8. A lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * `bytes` as text.
 * @throws {TypeError} when they are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** How many bytes `message` has on the wire, its header apart: those of a text as UTF-8, without encoding it. */
export function byteSize(message: string | Uint8Array): number {
  if (typeof message !== "string") return message.length;
  let size = message.length;
  for (let i = 0; i < message.length; i++) {
    const unit = message.charCodeAt(i);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts for two of its four bytes; a lone one becomes the three of U+FFFD.
    const pair = unit >= 0xd800 && unit < 0xdc00 && (message.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    size += unit < 0x800 ? 1 : 2;
    if (pair) i++;
  }
  return size;
}

/** `bytes` in base64 (RFC 4648 §4), with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** 32 hexadecimal digits, random. */
export function randomId(fill: FillRandom): string {
  const bytes = new Uint8Array(16);
  fill(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
