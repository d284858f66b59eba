import { AsyncLocalStorage } from "node:async_hooks";
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

it("afterTurn runs what is planned together in one step, all of it also when one throws", async () => {
  const order: string[] = [];
  const uncaught = new Promise<unknown>((resolve) => {
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => {
      for (const listener of listeners) process.on("uncaughtException", listener);
      resolve(error);
    });
  });
  const error = new Error("one of them");
  const shared = (run: () => void): void => systemClock.afterTurn(run, true);
  shared(() => order.push("first"));
  shared(() => {
    throw error;
  });
  await new Promise<void>((resolve) => {
    shared(() => {
      order.push("last");
      resolve();
    });
  });
  expect([order, await uncaught]).toEqual([["first", "last"], error]);
});

it("afterTurn runs with what its own caller keeps in an AsyncLocalStorage, unless it is shared", async () => {
  const whose = new AsyncLocalStorage<string>();
  const plan = (name: string): Promise<string | undefined> =>
    whose.run(name, () =>
      new Promise((resolve) => {
        systemClock.afterTurn(() => {}, true);
        systemClock.afterTurn(() => resolve(whose.getStore()));
      }));
  expect(await Promise.all(["ada", "bob"].map(plan))).toEqual(["ada", "bob"]);
});

it("afterTurn takes no part in a test that puts its own queue in the place of the runtime's", async () => {
  const { queueMicrotask } = globalThis;
  globalThis.queueMicrotask = () => {};
  const first = new Promise<void>((resolve) => systemClock.afterTurn(resolve, true));
  globalThis.queueMicrotask = queueMicrotask;
  await Promise.all([first, new Promise<void>((resolve) => systemClock.afterTurn(resolve, true))]);
});
