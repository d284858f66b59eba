import { describe, expect, it } from "vitest";

import { ABNORMAL, boundReason, checkClose, isCloseCode, NO_STATUS } from "../src/close_code.ts";

const bytes = (text: string) => new TextEncoder().encode(text).length;

describe("isCloseCode", () => {
  it("§7.4: knows which codes may travel, on both sides of each border", () => {
    const yes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
    const no = [-1, 0, 1, 999, 1004, NO_STATUS, ABNORMAL, 1015, 1016, 1999, 2000, 2999, 5000, 65_535, 1e9];
    expect(yes.filter((code) => !isCloseCode(code))).toEqual([]);
    expect(no.filter(isCloseCode)).toEqual([]);
  });

  it("refuses what is not a whole number", () => {
    for (const code of [1000.5, NaN, Infinity, "1000" as never, undefined as never]) {
      expect(isCloseCode(code)).toBe(false);
    }
  });
});

describe("checkClose", () => {
  it("takes 123 bytes of reason and refuses one more, counted as UTF-8", () => {
    const characters = ["x", "é", "€", "𝄞"];
    for (const character of characters) {
      const most = Math.floor(123 / bytes(character));
      expect(() => checkClose(1000, character.repeat(most))).not.toThrow();
      expect(() => checkClose(1000, character.repeat(most + 1))).toThrow(RangeError);
    }
    expect(() => checkClose(1000, "x".repeat(124))).toThrow("124 bytes");
    expect(() => checkClose(1000, "\ud800".repeat(42))).toThrow(RangeError);
  });

  it("takes no reason that is not a string", () => {
    for (const reason of [64, null, {}, new Uint8Array(3)]) {
      expect(() => checkClose(1000, reason as unknown as string)).toThrow(TypeError);
    }
  });

  it("names the code that may not travel", () => {
    expect(() => checkClose(1005, "")).toThrow("Cannot close with code 1005");
    expect(() => checkClose(4000, "")).not.toThrow();
  });
});

describe("boundReason", () => {
  it("keeps what fits, and cuts the rest between characters", () => {
    for (const character of ["x", "é", "€", "𝄞"]) {
      for (const before of ["", "a", "ab", "abc"]) {
        for (const count of [1, 30, 41, 61, 123, 200]) {
          const reason = before + character.repeat(count);
          const bound = boundReason(reason);
          if (bytes(reason) <= 123) expect(bound).toBe(reason);
          expect(reason.startsWith(bound)).toBe(true);
          expect(bytes(bound)).toBeLessThanOrEqual(123);
          if (bound !== reason) expect(bytes(bound)).toBeGreaterThan(123 - bytes(character));
          expect(new TextDecoder().decode(new TextEncoder().encode(bound))).toBe(bound);
        }
      }
    }
  });
});
