/** What a connection has read and not handed on yet, as it counts among all of its listener (features H2). */

import type { BufferBudget } from "../transport/buffer_budget.ts";

/** Bytes that came and were not handed on. */
export interface Input {
  /** All of them: of a message that is not whole, and what waits behind a pause. */
  readonly held: number;
  /** Of a message that is not whole. */
  readonly assembled: number;
}

export class HeldInput {
  readonly #buffers: BufferBudget;
  #counted = 0;

  constructor(buffers: BufferBudget) {
    this.#buffers = buffers;
  }

  /** To be called after each change. True: all connections keep too much, and this one asks for more than its own. */
  isTooMuch({ held, assembled }: Input): boolean {
    const more = held - this.#counted;
    if (more === 0) return false;
    this.#counted = held;
    this.#buffers.used += more;
    // What waits behind a pause was held back in time, and is no reason to give up.
    return more > 0 && this.#buffers.isPassedBy(assembled);
  }

  /** The connection is gone. */
  release(): void {
    this.#buffers.used -= this.#counted;
    this.#counted = 0;
  }
}
