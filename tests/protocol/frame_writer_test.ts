import { describe, expect, it } from "vitest";

import { FrameWriter } from "../../src/protocol/frame_writer.ts";
import { MaskKeys } from "../../src/protocol/mask.ts";
import { bytesOf, fixedRandom, frame, joined, KEY, readFrames } from "../support/frames.ts";
import { hex, sameBytes, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";

const TEXT = 1, BINARY = 2, PING = 9;
const SIZES = [0, 1, 16, 17, 40, 41, 42, 124, 125, 126, 127, 4_096, 4_097, 16_383, 65_535, 65_536, 1_048_576];

function writer(key: readonly number[] | undefined, maxFrameSize = Infinity): [FrameWriter, Uint8Array[]] {
  const writes: Uint8Array[] = [];
  const keys = key && new MaskKeys(fixedRandom);
  return [
    new FrameWriter({ eager: false, write: (bytes) => writes.push(bytes) === 0 }, { keys, maxFrameSize }),
    writes,
  ];
}

describe.each([["masked", KEY], ["unmasked", undefined]])("FrameWriter of %s frames", (_, key) => {
  const written = (write: (writer: FrameWriter) => void, maxFrameSize?: number): Uint8Array => {
    const [frames, writes] = writer(key, maxFrameSize);
    write(frames);
    frames.flush();
    return joined(writes);
  };

  it("writes each form of the header, for bytes and for text", () => {
    for (const size of SIZES) {
      const payload = Uint8Array.from({ length: size }, (_, i) => i % 96 + 32);
      const text = new TextDecoder().decode(payload);
      const binary = written((frames) => frames.binary(BINARY, payload, true));
      expect(sameBytes(binary, frame({ opcode: BINARY, payload, key })), `binary ${size}`).toBe(true);
      const asText = written((frames) => frames.text(TEXT, text, true));
      expect(sameBytes(asText, frame({ opcode: TEXT, payload, key })), `text ${size}`).toBe(true);
    }
  });

  it("writes the right length for text whose bytes and characters fall on different sides of a border", () => {
    for (const character of ["é", "€", "𝄞"]) {
      for (let length = 0; length <= 140; length++) {
        const text = character.repeat(length);
        const expected = frame({ opcode: TEXT, payload: text, key });
        if (!sameBytes(written((frames) => frames.text(TEXT, text, true)), expected)) {
          expect.fail(`${length} × ${character}`);
        }
      }
      for (const length of [1_365, 4_096, 4_097, 21_845, 21_846, 32_768]) {
        const text = character.repeat(length);
        const expected = frame({ opcode: TEXT, payload: text, key });
        expect(sameBytes(written((frames) => frames.text(TEXT, text, true)), expected), `${length}`).toBe(true);
      }
    }
  });

  it("attack 25: writes U+FFFD for a lone surrogate", () => {
    for (const text of ["\ud800", "a\udc00", "\ud83d\ud83d\ude00", `${"x".repeat(60)}\udfff`, "\ud800".repeat(5_000)]) {
      const expected = frame({ opcode: TEXT, payload: text, key });
      expect(sameBytes(written((frames) => frames.text(TEXT, text, true)), expected)).toBe(true);
      expect(new TextDecoder().decode(readFrames(expected)[0]!.payload)).toContain("\ufffd");
    }
  });

  it("lends large frames piece by piece to who reads at once, and gives away what is kept", () => {
    const payload = new Random(7).bytes(1_200_000);
    const expected = frame({ opcode: BINARY, payload, key });
    const keys = key && new MaskKeys(fixedRandom);
    // How many writes of each frame are read at once: afterwards it is not eager.
    for (const reads of [0, 1, 2, Infinity, Infinity]) {
      const wire: Uint8Array[] = [], kept: [Uint8Array, Uint8Array][] = [], lent = new Set<ArrayBufferLike>();
      const output = {
        eager: true,
        write(bytes: Uint8Array): boolean {
          wire.push(bytes.slice());
          this.eager &&= wire.length <= reads;
          if (this.eager) lent.add(bytes.buffer);
          else kept.push([bytes, bytes.slice()]);
          return this.eager;
        },
      };
      new FrameWriter(output, { keys, maxFrameSize: Infinity }).binary(BINARY, payload, true);
      expect(sameBytes(joined(wire), expected), `${reads} reads`).toBe(true);
      expect(lent.size).toBe(reads === 0 ? 0 : 1);
      // The one that is kept, and all the rest: two writes more, if there is a rest.
      expect(wire.length).toBe(Math.min(3, reads + 2));
      expect(kept.every(([now, then]) => sameBytes(now, then))).toBe(true);
      expect(kept.every(([{ length, buffer }]) => length * 2 > buffer.byteLength)).toBe(true);
    }
  });

  it("gathers frames in order, and hands them over once", () => {
    const [frames, writes] = writer(key);
    frames.text(TEXT, "a", false);
    frames.control(PING, hex`62`);
    frames.binary(0, hex`63`, true);
    expect(writes).toEqual([]);
    const expected = joined([
      frame({ opcode: TEXT, fin: false, payload: "a", key }),
      frame({ opcode: PING, payload: "b", key }),
      frame({ opcode: 0, payload: "c", key }),
    ]);
    expect(frames.pending).toBe(expected.length);
    frames.flush();
    frames.flush();
    expect(writes.map(toHex)).toEqual([toHex(expected)]);
    expect(frames.pending).toBe(0);
  });

  it("hands over by itself what has gathered, in chunks of 16 to 64 KiB, and loses nothing", () => {
    const [frames, writes] = writer(key);
    const random = new Random(3);
    const expected: Uint8Array[] = [];
    for (let i = 0; i < 2_000; i++) {
      const payload = random.bytes(random.below(300));
      frames.binary(BINARY, payload, true);
      expected.push(frame({ opcode: BINARY, payload, key }));
      expect(frames.pending).toBeLessThan(65_536);
    }
    for (const { length } of writes) {
      expect(length).toBeLessThanOrEqual(65_536);
      expect(length).toBeGreaterThan(16_384 - 320);
    }
    frames.flush();
    expect(sameBytes(joined(writes), joined(expected))).toBe(true);
  });

  it("gives a large frame a buffer of its own, of exactly its size, behind what was gathered", () => {
    const [frames, writes] = writer(key);
    const payload = new Random(4).bytes(100_000);
    frames.text(TEXT, "before", true);
    frames.binary(BINARY, payload, true);
    frames.text(TEXT, "after", true);
    frames.flush();
    const expected = [["before", TEXT], [payload, BINARY], ["after", TEXT]] as const;
    expect(writes).toHaveLength(3);
    for (const [i, [payload, opcode]] of expected.entries()) {
      expect(sameBytes(writes[i]!, frame({ opcode, payload, key }))).toBe(true);
    }
    expect(writes[1]!.buffer.byteLength).toBe(writes[1]!.length);
  });

  it("neither changes what it gave away, nor minds what becomes of it", () => {
    const [frames, writes] = writer(key);
    const before: Uint8Array[] = [];
    for (let i = 0; i < 300; i++) {
      const text = `message ${i}`.repeat(1 + i % 40);
      frames.text(TEXT, text, true);
      frames.flush();
      const last = writes.at(-1)!;
      expect(sameBytes(last, frame({ opcode: TEXT, payload: text, key }))).toBe(true);
      last.fill(i % 256);
      before.push(last.slice());
    }
    expect(writes.every((bytes, i) => sameBytes(bytes, before[i]!))).toBe(true);
  });

  it("attack 45: neither changes nor keeps the caller's bytes, also a view's neighbours", () => {
    for (const size of [1, 16, 17, 125, 1_000, 20_000]) {
      const whole = new Random(size).bytes(size + 10);
      const before = whole.slice();
      const view = whole.subarray(5, 5 + size);
      const expected = frame({ opcode: BINARY, payload: view.slice(), key });
      const [frames, writes] = writer(key);
      frames.binary(BINARY, view, true);
      expect(sameBytes(whole, before)).toBe(true);
      whole.fill(0);
      frames.flush();
      expect(sameBytes(joined(writes), expected)).toBe(true);
    }
  });

  it("attack 43: every byte that it writes it was given", () => {
    // A pool that is not zero would show in a frame that is longer than what was written to it.
    const all = joined(SIZES.map((size) => written((frames) => frames.binary(BINARY, new Uint8Array(size), true))));
    const payloads = readFrames(all).map(({ payload }) => payload);
    expect(payloads.map(({ length }) => length)).toEqual(SIZES);
    expect(payloads.every((payload) => payload.every((byte) => byte === 0))).toBe(true);
  });

  describe("with maxFrameSize", () => {
    it("splits there: the limit is one frame, one more is two", () => {
      const shape = (payload: Uint8Array | string, max: number): [number, boolean, number][] =>
        readFrames(written((frames) => {
          if (typeof payload === "string") frames.text(TEXT, payload, true);
          else frames.binary(BINARY, payload, true);
        }, max)).map(({ opcode, fin, payload }) => [opcode, fin, payload.length]);
      expect(shape(new Uint8Array(10), 10)).toEqual([[2, true, 10]]);
      expect(shape(new Uint8Array(11), 10)).toEqual([[2, false, 10], [0, true, 1]]);
      expect(shape("x".repeat(10), 10)).toEqual([[1, true, 10]]);
      expect(shape("x".repeat(21), 10)).toEqual([[1, false, 10], [0, false, 10], [0, true, 1]]);
      expect(shape("", 1)).toEqual([[1, true, 0]]);
      expect(shape(new Uint8Array(40_000), 16_384).map(([, , length]) => length)).toEqual([16_384, 16_384, 7_232]);
    });

    it("never splits a character that fits, and splits one that does not", () => {
      const text = "aé€𝄞z\u{10ffff}é".repeat(7);
      for (let max = 1; max <= 40; max++) {
        const frames = readFrames(written((frames) => frames.text(TEXT, text, true), max));
        expect(new TextDecoder("utf-8", { fatal: true }).decode(joined(frames.map(({ payload }) => payload)))).toBe(
          text,
        );
        for (const { payload } of frames) {
          expect(payload.length).toBeGreaterThan(0);
          expect(payload.length).toBeLessThanOrEqual(max);
          if (max >= 4) expect(() => new TextDecoder("utf-8", { fatal: true }).decode(payload)).not.toThrow();
        }
        expect(frames.map(({ fin }) => fin)).toEqual(frames.map((_, i) => i === frames.length - 1));
        expect(frames.map(({ opcode }) => opcode)).toEqual(frames.map((_, i) => i === 0 ? TEXT : 0));
      }
    });

    it("splits long text so too", () => {
      const text = "€".repeat(10_000);
      const frames = readFrames(written((frames) => frames.text(TEXT, text, true), 1_000));
      expect(frames.map(({ payload }) => payload.length)).toEqual([...Array(30).fill(999), 30]);
      expect(new TextDecoder().decode(joined(frames.map(({ payload }) => payload)))).toBe(text);
    });

    it("goes on with a continuation when the message is a part", () => {
      const frames = readFrames(written((frames) => {
        frames.text(TEXT, "abc", false);
        frames.text(0, "def", true);
      }, 2));
      expect(frames.map(({ opcode, fin, payload }) => `${opcode} ${fin} ${toHex(payload)}`)).toEqual([
        "1 false 61 62",
        "0 false 63",
        "0 false 64 65",
        "0 true 66",
      ]);
    });

    it("does not bound control frames", () => {
      expect(readFrames(written((frames) => frames.control(PING, bytesOf("abc")), 1))).toHaveLength(1);
    });
  });
});
