import { describe, expect, it } from "vitest";

import { ManualClock } from "./manual_clock.ts";

describe("ManualClock", () => {
  it("runs timers in the order of their times, then of their making, each at its own time", () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.now()}`);
    clock.after(20, note("late"));
    clock.after(10, note("first"));
    clock.after(10, note("second"));
    clock.after(30, note("not yet"));
    clock.advance(20);
    expect(seen).toEqual(["first@10", "second@10", "late@20"]);
    expect(clock.now()).toBe(20);
    expect(clock.timers).toBe(1);
  });

  it("runs a timer that a timer planned, when it is due on the way", () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const tick = () => {
      seen.push(clock.now());
      clock.after(10, tick);
    };
    clock.after(10, tick);
    clock.advance(35);
    expect(seen).toEqual([10, 20, 30]);
  });

  it("does not run what was cancelled", () => {
    const clock = new ManualClock();
    let runs = 0;
    const cancel = clock.after(1, () => runs++);
    cancel();
    clock.advance(10);
    cancel();
    expect(runs).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("ends a turn before the next one begins", () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    clock.nextTurn(() => {
      seen.push("next");
      clock.afterTurn(() => seen.push("after next"));
    });
    clock.nextTurn(() => {
      seen.push("other");
      clock.nextTurn(() => seen.push("one more"));
    });
    clock.afterTurn(() => {
      seen.push("after");
      clock.afterTurn(() => seen.push("after after"));
    });
    clock.endTurn();
    expect(seen.splice(0)).toEqual(["after", "after after"]);
    clock.runTurn();
    expect(seen.splice(0)).toEqual(["next", "after next", "other"]);
    clock.advance(0);
    expect(seen).toEqual(["one more"]);
    expect(clock.hasTurns).toBe(false);
  });

  it("lets promises have their turn between timers", async () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    const wait = () => new Promise<void>((resolve) => void clock.after(10, resolve));
    const work = (async () => {
      for (let round = 0; round < 3; round++) {
        await wait();
        seen.push(clock.now());
      }
      await new Promise<void>((resolve) => clock.nextTurn(resolve));
      seen.push(-1);
    })();
    await clock.pass(30);
    expect(seen).toEqual([10, 20, 30, -1]);
    await work;
  });

  it("says so when it would never end", () => {
    const clock = new ManualClock();
    const again = () => clock.nextTurn(again);
    again();
    expect(() => clock.runTurns()).toThrow("Cannot run all turns");
    expect(() => new ManualClock().after(NaN, () => {})).toThrow(RangeError);
  });
});
