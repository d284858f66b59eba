import { expect, it } from "vitest";
import { decodeAscii } from "../../../src/adapters/node/ascii_decoder.ts";

it("makes a string of the part it is told, in plain arrays as in the runtime's own", () => {
  const bytes = new TextEncoder().encode("so plain a text");
  expect(decodeAscii?.(bytes, 3, 8)).toBe("plain");
  expect(decodeAscii?.(bytes.subarray(3), 0, 5)).toBe("plain");
  expect(decodeAscii?.(bytes, 4, 4)).toBe("");
});

it("is used for short texts too where a call costs next to nothing: on Bun", () => {
  expect(decodeAscii?.always).toBe("Bun" in globalThis);
});
