import { expect, it } from "vitest";

import { WindowBudget } from "../../src/transport/window_budget.ts";

it("gives out as much as its limit, inclusive, and again what was given back", () => {
  const windows = new WindowBudget();
  expect([windows.take(60, 100), windows.take(40, 100), windows.take(1, 100)]).toEqual([true, true, false]);
  expect(windows.used).toBe(100);
  windows.give(60);
  expect([windows.take(61, 100), windows.take(60, 100), windows.used]).toEqual([false, true, 100]);
  // None always fit, also for whoever allows less than the others have taken.
  expect([windows.take(0, 5), windows.take(1, 5), windows.used]).toEqual([true, false, 100]);
  // Who allows more may take more.
  expect(windows.take(50, 150)).toBe(true);
});
