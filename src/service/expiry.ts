/** The end of somebody's credentials (features A3), as a deadline. Knows no connection. */

import { MAX_SECONDS } from "../seconds.ts";
import type { Cancel, Clock } from "../transport/clock.ts";

/** A timer counts milliseconds in 31 bits. */
const LONGEST_MS = MAX_SECONDS * 1_000;

/**
 * Calls `run` once, when it is `at`: on a later turn, if that is over.
 *
 * @param at seconds since 1970
 * @param today milliseconds since 1970
 */
export function atExpiry(clock: Clock, at: number, today: number, run: () => void): Cancel {
  const due = clock.now() + at * 1_000 - today;
  let cancel: Cancel;
  const wait = (): void => {
    const left = due - clock.now();
    cancel = clock.after(Math.min(Math.max(0, left), LONGEST_MS), left <= LONGEST_MS ? run : wait);
  };
  wait();
  return () => cancel();
}
