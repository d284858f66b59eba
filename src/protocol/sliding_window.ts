/**
 * The last bytes of what went one way: the history that deflate refers back to (RFC 7692 §7.1.1). Holds as much as came,
 * up to its size; an idle connection holds none. Knows no message.
 */

import { EMPTY } from "../bytes.ts";

/** The least that is allocated: short histories grow from here by doubling. */
const SMALLEST_BUFFER = 512;

export class SlidingWindow {
  readonly #size: number;
  #buffer: Uint8Array = EMPTY;
  #filled = 0;

  /** @param size bytes, 0 for a window that remembers nothing */
  constructor(size: number) {
    this.#size = size;
  }

  /** The history, oldest first: a view that is good until the next `slide`. */
  get bytes(): Uint8Array {
    return this.#filled === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#filled);
  }

  /** `bytes` went by; they stay the caller's. */
  slide(bytes: Uint8Array): void {
    const size = this.#size;
    const added = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    const kept = Math.min(this.#filled, size - added.length);
    if (kept + added.length > this.#buffer.length) this.#grow(kept + added.length);
    if (kept < this.#filled) this.#buffer.copyWithin(0, this.#filled - kept, this.#filled);
    this.#buffer.set(added, kept);
    this.#filled = kept + added.length;
  }

  /** Forgets everything. */
  clear(): void {
    this.#buffer = EMPTY;
    this.#filled = 0;
  }

  #grow(needed: number): void {
    const buffer = new Uint8Array(Math.min(this.#size, Math.max(SMALLEST_BUFFER, needed, this.#buffer.length * 2)));
    buffer.set(this.bytes);
    this.#buffer = buffer;
  }
}
