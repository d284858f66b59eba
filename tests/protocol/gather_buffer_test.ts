import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ByteOutput, GatherBuffer as Gather } from "../../src/protocol/gather_buffer.ts";

let GatherBuffer: new () => Gather;
let GATHER_BYTES: number;

// Spares of our own: those of the process may lie in connections that other tests left behind.
beforeEach(async () => {
  vi.resetModules();
  ({ GatherBuffer, GATHER_BYTES } = await import("../../src/protocol/gather_buffer.ts"));
});

/** Appends `length` bytes of `value`. */
function append(gather: Gather, value: number, length: number): void {
  gather.reserve(length);
  gather.bytes.fill(value, gather.length, gather.length + length);
  gather.length += length;
}

/** What `gather` hands over to somebody who keeps it. */
function take(gather: Gather): Uint8Array {
  const taken: Uint8Array[] = [];
  gather.flush({ eager: false, write: (bytes) => taken.push(bytes) === 0 });
  expect(taken).toHaveLength(1);
  return taken[0]!;
}

/** Reads at once, as long as it is not told otherwise, and remembers what it was handed over. */
class Eager implements ByteOutput {
  readonly eager = true;
  readsAtOnce = true;
  readonly given: Uint8Array[] = [];
  readonly read: number[][] = [];

  write(bytes: Uint8Array): boolean {
    this.given.push(bytes);
    if (this.readsAtOnce) this.read.push(Array.from(bytes));
    return this.readsAtOnce;
  }
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
      expect(Array.from(take(gather))).toEqual(sizes.flatMap((size, i) => run(i + 1, size)));
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
        taken.push({ bytes: take(gather), value, length });
      }
    }
    for (const { bytes, value, length } of taken) expect(Array.from(bytes)).toEqual(run(value, length));
  });

  it("serves more connections at once than there are spare buffers", () => {
    const gathers = Array.from({ length: 10 }, () => new GatherBuffer());
    gathers.forEach((gather, i) => append(gather, i + 1, 100));
    gathers.forEach((gather, i) => append(gather, i + 101, 1_000));
    gathers.forEach((gather, i) => {
      expect(Array.from(take(gather))).toEqual([...run(i + 1, 100), ...run(i + 101, 1_000)]);
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
    take(other);
    slow.forEach((gather, i) => {
      append(gather, 50, 300);
      gather.settle();
      expect(Array.from(take(gather))).toEqual([...run(i + 1, 100), ...run(50, 300)]);
    });
  });

  it("lets a slow connection's small piece keep no more than a slab", () => {
    const gather = new GatherBuffer();
    append(gather, 1, 22);
    expect(take(gather).buffer.byteLength).toBeLessThanOrEqual(16_384);
  });

  it("starts, after much was handed over, with no more than 16 KiB", () => {
    const gather = new GatherBuffer();
    append(gather, 1, 60_000);
    take(gather);
    append(gather, 2, 10);
    expect(take(gather).buffer.byteLength).toBeLessThanOrEqual(16_384);
  });

  it("has nothing to hand over before anything is appended", () => {
    const output = new Eager();
    new GatherBuffer().flush(output);
    expect(output.given).toEqual([]);
  });

  it("lends the same buffer again and again to who reads at once, however much it was", () => {
    const output = new Eager();
    const gather = new GatherBuffer();
    for (const [value, length] of [[1, 20], [2, 700], [3, 8_000], [4, 60_000], [5, 3]] as const) {
      append(gather, value, length);
      gather.flush(output);
      expect(gather.length).toBe(0);
      expect(output.read.at(-1)).toEqual(run(value, length));
    }
    expect(new Set(output.given.map((bytes) => bytes.buffer)).size).toBe(1);
  });

  it("never writes again to what was lent and kept", () => {
    const output = new Eager();
    const gather = new GatherBuffer();
    output.readsAtOnce = false;
    for (let value = 1; value <= 5; value++) {
      append(gather, value, 100 * value);
      gather.flush(output);
    }
    expect(output.given.map((bytes) => Array.from(bytes))).toEqual([1, 2, 3, 4, 5].map((v) => run(v, 100 * v)));
    // And the next finds as large a buffer as ever.
    append(gather, 6, 1);
    expect(gather.bytes.length).toBe(GATHER_BYTES);
    gather.flush(output);
  });
});

describe("what many send", () => {
  const [one, two, three] = [1, 2, 3].map((value) => new Uint8Array(value * 100).fill(value)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const wire = (...frames: Uint8Array[]): number[] => frames.flatMap((frame) => Array.from(frame));

  /** As many as there are `plans`: each takes those of the frames that its plan names, as they come to all of them. */
  function broadcast(...plans: Uint8Array[][]): Gather[] {
    const gathers = plans.map(() => new GatherBuffer());
    for (const frame of [one, two, three]) {
      gathers.forEach((gather, i) => {
        if (plans[i]!.includes(frame)) expect(gather.share(frame)).toBe(true);
      });
    }
    return gathers;
  }

  it("S12: goes out as it is, and joined once for all whose frames are the same", () => {
    const all = [one, two, three];
    const taken = broadcast([one], [one], all, [one, three], all, [one, three], [two, three], all).map(take);
    expect(taken[0]).toBe(one);
    expect(taken[1]).toBe(one);
    expect(taken.map((bytes) => Array.from(bytes))).toEqual(
      [[one], [one], all, [one, three], all, [one, three], [two, three], all].map((frames) => wire(...frames)),
    );
    expect(taken[4]).toBe(taken[2]);
    expect(taken[7]).toBe(taken[2]);
    expect(taken[5]).toBe(taken[3]);
  });

  it("is copied as soon as something else joins it, before or behind, and never written to", () => {
    const [plain, behind, settled, alone] = broadcast([one, two], [one, two], [one, two], [one]);
    append(behind!, 9, 10);
    expect(behind!.share(three)).toBe(false);
    for (const gather of [settled!, alone!]) {
      gather.settle();
      expect(gather.share(three)).toBe(false);
      append(gather, 8, 5);
    }
    expect(Array.from(take(behind!))).toEqual([...wire(one, two), ...run(9, 10)]);
    expect(Array.from(take(settled!))).toEqual([...wire(one, two), ...run(8, 5)]);
    expect(Array.from(take(alone!))).toEqual([...wire(one), ...run(8, 5)]);
    expect(Array.from(take(plain!))).toEqual(wire(one, two));
    expect(wire(one)).toEqual(run(1, 100));
  });

  it("is kept by slow ones in one copy", () => {
    const slow = broadcast([one, two], [one, two], [one], [one]);
    for (const gather of slow) gather.settle();
    const taken = slow.map(take);
    expect(taken[1]).toBe(taken[0]);
    expect(taken[3]).toBe(one);
  });
});
