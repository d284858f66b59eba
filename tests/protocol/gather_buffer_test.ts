import { describe, expect, it } from "vitest";

import { GATHER_BYTES, GatherBuffer } from "../../src/protocol/gather_buffer.ts";
import { Random } from "../support/random.ts";

/** Appends `count` bytes of `value`. */
function append(gather: GatherBuffer, value: number, count: number): void {
  gather.reserve(count);
  gather.bytes.fill(value, gather.length, gather.length + count);
  gather.length += count;
}

function isAll(bytes: Uint8Array, value: number, count: number): boolean {
  return bytes.length === count && bytes.every((byte) => byte === value);
}

describe("GatherBuffer", () => {
  it("hands over what was appended, once, and begins anew", () => {
    const gather = new GatherBuffer();
    append(gather, 1, 3);
    append(gather, 2, 2);
    expect(gather.length).toBe(5);
    expect([...gather.take()]).toEqual([1, 1, 1, 2, 2]);
    expect(gather.length).toBe(0);
    append(gather, 3, 1);
    expect([...gather.take()]).toEqual([3]);
  });

  it("holds as much as it says", () => {
    const gather = new GatherBuffer();
    append(gather, 7, GATHER_BYTES);
    expect(isAll(gather.take(), 7, GATHER_BYTES)).toBe(true);
  });

  it("keeps what is there when it grows, however it grows", () => {
    // More at once than there are spare buffers.
    const many = Array.from({ length: 6 }, () => new GatherBuffer());
    for (let size = 1; size <= 16_384; size *= 4) many.forEach((gather, i) => append(gather, i, size));
    for (const [i, gather] of many.entries()) expect(isAll(gather.take(), i, 21_845)).toBe(true);
  });

  it("gives away what nobody else writes, reads or gives away", () => {
    const random = new Random(11);
    const gathers = Array.from({ length: 5 }, () => new GatherBuffer());
    const open = gathers.map(() => ({ value: 0, count: 0 }));
    const taken: { bytes: Uint8Array; value: number; count: number }[] = [];
    for (let round = 0; round < 3_000; round++) {
      const i = random.below(gathers.length);
      const [gather, state] = [gathers[i]!, open[i]!];
      if (state.count === 0) state.value = round % 251;
      const size = random.oneIn(20) ? random.length(5_000) : random.below(100);
      if (state.count + size <= 20_000) {
        append(gather, state.value, size);
        state.count += size;
      }
      if (!random.oneIn(3) || state.count === 0) continue;
      taken.push({ bytes: gather.take(), value: state.value, count: state.count });
      state.count = 0;
      // Whoever was given bytes may do with them as it likes.
      if (random.oneIn(4)) {
        const given = random.pick(taken);
        given.value = 252 + random.below(4);
        given.bytes.fill(given.value);
      }
    }
    expect(taken.length).toBeGreaterThan(500);
    expect(taken.filter(({ bytes, value, count }) => !isAll(bytes, value, count))).toEqual([]);
  });
});
