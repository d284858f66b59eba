/**
 * A message of 2 GiB that nobody has to keep: bytes that repeat after a prime number of them, so that whoever knows where
 * it is in the message knows what comes next. Also tells what its process needed meanwhile.
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { getHeapStatistics } from "node:v8";

export const LARGE: number = 2 ** 31;

/** How many bytes there are before they repeat, and how many one part has. */
const PERIOD = 1_048_583;
const PART = 262_144;
const PATTERN = Buffer.alloc(PERIOD + PART);
for (let i = 0, seed = 1; i < PATTERN.length; i++) {
  if (i === PERIOD) seed = 1;
  PATTERN[i] = seed >>> 16;
  seed = Math.imul(seed, 1_103_515_245) + 12_345;
}

/** Its parts, made when they are asked for. */
export function largeMessage(): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === LARGE) return controller.close();
      const start = at % PERIOD;
      const length = Math.min(PART, LARGE - at);
      controller.enqueue(PATTERN.subarray(start, start + length));
      at += length;
    },
  }, { highWaterMark: 0 });
}

/** What came of it, and the most memory that was seen meanwhile. */
export interface LargeReport {
  readonly received: number;
  /** Each byte was the one that belongs there. */
  readonly isRight: boolean;
  /** Bytes. */
  readonly rss: number;
  readonly heapLimit: number;
}

/** Hands on the parts of a message, and looks at them. */
export class LargeCheck {
  #received = 0;
  #isRight = true;
  #rss = 0;

  async *through(message: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let parts = 0;
    for await (const part of message) {
      this.#look(part);
      if (parts++ % 64 === 0) this.#rss = Math.max(this.#rss, process.memoryUsage().rss);
      yield part;
    }
  }

  get report(): LargeReport {
    const { heap_size_limit: heapLimit } = getHeapStatistics();
    return { received: this.#received, isRight: this.#isRight, rss: this.#rss, heapLimit };
  }

  #look(part: Uint8Array): void {
    for (let at = 0; at < part.length; at += PART) {
      const piece = part.subarray(at, at + PART);
      const start = this.#received % PERIOD;
      if (Buffer.compare(piece, PATTERN.subarray(start, start + piece.length)) !== 0) this.#isRight = false;
      this.#received += piece.length;
    }
  }
}
