/** Bytes that differ at every place and that no compression makes smaller, in chunks of random sizes; the same each time. */

/** `length` bytes of an endless sequence, from its place `at` on. */
export function mixed(at: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => Math.imul((at + i) ^ (at + i) >>> 7, 0x9e3779b1) >>> 24);
}

/** Sizes of chunks from 0 to about 64 KiB, small ones more often. */
export class Sizes {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = Math.imul(this.#state, 1_664_525) + 1_013_904_223 | 0;
    const bits = this.#state >>> 28;
    return (this.#state >>> 8) % (1 << bits + 1);
  }
}

/** A digest of chunks as if they were one (FNV-1a, twice): for what a page without HTTPS has, which is no WebCrypto. */
export class DigestOf {
  #one = 0x811c9dc5;
  #other = 0x01000193;
  #length = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.#one = Math.imul(this.#one ^ byte, 0x01000193);
      this.#other = Math.imul(this.#other + byte, 0x9e3779b1) ^ this.#one >>> 15;
    }
    this.#length += bytes.length;
  }

  hex(): string {
    return [this.#one, this.#other, this.#length].map((part) => (part >>> 0).toString(16)).join("-");
  }
}
