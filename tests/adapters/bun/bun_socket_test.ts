import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { BunSocket, type BunSocketOptions } from "../../../src/adapters/bun/bun_socket.ts";
import { ConnectionError, CorruptedFrameError, PayloadTooLargeError } from "../../../src/errors.ts";
import { DEFAULT_LIMITS, type SocketLimits } from "../../../src/transport/upgrade.ts";
import { FakeBunSocket } from "../../support/fake_bun.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SinkWords } from "../../support/sink_words.ts";

interface Opened {
  readonly socket: BunSocket;
  readonly bun: FakeBunSocket;
  readonly clock: ManualClock;
  readonly sink: SinkWords;
  /** How often its end was told to whoever counts sockets. */
  ends(): number;
}

function open(limits: Partial<SocketLimits> = {}, options: Partial<BunSocketOptions> = {}, started = true): Opened {
  const clock = new ManualClock();
  const sink = new SinkWords();
  let ends = 0;
  const socket = new BunSocket({
    clock,
    protocol: "chat",
    limits: { ...DEFAULT_LIMITS, maxMessageSize: 10, ...limits },
    threshold: Infinity,
    onClosed: () => ends++,
    ...options,
  });
  const bun = new FakeBunSocket(socket, {
    open: (bun) => socket.opened(bun),
    close: (_bun, code, reason) => socket.ended(code, reason),
  });
  if (started) socket.start(sink);
  return { socket, bun, clock, sink, ends: () => ends };
}

describe("what comes in", () => {
  it("is told as text and as bytes, as Bun hands them over: with a buffer of their own", () => {
    const { socket, bun, sink } = open();
    expect([socket.protocol, bun.binaryType]).toEqual(["chat", "uint8array"]);
    const bytes = Uint8Array.of(1, 2);
    for (const message of ["hello", bytes, "", Uint8Array.of()]) socket.received(message);
    expect(sink.take()).toEqual(["text hello", "binary 01 02", "text", "binary"]);
    expect(sink.messages[1] === bytes).toBe(true);
  });

  it("before anybody listens is kept, and so is the end behind it", () => {
    const { socket, bun, clock, sink } = open({}, {}, false);
    socket.received("a");
    socket.pinged(Uint8Array.of(1));
    socket.ponged(Uint8Array.of(2));
    bun.end(4_001, "bye");
    clock.endTurn();
    socket.start(sink);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text a", "ping 01", "pong 02", "closed 4001"]);
  });

  it("is held back by a pause from the next message on", () => {
    const { socket, bun, clock, sink } = open();
    sink.onWord = () => socket.pause();
    socket.received("a");
    socket.received("b");
    socket.pinged(Uint8Array.of(1));
    clock.endTurn();
    expect([sink.take(), bun.calls]).toEqual([["text a"], ["pause"]]);
    sink.onWord = () => {};
    // Nobody would lift the pause of a connection that is gone.
    bun.end(1000);
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect(sink.take()).toEqual(["text b", "ping 01", "closed 1000"]);
    socket.resume();
    expect([bun.calls, clock.timers]).toEqual([["pause"], 0]);
  });

  it("is looked at in a long pause, when output waits: Bun tells of no reset then", () => {
    const { socket, bun, clock, sink } = open();
    bun.slow = true;
    socket.pause();
    clock.advance(1_000);
    expect(bun.calls).toEqual(["pause"]);
    expect(socket.send("out")).toBe(false);
    // The writer may go on long before all of it is gone.
    socket.drained();
    expect(sink.take()).toEqual(["drained"]);
    clock.advance(1_000);
    expect(bun.calls.slice(2)).toEqual(["resume"]);
    socket.received("kept");
    clock.advance(5);
    expect([bun.calls.slice(3), sink.take()]).toEqual([["pause"], []]);
    clock.advance(995);
    expect(bun.calls.slice(4)).toEqual(["resume"]);
    bun.end(1006);
    clock.endTurn();
    expect(sink.take()).toEqual(["text kept", "closed 1006"]);
    clock.advance(5);
    expect([bun.calls.slice(5), clock.timers]).toEqual([[], 0]);
  });

  it.each<[string, (socket: BunSocket) => void]>([
    ["a mebibyte", (socket) => socket.received(new Uint8Array(1_048_577))],
    ["ten thousand empty messages", (socket) => {
      for (let i = 0; i < 10_000; i++) socket.received("");
    }],
    ["as many pings", (socket) => {
      for (let i = 0; i < 10_000; i++) socket.pinged(new Uint8Array(0));
    }],
  ])("is not looked at any more when %s are kept", (_what, fill) => {
    const { socket, bun, clock } = open({ maxMessageSize: 2_000_000, maxControlFramesPerSecond: 100_000 });
    bun.slow = true;
    socket.pause();
    socket.send("out");
    fill(socket);
    clock.advance(3_000);
    expect(bun.calls).toEqual(["pause", "send out"]);
  });

  it("goes on after a pause, as Bun does", () => {
    const { socket, bun, clock, sink } = open();
    socket.pause();
    socket.resume();
    clock.endTurn();
    socket.received("a");
    expect([sink.take(), bun.calls]).toEqual([["text a"], ["pause", "resume"]]);
  });

  it("may be as long as the limit, in bytes and not in characters", () => {
    const { socket, bun, sink } = open();
    for (const message of ["0123456789", "ééééé", "€€€a", new Uint8Array(10)]) socket.received(message);
    expect([sink.take().length, bun.calls]).toEqual([4, []]);
  });

  for (const [message, size] of [["0123456789a", 11], ["€€€€", 12], [new Uint8Array(11), 11]] as const) {
    it(`of ${size} bytes is refused with 1009: ${typeof message === "string" ? message : "bytes"}`, () => {
      const { socket, bun, clock, sink, ends } = open();
      socket.received("before");
      socket.received(message);
      socket.received("behind");
      clock.endTurn();
      expect(bun.calls).toEqual(["close 1009 message too big"]);
      expect([sink.take(), ends()]).toEqual([["text before", "closed 1009"], 1]);
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

  it("attack 22: pings and pongs, so many within a second; then 1008", () => {
    const { socket, bun, clock, sink } = open({ maxControlFramesPerSecond: 2 });
    socket.pinged(Uint8Array.of());
    socket.ponged(Uint8Array.of());
    clock.advance(1_000);
    socket.pinged(Uint8Array.of(1));
    socket.pinged(Uint8Array.of(2));
    expect([sink.take().length, bun.calls]).toEqual([4, []]);
    socket.ponged(Uint8Array.of(3));
    socket.pinged(Uint8Array.of(4));
    clock.endTurn();
    expect(bun.calls).toEqual(["close 1008 too many control frames"]);
    expect([sink.take(), sink.closure?.error]).toEqual([["closed 1008"], expect.any(CorruptedFrameError)]);
  });

  it("a ping's payload owns its buffer", () => {
    const { socket, sink } = open();
    const seen: Uint8Array[] = [];
    sink.ping = (payload) => seen.push(payload) === 0;
    sink.pong = (payload) => void seen.push(payload);
    const pool = Buffer.from([0, 1, 2, 0]);
    socket.pinged(pool.subarray(1, 3));
    socket.ponged(pool.subarray(1, 3));
    pool.fill(9);
    for (const payload of seen) expect([payload, payload.buffer.byteLength]).toEqual([Uint8Array.of(1, 2), 2]);
    expect(seen).toHaveLength(2);
  });
});

describe("what goes out", () => {
  it("is handed over at once: text, bytes, pings and pongs", () => {
    const { socket, bun } = open();
    expect([socket.send("hello"), socket.send(Uint8Array.of(1, 2)), socket.send("")]).toEqual([true, true, true]);
    socket.ping(Uint8Array.of(3));
    socket.pong(Uint8Array.of(4));
    expect(bun.calls).toEqual(["send hello", "send 01 02", "send ", "ping 03", "pong 04"]);
  });

  it("is compressed from the threshold on, in bytes, where that was agreed on, unless it shall not be", () => {
    const { socket, bun } = open({}, { threshold: 4 });
    socket.send("abc");
    socket.send("abcd");
    socket.send("éé");
    socket.send(new Uint8Array(4));
    socket.send("abcd", false);
    expect(bun.calls).toEqual([
      "send abc",
      "send abcd compressed",
      "send éé compressed",
      "send 00 00 00 00 compressed",
      "send abcd",
    ]);
    const without = open();
    without.socket.send("abcd", true);
    expect(without.bun.calls).toEqual(["send abcd"]);
  });

  it("that waits for the peer is all taken; the writer waits until 64 KiB are left", () => {
    const { socket, bun, sink } = open();
    bun.slow = true;
    expect([socket.send("a"), socket.send("b")]).toEqual([false, false]);
    bun.slow = false;
    expect(socket.send("c")).toBe(false);
    expect(bun.calls).toEqual(["send a", "send b", "send c"]);
    bun.buffered = 65_537;
    expect(socket.bufferedAmount).toBe(65_537);
    socket.drained();
    expect(sink.take()).toEqual([]);
    bun.buffered = 65_536;
    socket.drained();
    expect(sink.take()).toEqual(["drained"]);
    bun.buffered = 0;
    socket.drained();
    expect(sink.take()).toEqual([]);
    expect(socket.send("d")).toBe(true);
  });

  it("that blocks again as soon as there is room, is told of room again", () => {
    const { socket, bun, sink } = open();
    bun.slow = true;
    let writes = 0;
    sink.onWord = () => {
      if (++writes < 3) expect(socket.send("b")).toBe(false);
    };
    socket.send("a");
    for (let i = 0; i < 5; i++) {
      bun.buffered = 0;
      socket.drained();
    }
    expect(sink.take()).toEqual(["drained", "drained", "drained"]);
  });

  it("is dropped once the connection is closed, and no room is told of", () => {
    const { socket, bun, clock, sink } = open();
    bun.slow = true;
    socket.send("a");
    bun.buffered = 0;
    socket.close(4_000, "bye");
    socket.drained();
    expect([socket.send("late"), socket.bufferedAmount]).toEqual([false, 0]);
    socket.ping(Uint8Array.of());
    socket.pong(Uint8Array.of());
    socket.pause();
    socket.resume();
    socket.close(4_001);
    socket.destroy();
    clock.endTurn();
    expect(bun.calls).toEqual(["send a", "close 4000 bye"]);
    expect(sink.take()).toEqual(["closed 4000"]);
  });
});

describe("the end", () => {
  it("that the peer began has its code and reason, which Bun has answered", () => {
    const { bun, clock, sink, ends } = open();
    bun.end(4_001, "bye");
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

  it("that we began has our code: Bun waits for no answer. It is told later, and once", () => {
    const { socket, bun, clock, sink, ends } = open();
    socket.close(4_001, "bye");
    bun.end(1006);
    socket.received("late");
    socket.pinged(Uint8Array.of());
    expect(sink.take()).toEqual([]);
    clock.endTurn();
    expect([sink.take(), ends()]).toEqual([["closed 4001"], 1]);
    expect(sink.closure).toEqual({
      code: 4_001,
      reason: "bye",
      clean: false,
      sent: { code: 4_001, reason: "bye" },
      first: "local",
    });
  });

  it("waits for output, which Bun would cut: nothing more is sent, and what comes is told", () => {
    const { socket, bun, clock, sink, ends } = open();
    bun.slow = true;
    socket.send("a");
    socket.close(4_000, "bye");
    socket.close(4_001);
    expect([socket.send("late"), socket.bufferedAmount]).toEqual([false, 1]);
    socket.ping(Uint8Array.of());
    socket.pong(Uint8Array.of());
    socket.received("b");
    socket.pinged(Uint8Array.of(1));
    socket.drained();
    expect([bun.calls, sink.take()]).toEqual([["send a"], ["text b", "ping 01"]]);
    bun.buffered = 0;
    socket.drained();
    socket.drained();
    socket.received("behind");
    clock.endTurn();
    expect([bun.calls, sink.take(), ends()]).toEqual([["send a", "close 4000 bye"], ["closed 4000"], 1]);
    expect(sink.closure).toEqual({
      code: 4_000,
      reason: "bye",
      clean: false,
      sent: { code: 4_000, reason: "bye" },
      first: "local",
    });
  });

  it.each<[string, number, object]>([
    ["the peer's own close frame", 4_001, {
      code: 4_001,
      clean: true,
      received: { code: 4_001, reason: "" },
      sent: { code: 4_001, reason: "" },
      first: "remote",
    }],
    ["its leaving", 1006, { code: 1006, clean: false }],
  ])("that waits for output can be overtaken by %s", (_what, code, closure) => {
    const { socket, bun, clock, sink } = open();
    bun.slow = true;
    socket.send("a");
    socket.close(4_000, "bye");
    bun.end(code);
    socket.drained();
    clock.endTurn();
    expect([bun.calls, sink.closure]).toEqual([["send a"], { reason: "", ...closure }]);
  });

  it("does not wait for the output of a peer that breaks a rule", () => {
    const { socket, bun, clock, sink } = open();
    bun.slow = true;
    socket.send("a");
    socket.close(4_000, "bye");
    socket.received(new Uint8Array(11));
    clock.endTurn();
    expect([bun.calls, sink.take()]).toEqual([["send a", "close 1009 message too big"], ["closed 1009"]]);
  });

  it("that waits for output can be cut", () => {
    const { socket, bun, clock, sink } = open();
    bun.slow = true;
    socket.send("a");
    socket.close(4_000, "bye");
    socket.destroy();
    clock.endTurn();
    expect([bun.calls, sink.closure]).toEqual([["send a", "terminate"], { code: 1006, reason: "", clean: false }]);
  });

  it("has 1000 unless another code is given", () => {
    const { socket, bun } = open();
    socket.close();
    expect(bun.calls).toEqual(["close 1000"]);
  });

  it("without a close frame is 1006", () => {
    const { bun, clock, sink } = open();
    bun.end(1006);
    clock.endTurn();
    expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false });
  });

  it("that we began from inside of a message is told behind those that were kept, and once", () => {
    const { socket, clock, sink, ends } = open({}, {}, false);
    sink.onWord = (word) => {
      if (word === "text a") socket.close(4_000);
    };
    socket.received("a");
    socket.received("b");
    socket.start(sink);
    clock.runTurns();
    expect([sink.take(), ends()]).toEqual([["text a", "text b", "closed 4000"], 1]);
  });
});

describe("a rule that the peer broke: Bun tells 1006 and a sentence, and has sent a close frame that says the same", () => {
  for (
    const [sentence, code, name, section] of [
      ["Received too big message, or other inflation error", 1009, "PayloadTooLargeError", undefined],
      ["Received invalid UTF-8", 1007, "CorruptedFrameError", "§8.1"],
      ["Received invalid compressed data", 1007, "CorruptedFrameError", "RFC 7692 §7.2.2"],
      ["Received unmasked frame", 1002, "CorruptedFrameError", "§5.2"],
      ["Received a continuation without a fragmented message", 1002, "InvalidContinuationFrameError", "§5.4"],
    ] as const
  ) {
    it(`${code}: ${sentence}`, () => {
      const { bun, clock, sink } = open();
      bun.end(1006, sentence);
      clock.endTurn();
      const { error, ...rest } = sink.closure!;
      expect(error).toMatchObject({ name, message: sentence, closeCode: code, ...(section && { section }) });
      expect(rest).toEqual({
        code,
        reason: sentence,
        clean: false,
        sent: { code, reason: sentence },
        first: "local",
      });
    });
  }

  it("a peer's own words are no such sentence", () => {
    const { bun, clock, sink } = open();
    bun.end(1000, "Received too big message");
    clock.endTurn();
    expect(sink.closure).toMatchObject({ code: 1000, clean: true });
    expect(sink.closure).not.toHaveProperty("error");
  });

  it("nor is a loss with another", () => {
    const { bun, clock, sink } = open();
    bun.end(1006, "WebSocket timed out from inactivity");
    clock.endTurn();
    expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false });
  });
});

describe("being cut", () => {
  it("drops what was not told yet; the end follows later, once, with the error", () => {
    const { socket, bun, clock, sink, ends } = open({}, {}, false);
    socket.received("kept");
    socket.start(sink);
    const error = new ConnectionError("The peer did not answer a ping in time");
    socket.destroy(error);
    socket.destroy();
    socket.received("late");
    expect([sink.take(), ends(), bun.calls]).toEqual([[], 1, ["terminate"]]);
    clock.runTurns();
    expect([sink.take(), sink.closure]).toEqual([["closed 1006"], { code: 1006, reason: "", clean: false, error }]);
  });

  it("while it pauses is told nevertheless", () => {
    const { socket, clock, sink } = open();
    socket.pause();
    socket.received("kept");
    socket.destroy();
    clock.endTurn();
    expect(sink.take()).toEqual(["closed 1006"]);
  });

  it("from inside of a message that was kept ends in good order", () => {
    const { socket, clock, sink } = open({}, {}, false);
    sink.onWord = () => socket.destroy();
    socket.received("a");
    socket.received("b");
    socket.start(sink);
    clock.runTurns();
    expect(sink.take()).toEqual(["text a", "closed 1006"]);
  });
});
