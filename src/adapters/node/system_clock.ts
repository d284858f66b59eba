/** The system's time and the event loop's turns, through what Node has and Deno and Bun have after it. */

import type { Clock } from "../../transport/clock.ts";

// As they are now: a test that puts timers of its own in their place, and takes them back, would lose what was planned for
// all connections.
const { queueMicrotask } = globalThis;
const { nextTick } = process;

/** What is to run at the end of this turn: one step of the event loop for all of it, however many connections plan one. */
let planned: (() => void)[] = [];

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  afterTurn(run, isShared = false) {
    // In a step of somebody else's a handler would find what that one keeps in an `AsyncLocalStorage`.
    if (!isShared) endTurn(run);
    else if (planned.push(run) === 1) endTurn(runPlanned);
  },
  nextTurn: (run) => void setImmediate(run),
};

/** Called from a synchronous event, `nextTick` alone would run before the microtasks. */
function endTurn(run: () => void): void {
  queueMicrotask(() => nextTick(run));
}

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
      nextTick(runPlanned);
    }
  }
}
