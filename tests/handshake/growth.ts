/** Proves that work is linear by a ratio, because a busy machine makes every absolute time a guess. */

import { busyNow } from "../support/usage.ts";

const FACTOR = 8;
/**
 * Milliseconds below which a clock tells nothing: warm-up, memory and the neighbours weigh more than the work. Quadratic
 * work on these sizes takes seconds.
 */
const NOTHING = 1;
/** Linear work comes to about 8, quadratic to 64. */
export const LINEAR = 30;

/** How often it is measured again when it does not look linear: neighbours are busy now and then, quadratic work always is. */
const TRIES = 5;

/** How much longer `run` takes on an input 8 times as long: the quickest of several runs each, and 1 ms at least. */
export function growth<Input>(size: number, make: (size: number) => Input, run: (input: Input) => unknown): number {
  let least = Infinity;
  for (let tries = 0; tries < TRIES && least >= LINEAR; tries++) {
    const small = quickest(make, size, run);
    least = Math.min(least, quickest(make, size * FACTOR, run) / Math.max(small, NOTHING));
  }
  return least;
}

function quickest<Input>(make: (size: number) => Input, size: number, run: (input: Input) => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const input = make(size);
    const start = busyNow();
    run(input);
    best = Math.min(best, busyNow() - start);
  }
  return best;
}
