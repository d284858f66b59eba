import { describe, expect, it } from "vitest";
import { byteSize } from "../../src/streams/byte_size.ts";

describe("byteSize", () => {
  it.each([
    "",
    "ascii",
    "\u007f\u0080",
    "é\u07ff\u0800",
    "€",
    "😀",
    "a😀b€",
    "\ud800",
    "\udc00",
    "\udc00\ud800",
    "\ud800\ud800\udc00x",
  ])(
    "counts %j as an encoder does",
    (text) => {
      expect(byteSize(text)).toBe(new TextEncoder().encode(text).length);
    },
  );

  it("takes the length of bytes", () => {
    expect(byteSize(new Uint8Array(10).subarray(3))).toBe(7);
  });
});
