/** What rows with compression send: JSON messages that are alike and never the same, each compressed without history. */

import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";

const COUNT = 256;

/** The messages, each behind its length in four bytes. */
export function compressedMessages(): Uint8Array {
  return Buffer.concat(Array.from({ length: COUNT }, (_, i) => {
    const payload = deflateRawSync(JSON.stringify(message(i)), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(payload.length);
    return Buffer.concat([length, payload]);
  }));
}

/** About as many prices as make 1 to 2 KiB. The numbers are random, and the same in every run. */
function message(seed: number): unknown {
  let state = seed * 2_654_435_761 + 1;
  const random = (below: number): number => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return (state >>> 0) % below;
  };
  const symbols = ["ACME", "INIT", "HOOL", "UMBR", "WAYN", "STRK", "WONK", "CYBR"];
  return {
    type: "prices",
    sequence: 1_000_000 + seed,
    at: new Date(1_790_000_000_000 + seed * 731).toISOString(),
    prices: Array.from({ length: 20 + random(8) }, () => ({
      symbol: symbols[random(symbols.length)],
      bid: random(100_000) / 100,
      ask: random(100_000) / 100,
      volume: random(1_000_000),
    })),
  };
}
