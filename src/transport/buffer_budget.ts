/**
 * What all connections of one listener keep in memory because of their peers (features H2), held against one limit: whoever
 * keeps something counts it here. Knows no connection.
 */

/** Bytes that a connection may keep of a kind whatever the others do, so that few that keep much do not lock out the many. */
export const OWN_BYTES = 65_536;

export class BufferBudget {
  /** Bytes that are kept now. */
  used = 0;
  /** Messages that were not sent because too much waited for their peers, or for all. */
  discarded = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** For what one connection keeps of a kind. */
  share(): Share {
    return new Share(this);
  }
}

/** What one connection keeps of a kind. */
export class Share {
  readonly #budget: BufferBudget;
  #bytes = 0;
  #isReleased = false;

  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  /** Says how many bytes are kept now. True: more than before. */
  set(bytes: number): boolean {
    if (this.#isReleased) return false;
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    this.#budget.used += more;
    return more > 0;
  }

  /** Nothing is counted any more: the connection is gone. */
  release(): void {
    this.set(0);
    this.#isReleased = true;
  }

  /** Whether all keep too much, and one with `own` bytes is to keep no more; by default those that were said last. */
  isPassed(own: number = this.#bytes): boolean {
    return own > OWN_BYTES && this.#budget.used > this.#budget.limit;
  }

  /** Why one that keeps `own` bytes now is not to keep `more`; undefined: it may. */
  refusal(own: number, more: number): string | undefined {
    this.set(own);
    const fits = own + more <= OWN_BYTES || this.#budget.used + more <= this.#budget.limit;
    return fits ? undefined : "too much waits for all peers";
  }

  /** Counts a message that was not sent. */
  discard(): void {
    this.#budget.discarded++;
  }
}
