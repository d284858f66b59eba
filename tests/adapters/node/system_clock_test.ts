import { expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/node/system_clock.ts";

it("afterTurn comes behind every microtask, those they queue too, and before the I/O; nextTurn behind that", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    // From an event of the loop, as a socket's are.
    setTimeout(() => {
      systemClock.nextTurn(() => {
        order.push("next turn");
        resolve();
      });
      systemClock.afterTurn(() => order.push("after turn"));
      queueMicrotask(() => {
        order.push("microtask");
        queueMicrotask(() => order.push("and its own"));
      });
      order.push("event");
    }, 0);
  });
  expect(order).toEqual(["event", "microtask", "and its own", "after turn", "next turn"]);
});

it("after runs once, in time, unless it is taken back", async () => {
  const before = systemClock.now();
  const cancel = systemClock.after(1, () => expect.unreachable());
  cancel();
  cancel();
  await new Promise<void>((resolve) => systemClock.after(20, resolve));
  // Timers of a millisecond's precision may come a fraction early.
  expect(systemClock.now() - before).toBeGreaterThan(18);
});
