import { describe, expect, it } from "vitest";
import { KeepAlive } from "../../src/streams/keep_alive.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

function start(pingMs = 1_000, pongMs = 500) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const sent: Uint8Array[] = [];
  socket.ping = (payload) => void sent.push(payload.slice());
  const keepAlive = new KeepAlive(socket, { clock, pingMs, pongMs });
  /** Time passes, with a look at its end: whether the peer is taken for alive. */
  const pass = (ms: number, paused = false, blocked = false): boolean => {
    clock.advance(ms);
    return keepAlive.check(clock.now(), paused, blocked);
  };
  return { clock, socket, sent, keepAlive, pass };
}

describe("KeepAlive (P2)", () => {
  it("pings at its interval while pongs come, and tells the latency in seconds", () => {
    const { clock, sent, keepAlive, pass } = start();
    expect(keepAlive.latency).toBeUndefined();
    expect(pass(999)).toBe(true);
    expect(sent).toHaveLength(0);
    expect(pass(1)).toBe(true);
    expect(sent).toHaveLength(1);
    clock.advance(30);
    expect(keepAlive.pong(sent[0]!)).toBe(true);
    expect(keepAlive.latency).toBe(0.03);
    expect(pass(970)).toBe(true);
    expect(sent).toHaveLength(2);
    expect(sent[1]).not.toEqual(sent[0]);
  });

  it("gives a silent peer up when its pong is late, not before", () => {
    const { pass } = start();
    pass(1_000);
    expect(pass(499)).toBe(true);
    expect(pass(1)).toBe(false);
  });

  it("gives a peer up within interval and limit after its last byte, whenever the ping was sent", () => {
    const { socket, pass } = start(1_000, 3_000);
    pass(1_000);
    socket.bytesReceived = 5; // the last sign of life, just behind the ping
    pass(10);
    expect(pass(2_980)).toBe(true);
    expect(pass(20)).toBe(false);
  });

  it("does not take a pong of an earlier ping, of somebody else, or none of its own for its own", () => {
    const { sent, keepAlive, pass } = start();
    const before = new Uint8Array([0x68, 0x77, 0, 0, 0, 1]);
    expect(keepAlive.pong(before)).toBe(false);
    pass(1_000);
    expect(keepAlive.pong(new Uint8Array(0))).toBe(false);
    expect(keepAlive.pong(new TextEncoder().encode("hello!"))).toBe(false);
    expect(keepAlive.latency).toBeUndefined();
    expect(keepAlive.pong(sent[0]!)).toBe(true);
    expect(keepAlive.pong(sent[0]!)).toBe(false);
  });

  it("sends no second ping while the first waits, and keeps waiting for it", () => {
    const { socket, sent, pass } = start(1_000, 5_000);
    for (let i = 0; i < 5; i++) {
      socket.bytesReceived++;
      expect(pass(1_000)).toBe(true);
    }
    expect(sent).toHaveLength(1);
  });

  it("takes bytes, and writes that the peer takes, as proof of life in place of the pong", () => {
    const { socket, keepAlive, pass } = start();
    pass(1_000);
    socket.bytesReceived = 1;
    expect(pass(500)).toBe(true);
    socket.bufferedAmount = 100;
    expect(pass(100)).toBe(true);
    socket.bufferedAmount = 60;
    expect(pass(390)).toBe(true);
    keepAlive.touch();
    expect(pass(490)).toBe(true);
    expect(pass(490)).toBe(true);
    expect(pass(10)).toBe(false);
  });

  it("stands still while we pause, goes on pinging, and starts its limit anew afterwards", () => {
    const { clock, sent, keepAlive, pass } = start();
    pass(1_000);
    for (let i = 0; i < 5; i++) expect(pass(1_000, true)).toBe(true);
    expect(sent).toHaveLength(6);
    keepAlive.resumed(clock.now());
    expect(pass(499)).toBe(true);
    // The pongs of the pause come all at once, and all are its own.
    expect(sent.map((payload) => keepAlive.pong(payload))).toEqual([true, true, true, true, true, true]);
    expect(pass(1)).toBe(true);
    expect(pass(499)).toBe(true);
  });

  it("piles up no pings behind a full buffer", () => {
    const paused = start();
    for (let i = 0; i < 10; i++) paused.pass(1_000, true, true);
    expect(paused.sent).toHaveLength(1);
    const endless = start(1_000, Infinity);
    for (let i = 0; i < 10; i++) endless.pass(1_000, false, true);
    expect(endless.sent).toHaveLength(1);
  });

  it("never gives up without a limit", () => {
    const { sent, pass } = start(1_000, Infinity);
    for (let i = 0; i < 100; i++) expect(pass(1_000)).toBe(true);
    expect(sent).toHaveLength(100);
  });

  it("where the runtime pings by itself, gives up only a peer that takes nothing of what waits for it", () => {
    const clock = new ManualClock();
    const socket = new FakeSocket();
    Object.defineProperty(socket, "ping", { value: undefined });
    const keepAlive = new KeepAlive(socket, { clock, pingMs: 1_000, pongMs: 500 });
    expect(keepAlive.shortestMs).toBe(1_500);
    const pass = (ms: number, blocked: boolean): boolean => {
      clock.advance(ms);
      return keepAlive.check(clock.now(), false, blocked);
    };
    // However long nothing waited: only from then on it may take nothing.
    expect([pass(10_000, false), pass(1_499, true)]).toEqual([true, true]);
    expect(pass(10_000, false)).toBe(true);
    socket.bufferedAmount = 100;
    expect([pass(1, false), pass(1_498, false)]).toEqual([true, true]);
    keepAlive.touch();
    expect([pass(1, true), pass(1_498, true)]).toEqual([true, true]);
    // It has taken some.
    socket.bufferedAmount = 99;
    expect([pass(1, true), pass(1_499, true), pass(1, true)]).toEqual([true, true, false]);
    const endless = new KeepAlive(socket, { clock, pingMs: Infinity, pongMs: 500 });
    expect(endless.shortestMs).toBe(Infinity);
    clock.advance(1e9);
    expect(endless.check(clock.now(), false, true)).toBe(true);
  });

  it("where the runtime pings by itself, keeps a peer that takes less than is written, but some", () => {
    const clock = new ManualClock();
    const socket = Object.assign(new FakeSocket(), { bytesTaken: 0 });
    Object.defineProperty(socket, "ping", { value: undefined });
    const keepAlive = new KeepAlive(socket, { clock, pingMs: 1_000, pongMs: 500 });
    const look = (): boolean => {
      clock.advance(1_000);
      socket.bufferedAmount += 100;
      return keepAlive.check(clock.now(), false, false);
    };
    for (let i = 0; i < 5; i++) {
      socket.bytesTaken += 10;
      expect(look()).toBe(true);
    }
    expect([look(), look()]).toEqual([true, false]);
  });

  it("takes what the system takes of an answerless peer's for no answer, as long as nothing waits", () => {
    const { socket, pass } = start();
    Object.assign(socket, { bytesTaken: 0 });
    pass(1_000);
    Object.assign(socket, { bytesTaken: 1_000 });
    expect([pass(499), pass(1)]).toEqual([true, false]);
  });

  it("looks as often as its times ask for, and not at all when the interval is off", () => {
    expect(start(Infinity, 30).keepAlive.shortestMs).toBe(Infinity);
    expect(start(100, 30).keepAlive.shortestMs).toBe(30);
  });

  it("tells of each ping before it goes out, and of the answer to the last one only", () => {
    const clock = new ManualClock();
    const socket = new FakeSocket();
    const said: string[] = [];
    const sent: Uint8Array[] = [];
    socket.ping = (payload) => {
      said.push("sent");
      sent.push(payload.slice());
    };
    const keepAlive = new KeepAlive(socket, {
      clock,
      pingMs: 1_000,
      pongMs: Infinity,
      onPing: () => said.push("ping"),
      onAnswer: () => said.push("answer"),
    });
    for (let i = 0; i < 2; i++) {
      clock.advance(1_000);
      keepAlive.check(clock.now(), false, false);
    }
    keepAlive.pong(sent[0]!);
    expect(said).toEqual(["ping", "sent", "ping", "sent"]);
    keepAlive.pong(sent[1]!);
    keepAlive.pong(sent[1]!);
    keepAlive.pong(Uint8Array.of(1));
    expect(said).toEqual(["ping", "sent", "ping", "sent", "answer"]);
  });
});
