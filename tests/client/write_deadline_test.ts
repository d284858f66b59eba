import { describe, expect, it } from "vitest";
import { inTime } from "../../src/client/write_deadline.ts";
import { WriteTimedOutError } from "../../src/errors.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { deferred } from "../support/on_sockets.ts";

describe("inTime (C7)", () => {
  it("plans nothing where there is room, or no limit", async () => {
    const clock = new ManualClock();
    await inTime(undefined, 1_000, clock);
    const { promise } = deferred();
    expect(inTime(promise, Infinity, clock)).toBe(promise);
    expect(clock.timers).toBe(0);
  });

  it("settles as the room does, and leaves no timer", async () => {
    const clock = new ManualClock();
    const { promise, resolve } = deferred();
    const written = inTime(promise, 1_000, clock);
    expect(clock.timers).toBe(1);
    resolve();
    await written;
    await expect(inTime(Promise.reject(new Error("lost")), 1_000, clock)).rejects.toThrow("lost");
    await clock.settle();
    expect(clock.timers).toBe(0);
  });

  it("rejects when it takes too long, which may go unheard", async () => {
    const clock = new ManualClock();
    const { promise } = deferred();
    const written = inTime(promise, 1_500, clock);
    // An unhandled rejection fails the run.
    await clock.pass(1_500);
    await expect(written).rejects.toThrow(
      new WriteTimedOutError("Cannot send a message: the peer took none within 1.5 s"),
    );
  });
});
