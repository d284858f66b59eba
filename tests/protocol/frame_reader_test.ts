import { describe, expect, it } from "vitest";

import { CorruptedFrameError, PayloadTooLargeError } from "../../src/errors.ts";
import { ByteQueue } from "../../src/protocol/byte_queue.ts";
import { FrameReader } from "../../src/protocol/frame_reader.ts";
import { asPeerOf, frame, joined, KEY, xor } from "../support/frames.ts";
import { hex, toHex } from "../support/hex.ts";
import { split } from "../support/cuts.ts";

const ROLES = ["server", "client"] as const;
const MIB = 1_048_576;

function reader(role: "client" | "server", maxFrameSize = MIB): [FrameReader, ByteQueue] {
  const queue = new ByteQueue();
  return [new FrameReader(queue, { masked: role === "server", maxFrameSize, maxMessageSize: maxFrameSize }), queue];
}

/** Reads `chunks` as they come: a line for each frame, such as `81 48 65`. */
function framesIn(role: "client" | "server", chunks: readonly Uint8Array[], maxFrameSize?: number): string[] {
  const [frames, queue] = reader(role, maxFrameSize);
  const lines: string[] = [];
  let payload: number[] = [];
  for (const chunk of chunks) {
    queue.push(chunk.slice());
    while (frames.read()) {
      if (frames.first) payload = [];
      const key = [frames.key >>> 24, frames.key >>> 16 & 255, frames.key >>> 8 & 255, frames.key & 255];
      payload.push(...xor(frames.bytes.subarray(frames.start, frames.end), key));
      if (!frames.last) continue;
      expect(frames.length).toBe(payload.length);
      lines.push(toHex(Uint8Array.of((frames.fin ? 0x80 : 0) | frames.opcode, ...payload)));
    }
  }
  return lines;
}

/** What it throws at the header, after how many bytes. */
function refusal(
  role: "client" | "server",
  header: Uint8Array,
  maxFrameSize?: number,
): [number, string | number, number] {
  const [frames, queue] = reader(role, maxFrameSize);
  for (let i = 0; i < header.length; i++) {
    queue.push(header.slice(i, i + 1));
    try {
      frames.read();
    } catch (error) {
      if (error instanceof CorruptedFrameError) return [error.closeCode, error.section, i + 1];
      if (error instanceof PayloadTooLargeError) return [error.closeCode, error.size, i + 1];
      throw error;
    }
  }
  throw new Error("It was not refused");
}

/** A header as the peer of `role` would send it, its key cut off. */
function header(role: "client" | "server", bytes: Uint8Array): Uint8Array {
  const own = bytes.slice();
  if (role === "server") own[1]! |= 0x80;
  return own;
}

describe.each(ROLES)("FrameReader of a %s", (role) => {
  it.each([
    ["text", hex`81 05 48 65 6c 6c 6f`, ["81 48 65 6c 6c 6f"]],
    ["two fragments", hex`01 03 48 65 6c 80 02 6c 6f`, ["01 48 65 6c", "80 6c 6f"]],
    ["ping, pong", hex`89 05 48 65 6c 6c 6f 8a 00`, ["89 48 65 6c 6c 6f", "8a"]],
    ["close", hex`88 02 03 e8`, ["88 03 e8"]],
    ["empty ones", hex`82 00 02 00 00 00 80 00`, ["82", "02", "00", "80"]],
  ])("reads %s, whole, byte by byte and split anywhere", (_, bytes, expected) => {
    const wire = asPeerOf(role, bytes);
    expect(framesIn(role, [wire])).toEqual(expected);
    expect(framesIn(role, split(wire, 1))).toEqual(expected);
    for (let at = 1; at < wire.length; at++) {
      expect(framesIn(role, [wire.subarray(0, at), wire.subarray(at)])).toEqual(expected);
    }
  });

  it("reads each form of the length, on both sides of its borders", () => {
    const key = role === "server" ? KEY : undefined;
    for (const size of [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 65_537]) {
      const payload = Uint8Array.from({ length: size }, (_, i) => i * 7);
      const wire = frame({ opcode: 2, payload, key });
      const expected = toHex(Uint8Array.of(0x82, ...payload));
      for (const piece of [wire.length, 1_000, 3]) {
        expect(framesIn(role, split(wire, piece))[0] === expected).toBe(true);
      }
    }
  });

  it("shows a payload where it lies, and each piece as it comes", () => {
    const [frames, queue] = reader(role);
    const wire = frame({ opcode: 2, payload: hex`01 02 03 04 05 06`, key: role === "server" ? KEY : undefined });
    const chunk = wire.slice(0, wire.length - 4);
    queue.push(chunk);
    expect(frames.read()).toBe(true);
    expect([frames.first, frames.last, frames.end - frames.start]).toEqual([true, false, 2]);
    expect(frames.bytes).toBe(chunk);
    expect(frames.read()).toBe(false);
    queue.push(wire.slice(wire.length - 4));
    expect(frames.read()).toBe(true);
    expect([frames.first, frames.last, frames.end - frames.start]).toEqual([false, true, 4]);
    expect(frames.read()).toBe(false);
  });

  it("begins anew when it is cleared", () => {
    const [frames, queue] = reader(role);
    queue.push(header(role, hex`82 05`));
    frames.read();
    queue.clear();
    frames.clear();
    queue.push(asPeerOf(role, hex`89 00`));
    expect(frames.read()).toBe(true);
    expect([frames.opcode, frames.first, frames.last]).toEqual([9, true, true]);
  });

  it("attack 13: refuses the wrong masking at the second byte", () => {
    const wrong = role === "server" ? hex`81 05` : hex`81 85`;
    expect(refusal(role, wrong)).toEqual([1002, "§5.1", 2]);
    expect(refusal(role, role === "server" ? hex`89 00` : hex`89 80`)).toEqual([1002, "§5.1", 2]);
  });

  it("attack 14: refuses reserved bits on every frame", () => {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
        expect(refusal(role, header(role, Uint8Array.of(0x80 | rsv << 4 | opcode, 0)))).toEqual([1002, "§5.2", 2]);
      }
    }
  });

  it("attack 15: refuses reserved opcodes, final or not", () => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      for (const fin of [0, 0x80]) {
        expect(refusal(role, header(role, Uint8Array.of(fin | opcode, 0)))).toEqual([1002, "§5.2", 2]);
      }
    }
  });

  it("attack 16: refuses fragmented and over-long control frames", () => {
    for (const opcode of [8, 9, 10]) {
      expect(refusal(role, header(role, Uint8Array.of(opcode, 0)))).toEqual([1002, "§5.5", 2]);
      expect(refusal(role, header(role, Uint8Array.of(0x80 | opcode, 126)))).toEqual([1002, "§5.5", 2]);
      expect(refusal(role, header(role, Uint8Array.of(0x80 | opcode, 127)))).toEqual([1002, "§5.5", 2]);
    }
  });

  it.each([
    ["16 bits for 0", hex`82 7e 00 00`, [1002, "§5.2", 4]],
    ["16 bits for 125", hex`82 7e 00 7d`, [1002, "§5.2", 4]],
    ["64 bits for 0", hex`82 7f 00 00 00 00 00 00 00 00`, [1002, "§5.2", 10]],
    ["64 bits for 125", hex`82 7f 00 00 00 00 00 00 00 7d`, [1002, "§5.2", 10]],
    ["64 bits for 65535", hex`82 7f 00 00 00 00 00 00 ff ff`, [1002, "§5.2", 10]],
    ["the top bit", hex`82 7f 80 00 00 00 00 00 00 00`, [1002, "§5.2", 10]],
    ["all bits", hex`82 7f ff ff ff ff ff ff ff ff`, [1002, "§5.2", 10]],
    ["beyond 2^31", hex`82 7f 00 00 00 00 80 00 00 00`, [1009, 2 ** 31, 10]],
    ["beyond 2^32", hex`82 7f 00 00 00 01 00 00 00 00`, [1009, 2 ** 32, 10]],
    ["beyond 2^53", hex`82 7f 00 20 00 00 00 00 00 00`, [1009, 2 ** 53, 10]],
    ["2^63 − 1", hex`82 7f 7f ff ff ff ff ff ff ff`, [1009, 2 ** 63, 10]],
  ])("attack 18: refuses a length of %s at the header", (_, bytes, expected) => {
    expect(refusal(role, header(role, bytes))).toEqual(expected);
  });

  it("attack 19: refuses one byte more than the limit at the header, and takes the limit", () => {
    expect(refusal(role, header(role, hex`82 06`), 5)).toEqual([1009, 6, 2]);
    expect(refusal(role, header(role, hex`00 06`), 5)).toEqual([1009, 6, 2]);
    expect(framesIn(role, [asPeerOf(role, hex`82 05 01 02 03 04 05`)], 5)).toHaveLength(1);
    expect(refusal(role, header(role, hex`82 7e 03 e9`), 1_000)).toEqual([1009, 1_001, 4]);
    expect(refusal(role, header(role, hex`82 7f 00 00 00 00 00 10 00 01`))).toEqual([1009, MIB + 1, 10]);
  });

  it("bounds data frames only: a control frame is short anyway", () => {
    expect(framesIn(role, [asPeerOf(role, hex`89 03 61 62 63`)], 1)).toEqual(["89 61 62 63"]);
  });
});

it("knows both payloads of frames that share a chunk with half of the next", () => {
  const wire = joined([frame({ opcode: 1, payload: "ab" }), frame({ opcode: 2, payload: "cdef" })]);
  expect(framesIn("client", [wire.subarray(0, 7), wire.subarray(7)])).toEqual(["81 61 62", "82 63 64 65 66"]);
});
