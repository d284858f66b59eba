import { describe, expect, it } from "vitest";

import { mask, maskedCopy, maskInto, MaskKeys, rotate } from "../../src/protocol/mask.ts";
import { KEY, xor } from "../support/frames.ts";
import { sameBytes, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";

const random = new Random(1);
const KEYS: readonly (readonly number[])[] = [KEY, [0, 0, 0, 0], [255, 255, 255, 255], [128, 0, 0, 1], [0, 0, 0, 9]];

function numberOf(key: readonly number[]): number {
  return new DataView(Uint8Array.from(key).buffer).getInt32(0);
}

describe("mask", () => {
  it("§5.7: masks the RFC's own example", () => {
    const bytes = new TextEncoder().encode("Hello");
    mask(bytes, 0, 5, numberOf(KEY));
    expect(toHex(bytes)).toBe("7f 9f 4d 51 58");
  });

  it("does what the plain loop does, for every length to 300 and every alignment, and touches nothing else", () => {
    const source = random.bytes(320);
    for (const key of KEYS) {
      for (let length = 0; length <= 300; length++) {
        for (let start = 0; start < 8; start++) {
          const expected = source.slice();
          expected.set(xor(source.subarray(start, start + length), key), start);
          const bytes = source.slice();
          mask(bytes, start, start + length, numberOf(key));
          if (!sameBytes(bytes, expected)) expect(toHex(bytes), `${length} at ${start}`).toBe(toHex(expected));
        }
      }
    }
  });

  it("does so in a view that begins anywhere in its buffer", () => {
    for (let offset = 0; offset < 8; offset++) {
      const bytes = random.bytes(1_000).subarray(offset, offset + 900);
      const expected = xor(bytes.subarray(5, 805), KEY);
      mask(bytes, 5, 805, numberOf(KEY));
      expect(toHex(bytes.subarray(5, 805))).toBe(toHex(expected));
    }
  });

  it("unmasks what it masked", () => {
    const original = random.bytes(70_001);
    const bytes = original.slice();
    mask(bytes, 0, bytes.length, numberOf(KEY));
    expect(sameBytes(bytes, original)).toBe(false);
    mask(bytes, 0, bytes.length, numberOf(KEY));
    expect(sameBytes(bytes, original)).toBe(true);
  });
});

describe("maskedCopy", () => {
  it("does what the plain loop does, leaves the original as it is, and owns its buffer", () => {
    const source = random.bytes(320);
    for (const key of KEYS) {
      for (let length = 0; length <= 300; length++) {
        for (let start = 0; start < 8; start++) {
          const before = source.slice();
          const copy = maskedCopy(source, start, start + length, numberOf(key));
          expect(sameBytes(copy, xor(before.subarray(start, start + length), key))).toBe(true);
          expect(sameBytes(source, before)).toBe(true);
          expect(copy.byteOffset + copy.buffer.byteLength).toBe(length);
        }
      }
    }
  });
});

describe("maskInto", () => {
  it("does what the plain loop does, at any place, leaves the original as it is, and touches no neighbour", () => {
    const source = random.bytes(20_000);
    for (const key of KEYS) {
      for (const length of [0, 1, 40, 127, 128, 1_025, 16_384, 16_385, 19_990]) {
        for (const at of [0, 1, 7]) {
          const before = source.slice();
          const to = new Uint8Array(length + at + 1).fill(9);
          maskInto(to, at, source, 3, 3 + length, numberOf(key));
          expect(sameBytes(to.subarray(at, at + length), xor(before.subarray(3, 3 + length), key))).toBe(true);
          expect([sameBytes(source, before), to[at + length], to.subarray(0, at).every((byte) => byte === 9)])
            .toEqual([true, 9, true]);
        }
      }
    }
  });
});

describe("rotate", () => {
  it("gives the key for what follows", () => {
    const payload = random.bytes(40);
    const expected = xor(payload, KEY);
    for (let cut = 0; cut <= 40; cut++) {
      const bytes = payload.slice();
      mask(bytes, 0, cut, numberOf(KEY));
      mask(bytes, cut, 40, rotate(numberOf(KEY), cut));
      expect(toHex(bytes)).toBe(toHex(expected));
    }
  });

  it("turns whole octets, those with the top bit set too", () => {
    const key = numberOf([0x81, 0x92, 0xa3, 0xb4]);
    expect([1, 2, 3, 4].map((octets) => rotate(key, octets) >>> 0)).toEqual([
      0x92a3b481,
      0xa3b48192,
      0xb48192a3,
      0x8192a3b4,
    ]);
  });
});

describe("MaskKeys", () => {
  it("hands out each four random bytes once, the first octet highest", () => {
    let next = 0;
    const filled: Uint8Array[] = [];
    const keys = new MaskKeys((bytes) => {
      for (let i = 0; i < bytes.length; i += 4) new DataView(bytes.buffer).setUint32(i, next++ * 0x01_01_01);
      filled.push(bytes.slice());
    });
    const drawn = Array.from({ length: 5_000 }, () => keys.next() >>> 0);
    expect(drawn).toEqual(drawn.map((_, i) => (i * 0x01_01_01) >>> 0));
    expect(filled.length).toBeGreaterThan(1);
  });

  it("asks for nothing before it needs it", () => {
    let asked = 0;
    const keys = new MaskKeys(() => asked++);
    expect(asked).toBe(0);
    keys.next();
    expect(asked).toBe(1);
  });
});
