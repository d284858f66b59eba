import { expect, it } from "vitest";
import { atExpiry } from "../../src/service/expiry.ts";
import { ManualClock } from "../support/manual_clock.ts";

function plan(secondsFromNow: number) {
  const clock = new ManualClock();
  const waits: number[] = [];
  let ran = 0;
  const counted = Object.assign(Object.create(clock), {
    after: (ms: number, run: () => void) => {
      waits.push(ms);
      return clock.after(ms, run);
    },
    now: () => clock.now(),
  });
  const today = 1_700_000_000_000;
  const cancel = atExpiry(counted, today / 1_000 + secondsFromNow, today, () => ran++);
  return { clock, cancel, waits, ran: () => ran };
}

it("comes when it is time, and once", () => {
  const { clock, ran } = plan(5.5);
  clock.advance(5_499);
  expect(ran()).toBe(0);
  clock.advance(1);
  expect(ran()).toBe(1);
  clock.advance(1e6);
  expect([ran(), clock.timers]).toEqual([1, 0]);
});

it("comes at once when it is over, but not from inside the call", () => {
  const { clock, ran } = plan(-10);
  expect(ran()).toBe(0);
  clock.advance(0);
  expect(ran()).toBe(1);
});

it("comes after longer than a timer can wait, which would fire at once", () => {
  const days = 100 * 86_400;
  const { clock, ran, waits } = plan(days);
  clock.advance(days * 1_000 - 1);
  expect(ran()).toBe(0);
  expect(Math.max(...waits)).toBeLessThan(2 ** 31);
  clock.advance(1);
  expect(ran()).toBe(1);
});

it("does not come when it is taken back, in whichever wait", () => {
  for (const passed of [0, 2_500_000]) {
    const { clock, cancel, ran } = plan(5_000_000);
    clock.advance(passed * 1_000);
    cancel();
    expect(clock.timers).toBe(0);
    clock.advance(1e10);
    expect(ran()).toBe(0);
  }
});
