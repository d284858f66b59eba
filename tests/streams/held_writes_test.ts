import { describe, expect, it } from "vitest";
import { HeldWrites } from "../../src/streams/held_writes.ts";

describe("HeldWrites", () => {
  it("hands out in order, counting the bytes that wait", async () => {
    const held = new HeldWrites();
    const first = held.add("é", 2);
    const second = held.add(new Uint8Array([1]), 1);
    expect([held.length, held.bytes]).toEqual([2, 3]);
    const one = held.next()!;
    expect([one.message, held.length, held.bytes]).toEqual(["é", 1, 1]);
    one.resolve();
    await first;
    held.next()!.reject(new Error("lost"));
    await expect(second).rejects.toThrow("lost");
    expect([held.next(), held.bytes]).toEqual([undefined, 0]);
  });

  it("keeps a copy of bytes, which stay the caller's", () => {
    const held = new HeldWrites();
    const bytes = new Uint8Array([1, 2]);
    void held.add(bytes, 2);
    bytes.fill(9);
    expect(held.next()!.message).toEqual(new Uint8Array([1, 2]));
  });

  it("takes a first write of any size, and no second one past the limit", () => {
    const held = new HeldWrites();
    expect(held.isFullFor(1_000, 10)).toBe(false);
    void held.add("x", 1);
    expect(held.isFullFor(1_000, 10)).toBe(true);
    expect(held.isFullFor(10, 1_000)).toBe(false);
  });

  it("bounds empty writes too", () => {
    const held = new HeldWrites();
    let count = 0;
    for (; !held.isFullFor(0, 64_000) && count < 100_000; count++) void held.add("", 0);
    expect(count).toBeLessThan(1_100);
  });
});
