/** The system's time and the event loop's turns, through what Node has and Deno and Bun have after it. */

import type { Clock } from "../../transport/clock.ts";

/** What is to run at the end of this turn: one step of the event loop for all of it, however many connections plan one. */
let planned: (() => void)[] = [];

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  afterTurn(run) {
    // Called from a synchronous event, `nextTick` alone would run before the microtasks.
    if (planned.push(run) === 1) queueMicrotask(() => process.nextTick(runPlanned));
  },
  nextTurn: (run) => void setImmediate(run),
};

function runPlanned(): void {
  const runs = planned;
  planned = [];
  let at = 0;
  try {
    while (at < runs.length) runs[at++]!();
  } finally {
    // One that throws is nobody's reason to forget the others.
    if (at < runs.length) {
      planned = [...runs.slice(at), ...planned];
      process.nextTick(runPlanned);
    }
  }
}
