import { describe, expect, it } from "vitest";

import { isControl, isKnown, opcodeName } from "../../src/protocol/opcode.ts";

const ALL = Array.from({ length: 16 }, (_, opcode) => opcode);

describe("opcodes", () => {
  it("§11.8: six of sixteen have a meaning", () => {
    expect(ALL.filter(isKnown)).toEqual([0, 1, 2, 8, 9, 10]);
  });

  it("§5.5: those with the top bit set are control frames, known or not", () => {
    expect(ALL.filter(isControl)).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it("have the RFC's names", () => {
    expect(ALL.filter(isKnown).map(opcodeName)).toEqual(["continuation", "text", "binary", "close", "ping", "pong"]);
    expect(opcodeName(11)).toBe("opcode 11");
  });
});
