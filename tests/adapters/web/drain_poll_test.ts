import { expect, it } from "vitest";
import { DrainPoll, type Full } from "../../../src/adapters/web/drain_poll.ts";
import { ManualClock } from "../../support/manual_clock.ts";

/** Somebody who has room after `looks` looks, and counts them. */
class FakeFull implements Full {
  looks = 0;
  readonly #needed: number;
  constructor(needed: number) {
    this.#needed = needed;
  }
  drain(): boolean {
    return ++this.looks >= this.#needed;
  }
}

it("looks every 4 ms, as long as somebody is full", () => {
  const clock = new ManualClock();
  const poll = new DrainPoll(clock);
  const full = new FakeFull(3);
  poll.add(full);
  expect([clock.timers, full.looks]).toEqual([1, 0]);
  clock.advance(3);
  expect(full.looks).toBe(0);
  clock.advance(9);
  expect([clock.timers, full.looks]).toEqual([0, 3]);
  clock.advance(100);
  expect(full.looks).toBe(3);
});

it("one timer looks at all of them, and each may be added again", () => {
  const clock = new ManualClock();
  const poll = new DrainPoll(clock);
  const fulls = [new FakeFull(1), new FakeFull(2), new FakeFull(2)];
  for (const full of fulls) poll.add(full);
  poll.add(fulls[0]!);
  expect(clock.timers).toBe(1);
  clock.advance(4);
  expect([clock.timers, ...fulls.map(({ looks }) => looks)]).toEqual([1, 1, 1, 1]);
  clock.advance(4);
  expect([clock.timers, ...fulls.map(({ looks }) => looks)]).toEqual([0, 1, 2, 2]);
  poll.add(fulls[0]!);
  clock.advance(4);
  expect([clock.timers, fulls[0]!.looks]).toEqual([0, 2]);
});

it("forgets who is gone, and stops when that was the last one", () => {
  const clock = new ManualClock();
  const poll = new DrainPoll(clock);
  const [one, two] = [new FakeFull(9), new FakeFull(9)];
  poll.add(one);
  poll.add(two);
  poll.delete(one);
  clock.advance(4);
  expect([clock.timers, one.looks, two.looks]).toEqual([1, 0, 1]);
  poll.delete(two);
  poll.delete(two);
  expect(clock.timers).toBe(0);
});

it("looks on at who is full again as soon as it is told", () => {
  const clock = new ManualClock();
  const poll = new DrainPoll(clock);
  let told = 0;
  const again: Full = {
    drain() {
      if (++told < 3) poll.add(again);
      return true;
    },
  };
  poll.add(again);
  clock.advance(4);
  expect([told, clock.timers]).toEqual([1, 1]);
  clock.advance(100);
  expect([told, clock.timers]).toEqual([3, 0]);
});

it("bears with who is gone as another is told", () => {
  const clock = new ManualClock();
  const poll = new DrainPoll(clock);
  const late = new FakeFull(1);
  const gone: Full = {
    drain() {
      poll.delete(late);
      poll.add(gone);
      poll.delete(gone);
      return true;
    },
  };
  poll.add(gone);
  poll.add(late);
  clock.advance(100);
  expect([late.looks, clock.timers]).toEqual([0, 0]);
});
