import { expect, it } from "vitest";
import { RateLimit } from "../../src/transport/rate_limit.ts";
import { ManualClock } from "../support/manual_clock.ts";

it("lets so many through in a second, and again in the next", () => {
  const clock = new ManualClock();
  const limit = new RateLimit(3, clock);
  for (let second = 0; second < 3; second++) {
    expect([limit.exceeded(), limit.exceeded(), limit.exceeded()]).toEqual([false, false, false]);
    clock.advance(1_000);
  }
  for (let i = 0; i < 3; i++) limit.exceeded();
  clock.advance(999);
  expect(limit.exceeded()).toBe(true);
});

it("forgets a slow trickle, however long it lasts", () => {
  const clock = new ManualClock();
  const limit = new RateLimit(2, clock);
  for (let i = 0; i < 1_000; i++) {
    clock.advance(600);
    expect(limit.exceeded()).toBe(false);
  }
});
