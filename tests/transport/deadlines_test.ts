import { describe, expect, it } from "vitest";

import { Deadlines, type Watched } from "../../src/transport/deadlines.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** Remembers when it was looked at, and does what it is told there. */
class Looks implements Watched {
  readonly times: number[] = [];
  readonly #act: () => void;

  constructor(act: () => void = () => {}) {
    this.#act = act;
  }

  check(now: number): void {
    this.times.push(now);
    this.#act();
  }
}

describe("Deadlines", () => {
  it("looks ten times within the shortest deadline", () => {
    const clock = new ManualClock(0);
    const looks = new Looks();
    new Deadlines(clock).add(looks, 1_000);
    clock.advance(300);
    expect(looks.times).toEqual([100, 200, 300]);
  });

  it("looks at least once a second, and at most every 5 ms", () => {
    const clock = new ManualClock(0);
    const patient = new Looks();
    const patientOnes = new Deadlines(clock);
    patientOnes.add(patient, Infinity);
    clock.advance(2_000);
    expect(patient.times).toEqual([1_000, 2_000]);
    patientOnes.delete(patient);

    const hasty = new Looks();
    new Deadlines(clock).add(hasty, 1);
    clock.advance(10);
    expect(hasty.times).toEqual([2_005, 2_010]);
  });

  it("quickens for a shorter deadline that comes later", () => {
    const clock = new ManualClock(0);
    const deadlines = new Deadlines(clock);
    const [slow, quick] = [new Looks(), new Looks()];
    deadlines.add(slow, 10_000);
    clock.advance(500);
    deadlines.add(quick, 2_000);
    clock.advance(400);
    expect(quick.times).toEqual([700, 900]);
    expect(slow.times).toEqual([700, 900]);
  });

  it("is not put off by another that is as patient", () => {
    const clock = new ManualClock(0);
    const deadlines = new Deadlines(clock);
    const looks = new Looks();
    deadlines.add(looks, 10_000);
    clock.advance(900);
    deadlines.add(new Looks(), 10_000);
    clock.advance(100);
    expect(looks.times).toEqual([1_000]);
  });

  it("holds one timer for all, and none when nobody is left", () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const all = [new Looks(), new Looks(), new Looks()];
    for (const looks of all) deadlines.add(looks, 1_000);
    expect(clock.timers).toBe(1);
    for (const looks of all) deadlines.delete(looks);
    expect(clock.timers).toBe(0);
    deadlines.delete(new Looks());
    clock.advance(5_000);
    expect(all.map((looks) => looks.times.length)).toEqual([0, 0, 0]);
  });

  it("lets somebody leave, and others come, during a look", () => {
    const clock = new ManualClock(0);
    const deadlines = new Deadlines(clock);
    const newcomer = new Looks();
    const leaver: Looks = new Looks(() => {
      deadlines.delete(leaver);
      deadlines.add(newcomer, 50);
    });
    deadlines.add(leaver, 1_000);
    clock.advance(110);
    expect(leaver.times).toEqual([100]);
    expect(newcomer.times.filter((time) => time > 100)).toEqual([105, 110]);
    expect(clock.timers).toBe(1);
  });

  it("starts afresh at its patient pace after everybody left", () => {
    const clock = new ManualClock(0);
    const deadlines = new Deadlines(clock);
    const hasty = new Looks();
    deadlines.add(hasty, 50);
    deadlines.delete(hasty);
    const patient = new Looks();
    deadlines.add(patient, 60_000);
    clock.advance(1_500);
    expect(patient.times).toEqual([1_000]);
  });
});
