import { describe, expect, it, vi } from "vitest";

import { BLOCK_BYTES, copyByVector, maskByVector } from "../../src/protocol/vector_mask.ts";
import { KEY, xor } from "../support/frames.ts";
import { sameBytes } from "../support/hex.ts";
import { Random } from "../support/random.ts";

const random = new Random(1);
const KEYS: readonly (readonly number[])[] = [KEY, [0, 0, 0, 0], [255, 255, 255, 255], [128, 0, 0, 1], [0, 0, 0, 9]];

function numberOf(key: readonly number[]): number {
  return new DataView(Uint8Array.from(key).buffer).getInt32(0);
}

describe("masking by vectors", () => {
  it("is what this runtime does, and what the plain loop does, below, at and above a block", () => {
    const source = random.bytes(2 * BLOCK_BYTES + 100);
    for (
      const length of [0, 1, 31, 32, 33, 1_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 7]
    ) {
      for (const start of [0, 1, 5]) {
        for (const key of KEYS) {
          const masked = xor(source.subarray(start, start + length), key);
          const bytes = source.slice();
          expect(maskByVector(bytes, start, start + length, numberOf(key))).toBe(true);
          const expected = source.slice();
          expected.set(masked, start);
          expect(sameBytes(bytes, expected), `${length} at ${start}`).toBe(true);
          if (length > BLOCK_BYTES) continue;
          const copy = copyByVector(source, start, start + length, numberOf(key))!;
          expect(sameBytes(copy, masked), `${length} at ${start}`).toBe(true);
          expect(copy.buffer.byteLength).toBe(length);
        }
      }
    }
  });

  it("says no, and changes nothing, where nothing can be compiled", async () => {
    vi.resetModules();
    vi.stubGlobal("WebAssembly", undefined);
    try {
      const { copyByVector, maskByVector } = await import("../../src/protocol/vector_mask.ts");
      const bytes = random.bytes(100);
      const before = bytes.slice();
      expect([maskByVector(bytes, 0, 100, 1), copyByVector(bytes, 0, 100, 1)]).toEqual([false, undefined]);
      expect(sameBytes(bytes, before)).toBe(true);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
