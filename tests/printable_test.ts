import { describe, expect, it } from "vitest";
import { printable, printableLines, quote } from "../src/printable.ts";

describe("printable", () => {
  it.each([
    ["C0", "a\x1b[31m\0\t\r\n", "a\\u001b[31m\\u0000\\u0009\\u000d\\u000a"],
    ["DEL and C1", "\x7f\x9b31m", "\\u007f\\u009b31m"],
    ["what turns directions", "\u202eexe\u2066\u200f\u061c", "\\u202eexe\\u2066\\u200f\\u061c"],
    ["what ends lines", "a\u2028b\u2029c\x85", "a\\u2028b\\u2029c\\u0085"],
    ["what nobody sees", "\ufeff\u{e0041}", "\\ufeff\\udb40\\udc41"],
    ["and no letter of anybody's", "größe 日本 שלום 😀", "größe 日本 שלום 😀"],
  ])("escapes %s", (_what, text, escaped) => {
    expect(printable(text)).toBe(escaped);
  });

  it("keeps lines, and lets none but the first begin at the margin", () => {
    expect(printableLines("Error: a\x1b\n(node:1) forged\n    at b\r\n")).toBe(
      "Error: a\\u001b\n    (node:1) forged\n    at b\\u000d\n    ",
    );
  });
});

describe("quote", () => {
  it("escapes what a terminal would obey", () => {
    expect(quote('a"\x1b[31m\r\n\x7f\x9b\u202e')).toBe('"a\\"\\u001b[31m\\r\\n\\u007f\\u009b\\u202e"');
  });
  it("shows 64 characters at most, or as many as it is told", () => {
    expect(quote("a".repeat(64))).toBe(`"${"a".repeat(64)}"`);
    expect(quote("a".repeat(65))).toBe(`"${"a".repeat(64)}…"`);
    expect(quote("a".repeat(65), Infinity)).toBe(`"${"a".repeat(65)}"`);
  });
});
