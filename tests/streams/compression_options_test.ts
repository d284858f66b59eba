import { describe, expect, it } from "vitest";

import { checkCompression, checkWrite } from "../../src/streams/compression_options.ts";

const check = (value: unknown) => checkCompression({ webSocketCompressionEnabled: value });

describe("webSocketCompressionEnabled (Z1)", () => {
  it("is on by default, with the documented defaults", () => {
    const defaults = {
      threshold: 1_024,
      level: 3,
      serverMaxWindowBits: 12,
      clientMaxWindowBits: 12,
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      maxTotalWindows: 268_435_456,
    };
    for (const value of [undefined, true, {}]) expect(check(value)).toEqual(defaults);
    expect(check(false)).toBeUndefined();
  });

  it("takes over what is given, the ends of each range too", () => {
    for (
      const [name, values] of Object.entries({
        threshold: [0, 1, 1e9],
        level: [0, 9],
        serverMaxWindowBits: [9, 15],
        clientMaxWindowBits: [9, 15],
        serverNoContextTakeover: [true, false],
        clientNoContextTakeover: [true, false],
        maxTotalWindows: [0, 1],
      })
    ) {
      for (const value of values) expect(check({ [name]: value })).toMatchObject({ [name]: value });
    }
  });

  it.each<[unknown, string]>([
    [1, ""],
    ["deflate", ""],
    [[], ""],
    [{ threshold: -1 }, ".threshold"],
    [{ threshold: 1.5 }, ".threshold"],
    [{ threshold: "1" }, ".threshold"],
    [{ level: 10 }, ".level"],
    [{ level: -1 }, ".level"],
    [{ serverMaxWindowBits: 8 }, ".serverMaxWindowBits"],
    [{ serverMaxWindowBits: 16 }, ".serverMaxWindowBits"],
    [{ clientMaxWindowBits: 8 }, ".clientMaxWindowBits"],
    [{ clientMaxWindowBits: 16 }, ".clientMaxWindowBits"],
    [{ serverNoContextTakeover: 1 }, ".serverNoContextTakeover"],
    [{ clientNoContextTakeover: "no" }, ".clientNoContextTakeover"],
    [{ maxTotalWindows: -1 }, ".maxTotalWindows"],
  ])("%j is refused, and named", (value, name) => {
    expect(() => check(value)).toThrow(`"webSocketCompressionEnabled${name}"`);
  });

  it("refuses a name it does not know, with the nearest one", () => {
    expect(() => check({ treshold: 1 })).toThrow('the nearest is "threshold"');
  });
});

describe("the options of a write", () => {
  it("compresses unless it is told not to", () => {
    expect([undefined, {}, { compress: true }, { compress: false }].map((options) => checkWrite(options)))
      .toEqual([true, true, true, false]);
  });

  it.each<[unknown, string]>([
    [null, "options"],
    [false, "options"],
    [{ compress: 0 }, "compress"],
    [{ compressed: false }, 'the nearest is "compress"'],
  ])("%j is refused, and named", (options, name) => {
    expect(() => checkWrite(options as never)).toThrow(TypeError);
    expect(() => checkWrite(options as never)).toThrow(name);
  });
});
