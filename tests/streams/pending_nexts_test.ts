import { describe, expect, it } from "vitest";
import { ReadTimedOutError } from "../../src/errors.ts";
import { END, PendingNexts, readTimedOut } from "../../src/streams/pending_nexts.ts";
import { ManualClock } from "../support/manual_clock.ts";

function start(readMs = Infinity) {
  const clock = new ManualClock();
  let timedOut = 0;
  const nexts = new PendingNexts<string>({ clock, readMs }, () => timedOut++);
  return { clock, nexts, timedOut: () => timedOut };
}

const value = (item: string) => ({ value: item, done: false as const });

describe("PendingNexts (C2)", () => {
  it("hands out the oldest first, each settled by whoever takes it", async () => {
    const { nexts, clock } = start();
    const calls = [nexts.add(), nexts.add()];
    expect([nexts.length, clock.timers]).toEqual([2, 0]);
    nexts.shift()!(value("a"));
    nexts.shift()!(Promise.resolve(value("b")));
    expect([nexts.shift(), nexts.length]).toEqual([undefined, 0]);
    expect(await Promise.all(calls)).toEqual([value("a"), value("b")]);
  });

  it("settles the oldest with the end's own result, and the others with the end", async () => {
    const { nexts, clock } = start(1_000);
    const calls = [nexts.add(), nexts.add(), nexts.add()];
    nexts.end(Promise.reject(new Error("lost")));
    expect(await Promise.allSettled(calls)).toEqual([
      { status: "rejected", reason: new Error("lost") },
      { status: "fulfilled", value: END },
      { status: "fulfilled", value: END },
    ]);
    expect([nexts.length, clock.timers]).toEqual([0, 0]);
    nexts.end(END);
  });

  it("has one timer, which each item starts anew, and which ends with the last that waits (C7)", () => {
    const { nexts, clock, timedOut } = start(1_000);
    void nexts.add();
    void nexts.add();
    expect(clock.timers).toBe(1);
    clock.advance(900);
    nexts.shift()!(value("a"));
    clock.advance(900);
    expect([timedOut(), clock.timers]).toEqual([0, 1]);
    clock.advance(100);
    expect(timedOut()).toBe(1);
    nexts.shift()!(value("b"));
    expect(clock.timers).toBe(0);
  });

  it("says in its error what was waited for, and for how long", () => {
    expect(readTimedOut(1_500)).toEqual(new ReadTimedOutError("Cannot read a message: none came within 1.5 s"));
    expect(readTimedOut(20, "Cannot wait").message).toBe("Cannot wait: none came within 0.02 s");
  });
});
