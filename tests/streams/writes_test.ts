import { describe, expect, it } from "vitest";
import { ConnectionClosureError, ConnectionError } from "../../src/errors.ts";
import { HeldWrites, type PartsTurn } from "../../src/streams/held_writes.ts";
import { Writes, type WritesOptions } from "../../src/streams/writes.ts";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";
import type { MessageSink } from "../../src/transport/message_socket.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

const CLOSED = new ConnectionClosureError("Cannot send a message", { code: 1006, reason: "", clean: false });

function start(options: Partial<WritesOptions> = {}) {
  const socket = new FakeSocket();
  const words: string[] = [];
  const writes = new Writes(
    socket,
    { clock: new ManualClock(), maxBufferedAmount: 1_000, bufferPolicy: "wait", ...options },
    { giveUp: (reason) => (words.push(reason), CLOSED) },
  );
  socket.start({ drained: () => writes.drained() } as MessageSink);
  const turn = (name: string, isWanted = true): PartsTurn => ({
    begin: () => (words.push(`begin ${name}`), isWanted),
    goOn: () => void words.push(`go on ${name}`),
    ended: (error) => void words.push(`ended ${name} ${error.name}`),
  });
  const send = (text: string): Promise<void> | undefined => writes.send(text, true, undefined);
  return { socket, writes, words, turn, send };
}

// What it does without messages in parts is tested in endpoint_test.ts.
describe("a message in parts", () => {
  it("has its turn at once, and all others wait behind it in order", async () => {
    const { socket, writes, words, turn, send } = start();
    writes.takeTurn(turn("a"));
    const waiting = [send("1"), send("2")];
    expect(writes.whenWritable()).toBeInstanceOf(Promise);
    expect(writes.bufferedAmount).toBe(2);
    expect([writes.sendPart("x"), writes.sendLastPart("y")]).toEqual([true, undefined]);
    await Promise.all(waiting);
    expect(words).toEqual(["begin a"]);
    expect(socket.calls).toEqual(["part x", "last part y", "send 1", "send 2"]);
    expect([writes.messagesSent, writes.bytesSent, writes.bufferedAmount]).toEqual([3, 4, 0]);
    expect(writes.whenWritable()).toBeUndefined();
  });

  it("waits for its turn behind what waits, another one too", () => {
    const { socket, writes, words, turn, send } = start();
    socket.writable = false;
    void send("1");
    socket.bufferedAmount = 1_000;
    void send("2");
    writes.takeTurn(turn("a"));
    void send("3");
    writes.takeTurn(turn("b"));
    expect(words).toEqual([]);
    socket.drain();
    expect([socket.calls, words]).toEqual([["send 1", "send 2"], ["begin a"]]);
    writes.sendLastPart("x");
    expect(socket.calls.slice(2)).toEqual(["last part x", "send 3"]);
    expect(words).toEqual(["begin a", "begin b"]);
  });

  it("does not begin while a slow peer has no room, and keeps nobody waiting who was before it", async () => {
    const { socket, writes, words, turn, send } = start();
    socket.writable = false;
    const written = send("1");
    writes.takeTurn(turn("a"));
    expect(words).toEqual([]);
    socket.drain();
    await written;
    expect(words).toEqual(["begin a"]);
  });

  it("goes on when a slow peer takes more, which nobody else may use", () => {
    const { socket, writes, words, turn, send } = start();
    writes.takeTurn(turn("a"));
    socket.writable = false;
    expect([writes.sendPart("x"), writes.full]).toEqual([false, true]);
    void send("1");
    socket.drain();
    expect([words, writes.full]).toEqual([["begin a", "go on a"], false]);
    expect(socket.calls).toEqual(["part x"]);
  });

  it("whose last part finds no room leaves the others waiting for it", async () => {
    const { socket, writes, turn, send } = start();
    writes.takeTurn(turn("a"));
    socket.writable = false;
    const room = writes.sendLastPart("x");
    const next = send("1");
    expect(room).toBeInstanceOf(Promise);
    expect(socket.calls).toEqual(["last part x", "send 1"]);
    socket.drain();
    await Promise.all([room, next]);
  });

  it("that has no use for its turn any more is passed over", () => {
    const { socket, writes, words, turn, send } = start();
    writes.takeTurn(turn("a"));
    writes.takeTurn(turn("b", false));
    void send("1");
    writes.endTurn();
    expect([words, socket.calls]).toEqual([["begin a", "begin b"], ["send 1"]]);
    writes.takeTurn(turn("c", false));
    expect([send("2"), socket.calls.at(-1)]).toEqual([undefined, "send 2"]);
  });

  it("leaves what waits behind it to the policy", () => {
    const drop = start({ bufferPolicy: "drop", maxBufferedAmount: 5 });
    drop.writes.takeTurn(drop.turn("a"));
    void drop.send("12345");
    expect([drop.send("6"), drop.writes.messagesDropped]).toEqual([undefined, 1]);
    const close = start({ bufferPolicy: "close", maxBufferedAmount: 5 });
    close.writes.takeTurn(close.turn("a"));
    expect(() => close.send("123456")).toThrow(ConnectionClosureError);
    expect(close.words).toEqual(["begin a", "too slow"]);
    const wait = start({ maxBufferedAmount: 100 });
    wait.writes.takeTurn(wait.turn("a"));
    wait.writes.takeTurn(wait.turn("b"));
    wait.writes.takeTurn(wait.turn("c"));
    expect(() => wait.writes.takeTurn(wait.turn("d"))).toThrow(ConnectionError);
  });

  it("is told of the end, waiting or not, and nothing follows one that is not over", async () => {
    const { socket, writes, words, turn, send } = start();
    writes.takeTurn(turn("a"));
    writes.takeTurn(turn("b"));
    const waiting = send("1");
    writes.end(true, () => CLOSED, (held) => void words.push(`unsent ${held.length}`));
    await expect(waiting).rejects.toBe(CLOSED);
    expect(words).toEqual(["begin a", "unsent 1", "ended a ConnectionClosureError", "ended b ConnectionClosureError"]);
    expect(socket.calls).toEqual([]);
  });

  it("that waits is left out when what waits is sent before our close frame", async () => {
    const { socket, writes, words, turn, send } = start();
    socket.writable = false;
    void send("1");
    socket.bufferedAmount = 1_000;
    const waiting = send("2");
    writes.takeTurn(turn("a"));
    writes.end(true, () => CLOSED, () => void words.push("unsent"));
    await waiting;
    expect([socket.calls, words]).toEqual([["send 1", "send 2"], ["ended a ConnectionClosureError"]]);
  });

  it("comes behind what was held elsewhere", () => {
    const { socket, writes, words, turn } = start();
    const elsewhere = new HeldWrites();
    void elsewhere.add("1", 1);
    writes.adopt(elsewhere);
    writes.takeTurn(turn("a"));
    expect([socket.calls, words]).toEqual([["send 1"], ["begin a"]]);
    void elsewhere.add("2", 1);
    writes.adopt(elsewhere);
    expect(socket.calls).toEqual(["send 1"]);
  });
});

describe("H2: what waits for many peers", () => {
  const LARGE = "x".repeat(OWN_BYTES + 1);
  const crowded = (bufferPolicy: WritesOptions["bufferPolicy"], others: number) => {
    const buffers = new BufferBudget(1_000_000);
    buffers.used = others;
    return { buffers, ...start({ buffers, bufferPolicy, maxBufferedAmount: 10_000_000 }) };
  };

  it("counts together: what a socket has, what is held, and no more of one that drains or is gone", () => {
    const { buffers, socket, writes, send } = crowded("wait", 5);
    void send("before anything waits");
    expect(buffers.used).toBe(5);
    socket.writable = false;
    void send("abc");
    expect(buffers.used).toBe(8);
    writes.takeTurn({ begin: () => false, goOn: () => {}, ended: () => {} });
    void send("defg");
    expect(buffers.used).toBe(12);
    socket.bufferedAmount -= 2;
    writes.recount();
    expect(buffers.used).toBe(10);
    socket.drain();
    expect(buffers.used).toBe(5);
    socket.writable = false;
    void send("hi");
    expect(buffers.used).toBe(7);
    writes.closed();
    writes.recount();
    writes.closed();
    expect(buffers.used).toBe(5);
  });

  it("drop: one that would pass the limit is dropped, and counted", () => {
    const { buffers, socket, words, writes, send } = crowded("drop", 1_000_000 - 2 - LARGE.length);
    socket.writable = false;
    void send("ab");
    void send(LARGE);
    expect([socket.sent.length, writes.messagesDropped, buffers.used]).toEqual([2, 0, 1_000_000]);
    expect(send("c")).toBeUndefined();
    expect([socket.sent.length, writes.messagesDropped, buffers.discarded, words]).toEqual([2, 1, 1, []]);
    // A large one, also when the peer keeps up.
    socket.drain();
    buffers.used = 1_000_000;
    expect(send(LARGE)).toBeUndefined();
    expect([socket.sent.length, writes.messagesDropped]).toEqual([2, 2]);
    void send("small");
    expect(socket.sent.length).toBe(3);
  });

  it("close: one that would pass the limit closes, and says that the peer may be innocent", () => {
    const { socket, words, send } = crowded("close", 1_000_000);
    expect(() => send(LARGE)).toThrow(CLOSED);
    socket.writable = false;
    // What each may keep of its own.
    void send("x".repeat(OWN_BYTES));
    expect(() => send("c")).toThrow(CLOSED);
    expect(words).toEqual(["too much waits for all peers", "too much waits for all peers"]);
  });

  it("wait: one write waits for its own peer, the next is rejected, and nobody waits for the others", async () => {
    const { buffers, socket, send } = crowded("wait", 1_000_000);
    socket.writable = false;
    void send(LARGE);
    const waiting = send("a");
    expect(() => send("b")).toThrow(ConnectionError);
    expect([socket.sent.length, buffers.discarded]).toEqual([1, 1]);
    socket.drain();
    await waiting;
    expect(socket.sent.slice(1)).toEqual(["a"]);
    expect(buffers.used).toBe(1_000_000);
  });
});
