import { describe, expect, it } from "vitest";
import { Ring } from "../../src/streams/ring.ts";

describe("Ring", () => {
  it("hands out in the order it took, across every wrap and growth", () => {
    const ring = new Ring<number>();
    const out: number[] = [];
    let next = 0;
    for (let round = 0; round < 300; round++) {
      for (let i = 0; i < round % 7 + 1; i++) ring.push(next++);
      for (let i = 0; i < round % 5 + 1; i++) {
        const item = ring.shift();
        if (item !== undefined) out.push(item);
      }
    }
    for (let item = ring.shift(); item !== undefined; item = ring.shift()) out.push(item);
    expect(next).toBeGreaterThan(1_000);
    expect(out).toEqual(Array.from({ length: next }, (_, i) => i));
  });

  it("shows the oldest without taking it", () => {
    const ring = new Ring<string>();
    expect(ring.peek()).toBeUndefined();
    ring.push("a");
    ring.push("b");
    expect([ring.peek(), ring.length, ring.shift(), ring.peek(), ring.length]).toEqual(["a", 2, "a", "b", 1]);
  });

  it("is empty after clear, and usable", () => {
    const ring = new Ring<string>();
    ring.push("a");
    ring.clear();
    expect([ring.length, ring.shift()]).toEqual([0, undefined]);
    ring.push("b");
    expect(ring.shift()).toBe("b");
  });

  it("takes a long line in linear time", () => {
    const time = (count: number): number => {
      const ring = new Ring<number>();
      const start = performance.now();
      for (let i = 0; i < count; i++) ring.push(i);
      for (let i = 0; i < count; i++) ring.shift();
      return performance.now() - start;
    };
    time(10_000);
    // A line that moves at each shift would take seconds.
    expect(time(500_000)).toBeLessThan(1_000);
  });
});
