/**
 * Masking (RFC 6455 §5.3): the same operation both ways. A key is one 32-bit number whose highest byte masks the first
 * octet. Knows bytes and keys, no frames.
 */

import type { FillRandom } from "../bytes.ts";
import { BLOCK_BYTES, copyByVector, maskByVector, maskIntoByVector } from "./vector_mask.ts";

/** From here on whole words win over four bytes a turn, in spite of the view they need (bench/micro/mask.ts). */
const WORDS_FROM = 128;
/** And from here on vectors, in spite of copying there and back; when the bytes are copied anyway, sooner. */
const VECTOR_FROM = 1_024;
const VECTOR_COPY_FROM = 128;
/** Up to here, what an engine keeps on its own heap, copying and masking in one loop wins over `slice` and `mask`. */
const ONE_LOOP_UP_TO = 64;
/** `slice` copies what needs no mask from here on, until the zeros that it makes first cost more (bench/micro/copy.ts). */
const SLICE_FROM = 25;
const SLICE_UP_TO = 4_096;

const { slice } = Uint8Array.prototype;
const wordBytes = new Uint8Array(4);
const word = new Int32Array(wordBytes.buffer);

/** Masks `bytes[start, end)` where it lies. The first of them is octet 0 of the payload. */
export function mask(bytes: Uint8Array, start: number, end: number, key: number): void {
  if (key === 0) return;
  if (end - start < WORDS_FROM) maskBytes(bytes, start, end, key);
  else if (end - start < VECTOR_FROM || !maskByVector(bytes, start, end, key)) maskWords(bytes, start, end, key);
}

/** Copies `bytes[start, end)`, masked, to where `at` is in `to`. The original stays as it is. */
export function maskInto(to: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number, key: number): void {
  if (key !== 0 && end - start >= VECTOR_COPY_FROM && maskIntoByVector(to, at, bytes, start, end, key)) return;
  to.set(bytes.subarray(start, end), at);
  mask(to, at, at + end - start, key);
}

/** `bytes[start, end)`, masked, in an array that owns its buffer. The original stays as it is. */
export function maskedCopy(bytes: Uint8Array, start: number, end: number, key: number): Uint8Array {
  const length = end - start;
  if (key === 0 && length >= SLICE_FROM && length <= SLICE_UP_TO) return slice.call(bytes, start, end);
  if (length > ONE_LOOP_UP_TO) {
    if (key !== 0 && length >= VECTOR_COPY_FROM && length <= BLOCK_BYTES) {
      const copy = copyByVector(bytes, start, end, key);
      if (copy !== undefined) return copy;
    }
    // Unlike `slice`, this makes no zeros first: from 64 KiB on a quarter less (bench/micro/copy.ts).
    const copy = new Uint8Array(bytes.subarray(start, end));
    mask(copy, 0, length, key);
    return copy;
  }
  const copy = new Uint8Array(length);
  const k0 = key >>> 24, k1 = key >>> 16 & 0xff, k2 = key >>> 8 & 0xff, k3 = key & 0xff;
  const whole = length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    copy[i] = bytes[start + i]! ^ k0;
    copy[i + 1] = bytes[start + i + 1]! ^ k1;
    copy[i + 2] = bytes[start + i + 2]! ^ k2;
    copy[i + 3] = bytes[start + i + 3]! ^ k3;
  }
  if (i < length) copy[i] = bytes[start + i]! ^ k0;
  if (i + 1 < length) copy[i + 1] = bytes[start + i + 1]! ^ k1;
  if (i + 2 < length) copy[i + 2] = bytes[start + i + 2]! ^ k2;
  return copy;
}

/** The key for what follows after `octets` octets were masked with `key`. */
export function rotate(key: number, octets: number): number {
  const bits = (octets & 3) * 8;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const k0 = key >>> 24, k1 = key >>> 16 & 0xff, k2 = key >>> 8 & 0xff, k3 = key & 0xff;
  const whole = start + ((end - start) & ~3);
  let i = start;
  for (; i < whole; i += 4) {
    bytes[i]! ^= k0;
    bytes[i + 1]! ^= k1;
    bytes[i + 2]! ^= k2;
    bytes[i + 3]! ^= k3;
  }
  if (i < end) bytes[i]! ^= k0;
  if (i + 1 < end) bytes[i + 1]! ^= k1;
  if (i + 2 < end) bytes[i + 2]! ^= k2;
}

function maskWords(bytes: Uint8Array, start: number, end: number, key: number): void {
  // A word view must start at a multiple of four of the underlying buffer.
  const head = (4 - ((bytes.byteOffset + start) & 3)) & 3;
  maskBytes(bytes, start, start + head, key);
  const rotated = rotate(key, head);
  const from = start + head;
  const count = (end - from) >>> 2;
  // Through the bytes, so that it holds on either byte order.
  wordBytes[0] = rotated >>> 24;
  wordBytes[1] = rotated >>> 16;
  wordBytes[2] = rotated >>> 8;
  wordBytes[3] = rotated;
  const k = word[0]!;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + from, count);
  const whole = count & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    words[i]! ^= k;
    words[i + 1]! ^= k;
    words[i + 2]! ^= k;
    words[i + 3]! ^= k;
  }
  for (; i < count; i++) words[i]! ^= k;
  maskBytes(bytes, from + count * 4, end, rotated);
}

/** One call for random bytes costs a hundred times a look into a pool. */
const POOL_BYTES = 8_192;

/** Fresh keys that a peer's neighbour cannot guess (§10.3), from a pool. */
export class MaskKeys {
  readonly #fill: FillRandom;
  #pool: Uint8Array | undefined;
  #at = POOL_BYTES;

  constructor(fill: FillRandom) {
    this.#fill = fill;
  }

  next(): number {
    if (this.#at === POOL_BYTES) {
      this.#pool ??= new Uint8Array(POOL_BYTES);
      this.#fill(this.#pool);
      this.#at = 0;
    }
    const pool = this.#pool!;
    const at = this.#at;
    this.#at = at + 4;
    return (pool[at]! << 24) | (pool[at + 1]! << 16) | (pool[at + 2]! << 8) | pool[at + 3]!;
  }
}
