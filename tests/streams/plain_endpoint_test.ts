import { describe, expect, it } from "vitest";
import { HeldWrites } from "../../src/streams/held_writes.ts";
import { MessageQueue } from "../../src/streams/message_queue.ts";
import type { EndpointReader } from "../../src/streams/message_endpoint.ts";
import { PlainEndpoint } from "../../src/streams/plain_endpoint.ts";
import type { PlainEndpointOptions } from "../../src/streams/plain_endpoint_options.ts";
import { BufferBudget } from "../../src/transport/buffer_budget.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

function start(options: Partial<PlainEndpointOptions> = {}, reader: Pick<EndpointReader, "unsent"> = {}) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const words: unknown[] = [];
  const endpoint: PlainEndpoint = new PlainEndpoint(socket, {
    message: (message) => endpoint.hold(message),
    idle: () => void words.push("idle"),
    pong: (payload) => void words.push(payload),
    closed: ({ code }) => void words.push(code),
    ...reader,
  }, {
    clock,
    deadlines: new Deadlines(clock),
    readAhead: { messages: 2, bytes: 100 },
    maxBufferedAmount: 1_000,
    bufferPolicy: "wait",
    idleMs: Infinity,
    closeMs: 60_000,
    ...options,
  });
  endpoint.start();
  return { clock, socket, sink: socket.sink!, endpoint, words };
}

// What it has in common with one that has pings is tested in endpoint_test.ts.
describe("an endpoint without pings", () => {
  it("has no way to send any, and knows no latency", () => {
    const { endpoint } = start();
    expect([endpoint.sendPing, endpoint.sendPong, endpoint.latency]).toEqual([undefined, undefined, undefined]);
  });

  it("never pings, and looks at no clock when it has nothing to notice", () => {
    const { clock, socket, endpoint, words } = start();
    expect(clock.timers).toBe(0);
    clock.advance(3_600_000);
    expect([socket.calls, endpoint.state, words]).toEqual([[], "open", []]);
  });

  it("closes with 1008 when more messages come in a second than may, and hands out what came", () => {
    const { clock, socket, sink, endpoint, words } = start({
      maxMessagesPerSecond: 2,
      readAhead: { messages: 10, bytes: 100 },
    });
    for (const text of ["1", "2"]) sink.message(text);
    clock.advance(1_000);
    for (const text of ["3", "4"]) sink.message(text);
    expect(endpoint.state).toBe("open");
    clock.advance(999);
    for (const text of ["5", "6"]) sink.message(text);
    expect([endpoint.state, socket.calls]).toEqual(["closing", ["close 1008 too many messages"]]);
    expect(endpoint.messagesReceived).toBe(6);
    sink.closed({ code: 1008, reason: "too many messages", clean: true });
    expect(words).toEqual([1008]);
    expect(String(endpoint.closure?.error)).toContain("The peer sent more than maxMessagesPerSecond takes");
  });

  it("notices silence, which messages end", () => {
    const { clock, sink, words } = start({ idleMs: 1_000 });
    clock.advance(900);
    sink.message("a");
    clock.advance(900);
    expect(words).toEqual([]);
    clock.advance(300);
    expect(words).toEqual(["idle"]);
  });

  it("counts what waits for a peer that is sent no message, such as pongs, until it is gone", () => {
    const buffers = new BufferBudget(1_000);
    const { clock, socket } = start({ buffers });
    socket.bufferedAmount = 500;
    clock.advance(10_000);
    expect(buffers.used).toBe(500);
    socket.bufferedAmount = 0;
    clock.advance(10_000);
    expect(buffers.used).toBe(0);
    socket.bufferedAmount = 400;
    clock.advance(10_000);
    expect(buffers.used).toBe(400);
    socket.end();
    expect(buffers.used).toBe(0);
  });

  it("is told of pongs that nobody asked for", () => {
    const { sink, words } = start();
    sink.pong(Uint8Array.of(1));
    expect(words).toEqual([Uint8Array.of(1)]);
  });

  it("goes on after a pause and after a slow peer", async () => {
    const { socket, sink, endpoint } = start();
    sink.message("a");
    sink.message("b");
    expect(socket.calls).toEqual(["pause"]);
    endpoint.queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause", "resume"]);
    socket.writable = false;
    const written = endpoint.send("c");
    expect(written).toBeInstanceOf(Promise);
    socket.drain();
    await written;
  });

  it("pauses for all queues together, and goes on when a reader has nothing left and there is room", () => {
    const { socket, sink, endpoint } = start({ readAhead: { messages: 4, bytes: 100 } });
    const other = endpoint.queue.beside();
    for (const text of ["a", "b", "c"]) sink.message(text);
    expect(socket.calls).toEqual([]);
    endpoint.hold("d", other);
    expect([socket.calls, endpoint.queue.length, other.length]).toEqual([["pause"], 3, 1]);
    other.shift();
    // Three are more than half, but the other reader waits.
    endpoint.released(other);
    expect(socket.calls).toEqual(["pause", "resume"]);
    endpoint.hold("e", other);
    endpoint.queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause", "resume", "pause"]);
    endpoint.queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause", "resume", "pause", "resume"]);
  });

  it("stays paused while all of it is taken, whoever has nothing left", () => {
    const { socket, sink, endpoint } = start();
    const other = endpoint.queue.beside();
    sink.message("a");
    sink.message("b");
    endpoint.released(other);
    expect(socket.calls).toEqual(["pause"]);
  });

  it("closes at the mark where the socket cannot pause", () => {
    const { socket, sink, endpoint } = start();
    Object.defineProperty(socket, "pause", { value: undefined });
    sink.message("a");
    sink.message("b");
    sink.message("c");
    expect([socket.calls, endpoint.queue.length]).toEqual([["close 1008 read-ahead exceeded"], 2]);
  });
});

describe("an endpoint that follows another one (C9)", () => {
  const readAhead = { messages: 2, bytes: 100 };

  it("puts its messages behind those that the queue holds", () => {
    const queue = new MessageQueue(readAhead);
    queue.push("before");
    const { sink, endpoint, socket } = start({ queue });
    sink.message("after");
    expect([queue.shift(), queue.shift()]).toEqual(["before", "after"]);
    expect(socket.calls).toEqual(["pause"]);
    expect(endpoint.queue).toBe(queue);
  });

  it("is paused from its start on while the queue is full; what its end brings all the same is dropped", () => {
    const queue = new MessageQueue(readAhead);
    queue.push("a");
    queue.push("b");
    const { sink, socket, words } = start({ queue });
    expect(socket.calls).toEqual(["pause"]);
    sink.message("c");
    socket.end();
    expect([queue.length, words]).toEqual([2, [1006]]);
  });

  it("drops nothing once it was resumed", () => {
    const queue = new MessageQueue(readAhead);
    queue.push("a");
    queue.push("b");
    const { sink, endpoint, socket } = start({ queue });
    queue.shift();
    endpoint.released();
    expect(socket.calls).toEqual(["pause", "resume"]);
    sink.message("c");
    sink.message("d");
    expect(queue.length).toBe(3);
  });

  it("sends what was held elsewhere, at the peer's pace, before what is sent from then on", async () => {
    const { socket, endpoint } = start({ bufferPolicy: "drop" });
    const held = new HeldWrites();
    const writes = ["a", "b", "c"].map((text) => held.add(text, 1));
    socket.writable = false;
    endpoint.adopt(held);
    const later = endpoint.send("d");
    expect([socket.sent, held.length, endpoint.messagesDropped]).toEqual([["a"], 0, 0]);
    socket.drain();
    await Promise.all([...writes, later]);
    expect(socket.sent).toEqual(["a", "b", "c", "d"]);
  });

  it("gives up what it will not send, if somebody wants it, and rejects what is left", async () => {
    const kept = new HeldWrites();
    const { socket, endpoint } = start({ maxBufferedAmount: 100 }, {
      unsent: (writes) => kept.put(writes.next()!),
    });
    socket.writable = false;
    void endpoint.write("x".repeat(99));
    const [first, second] = [endpoint.write("ab"), endpoint.write("cd")];
    socket.end();
    await expect(second).rejects.toThrow("Cannot send a message");
    expect(kept.peek()?.message).toBe("ab");
    kept.next()!.resolve();
    await first;
  });

  it("gives up nothing when it closes itself: all of it is sent before", async () => {
    const { socket, endpoint } = start({ maxBufferedAmount: 100 }, {
      unsent: () => expect.unreachable("there is nothing"),
    });
    socket.writable = false;
    void endpoint.write("x".repeat(99));
    const held = endpoint.write("ab");
    void endpoint.close();
    await held;
    expect(socket.calls.slice(-2)).toEqual(["send ab", "close 1000 "].map((call) => call.trimEnd()));
  });

  it("counts what it was handed", () => {
    const { endpoint } = start();
    void endpoint.send("é");
    void endpoint.send(new Uint8Array(5));
    expect([endpoint.messagesSent, endpoint.writes.bytesSent]).toEqual([2, 6]);
  });
});
