import { expect, it } from "vitest";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";

it("sums up what its shares say, and they hear whether that was more", () => {
  const budget = new BufferBudget(100);
  const [a, b] = [budget.share(), budget.share()];
  expect([a.set(10), b.set(5), budget.used]).toEqual([true, true, 15]);
  expect([a.set(3), b.set(5), budget.used]).toEqual([false, false, 8]);
});

it("is passed by what is more than the limit, inclusive, and by nobody who keeps no more than is everybody's own", () => {
  const limit = OWN_BYTES * 2;
  const budget = new BufferBudget(limit);
  const share = budget.share();
  share.set(limit);
  expect(share.isPassed()).toBe(false);
  share.set(limit + 1);
  expect([share.isPassed(), share.isPassed(OWN_BYTES), share.isPassed(OWN_BYTES + 1)]).toEqual([true, false, true]);
});

it("refuses what would pass the limit, and no share what is its own", () => {
  const budget = new BufferBudget(OWN_BYTES * 2);
  const [a, b] = [budget.share(), budget.share()];
  expect(a.refusal(OWN_BYTES, OWN_BYTES)).toBeUndefined();
  expect(a.refusal(OWN_BYTES, OWN_BYTES + 1)).toBe("too much waits for all peers");
  a.set(OWN_BYTES * 2);
  expect([b.refusal(0, OWN_BYTES), typeof b.refusal(0, OWN_BYTES + 1)]).toEqual([undefined, "string"]);
  a.discard();
  expect(budget.discarded).toBe(1);
});
