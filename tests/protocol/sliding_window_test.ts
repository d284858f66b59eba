import { describe, expect, it } from "vitest";

import { SlidingWindow } from "../../src/protocol/sliding_window.ts";
import { joined } from "../support/frames.ts";
import { sameBytes } from "../support/hex.ts";
import { Random } from "../support/random.ts";

describe("SlidingWindow", () => {
  it("holds the last bytes that went by, up to its size, however they came", () => {
    const random = new Random(7);
    for (const size of [1, 3, 512, 513, 4_096]) {
      const window = new SlidingWindow(size);
      let all = new Uint8Array(0);
      for (let i = 0; i < 60; i++) {
        const bytes = random.bytes(random.below(random.pick([2, size, 3 * size])));
        const before = bytes.slice();
        window.slide(bytes);
        expect(sameBytes(bytes, before)).toBe(true);
        all = joined([all, bytes]).slice(-size);
        if (!sameBytes(window.bytes, all)) expect(Array.from(window.bytes)).toEqual(Array.from(all));
      }
    }
  });

  it("does not change with what was slid into it", () => {
    const window = new SlidingWindow(8);
    const bytes = Uint8Array.of(1, 2, 3);
    window.slide(bytes);
    bytes.fill(9);
    expect(Array.from(window.bytes)).toEqual([1, 2, 3]);
  });

  it("never keeps more than its size, and nothing before something came or when it is cleared", () => {
    const window = new SlidingWindow(4_096);
    expect(window.bytes.buffer.byteLength).toBe(0);
    window.slide(new Uint8Array(10));
    expect(window.bytes.buffer.byteLength).toBe(512);
    for (let i = 0; i < 20; i++) window.slide(new Uint8Array(700));
    expect([window.bytes.length, window.bytes.buffer.byteLength]).toEqual([4_096, 4_096]);
    window.clear();
    expect([window.bytes.length, window.bytes.buffer.byteLength]).toEqual([0, 0]);
    window.slide(new Uint8Array(3_000));
    window.slide(new Uint8Array(500));
    expect(window.bytes.buffer.byteLength).toBe(4_096);
    const none = new SlidingWindow(0);
    none.slide(new Uint8Array(10));
    expect(none.bytes.length).toBe(0);
  });
});
