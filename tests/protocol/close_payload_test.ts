import { describe, expect, it } from "vitest";

import { CorruptedFrameError } from "../../src/errors.ts";
import { readClosePayload, writeClosePayload } from "../../src/protocol/close_payload.ts";
import { hex, toHex } from "../support/hex.ts";

function refusal(payload: Uint8Array): [number, string] {
  try {
    readClosePayload(payload);
  } catch (error) {
    if (error instanceof CorruptedFrameError) return [error.closeCode, error.section];
    throw error;
  }
  throw new Error("It was not refused");
}

describe("readClosePayload", () => {
  it("§7.1.5: an empty one says 1005", () => {
    expect(readClosePayload(hex``)).toEqual({ code: 1005, reason: "" });
  });

  it("reads code and reason", () => {
    expect(readClosePayload(hex`03 e8`)).toEqual({ code: 1000, reason: "" });
    expect(readClosePayload(hex`0f a0 62 79 65 20 e2 82 ac`)).toEqual({ code: 4000, reason: "bye €" });
    expect(readClosePayload(hex`03 e8 ef bb bf`)).toEqual({ code: 1000, reason: "\ufeff" });
  });

  it("attack 23: refuses one byte", () => {
    for (let byte = 0; byte < 256; byte++) expect(refusal(Uint8Array.of(byte))).toEqual([1002, "§5.5.1"]);
  });

  it("attack 23: refuses every code that may not travel", () => {
    const accepted: number[] = [];
    for (let code = 0; code < 65_536; code++) {
      try {
        readClosePayload(Uint8Array.of(code >> 8, code));
        accepted.push(code);
      } catch (error) {
        if (!(error instanceof CorruptedFrameError) || error.closeCode !== 1002) throw error;
      }
    }
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    expect(accepted).toEqual([...range(1000, 1003), ...range(1007, 1014), ...range(3000, 4999)]);
  });

  it("attack 23: refuses a reason that is not UTF-8 with 1007", () => {
    for (const reason of [hex`ff`, hex`c3`, hex`61 ed a0 80`, hex`c0 80`]) {
      expect(refusal(hex`03 e8 ${reason}`)).toEqual([1007, "§5.5.1"]);
    }
  });

  it("looks at the code before the reason", () => {
    expect(refusal(hex`03 ed ff`)).toEqual([1002, "§7.4"]);
  });
});

describe("writeClosePayload", () => {
  it("writes code and reason, or nothing", () => {
    expect(toHex(writeClosePayload(undefined, ""))).toBe("");
    expect(toHex(writeClosePayload(1000, ""))).toBe("03 e8");
    expect(toHex(writeClosePayload(4999, "é"))).toBe("13 87 c3 a9");
  });

  it("writes what it reads", () => {
    for (const reason of ["", "bye", "€𝄞", "x".repeat(123)]) {
      expect(readClosePayload(writeClosePayload(3000, reason))).toEqual({ code: 3000, reason });
    }
  });
});
