/**
 * The encoding of certificates and key stores: DER, and as much of BER as stores are written in (X.690: indefinite lengths,
 * strings in parts). Knows no certificate and no store.
 */

/** One value. */
export interface DerValue {
  /** Its first byte: class, whether it holds values, and number. */
  readonly tag: number;
  /** What is in it, a view of the bytes that were read. */
  readonly contents: Uint8Array;
}

export const SEQUENCE = 0x30;

/** How deep values of indefinite length, and parts of a string, may be inside of each other. */
const MAX_DEPTH = 32;

/**
 * The one value that `bytes` hold. What comes behind it is passed over.
 *
 * @throws {Error} when there is none
 */
export function readDer(bytes: Uint8Array): DerValue {
  return valueAt(bytes, 0, 0).value;
}

/**
 * The values that are in `value`, which has the tag `tag`.
 *
 * @throws {Error} when it has another one, or holds no values
 */
export function valuesIn(value: DerValue | undefined, tag: number = SEQUENCE): DerValue[] {
  if (value?.tag !== tag) throw new Error("it is not encoded as it has to be");
  return all(value.contents, 0);
}

/** The text of an object identifier, such as `2.5.4.3`. */
export function objectIdentifier(value: DerValue | undefined): string {
  if (value?.tag !== 0x06) throw new Error("it is not encoded as it has to be");
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.contents) {
    number = number * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (numbers.length > 0) numbers.push(number);
    else numbers.push(Math.min(2, Math.floor(number / 40)), number - 40 * Math.min(2, Math.floor(number / 40)));
    number = 0;
  }
  return numbers.join(".");
}

/** The bytes of a string of octets, whose parts are put together. */
export function octets(value: DerValue | undefined): Uint8Array {
  return octetsAt(value, 0);
}

function octetsAt(value: DerValue | undefined, depth: number): Uint8Array {
  // In parts, or whole; also where a tag of the context stands for it.
  if (value !== undefined && (value.tag & 0x20) === 0) return value.contents;
  if (value === undefined || depth === MAX_DEPTH) throw new Error("it is not encoded as it has to be");
  const parts = all(value.contents, 0).map((part) => octetsAt(part, depth + 1));
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A number that is not negative, as far as it is exact. */
export function integer(value: DerValue | undefined): number {
  if (value?.tag !== 0x02) throw new Error("it is not encoded as it has to be");
  return value.contents.reduce((number, byte) => number * 256 + byte, 0);
}

function all(bytes: Uint8Array, depth: number): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, end } = valueAt(bytes, at, depth);
    values.push(value);
    at = end;
  }
  return values;
}

function valueAt(bytes: Uint8Array, start: number, depth: number): { value: DerValue; end: number } {
  const [tag, first] = [bytes[start], bytes[start + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error("it is not encoded in DER");
  let at = start + 2;
  if (first === 0x80) return indefinite(bytes, tag, at, depth);
  let length = first;
  if (first > 0x80) {
    length = 0;
    for (let left = first - 0x80; left > 0; left--) length = length * 256 + (bytes[at++] ?? Infinity);
  }
  if (at + length > bytes.length) throw new Error("it is cut short, or not encoded in DER");
  return { value: { tag, contents: bytes.subarray(at, at + length) }, end: at + length };
}

/** X.690 §8.1.3.6: values up to one of no tag and no length. */
function indefinite(bytes: Uint8Array, tag: number, start: number, depth: number): { value: DerValue; end: number } {
  if (depth === MAX_DEPTH || (tag & 0x20) === 0) throw new Error("it is not encoded in DER");
  let at = start;
  while (bytes[at] !== 0 || bytes[at + 1] !== 0) at = valueAt(bytes, at, depth + 1).end;
  return { value: { tag, contents: bytes.subarray(start, at) }, end: at + 2 };
}
