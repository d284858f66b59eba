import { describe, expect, it } from "vitest";
import { PlainEndpoint, type PlainEndpointOptions } from "../../src/streams/plain_endpoint.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

function start(options: Partial<PlainEndpointOptions> = {}) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const words: unknown[] = [];
  const endpoint: PlainEndpoint = new PlainEndpoint(socket, {
    message: (message) => endpoint.hold(message),
    idle: () => void words.push("idle"),
    pong: (payload) => void words.push(payload),
    closed: ({ code }) => void words.push(code),
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

  it("notices silence, which messages end", () => {
    const { clock, sink, words } = start({ idleMs: 1_000 });
    clock.advance(900);
    sink.message("a");
    clock.advance(900);
    expect(words).toEqual([]);
    clock.advance(300);
    expect(words).toEqual(["idle"]);
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
