import { describe, expect, it } from "vitest";
import { GATHER_BYTES, GatherBuffer } from "../../src/protocol/gather_buffer.ts";

/** Appends `length` bytes of `value`. */
function append(gather: GatherBuffer, value: number, length: number): void {
  gather.reserve(length);
  gather.bytes.fill(value, gather.length, gather.length + length);
  gather.length += length;
}

/** What `length` bytes of `value` look like. */
function run(value: number, length: number): number[] {
  return Array.from({ length }, () => value);
}

describe("gathering", () => {
  it("hands over exactly what was appended, in order, whatever the sizes", () => {
    for (const sizes of [[1], [3, 5], [64, 1], [700, 700, 700], [2_048], [2_049], [10_000, 30_000], [GATHER_BYTES]]) {
      const gather = new GatherBuffer();
      sizes.forEach((size, i) => append(gather, i + 1, size));
      expect(Array.from(gather.take())).toEqual(sizes.flatMap((size, i) => run(i + 1, size)));
      expect(gather.length).toBe(0);
    }
  });

  it("never writes to what it has handed over, though buffers serve again and again", () => {
    const a = new GatherBuffer();
    const b = new GatherBuffer();
    const taken: { bytes: Uint8Array; value: number; length: number }[] = [];
    let value = 0;
    for (let round = 0; round < 300; round++) {
      for (const gather of [a, b]) {
        value = value % 255 + 1;
        const length = 1 + (value * 97 + round * 31) % 3_000;
        append(gather, value, length);
        taken.push({ bytes: gather.take(), value, length });
      }
    }
    for (const { bytes, value, length } of taken) expect(Array.from(bytes)).toEqual(run(value, length));
  });

  it("serves more connections at once than there are spare buffers", () => {
    const gathers = Array.from({ length: 10 }, () => new GatherBuffer());
    gathers.forEach((gather, i) => append(gather, i + 1, 100));
    gathers.forEach((gather, i) => append(gather, i + 101, 1_000));
    gathers.forEach((gather, i) => {
      expect(Array.from(gather.take())).toEqual([...run(i + 1, 100), ...run(i + 101, 1_000)]);
    });
  });

  it("leaves the spares to others while what gathered stays", () => {
    const slow = Array.from({ length: 4 }, (_, i) => {
      const gather = new GatherBuffer();
      append(gather, i + 1, 100);
      gather.settle();
      expect(gather.bytes.length).toBe(200);
      return gather;
    });
    const other = new GatherBuffer();
    append(other, 9, 10);
    expect(other.bytes.length).toBe(GATHER_BYTES);
    other.take();
    slow.forEach((gather, i) => {
      append(gather, 50, 300);
      gather.settle();
      expect(Array.from(gather.take())).toEqual([...run(i + 1, 100), ...run(50, 300)]);
    });
  });

  it("lets a slow connection's small piece keep no more than a slab", () => {
    const gather = new GatherBuffer();
    append(gather, 1, 22);
    expect(gather.take().buffer.byteLength).toBeLessThanOrEqual(16_384);
  });

  it("starts, after much was handed over, with no more than 16 KiB", () => {
    const gather = new GatherBuffer();
    append(gather, 1, 60_000);
    gather.take();
    append(gather, 2, 10);
    expect(gather.take().buffer.byteLength).toBeLessThanOrEqual(16_384);
  });
});
