/** The page's time. Its turns are timers: nothing here waits for them often. */

import type { Clock } from "../../transport/clock.ts";

export const browserClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  afterTurn: (run) => void setTimeout(run, 0),
  nextTurn: (run) => void setTimeout(run, 0),
};
