import { expect, it } from "vitest";
import { browserClock } from "../../../src/adapters/browser/browser_clock.ts";

it("afterTurn and nextTurn come behind every microtask, in the order in which they were planned", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    browserClock.afterTurn(() => order.push("after turn"));
    browserClock.nextTurn(() => {
      order.push("next turn");
      resolve();
    });
    queueMicrotask(() => {
      order.push("microtask");
      queueMicrotask(() => order.push("and its own"));
    });
  });
  expect(order).toEqual(["microtask", "and its own", "after turn", "next turn"]);
});

it("after runs once, in time, unless it is taken back", async () => {
  const before = browserClock.now();
  const cancel = browserClock.after(1, () => expect.unreachable());
  cancel();
  cancel();
  await new Promise<void>((resolve) => browserClock.after(20, resolve));
  // Timers of a millisecond's precision may come a fraction early.
  expect(browserClock.now() - before).toBeGreaterThan(18);
});
