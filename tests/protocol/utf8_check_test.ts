import { describe, expect, it } from "vitest";

import { Utf8Check } from "../../src/protocol/utf8_check.ts";
import { hex, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { canBeginUtf8, isUtf8 } from "../support/utf8.ts";

/** Checks in one go, and byte by byte; both must agree. `undefined`: bad. Else whether it may end here. */
function check(bytes: Uint8Array): boolean | undefined {
  const [whole, single] = [new Utf8Check(), new Utf8Check()];
  const ok = whole.accept(bytes, 0, bytes.length);
  const okSingle = Array.from(bytes).every((_, i) => single.accept(bytes, i, i + 1));
  if (ok !== okSingle) throw new Error(`Whole and byte by byte differ: ${toHex(bytes)}`);
  if (ok && whole.complete !== single.complete) throw new Error(`They differ in the end: ${toHex(bytes)}`);
  return ok ? whole.complete : undefined;
}

function agrees(bytes: Uint8Array): boolean {
  const verdict = check(bytes);
  return (verdict === true) === isUtf8(bytes) && (verdict !== undefined) === canBeginUtf8(bytes);
}

/** The first and last byte of every range of RFC 3629 §4, and their neighbours. */
const EDGES = [
  ...[0x00, 0x41, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed],
  ...[0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xfe, 0xff],
];
const TAILS = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];

describe("Utf8Check", () => {
  it("agrees with TextDecoder on all sequences of one and two bytes", () => {
    for (let first = 0; first < 256; first++) {
      if (!agrees(Uint8Array.of(first))) expect.fail(toHex(Uint8Array.of(first)));
      for (let second = 0; second < 256; second++) {
        const bytes = Uint8Array.of(first, second);
        const verdict = check(bytes);
        if ((verdict === true) !== isUtf8(bytes)) expect.fail(toHex(bytes));
      }
    }
    expect(check(hex`c3 a9`)).toBe(true);
  });

  it("agrees with TextDecoder at the borders of sequences of three and four bytes", () => {
    let checked = 0;
    for (const a of EDGES) {
      for (const b of TAILS) {
        for (const c of TAILS) {
          if (!agrees(Uint8Array.of(a, b, c))) expect.fail(toHex(Uint8Array.of(a, b, c)));
          for (const d of TAILS) {
            const bytes = Uint8Array.of(a, b, c, d);
            if ((check(bytes) === true) !== isUtf8(bytes)) expect.fail(toHex(bytes));
            checked++;
          }
        }
      }
    }
    expect(checked).toBe(EDGES.length * TAILS.length ** 3);
  });

  it.each([
    ["overlong, two bytes", hex`c0 80`, 1],
    ["overlong, two bytes", hex`c1 bf`, 1],
    ["overlong, three bytes", hex`e0 9f bf`, 2],
    ["a surrogate", hex`ed a0 80`, 2],
    ["overlong, four bytes", hex`f0 8f bf bf`, 2],
    ["above U+10FFFF", hex`f4 90 80 80`, 2],
    ["five bytes", hex`f8 88 80 80 80`, 1],
    ["a continuation byte alone", hex`61 80`, 2],
    ["cut by the next character", hex`e2 82 41`, 3],
    ["bad third byte", hex`f0 9d 84 41`, 4],
  ])("fails at the first bad byte: %s %o", (_, bytes, at) => {
    const utf8 = new Utf8Check();
    const verdicts = Array.from(bytes).map((_, i) => utf8.accept(bytes, i, i + 1));
    expect(verdicts.indexOf(false) + 1).toBe(at);
  });

  it("knows when a character is not complete", () => {
    expect(check(hex``)).toBe(true);
    expect(check(hex`e2 82`)).toBe(false);
    expect(check(hex`e2 82 ac`)).toBe(true);
    expect(check(hex`f0 9d 84`)).toBe(false);
    expect(check(hex`41 c3`)).toBe(false);
  });

  it("finds a bad byte at every place of a long text, whatever its alignment", () => {
    for (let offset = 0; offset < 4; offset++) {
      for (let length = 60; length < 140; length++) {
        const bytes = new Uint8Array(offset + length).fill(0x61);
        for (let at = offset; at < bytes.length; at++) {
          bytes[at] = 0xff;
          if (new Utf8Check().accept(bytes, offset, bytes.length)) expect.fail(`${at} of ${length} from ${offset}`);
          bytes[at] = 0x61;
        }
        expect(new Utf8Check().accept(bytes, offset, bytes.length)).toBe(true);
      }
    }
  });

  it("reads nothing outside of its range", () => {
    const bytes = new Uint8Array(200).fill(0xff);
    bytes.fill(0x61, 3, 190);
    expect(new Utf8Check().accept(bytes, 3, 190)).toBe(true);
    expect(new Utf8Check().accept(bytes, 3, 191)).toBe(false);
    expect(new Utf8Check().accept(bytes, 2, 190)).toBe(false);
  });

  it("accepts random text in random pieces", () => {
    const random = new Random(7);
    for (let round = 0; round < 300; round++) {
      const bytes = new TextEncoder().encode(random.text(random.below(200)));
      const utf8 = new Utf8Check();
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, at + 1 + random.below(90));
        expect(utf8.accept(bytes, at, end)).toBe(true);
        at = end;
      }
      expect(utf8.complete).toBe(true);
    }
  });
});
