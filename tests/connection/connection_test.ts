import { describe, expect, it } from "vitest";

import { Connection } from "../../src/connection/connection.ts";
import type { ConnectionOptions } from "../../src/connection/connection_options.ts";
import { ConnectionError, CorruptedFrameError, PayloadTooLargeError } from "../../src/errors.ts";
import type { Role } from "../../src/protocol/engine.ts";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import { memoryPair } from "../../src/transport/memory.ts";
import { DEFAULT_LIMITS, type SocketLimits } from "../../src/transport/upgrade.ts";
import { FakeTransport } from "../support/fake_transport.ts";
import { asPeerOf, fixedRandom, frame, joined, readFrames } from "../support/frames.ts";
import { hex, toHex } from "../support/hex.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { deflateOf } from "../support/recorder.ts";
import { SinkWords } from "../support/sink_words.ts";

const ROLES: readonly Role[] = ["server", "client"];

interface Setup extends Partial<Pick<ConnectionOptions, "head" | "protocol" | "deflate" | "buffers">> {
  readonly limits?: Partial<SocketLimits>;
}

function setUp(role: Role, { limits, head, deflate, buffers, protocol = "" }: Setup = {}) {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const transport = new FakeTransport();
  const sink = new SinkWords();
  const connection = new Connection(transport, {
    role,
    protocol,
    limits: { ...DEFAULT_LIMITS, messageMs: Infinity, ...limits },
    clock,
    deadlines,
    fillRandom: fixedRandom,
    deflate,
    buffers,
    ...(head && { head }),
  });
  const start = () => connection.start(sink);
  const feed = (frames: Uint8Array) => transport.deliver(asPeerOf(role, frames));
  /** `write …` of our own frames. */
  const write = (frames: Uint8Array) => `write ${toHex(asPeerOf(role === "server" ? "client" : "server", frames))}`;
  return { clock, transport, sink, connection, start, feed, write };
}

function open(role: Role, setup?: Setup) {
  const all = setUp(role, setup);
  all.start();
  return all;
}

/** `count` messages of one byte. */
function many(count: number): Uint8Array {
  return joined(Array(count).fill(hex`81 01 61`));
}

describe.each(ROLES)("Connection as a %s", (role) => {
  it("tells what comes, and which sub-protocol was agreed on", () => {
    const { connection, feed, sink } = open(role, { protocol: "chat" });
    feed(hex`81 01 61 82 01 62 89 01 63 8a 01 64`);
    expect(sink.words).toEqual(["text a", "binary 62", "ping 63", "pong 64"]);
    expect(connection.protocol).toBe("chat");
    expect(connection.bytesReceived).toBe(role === "server" ? 28 : 12);
  });

  describe("gathering", () => {
    it("hands over once what is sent inside one inbound chunk, pongs too", () => {
      const { connection, feed, sink, transport, write, clock } = open(role);
      sink.onWord = (word) => void (word.startsWith("text") && connection.send(`re ${word}`));
      feed(hex`81 01 61 89 01 70 81 01 62`);
      expect(transport.take()).toEqual([
        write(hex`81 09 72 65 20 74 65 78 74 20 61 8a 01 70 81 09 72 65 20 74 65 78 74 20 62`),
      ]);
      expect(clock.hasTurns).toBe(false);
    });

    it("hands over once what is sent in one turn", () => {
      const { connection, transport, write, clock } = open(role);
      expect(connection.send("a")).toBe(true);
      connection.ping(hex`62`);
      connection.pong(hex``);
      connection.sendPart(hex`63`, false);
      connection.sendPart(hex`64`, true);
      expect(transport.take()).toEqual([]);
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`81 01 61 89 01 62 8a 00 02 01 63 80 01 64`)]);
      connection.close(1000);
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`88 02 03 e8`)]);
    });

    it("hands over large messages at once", () => {
      const { connection, transport } = open(role);
      connection.send("x".repeat(100_000));
      expect(transport.written).toHaveLength(1);
    });

    it("has read a message when `send` returns", () => {
      const { connection, transport, write, clock } = open(role);
      const bytes = hex`01 02`;
      connection.send(bytes);
      bytes.fill(0);
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`82 02 01 02`)]);
    });
  });

  describe("a slow peer", () => {
    it("makes `send` answer false, and gets nothing more until it drained", () => {
      const { connection, transport, write, clock, sink } = open(role);
      transport.accepts = false;
      expect(connection.send("a")).toBe(true);
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`81 01 61`)]);
      expect(connection.send("b")).toBe(false);
      expect(connection.send("c")).toBe(false);
      clock.endTurn();
      expect(transport.take()).toEqual([]);
      transport.drain();
      expect(transport.take()).toEqual([write(hex`81 01 62 81 01 63`)]);
      expect(sink.take()).toEqual(["drained"]);
      transport.drain();
      expect(sink.take()).toEqual([]);
    });

    it("is told `drained` only when it is owed", () => {
      const { connection, transport, clock, sink } = open(role);
      transport.accepts = false;
      connection.send("a");
      clock.endTurn();
      transport.drain();
      expect(sink.take()).toEqual([]);
    });

    it("is not told `drained` while what waited fills it again; the order stays", () => {
      const { connection, transport, clock, sink } = open(role);
      transport.accepts = false;
      for (const text of ["a", "b", "c"]) {
        connection.send(text);
        clock.endTurn();
      }
      transport.bufferedAmount = 0;
      transport.sink!.drained();
      expect(transport.written).toHaveLength(2);
      expect(sink.take()).toEqual([]);
      transport.drain();
      expect(transport.written).toHaveLength(2);
      expect(sink.take()).toEqual(["drained"]);
      const texts = readFrames(transport.wire).map(({ payload }) => new TextDecoder().decode(payload));
      expect(texts).toEqual(["a", "b", "c"]);
    });

    it("lends to a transport that reads at once, and never changes what it keeps", () => {
      const { connection, transport, clock } = open(role);
      expect(connection.eager).toBe(false);
      const texts = Array.from({ length: 12 }, (_, i) => `${i}`.repeat(1 + i));
      texts.forEach((text, i) => {
        // It takes the first six at once, then it fills up, and once more after a while.
        transport.accepts = i < 6;
        if (i === 9) transport.drain();
        connection.send(text);
        clock.endTurn();
        // Each write shows whether it reads at once.
        expect(connection.eager).toBe(i < 6 || i === 9);
      });
      transport.drain();
      const heard = readFrames(transport.wire).map(({ payload }) => new TextDecoder().decode(payload));
      expect(heard).toEqual(texts);
    });

    it("lends nothing that would only wait: while the transport is full, nor while it rests", () => {
      const { connection, transport, clock } = open(role);
      connection.send("a");
      clock.endTurn();
      expect(connection.eager).toBe(true);
      for (let i = 0; i < 1_024; i++) connection.send("a");
      expect(connection.eager).toBe(false);
      clock.runTurns();
      expect(connection.eager).toBe(true);
      transport.write = () => false; // and yet it keeps nothing
      connection.send("b");
      clock.endTurn();
      expect(connection.eager).toBe(false);
    });

    it("counts exactly in `bufferedAmount`", () => {
      const { connection, transport, clock } = open(role);
      const frameSize = role === "server" ? 12 : 16;
      connection.send("x".repeat(10));
      expect(connection.bufferedAmount).toBe(frameSize);
      transport.accepts = false;
      clock.endTurn();
      expect(connection.bufferedAmount).toBe(frameSize);
      connection.send("x".repeat(10));
      expect(connection.bufferedAmount).toBe(2 * frameSize);
      clock.endTurn();
      expect(connection.bufferedAmount).toBe(2 * frameSize);
      connection.send("x".repeat(10));
      expect(connection.bufferedAmount).toBe(3 * frameSize);
      transport.drain();
      expect(connection.bufferedAmount).toBe(0);
    });

    it("counts nothing any more once the transport is gone", () => {
      const { connection, transport, clock } = open(role);
      transport.accepts = false;
      connection.send(new Uint8Array(3 * 1_048_576));
      clock.endTurn();
      expect(connection.bufferedAmount - transport.bufferedAmount).toBeGreaterThan(1_048_576);
      transport.sink!.closed(new Error("cable"));
      expect(connection.bufferedAmount - transport.bufferedAmount).toBe(0);
    });

    it("waits in few pieces, in order, however many turns wrote it", () => {
      const { connection, transport, clock } = open(role);
      transport.accepts = false;
      const texts = Array.from({ length: 1_000 }, (_, i) => `${i}`);
      for (const text of texts) {
        connection.send(text);
        clock.endTurn();
      }
      expect(transport.written).toHaveLength(1);
      transport.drain();
      expect(transport.written).toHaveLength(2);
      expect(readFrames(transport.wire).map(({ payload }) => new TextDecoder().decode(payload))).toEqual(texts);
      expect(connection.bufferedAmount).toBe(0);
    });

    it("makes a reply inside `message` answer false too", () => {
      const { connection, transport, feed, sink, clock } = open(role);
      transport.accepts = false;
      connection.send("a");
      clock.endTurn();
      const answers: boolean[] = [];
      sink.onWord = (word) => void (word.startsWith("text") && answers.push(connection.send("b")));
      feed(hex`81 01 61`);
      expect(answers).toEqual([false]);
      transport.drain();
      expect(sink.take()).toEqual(["text a", "drained"]);
    });

    it("attack 22: is kept few pongs for, the newest", () => {
      const { connection, transport, feed, clock, sink } = open(role, { limits: { maxPendingPongs: 3 } });
      transport.accepts = false;
      connection.send("a");
      clock.endTurn();
      const before = connection.bufferedAmount;
      for (let i = 0; i < 100; i++) feed(frame({ opcode: 9, payload: Uint8Array.of(i) }));
      expect(connection.bufferedAmount).toBe(before);
      transport.take();
      transport.drain();
      const pongs = readFrames(transport.written.at(-1)!);
      expect(pongs.map(({ opcode, payload }) => [opcode, payload[0]])).toEqual([[10, 97], [10, 98], [10, 99]]);
      expect(transport.take()).toHaveLength(1);
      expect(sink.words).toHaveLength(100);
    });

    it("attack 22: is sent no more pongs than fill it, also for pings in one chunk", () => {
      const { transport, feed } = open(role, { limits: { maxPendingPongs: 2, maxControlFramesPerSecond: 10_000 } });
      transport.accepts = false;
      feed(joined(Array(5_000).fill(frame({ opcode: 9, payload: new Uint8Array(100) }))));
      expect(transport.wire.length).toBeLessThanOrEqual(65_536);
    });
  });

  it("attack 22: takes so many pings and pongs a second, and no more", () => {
    const { feed, sink, clock, transport } = open(role, { limits: { maxControlFramesPerSecond: 3 } });
    const ping = frame({ opcode: 9 });
    const pong = frame({ opcode: 10 });
    for (let second = 0; second < 3; second++) {
      feed(joined([ping, pong, ping]));
      expect(sink.take()).toEqual(["ping", "pong", "ping"]);
      clock.advance(1_000);
    }
    feed(joined([ping, ping, ping, pong, ping]));
    expect(sink.take()).toEqual(["ping", "ping", "ping"]);
    const { opcode, payload } = readFrames(transport.written.at(-1)!).at(-1)!;
    expect([opcode, payload[0]! << 8 | payload[1]!]).toEqual([8, 1008]);
  });

  it("S12: sends what another one has framed as it would have framed it itself", () => {
    for (const maxFrameSize of [undefined, 100]) {
      for (const message of ["short", "längeres ".repeat(50), new Uint8Array(40_000).fill(7), new Uint8Array(0)]) {
        const [framing, own, other] = [0, 1, 2].map(() => open(role, { limits: { maxFrameSize } }));
        if (role === "client") {
          expect(framing!.connection.framing).toBeUndefined();
          continue;
        }
        expect(framing!.connection.framing).toBe(maxFrameSize ?? Infinity);
        expect(other!.connection.sendFramed(framing!.connection.frame(message))).toBe(true);
        own!.connection.send(message);
        for (const { clock } of [own!, other!]) clock.endTurn();
        expect(other!.transport.wire).toEqual(own!.transport.wire);
        expect(framing!.transport.wire.length).toBe(0);
      }
    }
  });

  it("leaves pings to a sink that answers them", () => {
    const { feed, sink, transport } = open(role);
    sink.answersPings = true;
    feed(hex`89 01 61`);
    expect(sink.words).toEqual(["ping 61"]);
    expect(transport.take()).toEqual([]);
  });

  describe("what came behind the handshake", () => {
    const head = asPeerOf(role, hex`81 01 61 81 01 62`);

    it("is told first, never from inside `start`, and nothing overtakes it", () => {
      const { start, sink, feed, clock } = setUp(role, { head: head.slice() });
      start();
      expect(sink.words).toEqual([]);
      feed(hex`81 01 63`);
      expect(sink.words).toEqual([]);
      clock.endTurn();
      expect(sink.words).toEqual(["text a", "text b", "text c"]);
    });

    it("may end inside a frame", () => {
      const { start, sink, transport, clock } = setUp(role, { head: head.slice(0, 4) });
      start();
      clock.endTurn();
      transport.deliver(head.slice(4));
      expect(sink.words).toEqual(["text a", "text b"]);
    });

    it("is told before the end, when that comes first", () => {
      const { start, sink, transport, clock } = setUp(role, { head: head.slice() });
      start();
      transport.sink!.closed();
      expect(sink.words).toEqual(["text a", "text b", "closed 1006"]);
      clock.runTurns();
      expect(sink.words).toHaveLength(3);
    });

    it("is copied when it lies in somebody else's buffer", () => {
      const pool = Buffer.from(joined([hex`00 00`, asPeerOf(role, frame({ opcode: 2, payload: new Uint8Array(99) }))]));
      const { start, sink, clock } = setUp(role, { head: pool.subarray(2) });
      start();
      clock.endTurn();
      const message = sink.messages[0] as Uint8Array;
      expect([message.length, message.byteOffset, message.buffer.byteLength]).toEqual([99, 0, 99]);
      expect(message.constructor).toBe(Uint8Array);
    });

    it("waits for a pause that came before it", () => {
      const { start, sink, connection, clock } = setUp(role, { head: head.slice() });
      start();
      connection.pause();
      clock.runTurns();
      expect(sink.words).toEqual([]);
      connection.resume();
      clock.runTurns();
      expect(sink.words).toEqual(["text a", "text b"]);
    });
  });

  describe("pausing", () => {
    it("takes effect before the next message, also from inside `message`, and stops the transport", () => {
      const { connection, sink, feed, transport, clock } = open(role);
      sink.onWord = () => connection.pause();
      feed(hex`81 01 61 81 01 62 81 01 63`);
      expect(sink.take()).toEqual(["text a"]);
      expect(transport.take()).toEqual(["pause"]);
      connection.resume();
      expect(sink.take()).toEqual([]);
      clock.endTurn();
      expect(sink.take()).toEqual(["text b"]);
      sink.onWord = () => {};
      connection.resume();
      clock.endTurn();
      expect(sink.take()).toEqual(["text c"]);
      expect(transport.paused).toBe(false);
    });

    it("keeps a chunk that was under way", () => {
      const { connection, sink, feed, clock } = open(role);
      connection.pause();
      feed(hex`81 01 61`);
      feed(hex`81 01 62`);
      expect(sink.take()).toEqual([]);
      connection.resume();
      clock.endTurn();
      expect(sink.take()).toEqual(["text a", "text b"]);
    });

    it("twice is once; resuming without a pause does nothing; a pause right after a resume holds", () => {
      const { connection, sink, feed, transport, clock } = open(role);
      connection.resume();
      connection.pause();
      connection.pause();
      expect(transport.take()).toEqual(["pause"]);
      feed(hex`81 01 61`);
      connection.resume();
      connection.pause();
      clock.runTurns();
      expect(sink.take()).toEqual([]);
      expect(transport.paused).toBe(true);
      connection.resume();
      clock.runTurns();
      expect(sink.take()).toEqual(["text a"]);
      expect(transport.paused).toBe(false);
    });

    it("and resuming inside one message lets the next come later", () => {
      const { connection, sink, feed, clock } = open(role);
      sink.onWord = () => {
        connection.pause();
        connection.resume();
      };
      feed(hex`81 01 61 81 01 62`);
      expect(sink.take()).toEqual(["text a"]);
      clock.endTurn();
      expect(sink.take()).toEqual(["text b"]);
    });

    it("does not hold back what we send", () => {
      const { connection, transport, clock } = open(role);
      connection.pause();
      transport.take();
      expect(connection.send("a")).toBe(true);
      clock.endTurn();
      expect(transport.take()).toHaveLength(1);
    });

    it("loses nothing when the connection is lost meanwhile", () => {
      const { connection, sink, feed, transport } = open(role);
      sink.onWord = () => connection.pause();
      feed(hex`81 01 61 81 01 62 89 00 81 01 63`);
      transport.sink!.closed(new Error("reset"));
      expect(sink.words).toEqual(["text a", "text b", "ping", "text c", "closed 1006"]);
      expect(sink.closure!.error).toBeInstanceOf(ConnectionError);
      expect(sink.closure!.error!.cause).toEqual(new Error("reset"));
    });

    it("loses nothing then, however much it is, and tells of a close frame that was not answered", () => {
      const { connection, sink, feed, transport } = open(role);
      connection.pause();
      feed(joined([many(3_000), hex`88 02 03 e9`]));
      transport.sink!.closed();
      expect(sink.messages).toHaveLength(3_000);
      expect(sink.words.slice(3_000)).toEqual(["closing 1001", "closed 1001"]);
      expect(sink.closure).toEqual({
        code: 1001,
        reason: "",
        clean: false,
        received: { code: 1001, reason: "" },
        first: "remote",
      });
    });

    it("does not forget a close frame that came with the end of the stream", () => {
      const { connection, sink, feed, transport, clock, write } = open(role);
      connection.pause();
      transport.take();
      feed(hex`81 01 61 88 02 03 e8`);
      transport.sink!.ended();
      expect(transport.take()).toEqual([]);
      connection.resume();
      clock.runTurns();
      expect(sink.words).toEqual(["text a", "closing 1000"]);
      expect(transport.take().filter((call) => call !== "resume")).toEqual([write(hex`88 02 03 e8`), "end"]);
    });
  });

  it("lets go of its history when it is closed, and when it is destroyed before it has started", () => {
    for (const started of [true, false]) {
      let cleared = 0;
      const { connection, transport, sink } = setUp(role, { deflate: deflateOf({ onClear: () => cleared++ }) });
      if (started) connection.start(sink);
      connection.destroy();
      expect(cleared).toBe(started ? 0 : 1);
      transport.sink?.closed();
      expect(cleared).toBe(1);
    }
  });

  describe("fairness", () => {
    it("lets the others have their turn after 1 024 messages", () => {
      const { sink, feed, transport, clock } = open(role);
      feed(many(2_500));
      expect(sink.messages).toHaveLength(1_024);
      expect(transport.take()).toEqual(["pause"]);
      clock.runTurn();
      expect(sink.messages).toHaveLength(2_048);
      clock.runTurns();
      expect(sink.messages).toHaveLength(2_500);
      expect(transport.paused).toBe(false);
    });

    it("counts on when its reader pauses and goes on, as often as it likes, before the others had theirs", () => {
      const { connection, sink, feed, clock } = open(role);
      const { message } = sink;
      sink.message = (each) => {
        message.call(sink, each);
        connection.pause();
        connection.resume();
      };
      feed(many(2_500));
      clock.endTurn();
      expect(sink.messages).toHaveLength(1_024);
      clock.runTurns();
      expect(sink.messages).toHaveLength(2_500);
    });

    it("lets the others have their turn after 1 MiB in", () => {
      const { feed, transport, clock } = open(role);
      const chunk = frame({ opcode: 2, payload: new Uint8Array(262_144) });
      for (let i = 0; i < 3; i++) feed(chunk);
      expect(transport.paused).toBe(false);
      feed(chunk);
      expect(transport.paused).toBe(true);
      clock.runTurns();
      expect(transport.paused).toBe(false);
    });

    it("counts over several chunks where they may come in one turn", () => {
      const { sink, feed, transport } = open(role);
      feed(many(1_000));
      expect(transport.paused).toBe(false);
      feed(many(100));
      expect(sink.messages).toHaveLength(1_024);
      expect(transport.paused).toBe(true);
    });

    it("does not rest between short reads, each in a turn of its own, however many there are", () => {
      const { connection, sink, feed, transport } = open(role);
      transport.turnPerChunk = true;
      for (let i = 0; i < 20; i++) {
        feed(many(1_000));
        for (let sent = 0; sent < 1_000; sent++) expect(connection.send("a")).toBe(true);
      }
      expect(sink.messages).toHaveLength(20_000);
      expect(transport.calls.filter((call) => call === "pause")).toEqual([]);
    });

    it("counts long reads together all the same", () => {
      const { feed, transport } = open(role);
      transport.turnPerChunk = true;
      const chunk = frame({ opcode: 2, payload: new Uint8Array(262_144) });
      for (let i = 0; i < 3; i++) feed(chunk);
      expect(transport.paused).toBe(false);
      feed(chunk);
      expect(transport.paused).toBe(true);
    });

    it("a short read while it rests does not end the rest's count", () => {
      const { sink, feed, transport, clock } = open(role);
      transport.turnPerChunk = true;
      feed(many(1_500));
      feed(many(1_500));
      expect(sink.messages).toHaveLength(1_024);
      clock.runTurn();
      expect(sink.messages).toHaveLength(2_048);
    });

    it("counts what compressed messages cost: their bytes once inflated, and each as much as 16 KiB", () => {
      const setUps = [[new Uint8Array(600_000), 2], [new Uint8Array(1), 64]] as const;
      for (const [message, turn] of setUps) {
        const { connection, transport, sink } = setUp(role, { deflate: deflateOf() });
        connection.start(sink);
        const payload = deflateOf().compressForMany(message) ?? hex`62 00 00`;
        const wire = joined(Array(100).fill(frame({ opcode: 2, rsv: 4, payload })));
        transport.deliver(asPeerOf(role, wire));
        expect(sink.messages).toHaveLength(turn);
        expect(transport.paused).toBe(true);
      }
    });

    it("lets the others have their turn after 1 024 messages out, and holds them back so long", () => {
      const { connection, transport, clock, sink } = open(role);
      const answers = Array.from({ length: 1_024 }, () => connection.send("a"));
      expect(answers.indexOf(false)).toBe(1_023);
      clock.endTurn();
      expect(transport.take()).toEqual(["pause"]);
      expect(connection.bufferedAmount).toBe(1_024 * (role === "server" ? 3 : 7));
      clock.runTurns();
      expect(readFrames(transport.wire)).toHaveLength(1_024);
      expect(sink.words).toEqual(["drained"]);
      expect([connection.bufferedAmount, transport.paused]).toEqual([0, false]);
    });

    it("lets the others have their turn after 1 MiB out", () => {
      const { connection, clock, sink } = open(role);
      const message = new Uint8Array(262_144);
      expect([1, 2, 3, 4].map(() => connection.send(message))).toEqual([true, true, true, false]);
      clock.runTurns();
      expect(sink.words).toEqual(["drained"]);
      expect(connection.send(message)).toBe(true);
    });

    it("goes on turn by turn with a sink that sends whenever it may", () => {
      const { connection, transport, clock, sink, feed } = open(role);
      let left = 5_000;
      const pump = () => {
        while (left > 0 && (left--, connection.send("a")));
      };
      sink.onWord = (word) => void (word === "drained" && pump());
      pump();
      feed(many(3));
      let turns = 0;
      for (; clock.hasTurns; turns++) clock.runTurn();
      expect(turns).toBeGreaterThanOrEqual(4);
      expect(readFrames(transport.wire)).toHaveLength(5_000);
      expect(sink.messages).toHaveLength(3);
    });

    it("stays paused when it was paused meanwhile", () => {
      const { connection, sink, feed, transport, clock } = open(role);
      feed(many(1_500));
      connection.pause();
      clock.runTurns();
      expect(sink.messages).toHaveLength(1_024);
      expect(transport.paused).toBe(true);
      connection.resume();
      clock.runTurns();
      expect(sink.messages).toHaveLength(1_500);
      expect(transport.paused).toBe(false);
    });

    it("keeps pings and replies in order over the turns", () => {
      const { connection, transport, feed, clock, sink } = open(role);
      let count = 0;
      sink.onWord = (word) => void (word.startsWith("text") && connection.send(`${count++}`));
      feed(many(2_100));
      clock.runTurns();
      const texts = readFrames(transport.wire).map(({ payload }) => Number(new TextDecoder().decode(payload)));
      expect(texts).toEqual(texts.map((_, i) => i));
      expect(texts).toHaveLength(2_100);
    });
  });

  describe("closing", () => {
    it("answers the peer's close frame, and closes cleanly", () => {
      const { sink, feed, transport, write, clock } = open(role);
      feed(hex`81 01 61 88 05 0f a0 62 79 65`);
      expect(sink.words).toEqual(["text a", "closing 4000 bye"]);
      // §7.1.1: the server ends the TCP connection
      expect(transport.take()).toEqual(
        role === "server" ? [write(hex`88 02 0f a0`), "end"] : [write(hex`88 02 0f a0`)],
      );
      transport.sink!.ended();
      expect(transport.take()).toEqual(role === "server" ? [] : ["end"]);
      transport.sink!.closed();
      expect(sink.words.slice(2)).toEqual(["closed 4000"]);
      expect(sink.closure).toEqual({
        code: 4000,
        reason: "bye",
        clean: true,
        received: { code: 4000, reason: "bye" },
        sent: { code: 4000, reason: "" },
        first: "remote",
      });
      expect(clock.timers).toBe(0);
    });

    it("closes first, still delivers, and takes the answer", () => {
      const { connection, sink, feed, transport, write, clock } = open(role);
      connection.close(1001, "away");
      connection.close(1002, "again");
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`88 06 03 e9 61 77 61 79`)]);
      feed(hex`81 01 61`);
      connection.send("dropped");
      clock.endTurn();
      expect(transport.take()).toEqual([]);
      feed(hex`88 02 03 e9`);
      expect(sink.words).toEqual(["text a", "closing 1001"]);
      expect(transport.take()).toEqual(role === "server" ? ["end"] : []);
      transport.sink!.ended();
      transport.sink!.closed();
      expect(sink.closure).toEqual({
        code: 1001,
        reason: "",
        clean: true,
        received: { code: 1001, reason: "" },
        sent: { code: 1001, reason: "away" },
        first: "local",
      });
    });

    it("lets the sink answer with a code and a last word of its own", () => {
      const { connection, sink, feed, transport, write } = open(role);
      sink.onWord = (word) => {
        if (!word.startsWith("closing")) return;
        connection.send("x");
        connection.close(4001, "no");
      };
      feed(hex`88 02 03 e8`);
      expect(transport.take()[0]).toBe(write(hex`81 01 78 88 04 0f a1 6e 6f`));
      transport.sink!.closed();
      expect(sink.closure).toMatchObject({ code: 1000, clean: true, first: "remote", sent: { code: 4001 } });
    });

    it("without a code is 1005 on both sides", () => {
      const { connection, sink, feed, transport, write, clock } = open(role);
      connection.close();
      clock.endTurn();
      expect(transport.take()).toEqual([write(hex`88 00`)]);
      feed(hex`88 00`);
      transport.sink!.closed();
      expect(sink.closure).toMatchObject({ code: 1005, clean: true, sent: { code: 1005 }, received: { code: 1005 } });
    });

    it("waits for the peer's end no longer than `lingerMs`", () => {
      const { feed, transport, clock, sink } = open(role, { limits: { lingerMs: 500 } });
      feed(hex`88 02 03 e8`);
      transport.take();
      clock.advance(499);
      expect(transport.take()).toEqual([]);
      clock.advance(1);
      expect(transport.take()).toEqual(["destroy"]);
      transport.sink!.closed();
      expect(sink.closure).toMatchObject({ code: 1000, clean: true });
      expect(clock.timers).toBe(0);
    });

    it("reads and drops no more than `lingerBytes` after the close frame", () => {
      const { transport, feed, sink } = open(role, { limits: { lingerBytes: 100 } });
      feed(hex`88 02 03 e8`);
      transport.take();
      transport.deliver(new Uint8Array(100));
      expect(transport.take()).toEqual([]);
      transport.deliver(new Uint8Array(1));
      expect(transport.take()).toEqual(["destroy"]);
      expect(sink.take()).toEqual(["closing 1000"]);
    });

    it("reads on after the close frame, though it is paused", () => {
      const { connection, feed, transport, sink } = open(role);
      sink.onWord = (word) => void (word.startsWith("closing") && connection.pause());
      feed(hex`88 02 03 e8`);
      expect(transport.paused).toBe(false);
      connection.resume();
      connection.pause();
      expect(transport.paused).toBe(false);
    });

    it("ends our direction only behind what waits for a slow peer", () => {
      const { connection, feed, transport, clock, write } = open(role);
      transport.accepts = false;
      connection.send("a");
      clock.endTurn();
      transport.take();
      feed(hex`88 02 03 e8`);
      transport.sink!.ended();
      expect(transport.take()).toEqual([]);
      transport.drain();
      expect(transport.take()).toEqual([write(hex`88 02 03 e8`), "end"]);
      transport.drain();
      expect(transport.take()).toEqual([]);
    });

    it("hands over what was written when the peer ends without a close frame", () => {
      const { connection, transport, sink, clock, write } = open(role);
      connection.send("a");
      transport.sink!.ended();
      expect(transport.take()).toEqual([write(hex`81 01 61`), "end"]);
      connection.send("b");
      connection.close(1000);
      clock.runTurns();
      expect(transport.take()).toEqual([]);
      transport.sink!.closed();
      expect(sink.words).toEqual(["closed 1006"]);
      expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false });
      expect(clock.timers).toBe(0);
    });

    it("is not clean when the peer does not answer", () => {
      const { connection, transport, sink, clock } = open(role);
      connection.close(1000, "bye");
      clock.endTurn();
      transport.sink!.ended();
      transport.sink!.closed();
      const sent = { code: 1000, reason: "bye" };
      expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false, sent, first: "local" });
    });
  });

  describe("a peer that breaks a rule", () => {
    it("is told with a close frame; then the connection ends with the error", () => {
      const { sink, feed, transport, clock } = open(role);
      feed(hex`81 01 61 83 00 81 01 62`);
      expect(sink.words).toEqual(["text a"]);
      const [close] = readFrames(transport.wire);
      expect(toHex(close!.payload.subarray(0, 2))).toBe("03 ea");
      expect(transport.take().slice(1)).toEqual(["end"]);
      feed(hex`81 01 63`);
      clock.advance(2_000);
      expect(transport.take()).toEqual(["destroy"]);
      transport.sink!.closed();
      expect(sink.words).toEqual(["text a", "closed 1002"]);
      expect(sink.closure).toMatchObject({ code: 1002, clean: false, first: "local", sent: { code: 1002 } });
      expect(sink.closure!.received).toBe(undefined);
      expect(sink.closure!.error).toBeInstanceOf(CorruptedFrameError);
      expect(sink.closure!.reason).toBe(sink.closure!.sent!.reason);
    });

    it("and sends more than a limit allows gets 1009", () => {
      const { sink, feed, transport } = open(role, { limits: { maxMessageSize: 10 } });
      feed(hex`82 0b 00`);
      transport.sink!.closed(new Error("reset"));
      expect(sink.closure).toMatchObject({ code: 1009, error: { size: 11, limit: 10 } });
      expect(sink.closure!.error).toBeInstanceOf(PayloadTooLargeError);
    });

    it("after our close frame is not said to have been told", () => {
      const { connection, sink, feed, transport, clock } = open(role);
      connection.close(1000);
      clock.endTurn();
      feed(hex`83 00`);
      transport.sink!.closed();
      expect(sink.closure).toMatchObject({ code: 1006, clean: false, sent: { code: 1000 } });
      expect(sink.closure!.error).toBeInstanceOf(CorruptedFrameError);
    });
  });

  describe("attack 21: a message that is never finished", () => {
    const limits = { messageMs: 1_000 };

    it.each([
      ["a fragment", hex`01 01 61`],
      ["half a header", hex`82`],
    ])("ends the connection with 1008: %s", (_, begun) => {
      const { transport, sink, clock } = open(role, { limits });
      transport.deliver(role === "server" && begun.length > 1 ? asPeerOf(role, begun) : begun);
      clock.advance(1_000);
      expect(transport.take()).toEqual([]);
      clock.advance(200);
      expect(readFrames(transport.wire)[0]!.payload.slice(0, 2)).toEqual(hex`03 f0`);
      expect(transport.take().slice(1)).toEqual(["end"]);
      transport.sink!.closed();
      expect(sink.words).toEqual(["closed 1008"]);
      expect(clock.timers).toBe(0);
    });

    it("waits for the next part of one that is handed on in parts, and no longer", () => {
      const { transport, sink, clock, feed } = open(role, { limits: { ...limits, streamedSize: Infinity } });
      feed(hex`01 01 61`);
      for (let i = 0; i < 10; i++) {
        clock.advance(900);
        feed(hex`00 01 62`);
      }
      expect(transport.take()).toEqual([]);
      clock.advance(1_300);
      expect(readFrames(transport.wire)[0]!.payload.slice(0, 2)).toEqual(hex`03 f0`);
      transport.sink!.closed();
      expect(sink.words).toEqual(["part a", ...Array(10).fill("part b"), "closed 1008"]);
    });

    it("does not hurry a peer that is silent between messages, or busy with many", () => {
      const { transport, feed, clock, sink } = open(role, { limits });
      clock.advance(10_000);
      for (let i = 0; i < 30; i++) {
        feed(i % 2 === 0 ? hex`01 01 61` : hex`80 01 62`);
        clock.advance(300);
      }
      feed(hex`01 01 61`);
      for (let i = 0; i < 30; i++) {
        feed(hex`80 01 62 01 01 61`);
        clock.advance(300);
      }
      expect(transport.take()).toEqual([]);
      expect(sink.messages).toHaveLength(45);
    });

    it("does not count the time while we pause", () => {
      const { connection, transport, feed, clock } = open(role, { limits });
      feed(hex`01 01 61`);
      connection.pause();
      clock.advance(10_000);
      connection.resume();
      clock.advance(900);
      expect(transport.written).toEqual([]);
      clock.advance(400);
      expect(transport.written).toHaveLength(1);
    });

    it("is a frame that trickles, too", () => {
      const { transport, clock } = open(role, { limits });
      const wire = asPeerOf(role, frame({ opcode: 2, payload: new Uint8Array(100) }));
      for (let i = 0; i < 12; i++) {
        transport.deliver(wire.subarray(i, i + 1));
        clock.advance(100);
      }
      expect(transport.written).toHaveLength(1);
    });
  });

  describe("the end", () => {
    it("is told once, and nothing after it", () => {
      const { connection, sink, transport, clock, feed } = open(role);
      connection.send("a");
      transport.sink!.closed();
      transport.sink!.closed();
      feed(hex`81 01 61 89 00`);
      transport.sink!.drained();
      transport.sink!.ended();
      connection.send("b");
      connection.ping(hex``);
      connection.close(1000);
      connection.pause();
      connection.resume();
      connection.destroy();
      clock.advance(100_000);
      expect(sink.words).toEqual(["closed 1006"]);
      expect(transport.take()).toEqual([]);
      expect(clock.timers).toBe(0);
    });

    it("comes after `destroy`, and only that: with the error, and without what was still held", () => {
      const { connection, sink, transport, feed, clock } = open(role);
      const error = new ConnectionError("gone");
      sink.onWord = () => connection.destroy(error);
      feed(hex`81 01 61 81 01 62 88 02 03 e8`);
      expect(sink.words).toEqual(["text a"]);
      expect(transport.take()).toEqual(["destroy"]);
      sink.onWord = () => {};
      feed(hex`81 01 63`);
      clock.advance(10_000);
      expect(sink.words).toEqual(["text a"]);
      transport.sink!.closed();
      expect(sink.words).toEqual(["text a", "closed 1006"]);
      expect(sink.closure).toEqual({ code: 1006, reason: "", clean: false, error });
    });

    it("keeps no bytes, whatever is sent when it is over", () => {
      const { connection, sink, feed, transport, clock } = open(role);
      sink.onWord = () => void connection.send("x".repeat(100));
      connection.pause();
      feed(hex`81 01 61`);
      transport.sink!.closed();
      clock.runTurns();
      for (let i = 0; i < 3_000; i++) connection.send("y".repeat(100));
      clock.runTurns();
      expect(connection.bufferedAmount).toBe(0);
      expect(transport.take()).toEqual(["pause"]);
    });

    it("leaves no timer and no deadline behind", () => {
      const { transport, clock, feed } = open(role, { limits: { messageMs: 1_000 } });
      expect(clock.timers).toBe(0);
      transport.sink!.bytes(asPeerOf(role, hex`01 01 61`));
      expect(clock.timers).toBe(1);
      feed(hex`88 00`);
      transport.sink!.closed();
      expect(clock.timers).toBe(0);
    });

    it("leaves none behind once its message is whole, and looks again at the next", () => {
      const { clock, feed, sink, transport } = open(role, { limits: { messageMs: 1_000 } });
      for (let i = 0; i < 2; i++) {
        feed(hex`01 01 61`);
        clock.advance(900);
        feed(hex`80 01 62`);
        clock.advance(100);
        expect(clock.timers).toBe(0);
      }
      expect(sink.words).toEqual(["text ab", "text ab"]);
      feed(hex`01 01 61`);
      clock.advance(1_000);
      expect(transport.take()).toEqual([]);
      clock.advance(200);
      expect(readFrames(transport.wire)[0]!.payload.slice(0, 2)).toEqual(hex`03 f0`);
    });
  });
});

describe("a large message to a slow peer", () => {
  it("goes in pieces, so that the peer is seen to take some, and before what was sent after it", () => {
    const { connection, transport, clock, sink } = open("server");
    // Its words would be too long.
    transport.write = (chunk) => {
      transport.written.push(chunk);
      transport.bufferedAmount += chunk.length;
      return false;
    };
    expect(connection.send(new Uint8Array(2_500_000))).toBe(false);
    connection.send("a");
    clock.runTurn();
    const waits: number[] = [];
    while (connection.bufferedAmount > 0 && waits.length < 10) {
      waits.push(connection.bufferedAmount);
      transport.bufferedAmount = 0;
      transport.sink!.drained();
    }
    expect(waits).toEqual([2_500_013, 1_451_437, 402_861, 3]);
    const frames = readFrames(transport.wire);
    expect(frames.map(({ opcode, payload }) => [opcode, payload.length])).toEqual([[2, 2_500_000], [1, 1]]);
    expect(sink.words).toEqual(["drained"]);
  });
});

describe("two connections over a memory pair", () => {
  function pair(memory?: Parameters<typeof memoryPair>[0]) {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const ends = memoryPair(memory);
    const make = (role: Role, end: 0 | 1) => {
      const sink = new SinkWords();
      const connection = new Connection(ends[end], {
        role,
        protocol: "",
        limits: DEFAULT_LIMITS,
        clock,
        deadlines,
        fillRandom: fixedRandom,
      });
      connection.start(sink);
      return { sink, connection, transport: ends[end] };
    };
    return { clock, client: make("client", 0), server: make("server", 1) };
  }

  it.each([Infinity, 1, 3])("talk in chunks of %d, and close from either side", async (chunkBytes) => {
    for (const first of ["client", "server"] as const) {
      const both = pair({ chunkBytes });
      const { client, server, clock } = both;
      server.sink.onWord = (word) => void (word.startsWith("text") && server.connection.send(word));
      for (const text of ["a", "é", "x".repeat(300)]) client.connection.send(text);
      client.connection.ping(hex`70`);
      await clock.settle();
      expect(client.sink.take()).toEqual(["text text a", "text text é", `text text ${"x".repeat(300)}`, "pong 70"]);
      both[first].connection.close(4000, "bye");
      await clock.settle();
      expect(client.sink.take().at(-1)).toBe("closed 4000");
      expect(server.sink.take().at(-1)).toBe("closed 4000");
      for (const { sink } of [client, server]) expect(sink.closure).toMatchObject({ clean: true, code: 4000 });
      expect(both[first].sink.closure!.first).toBe("local");
      expect(clock.timers).toBe(0);
    }
  });

  it("close cleanly when both close at once", async () => {
    const { client, server, clock } = pair();
    client.connection.close(4001);
    server.connection.close(4002);
    await clock.settle();
    expect(client.sink.closure).toMatchObject({ code: 4002, clean: true, first: "local" });
    expect(server.sink.closure).toMatchObject({ code: 4001, clean: true, first: "local" });
  });

  it("deliver all of a burst, in order, through a slow and stuck network", async () => {
    const { client, server, clock } = pair({ chunkBytes: 1_000, highWaterMark: 4_096 });
    let next = 0;
    const pump = () => {
      while (next < 20_000 && client.connection.send(`${next++}`));
    };
    client.sink.onWord = (word) => void (word === "drained" && pump());
    client.transport.stick();
    pump();
    await clock.settle();
    expect(server.sink.messages).toEqual([]);
    client.transport.unstick();
    await clock.settle();
    expect(server.sink.messages).toEqual(Array.from({ length: 20_000 }, (_, i) => `${i}`));
  });

  it("stop a sender while the receiver pauses, and lose nothing", async () => {
    const { client, server, clock } = pair();
    server.connection.pause();
    const message = new Uint8Array(10_000);
    let sent = 1;
    while (client.connection.send(message)) {
      sent++;
      await clock.settle();
    }
    expect(sent).toBeLessThan(10);
    expect(server.sink.messages).toEqual([]);
    server.connection.resume();
    await clock.settle();
    expect(server.sink.messages).toHaveLength(sent);
    expect(client.sink.take()).toEqual(["drained"]);
  });

  it("hear of a reset on both sides, once", async () => {
    const { client, server, clock } = pair();
    client.connection.send("a");
    await clock.settle();
    client.transport.lose(new Error("cable"));
    await clock.settle();
    expect(client.sink.words).toEqual(["closed 1006"]);
    expect(server.sink.words).toEqual(["text a", "closed 1006"]);
    expect(server.sink.closure!.error).toBeInstanceOf(ConnectionError);
  });

  it("are cut when the peer never ends", async () => {
    const { client, server, clock } = pair();
    server.transport.stick();
    client.connection.close(1000);
    await clock.settle();
    expect(server.sink.words).toEqual(["closing 1000"]);
    await clock.pass(2_000);
    expect(server.sink.words).toEqual(["closing 1000", "closed 1000"]);
    expect(client.sink.words).toEqual(["closed 1006"]);
  });
});

describe("H2: what was read and not handed on", () => {
  const LIMIT = OWN_BYTES * 2;

  /** One that has a message begun, of which `feed` brings more. */
  function begun(bytes: number, others = 0) {
    const buffers = new BufferBudget(LIMIT);
    buffers.used = others;
    const all = open("server", { buffers, limits: { maxFragments: 1_000 } });
    all.feed(joined([frame({ opcode: 2, fin: false, payload: new Uint8Array(bytes) })]));
    const feed = (more: number) => all.feed(frame({ opcode: 0, fin: false, payload: new Uint8Array(more) }));
    return { ...all, buffers, feed };
  }

  it("counts, whole messages do not, and what waits behind a pause does", () => {
    const { buffers, connection, clock, transport, sink, feed } = begun(10, 1);
    expect(buffers.used).toBe(11);
    feed(5);
    expect(buffers.used).toBe(16);
    transport.deliver(asPeerOf("server", frame({ opcode: 0, payload: new Uint8Array(1) })));
    expect(buffers.used).toBe(1);
    connection.pause();
    transport.deliver(asPeerOf("server", hex`81 01 61`));
    expect(buffers.used).toBeGreaterThan(1);
    connection.resume();
    clock.runTurns();
    expect([buffers.used, sink.words.at(-1)]).toEqual([1, "text a"]);
  });

  it("may come to the limit, and one byte more of an unfinished message ends in 1013", () => {
    const { buffers, transport, feed, write } = begun(OWN_BYTES, OWN_BYTES - 1);
    feed(1);
    expect([buffers.used, transport.calls.join()]).toEqual([LIMIT, ""]);
    feed(1);
    expect(transport.calls[0]).toMatch(write(hex`88`).slice(0, 6));
    expect(transport.calls[0]).toContain("03 f5");
    expect(buffers.used).toBe(OWN_BYTES - 1);
    transport.sink!.closed();
    expect(buffers.used).toBe(OWN_BYTES - 1);
  });

  it("is nobody's business up to 64 KiB of each", () => {
    const { transport } = begun(OWN_BYTES, LIMIT);
    expect(transport.calls).toEqual([]);
  });

  it("is given back when the connection is lost, or takes too long", () => {
    const { buffers, transport } = begun(100);
    expect(buffers.used).toBe(100);
    transport.sink!.closed();
    expect(buffers.used).toBe(0);
  });
});
