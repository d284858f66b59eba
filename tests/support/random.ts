/** A small random generator that says the same for the same seed (mulberry32), and what tests draw from it. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` − 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000 * below);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Text of every UTF-8 length, without a lone surrogate. */
  text(length: number): string {
    return Array.from({ length }, () => this.pick(CHARACTERS)).join("");
  }

  /** A length that likes to stand at a border of the frame format. */
  length(most: number): number {
    const drawn = this.oneIn(3) ? this.pick(BORDERS) : this.below(200);
    return Math.min(drawn, most);
  }
}

const CHARACTERS = [
  "a",
  "z",
  " ",
  "\u0000",
  "\u007f",
  "é",
  "\u0080",
  "\u07ff",
  "€",
  "\uffff",
  "\ufeff",
  "𝄞",
  "\u{10ffff}",
];
const BORDERS = [0, 1, 2, 3, 4, 7, 124, 125, 126, 127, 128, 1023, 65_535, 65_536, 65_537];
