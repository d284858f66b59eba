/**
 * Masking (RFC 6455 §5.3) with the vector instructions that WebAssembly has and JavaScript has not: bytes are copied into
 * the memory of a module of one function, masked there 32 at a time, and copied out again. That is still three to four
 * times as fast as the best loop (bench/micro/mask.ts). Knows bytes and keys, no frames.
 */

/** Masks the first `end` bytes of the module's memory, rounded up to 32, with four octets in memory order. */
type Run = (end: number, octets: number) => void;

interface Vector {
  /** The module's memory, one page of it. */
  readonly memory: Uint8Array;
  readonly run: Run;
}

/** So much at a time: it stays in the first cache on its way in and out. */
export const BLOCK_BYTES = 16_384;

/** The module, as the WebAssembly specification encodes it. */
const MODULE = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
  ...[0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00], // a type: (end: i32, octets: i32) → nothing
  ...[0x03, 0x02, 0x01, 0x00], // a function of that type
  ...[0x05, 0x04, 0x01, 0x01, 0x01, 0x01], // a memory of one page of 64 KiB, which never grows
  ...[0x07, 0x09, 0x02, 0x01, 0x6d, 0x02, 0x00, 0x01, 0x66, 0x00, 0x00], // exports: "m" the memory, "f" the function
  ...[0x0a, 0x3d, 0x01, 0x3b, 0x02, 0x01, 0x7f, 0x01, 0x7b], // its body, with two locals: at: i32, key: v128
  ...[0x20, 0x01, 0xfd, 0x11, 0x21, 0x03], // key = i32x4.splat(octets)
  ...[0x03, 0x40], // loop
  ...[0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x00, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x00], // m[at] ^= key
  ...[0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x10, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x10], // m[at + 16] ^= key
  ...[0x20, 0x02, 0x41, 0x20, 0x6a, 0x22, 0x02, 0x20, 0x00, 0x49, 0x0d, 0x00], // at += 32; again while at < end
  ...[0x0b, 0x0b], // end of the loop, end of the body
];

/** Undefined: not looked for yet; null: this runtime has none, or does not let us compile. */
let vector: Vector | null | undefined;

function load(): Vector | null {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(MODULE)));
    return { memory: new Uint8Array((exports.m as WebAssembly.Memory).buffer), run: exports.f as Run };
  } catch {
    // No WebAssembly, no vectors in it, no code from bytes allowed, or no address space for its memory: loops do it.
    return null;
  }
}

/** Masks `bytes[start, end)` where it lies; false: this runtime cannot, and nothing has changed. */
export function maskByVector(bytes: Uint8Array, start: number, end: number, key: number): boolean {
  return maskIntoByVector(bytes, start, bytes, start, end, key);
}

/** Copies `bytes[start, end)`, masked, to where `into` is in `to`, which may be the same place; false: as above. */
export function maskIntoByVector(
  to: Uint8Array,
  into: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
): boolean {
  if (vector === undefined) vector = load();
  if (vector === null) return false;
  const { memory, run } = vector;
  const octets = swapped(key);
  for (let at = start; at < end; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, end - at);
    memory.set(bytes.subarray(at, at + length));
    run(length, octets);
    to.set(memory.subarray(0, length), into + at - start);
  }
  return true;
}

/** `bytes[start, end)`, at most `BLOCK_BYTES`, masked, in an array that owns its buffer; undefined as above. */
export function copyByVector(bytes: Uint8Array, start: number, end: number, key: number): Uint8Array | undefined {
  if (vector === undefined) vector = load();
  if (vector === null) return undefined;
  const { memory, run } = vector;
  memory.set(bytes.subarray(start, end));
  run(end - start, swapped(key));
  return memory.slice(0, end - start);
}

/** A key's highest byte masks the first octet, which WebAssembly's little end has lowest. */
function swapped(key: number): number {
  return (key >>> 24) | (key >>> 8 & 0xff00) | (key << 8 & 0xff0000) | (key << 24);
}
