/**
 * How many connections a listener may have (features H2): in all, and with one address. Counts, and decides nothing else.
 */

import { networkOf } from "../handshake/ip_range.ts";

/** What a place is refused for. */
export type NoPlace = "all" | "address";

/** Limits of 0 are none. */
export interface PlaceLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

export class Places {
  readonly #limits: PlaceLimits;
  #taken = 0;
  /** Of each network that has any, and only where there is a limit. */
  readonly #takenBy = new Map<string, number>();

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a place for a connection with `address`, undefined for one that has none, such as over a Unix socket: that
   * counts in all, and for no address. Whoever took it gives it back, once; whoever was refused took none.
   */
  take(address: string | undefined): NoPlace | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    if (maxConnections > 0 && this.#taken >= maxConnections) return "all";
    const network = this.#networkOf(address);
    if (network !== undefined) {
      const taken = this.#takenBy.get(network) ?? 0;
      if (taken >= maxConnectionsPerAddress) return "address";
      this.#takenBy.set(network, taken + 1);
    }
    this.#taken++;
    return undefined;
  }

  /** Gives back a place that was taken for `address`. */
  giveBack(address: string | undefined): void {
    this.#taken--;
    const network = this.#networkOf(address);
    if (network === undefined) return;
    const left = (this.#takenBy.get(network) ?? 0) - 1;
    if (left > 0) this.#takenBy.set(network, left);
    else this.#takenBy.delete(network);
  }

  #networkOf(address: string | undefined): string | undefined {
    if (this.#limits.maxConnectionsPerAddress === 0 || address === undefined) return undefined;
    return networkOf(address);
  }
}
