import { describe, expect, it } from "vitest";
import { ConnectionClosureError, ConnectionError } from "../../src/errors.ts";
import { HeldWrites, type PartsTurn } from "../../src/streams/held_writes.ts";
import { Writes, type WritesOptions } from "../../src/streams/writes.ts";
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
    { giveUp: () => (words.push("too slow"), CLOSED) },
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
