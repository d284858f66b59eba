/**
 * Time that stands still until a test moves it. Timers, and the turns of the event loop that `afterTurn` and `nextTurn`
 * wait for, happen only inside `advance`, `runTurn`, `runTurns`, `settle` and `pass`.
 */

import type { Cancel, Clock } from "../../src/transport/clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** So many callbacks without an end are a loop, not a test. */
const RUNAWAY = 100_000;

export class ManualClock implements Clock {
  #now: number;
  /** In the order in which they were planned, which is the order of equal times. */
  readonly #timers = new Set<Timer>();
  readonly #afterTurn: (() => void)[] = [];
  #nextTurn: (() => void)[] = [];

  /** Starts at a time that is not 0, so that a deadline nobody set is not taken for one that is due. */
  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Cancel {
    if (Number.isNaN(ms)) throw new RangeError("Cannot plan a timer: its time is not a number");
    const timer: Timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  afterTurn(run: () => void): void {
    this.#afterTurn.push(run);
  }

  nextTurn(run: () => void): void {
    this.#nextTurn.push(run);
  }

  /** How many timers are planned: 0 once everything is closed, or something leaks. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Whether an `afterTurn` or a `nextTurn` callback waits. */
  get hasTurns(): boolean {
    return this.#afterTurn.length + this.#nextTurn.length > 0;
  }

  /** Ends this turn: runs all `afterTurn` callbacks, with those that they add, and no `nextTurn` callback. */
  endTurn(): void {
    for (let ran = 0; this.#afterTurn.length > 0; ran++) {
      if (ran === RUNAWAY) throw new Error("Cannot end the turn: each afterTurn callback adds another");
      this.#afterTurn.shift()?.();
    }
  }

  /** Runs one turn: ends this one, then runs the `nextTurn` callbacks that wait now, each with its own `afterTurn`s. */
  runTurn(): void {
    this.endTurn();
    const turn = this.#nextTurn;
    this.#nextTurn = [];
    for (const run of turn) {
      run();
      this.endTurn();
    }
  }

  /** Runs turns until no callback waits. Time does not move. Promises do not get their turn: see `settle`. */
  runTurns(): void {
    for (let ran = 0; this.hasTurns; ran++) {
      if (ran === RUNAWAY) throw new Error("Cannot run all turns: each nextTurn callback adds another");
      this.runTurn();
    }
  }

  /** Moves time on by `ms`, running on the way each timer at its time, and all turns before and after it. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.runTurns();
    for (let ran = 0; this.#runTimer(end); ran++) {
      if (ran === RUNAWAY) throw new Error("Cannot advance: each timer plans another for the same time");
      this.runTurns();
    }
    this.#now = end;
  }

  /** Runs turns and promise reactions until no callback waits, nor does a promise reaction add one. */
  async settle(): Promise<void> {
    do {
      this.runTurns();
      await drainMicrotasks();
    } while (this.hasTurns);
  }

  /** `advance` for code that awaits: promise reactions get their turn before and after each timer. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let ran = 0; this.#runTimer(end); ran++) {
      if (ran === RUNAWAY) throw new Error("Cannot pass the time: each timer plans another for the same time");
      await this.settle();
    }
    this.#now = end;
  }

  /** Runs the first timer that is due by `end`, at its time. False: there is none. */
  #runTimer(end: number): boolean {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    }
    if (first === undefined) return false;
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.run();
    return true;
  }
}

/** Each runtime empties its microtask queue, and Node's tick queue, before the next `setImmediate` callback. */
function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
