import { describe, expect, it } from "vitest";

import { decodeText } from "../../src/protocol/text_decoder.ts";
import { hex, toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { decodeAscii } from "../support/utf8.ts";

describe.each([["with", decodeAscii], ["without", undefined]])("decodeText %s a short cut for ASCII", (_, shortCut) => {
  const decode = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    for (const around of [0, 1, 7]) {
      const within = new Uint8Array(bytes.length + 2 * around).fill(0xff);
      within.set(bytes, around);
      const before = toHex(within);
      expect(decodeText(within, around, around + bytes.length, shortCut)).toBe(text);
      expect(toHex(within)).toBe(before);
    }
  };

  it("reads ASCII of every length, and every ASCII character at every place of eight", () => {
    for (let length = 0; length <= 300; length++) decode("x".repeat(length));
    for (let code = 0; code < 0x80; code++) decode(`${"y".repeat(code % 9)}${String.fromCharCode(code)}z`);
  });

  it("reads a character of each length at every place", () => {
    for (const character of ["\u0080", "é", "€", "\uffff", "𝄞", "\ufeff"]) {
      for (let at = 0; at <= 140; at++) decode(`${"x".repeat(at)}${character}${"x".repeat(at % 11)}`);
    }
  });

  it("keeps a byte order mark", () => {
    decode("\ufeff");
    decode("\ufeffabc");
    decode(`\ufeff${"x".repeat(200)}`);
  });

  it("reads random text", () => {
    const random = new Random(5);
    for (let round = 0; round < 300; round++) decode(random.text(random.below(150)));
  });

  it("refuses a bad byte at every place, and reads on afterwards", () => {
    for (const bad of [hex`ff`, hex`c3`, hex`80`, hex`ed a0 80`, hex`c0 80`]) {
      for (let at = 0; at <= 140; at++) {
        const bytes = hex`${new Uint8Array(at).fill(0x61)} ${bad}`;
        expect(() => decodeText(bytes, 0, bytes.length, shortCut)).toThrow(TypeError);
      }
      decode("€");
    }
  });
});
