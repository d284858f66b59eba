/**
 * Time as this library sees it, so that no test has to sleep. Types only; each runtime's adapter makes the real one.
 */

export type { FillRandom } from "../bytes.ts";

/** Takes back what was planned. Harmless when it already happened. */
export type Cancel = () => void;

/** Milliseconds, and turns of the event loop. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Runs `run` once, `ms` milliseconds from now. */
  after(ms: number, run: () => void): Cancel;
  /**
   * Runs `run` once the microtasks that are queued now, and those they queue, are done: still before any I/O.
   *
   * @param isShared `run` calls nobody's code: one step of the event loop will do for all that are planned like this
   */
  afterTurn(run: () => void, isShared?: boolean): void;
  /** Runs `run` after I/O had its chance: what leaves the microtask queue to others. */
  nextTurn(run: () => void): void;
}
