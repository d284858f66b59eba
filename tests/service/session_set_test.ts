import { describe, expect, it } from "vitest";
import type { Closure } from "../../src/errors.ts";
import { checkService } from "../../src/service/options.ts";
import type { Service } from "../../src/service/service.ts";
import { Session } from "../../src/service/session.ts";
import { SessionSet } from "../../src/service/session_set.ts";
import { BufferBudget } from "../../src/transport/buffer_budget.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { deferred } from "./serve.ts";

function setOf(
  count: number,
  service: Service = {},
  buffers: BufferBudget = new BufferBudget(1_000),
): { set: SessionSet; sockets: FakeSocket[]; clock: ManualClock } {
  const clock = new ManualClock();
  const set = new SessionSet(clock);
  const { pacing } = checkService({ pingInterval: 0 });
  const sockets = Array.from({ length: count }, () => new FakeSocket());
  for (const socket of sockets) {
    const session = new Session(socket, service, new FakeUpgrade("/").request, {
      endpointOptions: { ...pacing, clock, deadlines: new Deadlines(clock), buffers },
      fillRandom: () => {},
      tally: { unhandled: 0, dropped: 0, unsent: 0 },
      errors: { report: () => {}, notice: () => {} },
      sessions: set,
    });
    set.add(session);
    session.open();
  }
  return { set, sockets, clock };
}

describe("L6: all sessions of a listener", () => {
  it("the size follows the connections", () => {
    const { set, sockets } = setOf(3);
    sockets[0]!.closeByPeer(1000);
    sockets[1]!.end();
    expect(set.size).toBe(1);
  });

  it("an empty set closes at once, without a timer", async () => {
    const { set, clock } = setOf(0);
    expect(await set.closeAll(1001, "", 1_000)).toEqual({ closed: 0, cut: 0 });
    expect(clock.timers).toBe(0);
  });

  it("clean ends are closed, others cut; what ended before is neither", async () => {
    const { set, sockets } = setOf(4);
    sockets[0]!.closeByPeer(1000);
    const all = set.closeAll(1001, "", Infinity);
    sockets[1]!.closeByPeer(1001);
    sockets[2]!.end();
    sockets[3]!.closeByPeer(1001);
    expect(await all).toEqual({ closed: 2, cut: 1 });
  });

  it("a handler that ends after the deadline changes nothing", async () => {
    const busy = deferred();
    const { set, sockets, clock } = setOf(1, { onTextMessage: () => busy.promise });
    sockets[0]!.sink!.message("x");
    const all = set.closeAll(1001, "", 1_000);
    sockets[0]!.closeByPeer(1001);
    await clock.pass(1_000);
    const result = await all;
    busy.resolve();
    await clock.settle();
    expect(result).toEqual({ closed: 0, cut: 1 });
    expect(await set.closeAll(1001, "", 1_000)).toEqual({ closed: 0, cut: 0 });
  });

  it("what one stop gave up on, no other waits for or counts, whichever of the two it was", async () => {
    for (const end of ["closeAll", "terminateAll"] as const) {
      const busy = deferred();
      const { set, sockets, clock } = setOf(1, { onTextMessage: () => busy.promise });
      sockets[0]!.sink!.message("x");
      const ended = end === "closeAll" ? set.closeAll(1001, "", 1_000) : set.terminateAll();
      await clock.pass(1_000);
      sockets[0]!.end();
      await ended;
      expect(await set.closeAll(1001, "", Infinity)).toEqual({ closed: 0, cut: 0 });
      busy.resolve();
    }
  });

  it("terminateAll ends a closeAll that waits for a handler, or for its turn to close", async () => {
    const busy = deferred();
    const { set, sockets, clock } = setOf(100, { onTextMessage: () => busy.promise });
    sockets[99]!.sink!.message("x");
    const all = set.closeAll(1001, "", Infinity);
    sockets[99]!.closeByPeer(1001);
    sockets[98]!.closeByPeer(1001);
    const cut = set.terminateAll();
    for (const socket of sockets) socket.end();
    await cut;
    expect(await all).toEqual({ closed: 1, cut: 99 });
    clock.runTurns();
    // Nothing more is said to those whose turn had not come.
    expect(sockets.map(({ calls }) => calls.join()).slice(0, 36)).toEqual(Array(36).fill("destroy"));
  });

  it("what was given up before counts in no later stop", async () => {
    const { set, sockets } = setOf(2);
    const before = set.terminateAll();
    const all = set.closeAll(1001, "", Infinity);
    const cut = set.terminateAll();
    for (const socket of sockets) socket.end();
    await Promise.all([before, cut]);
    expect(await all).toEqual({ closed: 0, cut: 0 });
  });

  it("closes 64 in one turn, so that others have theirs", async () => {
    const { set, sockets, clock } = setOf(150);
    const counts: number[] = [];
    const all = set.closeAll(1001, "", Infinity);
    while (counts.at(-1) !== 150) {
      counts.push(sockets.filter(({ calls }) => calls.includes("close 1001")).length);
      clock.runTurn();
    }
    expect(counts).toEqual([64, 128, 150]);
    for (const socket of sockets) socket.closeByPeer(1001);
    expect(await all).toEqual({ closed: 150, cut: 0 });
  });

  it("a deadline of 0 cuts all, each behind its close frame", async () => {
    const { set, sockets, clock } = setOf(200);
    const all = set.closeAll(1001, "", 0);
    await clock.pass(0);
    for (const socket of sockets) socket.end();
    expect(await all).toEqual({ closed: 0, cut: 200 });
    expect(sockets.every(({ calls }) => calls.join() === "close 1001,destroy")).toBe(true);
  });

  it("terminateAll resolves when the last connection is gone", async () => {
    const { set, sockets } = setOf(2);
    let done = false;
    const all = set.terminateAll().then(() => done = true);
    sockets[0]!.end({} as Partial<Closure>);
    await Promise.resolve();
    expect(done).toBe(false);
    sockets[1]!.end();
    await all;
    expect(set.size).toBe(0);
  });
});

it("H2: what waits for handlers counts until it is handled or given up, also behind the end of its connection", async () => {
  const buffers = new BufferBudget(1_000);
  const busy = [deferred(), deferred()];
  const { set, sockets } = setOf(2, { onTextMessage: () => busy.shift()?.promise }, buffers);
  const [first] = busy;
  for (const socket of sockets) {
    socket.sink!.message("busy");
    socket.sink!.message("waits");
    socket.end();
  }
  expect(buffers.used).toBe(10);
  first!.resolve();
  await first!.promise;
  await Promise.resolve();
  expect(buffers.used).toBe(5);
  await set.terminateAll();
  expect(buffers.used).toBe(0);
});
