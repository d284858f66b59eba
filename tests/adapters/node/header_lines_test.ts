import { describe, expect, it } from "vitest";
import { HeaderLines } from "../../../src/adapters/node/header_lines.ts";

const lines = new HeaderLines(["Host", "a", "X-One", "1", "x-one", "2", "HOST", "b", "__proto__", "p"]);

describe("HeaderLines", () => {
  it("finds a header whatever its case, and joins repeated ones, Host too", () => {
    expect(["host", "x-one", "x-two", "__proto__", "constructor"].map((name) => lines.get(name))).toEqual([
      "a, b",
      "1, 2",
      null,
      "p",
      null,
    ]);
  });

  it("tells how many there are, and their bytes as they came", () => {
    expect([lines.count, lines.size]).toEqual([
      5,
      "Host: a\r\nX-One: 1\r\nx-one: 2\r\nHOST: b\r\n__proto__: p\r\n".length,
    ]);
    expect(new HeaderLines([]).size).toBe(0);
  });

  it("packs them into a string and back, none too", () => {
    const raw = ["Host", "a", "Empty", "", "X", "1, 2: 3"];
    expect([...HeaderLines.unpack(new HeaderLines(raw).pack()).toHeaders()]).toEqual([
      ["empty", ""],
      ["host", "a"],
      ["x", "1, 2: 3"],
    ]);
    expect(HeaderLines.unpack(new HeaderLines([]).pack()).count).toBe(0);
  });

  it("packs into one string and comes back the same, empty values too", () => {
    for (const raw of [[], ["Host", "a"], ["A", "", "b", "x: y, z", "C", ""]]) {
      const packed = new HeaderLines(raw).pack();
      expect([...HeaderLines.unpack(packed).toHeaders()]).toEqual([...new HeaderLines(raw).toHeaders()]);
      expect(HeaderLines.unpack(packed).count).toBe(raw.length / 2);
    }
  });

  it("makes the platform's Headers of them", () => {
    expect([...new HeaderLines(["B", "2", "a", "1", "A", "3"]).toHeaders()]).toEqual([["a", "1, 3"], ["b", "2"]]);
  });
});
