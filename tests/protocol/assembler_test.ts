import { describe, expect, it } from "vitest";

import { concat } from "../../src/bytes.ts";
import { CorruptedFrameError, InvalidContinuationFrameError, PayloadTooLargeError } from "../../src/errors.ts";
import { Assembler } from "../../src/protocol/assembler.ts";
import { ByteQueue } from "../../src/protocol/byte_queue.ts";
import { FrameReader } from "../../src/protocol/frame_reader.ts";
import { frame, type FrameParts, KEY } from "../support/frames.ts";
import { hex } from "../support/hex.ts";
import { split } from "../support/cuts.ts";

class Pieces {
  readonly messages: (string | Uint8Array)[] = [];
  /** What was asked for, and what had come by then. */
  readonly allocations: { size: number; came: number }[] = [];
  #came = 0;
  readonly assembler: Assembler;
  readonly #queue = new ByteQueue();
  readonly #reader: FrameReader;
  readonly #key: readonly number[] | undefined;

  constructor(limits: { maxMessageSize?: number; maxFragments?: number; key?: readonly number[] } = {}) {
    const { maxMessageSize = 1_000_000, maxFragments = 1_000, key } = limits;
    const allocate = (size: number): Uint8Array => {
      this.allocations.push({ size, came: this.#came });
      return new Uint8Array(size).fill(0xee);
    };
    this.assembler = new Assembler({ maxMessageSize, maxFragments, allocate });
    this.#reader = new FrameReader(this.#queue, {
      masked: key !== undefined,
      maxFrameSize: maxMessageSize,
      maxMessageSize,
    });
    this.#key = key;
  }

  take(parts: FrameParts, piece = Infinity): this {
    return this.takeBytes(frame({ ...parts, key: this.#key }), piece);
  }

  takeBytes(wire: Uint8Array, piece = Infinity): this {
    for (const bytes of split(wire, piece)) {
      this.#came += bytes.length;
      this.#queue.push(bytes.slice());
      while (this.#reader.read()) {
        const message = this.assembler.take(this.#reader);
        if (message !== undefined) this.messages.push(message);
      }
    }
    return this;
  }
}

function start(payload: Uint8Array | string, opcode = 1): FrameParts {
  return { opcode, fin: false, payload };
}
function middle(payload: Uint8Array | string): FrameParts {
  return { opcode: 0, fin: false, payload };
}
function end(payload: Uint8Array | string): FrameParts {
  return { opcode: 0, payload };
}

describe.each([["masked", KEY], ["unmasked", undefined]])("Assembler of %s frames", (_, key) => {
  const pieces = (limits: { maxMessageSize?: number; maxFragments?: number } = {}) =>
    new Pieces({ ...limits, ...(key && { key }) });

  it("hands out messages of one frame", () => {
    const { messages } = pieces().take({ opcode: 1, payload: "Hello" }).take({ opcode: 2, payload: hex`00 ff` })
      .take({ opcode: 1 }).take({ opcode: 2 });
    expect(messages).toEqual(["Hello", hex`00 ff`, "", hex``]);
  });

  it("§5.4: joins fragments, empty ones too", () => {
    const { messages } = pieces().take(start("Hel")).take(middle("")).take(middle("lo")).take(end(""))
      .take(start(hex`01`, 2)).take(end(hex`02 03`)).take(start("")).take(end(""));
    expect(messages).toEqual(["Hello", hex`01 02 03`, ""]);
  });

  it("reads every length of text, ASCII or not, whole and in pieces", () => {
    for (let length = 0; length <= 140; length++) {
      for (const text of ["x".repeat(length), `${"x".repeat(length)}é`, `€${"x".repeat(length)}`]) {
        const { messages } = pieces().take({ opcode: 1, payload: text }).take({ opcode: 1, payload: text }, 7);
        if (messages[0] !== text || messages[1] !== text) expect(messages).toEqual([text, text]);
      }
    }
  });

  it("keeps a byte order mark", () => {
    const bom = hex`ef bb bf 61`;
    const { messages } = pieces().take({ opcode: 1, payload: bom }).take({ opcode: 1, payload: bom }, 1)
      .take(start(bom.subarray(0, 2))).take(end(bom.subarray(2)));
    expect(messages).toEqual(["\ufeffa", "\ufeffa", "\ufeffa"]);
  });

  it("hands out bytes that own their whole buffer", () => {
    const { messages } = pieces().take({ opcode: 2, payload: new Uint8Array(20) })
      .take({ opcode: 2, payload: new Uint8Array(300) }).take({ opcode: 2, payload: new Uint8Array(300) }, 10)
      .take(start(new Uint8Array(5_000), 2)).take(end(new Uint8Array(5)));
    for (const message of messages as Uint8Array[]) {
      expect([message.byteOffset, message.buffer.byteLength]).toEqual([0, message.length]);
      expect(Object.getPrototypeOf(message)).toBe(Uint8Array.prototype);
    }
    expect(messages.map(({ length }) => length)).toEqual([20, 300, 300, 5_005]);
  });

  it("joins long messages, in pieces of any size, in memory that follows what came (attack 46)", () => {
    const payload = Uint8Array.from({ length: 300_001 }, (_, i) => i % 96 + 32);
    const text = new TextDecoder().decode(payload);
    for (const piece of [4_095, 16_389, 65_536]) {
      for (const opcode of [1, 2]) {
        const taker = pieces().take({ opcode, payload }, piece).take({ opcode, fin: false, payload }, piece)
          .take(end(payload.subarray(0, 99_000)), piece);
        const [first, second] = taker.messages;
        const both = text + text.slice(0, 99_000);
        const decode = (message: unknown) =>
          typeof message === "string" ? message : new TextDecoder().decode(message as Uint8Array);
        expect([decode(first) === text, decode(second) === both], `${opcode} in ${piece}`).toEqual([true, true]);
        for (const { size, came } of taker.allocations) expect(size).toBeLessThanOrEqual(Math.max(4_096, came * 4));
        if (first instanceof Uint8Array) expect(first.buffer.byteLength).toBe(first.length);
        if (second instanceof Uint8Array) expect(second.buffer.byteLength).toBe(second.length);
      }
    }
  });

  it("asks for no memory while the first pieces of a long message come", () => {
    const wire = frame({ opcode: 2, payload: new Uint8Array(400_000), key });
    const taker = pieces().takeBytes(wire.subarray(0, 90_000), 30_000);
    expect(taker.allocations).toEqual([]);
    taker.assembler.clear();
  });

  it("keeps no long chunk for a piece at its end", () => {
    const short = frame({ opcode: 2, payload: new Uint8Array(100_000), key });
    const long = frame({ opcode: 2, payload: new Uint8Array(400_000), key });
    const taker = pieces().takeBytes(concat(short, long.subarray(0, 20_000)));
    expect(taker.allocations).toHaveLength(1);
    expect(taker.takeBytes(long.subarray(20_000)).messages.map(({ length }) => length)).toEqual([100_000, 400_000]);
  });

  it("attack 24: refuses long text at the piece that is not UTF-8", () => {
    const payload = new Uint8Array(300_000).fill(0x61);
    payload[50_000] = 0xff;
    const wire = frame({ opcode: 1, payload, key });
    const taker = pieces().takeBytes(wire.subarray(0, 40_000), 20_000);
    expect(() => taker.takeBytes(wire.subarray(40_000, 65_000))).toThrow(CorruptedFrameError);
  });

  it("attack 17: refuses a continuation without a start, and a start inside a message", () => {
    expect(() => pieces().take(end("a"))).toThrow(InvalidContinuationFrameError);
    expect(() => pieces().take(middle("a"))).toThrow(InvalidContinuationFrameError);
    expect(() => pieces().take({ opcode: 1 }).take(end(""))).toThrow(InvalidContinuationFrameError);
    for (const opcode of [1, 2]) {
      expect(() => pieces().take(start("a")).take({ opcode })).toThrow(InvalidContinuationFrameError);
      expect(() => pieces().take(start("a")).take({ opcode, fin: false })).toThrow(InvalidContinuationFrameError);
    }
  });

  it("bounds the message at the header: the limit is taken, one more refused", () => {
    const limits = { maxMessageSize: 10 };
    const just = pieces(limits).take({ opcode: 2, payload: new Uint8Array(10) }).take(start("12345")).take(
      end("67890"),
    );
    expect(just.messages).toHaveLength(2);
    const over = pieces(limits).take(start("123456"));
    const header = frame({ opcode: 0, length: 5, ...(key && { key }) });
    let error: unknown;
    try {
      over.takeBytes(header);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PayloadTooLargeError);
    expect(error).toMatchObject({ size: 11, limit: 10, closeCode: 1009 });
  });

  it("bounds the fragments: the limit is taken, one more refused", () => {
    const limits = { maxFragments: 3 };
    expect(pieces(limits).take(start("a")).take(middle("b")).take(end("c")).messages).toEqual(["abc"]);
    const full = pieces(limits).take(start("a")).take(middle("b")).take(middle("c"));
    expect(() => full.take(end(""))).toThrow(PayloadTooLargeError);
    expect(() => pieces({ maxFragments: 1 }).take({ opcode: 1 }).take({ opcode: 1 })).not.toThrow();
  });

  it("attack 24: refuses text that is not UTF-8, or ends inside a character", () => {
    const bad = [hex`ff`, hex`c3`, hex`61 e2 82`, hex`ed a0 80`, hex`f4 90 80 80`, hex`c0 80`];
    for (const payload of bad.flatMap((bytes) => [bytes, hex`${new Uint8Array(40).fill(0x61)} ${bytes}`])) {
      for (const piece of [Infinity, 1, 3]) {
        expect(() => pieces().take({ opcode: 1, payload }, piece)).toThrow(CorruptedFrameError);
        expect(() => pieces().take(start(payload), piece).take(end(""))).toThrow(CorruptedFrameError);
      }
      expect(pieces().take({ opcode: 2, payload }).messages).toEqual([payload]);
    }
    expect(pieces().take(start(hex`e2`)).take(middle(hex`82`)).take(end(hex`ac`)).messages).toEqual(["€"]);
  });

  it("knows whether a message is unfinished, and forgets it when told", () => {
    const some = pieces().take(start("abc"));
    expect(some.assembler.unfinished).toBe(true);
    some.assembler.clear();
    expect(some.assembler.unfinished).toBe(false);
    expect(some.take({ opcode: 1, payload: "d" }).messages).toEqual(["d"]);
    some.take(start("")).take(end(""));
    expect(some.assembler.unfinished).toBe(false);
  });
});
