import { describe, expect, it } from "vitest";

import { decodeUtf8, encodeUtf8 } from "../../src/bytes.ts";
import { TextParts } from "../../src/protocol/text_parts.ts";
import { cuts, split } from "../support/cuts.ts";
import { hex } from "../support/hex.ts";
import { canBeginUtf8 } from "../support/utf8.ts";

const SAMPLE = "a\ufeffé€𝄞 plain text that is longer than a word 𝄞𝄞€";

/** The pieces of text that `chunks` come to, the last of which ends it; undefined from where they fail. */
function decode(chunks: readonly Uint8Array[]): (string | undefined)[] {
  const parts = new TextParts();
  return chunks.map((chunk, i) => {
    const around = new Uint8Array(chunk.length + 6).fill(0xe2);
    around.set(chunk, 3);
    return parts.decode(around, 3, 3 + chunk.length, i === chunks.length - 1);
  });
}

describe("a text in parts", () => {
  it("comes out as it went in, however it is cut, and never with half a character", () => {
    for (const [how, chunks] of cuts(encodeUtf8(SAMPLE))) {
      const pieces = decode(chunks);
      expect(pieces.join(""), how).toBe(SAMPLE);
      for (const piece of pieces) expect(piece, how).toSatisfy((text: string) => decodeUtf8(encodeUtf8(text)) === text);
    }
  });

  it("has a character in the piece that completes it", () => {
    expect(decode(split(hex`61 f0 9d 84 9e 62`, 2))).toEqual(["a", "", "𝄞b"]);
    expect(decode(split(hex`f0 9d 84 9e`, 1))).toEqual(["", "", "", "𝄞"]);
  });

  it("may have empty pieces anywhere", () => {
    expect(decode([hex``, hex`e2 82`, hex``, hex`ac`, hex``])).toEqual(["", "", "", "€", ""]);
  });

  it("fails at the first byte that no text has there", () => {
    for (const bad of [hex`61 ff`, hex`c0 80`, hex`ed a0 80`, hex`f4 90 80 80`, hex`e2 28`, hex`80`]) {
      const at = Array.from(bad).findIndex((_, i) => !canBeginUtf8(bad.subarray(0, i + 1)));
      expect(decode([...split(bad, 1), hex``]).indexOf(undefined)).toBe(at);
    }
  });

  it("fails when it ends inside a character", () => {
    for (const [, chunks] of cuts(hex`61 f0 9d 84`)) expect(decode(chunks).at(-1)).toBeUndefined();
  });
});
