/**
 * Where outgoing bytes gather until they are handed over, in as few and as exact allocations as can be: a process gathers
 * for one connection at a time mostly, so that a spare buffer or two serve all of them. What is handed over is given
 * away: never written again, and never the spare itself. Knows no frame.
 */

import { EMPTY } from "../bytes.ts";

/** The most that gathers before it is handed over. */
export const GATHER_BYTES = 65_536;
/** So many spare buffers are kept; who finds none starts small, so that a broadcast does not cost a spare a receiver. */
const MAX_SPARES = 2;
/** Between these a buffer starts that is not a spare: at what this connection handed over last. */
const SMALLEST_START = 64;
const LARGEST_START = 16_384;
/** What is handed over, up to here, is a piece of a slab: an allocation of its own costs more than copying it. */
const SLAB_PIECE = 2_048;
/** Small, because a slow connection's one piece keeps the whole slab. */
const SLAB_BYTES = 16_384;
/** Up to here a loop beats a view and `set` (bench/micro/copy.ts). */
const LOOP_COPY_UP_TO = 64;

/** Full-sized, none in use. Made at the first need. */
let spares: Uint8Array[] | undefined;
let slab: Uint8Array = EMPTY;
let slabAt = 0;

export class GatherBuffer {
  /** Written up to `length` by whoever appends, and advanced by it. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  #startSize = SMALLEST_START;

  /** Makes room for `size` more bytes. What is there and `size` come to `GATHER_BYTES` at most. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    if (this.length === 0) {
      this.bytes = this.#start(needed);
      return;
    }
    const larger = new Uint8Array(Math.max(needed, Math.min(GATHER_BYTES, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** Who wrote little last time gets a spare; who wrote much, a buffer of that size, which is given away as it is. */
  #start(needed: number): Uint8Array {
    if (this.#startSize > SLAB_PIECE) return new Uint8Array(Math.max(needed, this.#startSize));
    spares ??= Array.from({ length: MAX_SPARES }, () => new Uint8Array(GATHER_BYTES));
    return spares.pop() ?? new Uint8Array(Math.max(needed, this.#startSize));
  }

  /** What has gathered will stay for a while: a spare that it lies in is for others. */
  settle(): void {
    const { bytes, length } = this;
    if (bytes.length !== GATHER_BYTES || spares === undefined || spares.length === MAX_SPARES) return;
    this.bytes = new Uint8Array(Math.min(GATHER_BYTES - 1, Math.max(SMALLEST_START, length * 2)));
    this.bytes.set(bytes.subarray(0, length));
    spares.push(bytes);
  }

  /** Hands over what has gathered, which is the caller's alone. The buffer behind it may hold bytes of others. */
  take(): Uint8Array {
    const { bytes, length } = this;
    this.#startSize = Math.min(LARGEST_START, Math.max(SMALLEST_START, length));
    this.bytes = EMPTY;
    this.length = 0;
    if (bytes.length !== GATHER_BYTES || spares === undefined || spares.length === MAX_SPARES) {
      return length === bytes.length ? bytes : bytes.subarray(0, length);
    }
    spares.push(bytes);
    return length <= SLAB_PIECE ? slabPiece(bytes, length) : bytes.slice(0, length);
  }
}

function slabPiece(bytes: Uint8Array, length: number): Uint8Array {
  if (slabAt + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabAt = 0;
  }
  const at = slabAt;
  if (length > LOOP_COPY_UP_TO) slab.set(bytes.subarray(0, length), at);
  else for (let i = 0; i < length; i++) slab[at + i] = bytes[i]!;
  slabAt += length;
  return slab.subarray(at, slabAt);
}
