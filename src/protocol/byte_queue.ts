/**
 * The bytes that came and were not read yet. The front chunk is a window that its reader walks through; a header that
 * two chunks share is made whole by joining them. Knows no frames.
 */

import { concat, EMPTY } from "../bytes.ts";

/** What nobody has added to yet: most queues never hold a second chunk. */
const NO_CHUNKS: Uint8Array[] = [];

export class ByteQueue {
  /** The front chunk, its next unread byte, and its end. Read and advanced by the frame reader. */
  bytes: Uint8Array = EMPTY;
  at = 0;
  end = 0;
  /** What came while the reader stood still. As long as it does, its source is paused. */
  #later = NO_CHUNKS;

  /** Nothing is left to read. */
  get empty(): boolean {
    return this.at === this.end && this.#later.length === 0;
  }

  /** Bytes that are left to read. */
  get size(): number {
    let size = this.end - this.at;
    for (const chunk of this.#later) size += chunk.length;
    return size;
  }

  /** `chunk` is the queue's from now on, and may be unmasked in place. */
  push(chunk: Uint8Array): void {
    if (this.at === this.end && this.#later.length === 0) this.#front(chunk);
    else if (this.#later === NO_CHUNKS) this.#later = [chunk];
    else this.#later.push(chunk);
  }

  /**
   * Lets the window hold at least `count` bytes, by joining the next chunk to what is left; false when there is none.
   * Asked for headers only, so that what is copied is the next chunk once, and never a payload again and again.
   */
  fill(count: number): boolean {
    while (this.end - this.at < count) {
      const next = this.#later.shift();
      if (next === undefined) return false;
      this.#front(this.at === this.end ? next : concat(this.bytes.subarray(this.at, this.end), next));
    }
    return true;
  }

  /** Lets go of a chunk that is read to its end: an idle connection keeps none. */
  release(): void {
    if (this.at === this.end) this.#front(EMPTY);
  }

  clear(): void {
    this.#front(EMPTY);
    this.#later = NO_CHUNKS;
  }

  #front(chunk: Uint8Array): void {
    this.bytes = chunk;
    this.at = 0;
    this.end = chunk.length;
  }
}
