/** Steps that do not depend on each other, a few at a time: a line tells how each of them ended. */

import type { Tally } from "./check.ts";

/** A name, and what is done. What that throws is why it failed. */
export type Step = readonly [name: string, run: () => Promise<unknown>];

/** Runs every step, also after one failed, at most `atOnce` of them at the same time. */
export async function runSteps(steps: readonly Step[], atOnce: number): Promise<Tally> {
  const waiting = [...steps];
  let passed = 0;
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const [name, run] = step;
      const started = performance.now();
      const failure = await outcome(run);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (failure === undefined) passed++;
      // One call, so that no other step's words come between.
      console.log(`${name}: ${failure === undefined ? "passed" : "FAILED"} (${seconds} s)${failure ?? ""}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { passed, failed: steps.length - passed };
}

/** Why it failed, in lines of its own, or nothing. */
async function outcome(run: Step[1]): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : `${error}`;
    return `\n${text.trim().replace(/^/gm, "  ")}`;
  }
}
