/**
 * What all connections of one listener keep in memory because of their peers (features H2), held against one limit: whoever
 * keeps something counts it here, by what it grew or shrank. Knows no connection.
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

  /** Whether all keep too much, and somebody with `own` bytes, which are counted, is to keep no more. */
  isPassedBy(own: number): boolean {
    return own > OWN_BYTES && this.used > this.limit;
  }
}
