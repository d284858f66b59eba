import { describe, expect, it } from "vitest";
import { WriteTimedOutError } from "../../src/errors.ts";
import { HeldWrites, inTime } from "../../src/streams/held_writes.ts";
import { ManualClock } from "../support/manual_clock.ts";

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

  it("fits within a limit to the byte, the first write too", () => {
    const held = new HeldWrites();
    expect([held.fits(36, 100), held.fits(37, 100), held.fits(0, 63)]).toEqual([true, false, false]);
    void held.add("", 0);
    expect([held.fits(0, 128), held.fits(0, 127)]).toEqual([true, false]);
  });

  it("hands a write on to another one, which settles it, and knows since when it waits", async () => {
    const [one, other] = [new HeldWrites(), new HeldWrites()];
    const written = one.add("ab", 2, false, 7);
    other.put(one.next()!);
    expect([one.bytes, other.bytes, other.length]).toEqual([0, 2, 1]);
    expect(other.peek()).toMatchObject({ message: "ab", compress: false, since: 7 });
    other.next()!.resolve();
    await written;
  });
});

describe("moveTo", () => {
  it("moves what is wanted, in order, and lets go of the rest", async () => {
    const [from, to] = [new HeldWrites(), new HeldWrites()];
    void from.add("a", 1);
    const unwanted = from.add("bb", 2, true, 0, () => false);
    void from.add("ccc", 3, true, 0, () => true);
    from.moveTo(to);
    await unwanted;
    expect([from.length, from.bytes, to.length, to.bytes]).toEqual([0, 0, 2, 4]);
    expect([to.next()?.message, to.next()?.message]).toEqual(["a", "ccc"]);
  });
});

describe("inTime", () => {
  it("is the promise itself where there is no limit", () => {
    const room = Promise.resolve();
    expect(inTime(room, Infinity, new ManualClock())).toBe(room);
  });

  it("settles as it does in time, and then leaves no timer", async () => {
    const clock = new ManualClock();
    await inTime(Promise.resolve(), 1_000, clock);
    await expect(inTime(Promise.reject(new Error("lost")), 1_000, clock)).rejects.toThrow("lost");
    await clock.settle();
    expect(clock.timers).toBe(0);
  });

  it("rejects when time is up, and ends no process when nobody hears it", async () => {
    const clock = new ManualClock();
    const late = inTime(new Promise(() => {}), 1_000, clock);
    void inTime(new Promise(() => {}), 1_000, clock);
    await clock.pass(1_000);
    await expect(late).rejects.toThrow(new WriteTimedOutError("Cannot send a message: the peer took none within 1 s"));
  });
});
