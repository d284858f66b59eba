/** What a connection has read and not handed on yet, as it counts among all of its listener (features H2). */

import type { BufferBudget, Share } from "../transport/buffer_budget.ts";

/** Bytes that came and were not handed on. */
export interface Input {
  /** All of them: of a message that is not whole, and what waits behind a pause. */
  readonly held: number;
  /** Of a message that is not whole. */
  readonly assembled: number;
}

export class HeldInput {
  readonly #share: Share;

  constructor(buffers: BufferBudget) {
    this.#share = buffers.share();
  }

  /** To be called after each change. True: all connections keep too much, and this one asks for more than its own. */
  isTooMuch({ held, assembled }: Input): boolean {
    // What waits behind a pause was held back in time, and is no reason to give up.
    return this.#share.set(held) && this.#share.isPassed(assembled);
  }

  /** Nothing more is read. */
  release(): void {
    this.#share.release();
  }
}
