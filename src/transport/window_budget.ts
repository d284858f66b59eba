/** How much history all connections of a process keep together. Counted whole from the handshake on: no history grows past it. */

export class WindowBudget {
  /** Bytes that are spoken for. */
  used = 0;

  /** Speaks for `bytes`, unless that would make more than `limit`: then false, and nothing changes. None always fit. */
  take(bytes: number, limit: number): boolean {
    if (bytes > 0 && this.used + bytes > limit) return false;
    this.used += bytes;
    return true;
  }

  /** They are free again. */
  give(bytes: number): void {
    this.used -= bytes;
  }
}
