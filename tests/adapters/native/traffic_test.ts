import { expect, it } from "vitest";
import { Traffic } from "../../../src/adapters/native/traffic.ts";
import { FakeSocket } from "../../support/fake_socket.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { deferred } from "../../support/on_sockets.ts";

/** Tells whether everything is over, as often as it is asked. */
function watch(traffic: Traffic): () => Promise<boolean> {
  let isOver = false;
  void traffic.over().then(() => isOver = true);
  return async () => {
    await new ManualClock().settle();
    return isOver;
  };
}

it("nothing under way is over at once", async () => {
  expect(await watch(new Traffic())()).toBe(true);
});

it("is over when the last socket has closed, those included that opened while somebody waited", async () => {
  const traffic = new Traffic();
  const [one, two] = [new FakeSocket(), new FakeSocket()];
  traffic.opened(one);
  const isOver = watch(traffic);
  traffic.opened(two);
  traffic.closed(one);
  expect(await isOver()).toBe(false);
  traffic.closed(two);
  traffic.closed(two);
  expect(await isOver()).toBe(true);
});

it("is not over before every upgrade is decided", async () => {
  const traffic = new Traffic();
  const [one, two] = [deferred(), deferred()];
  traffic.decide(one.promise);
  traffic.decide(two.promise);
  const checks = [watch(traffic), watch(traffic)];
  one.resolve();
  expect(await checks[0]!()).toBe(false);
  const socket = new FakeSocket();
  traffic.opened(socket);
  two.resolve();
  expect(await checks[0]!()).toBe(false);
  traffic.closed(socket);
  for (const isOver of checks) expect(await isOver()).toBe(true);
});

it("may be waited for again", async () => {
  const traffic = new Traffic();
  const socket = new FakeSocket();
  for (let i = 0; i < 2; i++) {
    traffic.opened(socket);
    const isOver = watch(traffic);
    expect(await isOver()).toBe(false);
    traffic.closed(socket);
    expect(await isOver()).toBe(true);
  }
});
