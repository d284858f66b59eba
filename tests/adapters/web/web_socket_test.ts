import { describe, expect, it } from "vitest";
import { DrainPoll } from "../../../src/adapters/web/drain_poll.ts";
import { WebSocketAdapter, type WebSocketOptions } from "../../../src/adapters/web/web_socket.ts";
import { ConnectionError, PayloadTooLargeError } from "../../../src/errors.ts";
import { FakePlatformSocket } from "../../support/fake_platform_socket.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SinkWords } from "../../support/sink_words.ts";

const MEBIBYTE = 1_048_576;

interface Adapted {
  readonly platform: FakePlatformSocket;
  readonly socket: WebSocketAdapter;
  readonly clock: ManualClock;
  readonly sink: SinkWords;
  /** How often its end was told to whoever counts sockets. */
  ends(): number;
}

function adapt(options: Partial<WebSocketOptions> = {}, started = true): Adapted {
  const platform = new FakePlatformSocket();
  const clock = new ManualClock();
  const sink = new SinkWords();
  let ends = 0;
  const socket = new WebSocketAdapter(platform, {
    clock,
    drainPoll: new DrainPoll(clock),
    maxMessageSize: 10,
    onClosed: () => ends++,
    ...options,
  });
  if (started) socket.start(sink);
  return { platform, socket, clock, sink, ends: () => ends };
}

it("tells how much of what was sent has gone, whatever waits by now", () => {
  const { platform, socket } = adapt();
  platform.bufferedAmount = 30;
  socket.send(new Uint8Array(40));
  expect(socket.bytesTaken).toBe(10);
  platform.bufferedAmount = 35;
  socket.send("0123456789");
  expect(socket.bytesTaken).toBe(15);
});

describe("what comes in", () => {
  it("is told as text and as bytes, which own their buffer", () => {
    const { platform, sink } = adapt();
    expect(platform.binaryType).toBe("arraybuffer");
    platform.receive("hello");
    platform.receive(Uint8Array.of(1, 2, 3));
    platform.receive("");
    platform.receive(Uint8Array.of());
    expect(sink.take()).toEqual(["text hello", "binary 01 02 03", "text", "binary"]);
    const bytes = sink.messages[1] as Uint8Array;
    expect([bytes.constructor, bytes.buffer.byteLength]).toEqual([Uint8Array, 3]);
  });

  it("before anybody listens is kept, and so is the end behind it", () => {
    const { platform, socket, clock, sink } = adapt({}, false);
    platform.receive("a");
    platform.receive("b");
    platform.end(4_001, "bye");
    clock.endTurn();
    socket.start(sink);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a", "text b", "closed 4001"]);
  });

  it("may be as long as the limit, in bytes and not in characters", () => {
    const { platform, sink } = adapt();
    for (const message of ["0123456789", "ééééé", "€€€a", new Uint8Array(10)]) platform.receive(message);
    expect(sink.take()).toHaveLength(4);
    expect(platform.calls).toEqual([]);
  });

  for (
    const [message, size] of [["0123456789a", 11], ["ééééé!", 11], [new Uint8Array(11), 11], ["€€€€", 12]] as const
  ) {
    it(`of ${size} bytes is refused with 1009: ${typeof message === "string" ? message : "bytes"}`, () => {
      const { platform, socket, clock, sink } = adapt();
      platform.receive("before");
      platform.receive(message);
      platform.receive("behind");
      expect(platform.calls).toEqual(["close 1009 message too big"]);
      expect(socket.send("late")).toBe(false);
      platform.end(1006, "", false);
      clock.endTurn();
      expect(sink.take()).toEqual(["text before", "closed 1009"]);
      const { error, ...rest } = sink.closure!;
      expect(error).toBeInstanceOf(PayloadTooLargeError);
      expect(error).toMatchObject({ size, limit: 10, closeCode: 1009 });
      expect(rest).toEqual({
        code: 1009,
        reason: "message too big",
        clean: false,
        sent: { code: 1009, reason: "message too big" },
        first: "local",
      });
    });
  }

  it("is told as long as the peer has not answered our close frame", () => {
    const { platform, socket, clock, sink } = adapt();
    socket.close(1000);
    platform.receive("still");
    platform.end(1000);
    clock.endTurn();
    expect(sink.take()).toEqual(["text still", "closed 1000"]);
  });
});

describe("what goes out", () => {
  it("is handed over at once, and then dropped once a close frame went", () => {
    const { platform, socket } = adapt();
    expect([socket.send("hello"), socket.send(Uint8Array.of(1, 2))]).toEqual([true, true]);
    socket.close(4_000, "bye");
    socket.close(4_001, "again");
    expect(socket.send("late")).toBe(false);
    expect(platform.calls).toEqual(["send hello", "send 01 02", "close 4000 bye"]);
  });

  it("is dropped once the connection is gone", () => {
    const { platform, socket } = adapt();
    platform.bufferedAmount = 7;
    expect(socket.bufferedAmount).toBe(7);
    platform.end(1000);
    expect([socket.send("late"), socket.bufferedAmount]).toEqual([false, 0]);
    socket.close(1000);
    socket.destroy();
    expect(platform.calls).toEqual([]);
  });

  it("is not taken, and what waits still does, once the platform closes by itself without telling", () => {
    const { platform, socket, clock, sink } = adapt({ maxBufferedAmount: 100 });
    platform.slow = true;
    expect([socket.send("x".repeat(60)), socket.send("x".repeat(60))]).toEqual([true, false]);
    platform.readyState = 2;
    platform.bufferedAmount = 0;
    clock.advance(4);
    expect([socket.bufferedAmount, socket.send("late"), platform.calls.length]).toEqual([120, false, 2]);
    expect([sink.take(), clock.timers]).toEqual([[], 0]);
  });

  it("is told to wait at 1 MiB, and to go on at 256 KiB", () => {
    const { platform, socket, clock, sink } = adapt();
    platform.slow = true;
    expect(socket.send("x".repeat(MEBIBYTE - 1))).toBe(true);
    expect([socket.send("x"), socket.send("y")]).toEqual([false, false]);
    platform.bufferedAmount = 262_145;
    clock.advance(8);
    expect(sink.take()).toEqual([]);
    platform.bufferedAmount = 262_144;
    clock.advance(3);
    expect(sink.take()).toEqual([]);
    clock.advance(1);
    expect([sink.take(), clock.timers]).toEqual([["drained"], 0]);
  });

  it("is told to wait earlier where less may wait, and to go on at a quarter of it; later never", () => {
    const { platform, socket, clock, sink } = adapt({ maxBufferedAmount: 100 });
    platform.slow = true;
    expect([socket.send("x".repeat(99)), socket.send("x")]).toEqual([true, false]);
    platform.bufferedAmount = 26;
    clock.advance(4);
    expect(sink.take()).toEqual([]);
    platform.bufferedAmount = 25;
    clock.advance(4);
    expect(sink.take()).toEqual(["drained"]);
    const roomy = adapt({ maxBufferedAmount: 2 * MEBIBYTE });
    roomy.platform.slow = true;
    expect(roomy.socket.send("x".repeat(MEBIBYTE))).toBe(false);
    roomy.socket.destroy();
  });

  it("is told to go on again when it was too much again", () => {
    const { platform, socket, clock, sink } = adapt();
    platform.slow = true;
    const big = "x".repeat(MEBIBYTE);
    let writes = 0;
    sink.onWord = () => {
      if (++writes < 4) expect(socket.send(big)).toBe(false);
    };
    expect(socket.send(big)).toBe(false);
    for (let i = 0; i < 6; i++) {
      platform.bufferedAmount = 0;
      clock.advance(4);
    }
    expect([sink.take(), clock.timers]).toEqual([["drained", "drained", "drained", "drained"], 0]);
  });

  for (
    const [what, end] of [
      ["our close frame", ({ socket }: Adapted) => socket.close(1000)],
      ["the end", ({ platform }: Adapted) => platform.end(1006, "", false)],
      ["being cut", ({ socket }: Adapted) => socket.destroy()],
    ] as const
  ) {
    it(`that waited is not told of room after ${what}`, () => {
      const adapted = adapt();
      const { platform, socket, clock, sink } = adapted;
      platform.slow = true;
      socket.send("x".repeat(MEBIBYTE));
      end(adapted);
      platform.bufferedAmount = 0;
      clock.advance(100);
      expect([sink.take().includes("drained"), clock.timers]).toEqual([false, 0]);
    });
  }
});

describe("the end", () => {
  it("that the peer began has its code and reason, answered with the same code", () => {
    const { platform, clock, sink, ends } = adapt();
    platform.end(4_001, "bye");
    expect([sink.take(), ends()]).toEqual([[], 1]);
    clock.endTurn();
    expect(sink.closure).toEqual({
      code: 4_001,
      reason: "bye",
      clean: true,
      received: { code: 4_001, reason: "bye" },
      sent: { code: 4_001, reason: "" },
      first: "remote",
    });
  });

  it("that we began has the peer's answer", () => {
    const { platform, socket, clock, sink } = adapt();
    socket.close(4_001, "bye");
    platform.end(4_002, "mine");
    clock.endTurn();
    expect(sink.closure).toEqual({
      code: 4_002,
      reason: "mine",
      clean: true,
      received: { code: 4_002, reason: "mine" },
      sent: { code: 4_001, reason: "bye" },
      first: "local",
    });
  });

  it("without a code goes without one", () => {
    const { platform, socket, clock, sink } = adapt();
    socket.close();
    expect(platform.calls).toEqual(["close"]);
    platform.end(1005);
    clock.endTurn();
    expect([sink.closure?.code, sink.closure?.sent]).toEqual([1005, { code: 1005, reason: "" }]);
  });

  it("without a close frame is 1006, whatever number the platform says, with its error as the cause", () => {
    for (const code of [0, 1006]) {
      const { platform, clock, sink } = adapt();
      const cause = new Error("reset");
      platform.fail(cause);
      platform.fail(new Error("another"));
      platform.end(code, "reset", false);
      clock.endTurn();
      expect(sink.closure).toMatchObject({ code: 1006, reason: "", clean: false });
      expect(sink.closure?.error).toBeInstanceOf(ConnectionError);
      expect(sink.closure?.error?.cause === cause).toBe(true);
    }
  });

  it("is told once, and nothing behind it, though the platform goes on", () => {
    const { platform, clock, sink, ends } = adapt();
    platform.end(1001, "", false);
    platform.receive("late");
    platform.fail();
    platform.end(1005);
    clock.endTurn();
    clock.runTurns();
    expect([sink.take(), ends()]).toEqual([["closed 1006"], 1]);
    // One that nobody hears would end the process on Deno.
    expect(platform.onerror).not.toBe(null);
  });

  it("is judged by whoever knows the platform better", () => {
    const judged: unknown[] = [];
    const { platform, socket, clock, sink } = adapt({
      judge: (event, closedFirst) => {
        judged.push([event.code, closedFirst]);
        return { code: 1006, reason: "silence", wasClean: false };
      },
      lossOf: (reason) => new ConnectionError(`Lost: ${reason}`),
    });
    socket.close(1000);
    platform.end(1005);
    clock.endTurn();
    expect(judged).toEqual([[1005, true]]);
    expect(sink.closure).toMatchObject({ code: 1006, clean: false, error: { message: "Lost: silence" } });

    const peers = adapt({ lossOf: (reason) => new ConnectionError(`Lost: ${reason}`) });
    peers.platform.end(1000, "silence");
    peers.clock.endTurn();
    expect(peers.sink.closure).not.toHaveProperty("error");
  });
});

describe("being cut", () => {
  it("drops what was not told yet; the end follows later, with the error", () => {
    const { platform, socket, clock, sink, ends } = adapt({}, false);
    platform.receive("kept");
    const error = new ConnectionError("The peer did not answer a ping in time");
    socket.start(sink);
    socket.destroy(error);
    socket.destroy();
    platform.receive("late");
    platform.end(1000);
    expect([sink.take(), ends(), platform.calls]).toEqual([[], 1, ["close"]]);
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1006"]);
    expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false, error });
  });

  it("after our close frame tells what was sent", () => {
    const { socket, clock, sink } = adapt();
    socket.close(4_000, "bye");
    socket.destroy();
    clock.endTurn();
    expect(sink.closure).toMatchObject({ code: 1006, clean: false, sent: { code: 4_000 }, first: "local" });
  });

  it("bears with a platform that has lost the connection already", () => {
    const { platform, socket, clock, sink } = adapt();
    platform.closeThrows = true;
    socket.destroy();
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1006"]);
  });

  it("from inside of a message that was kept ends in good order", () => {
    const { platform, socket, clock, sink } = adapt({}, false);
    sink.onWord = () => socket.destroy();
    platform.receive("a");
    platform.receive("b");
    socket.start(sink);
    clock.runTurns();
    expect(sink.take()).toEqual(["text a", "closed 1006"]);
  });
});

it("the sub-protocol is the platform's, unless it is known better", () => {
  const platform = new FakePlatformSocket();
  platform.protocol = "chat";
  const clock = new ManualClock();
  const options = { clock, drainPoll: new DrainPoll(clock), maxMessageSize: 10 };
  expect(new WebSocketAdapter(platform, options).protocol).toBe("chat");
  expect(new WebSocketAdapter(platform, { ...options, protocol: "" }).protocol).toBe("");
});

it("a code that may not travel there goes as another, which is what was sent", () => {
  const { platform, socket, clock, sink } = adapt({ closeCode: (code) => code === 1001 ? 4_001 : code });
  socket.close(1001, "bye");
  expect(platform.calls).toEqual(["close 4001 bye"]);
  platform.end(4_001);
  clock.endTurn();
  expect(sink.closure?.sent).toEqual({ code: 4_001, reason: "bye" });
});

it("has no method for what the platform cannot do", () => {
  const { socket } = adapt();
  for (const name of ["pause", "resume", "ping", "pong", "sendPart", "frame", "bytesReceived"]) {
    expect(name in socket).toBe(false);
  }
});
