/** The system's time and the event loop's turns, through what Node has and Deno and Bun have after it. */

import type { Clock } from "../../transport/clock.ts";

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  // Called from a synchronous event, `nextTick` alone would run before the microtasks.
  afterTurn: (run) => queueMicrotask(() => process.nextTick(run)),
  nextTurn: (run) => void setImmediate(run),
};
