import { describe, expect, it } from "vitest";
import type { PingPongHandler } from "../../src/client/options.ts";
import { pingedEndpoint } from "../../src/client/pinged_endpoint.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";

interface Pinged {
  pong(data: Uint8Array | ArrayBuffer): void;
}

function start(handler: PingPongHandler<Pinged>) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const words: unknown[] = [];
  const client: Pinged = { pong: (data) => void words.push(["pong", data]) };
  const endpoint = pingedEndpoint(
    socket,
    { message: (message) => void words.push(message), closed: ({ code }) => void words.push(code) },
    {
      client,
      handler,
      report: (error) => void words.push(error),
      endpoint: {
        clock,
        deadlines: new Deadlines(clock),
        readAhead: { messages: 4, bytes: 100 },
        maxBufferedAmount: 1_000,
        bufferPolicy: "wait",
        idleMs: Infinity,
        pingMs: Infinity,
        pongMs: Infinity,
        closeMs: 60_000,
      },
    },
  );
  endpoint.start();
  return { socket, sink: socket.sink!, client, words };
}

describe("pingedEndpoint (P1)", () => {
  it("tells its reader of messages and of the end", () => {
    const { socket, sink, words } = start({});
    sink.message("a");
    socket.end();
    expect(words).toEqual(["a", 1006]);
  });

  it("leaves pings to the socket, and drops pongs, when nobody handles them", () => {
    const { sink, words } = start({});
    expect(sink.ping(Uint8Array.of(1))).toBe(false);
    sink.pong(Uint8Array.of(1));
    expect(words).toEqual([]);
  });

  it("has the handler answer pings, with bytes of its own", () => {
    const payload = Uint8Array.of(1);
    const got: unknown[] = [];
    const { sink, client, words } = start({
      onPing(of, data) {
        got.push(of, data, data === payload);
        return Uint8Array.of(2);
      },
    });
    expect(sink.ping(payload)).toBe(true);
    expect(got).toEqual([client, payload, false]);
    expect(words).toEqual([["pong", Uint8Array.of(2)]]);
  });

  it("answers no ping once the connection is over", async () => {
    let answer = (_: Uint8Array): void => {};
    const { socket, sink, words } = start({ onPing: () => new Promise((resolve) => answer = resolve) });
    sink.ping(Uint8Array.of(1));
    socket.end();
    answer(Uint8Array.of(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(words).toEqual([1006]);
  });

  it("hands over pongs, and reports a handler that fails", () => {
    const error = new Error("no");
    const got: unknown[] = [];
    const { sink, words } = start({
      onPong(_client, data) {
        got.push(data);
        throw error;
      },
    });
    sink.pong(Uint8Array.of(7));
    expect([got, words]).toEqual([[Uint8Array.of(7)], [error]]);
  });
});
