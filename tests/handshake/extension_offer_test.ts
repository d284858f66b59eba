import { describe, expect, it } from "vitest";
import { parseExtensions, serializeExtensions, verifyExtensions } from "../../src/handshake/extension_offer.ts";
import { growth, LINEAR } from "./growth.ts";

const DEFLATE = {
  name: "permessage-deflate",
  parameters: [{ name: "client_max_window_bits", value: undefined }, { name: "server_max_window_bits", value: "10" }],
};

describe("parseExtensions and serializeExtensions", () => {
  it("read and write the same list", () => {
    const header = "permessage-deflate; client_max_window_bits; server_max_window_bits=10, foo";
    const extensions = [DEFLATE, { name: "foo", parameters: [] }];
    expect(parseExtensions(header)).toEqual(extensions);
    expect(serializeExtensions(extensions)).toBe(header);
    expect(parseExtensions(null)).toEqual([]);
  });

  it.each(["", "a;", "a;b=", 'a;b="', "a b"])(
    "refuse %j",
    (header) => expect(parseExtensions(header)).toBeUndefined(),
  );

  it("attack 11: refuse to write what is not a token", () => {
    for (const evil of ["", "a\r\nX: y", "a;b", "a b"]) {
      expect(() => serializeExtensions([{ name: evil, parameters: [] }])).toThrow(TypeError);
      expect(() => serializeExtensions([{ name: "a", parameters: [{ name: evil, value: "1" }] }])).toThrow(TypeError);
      expect(() => serializeExtensions([{ name: "a", parameters: [{ name: "b", value: evil }] }])).toThrow(TypeError);
    }
  });
});

describe("verifyExtensions", () => {
  it("takes what was offered, and nothing", () => {
    expect(verifyExtensions([DEFLATE], "permessage-deflate; server_max_window_bits=9")).toEqual({
      extensions: [{ name: "permessage-deflate", parameters: [{ name: "server_max_window_bits", value: "9" }] }],
    });
    expect(verifyExtensions([DEFLATE], null)).toEqual({ extensions: [] });
    expect(verifyExtensions([], null)).toEqual({ extensions: [] });
  });

  it.each(["foo", "Permessage-deflate", "permessage-deflate, foo"])("refuses %j, which was not offered", (answered) => {
    expect(verifyExtensions([DEFLATE], answered)).toHaveProperty("problem", expect.stringContaining("was not offered"));
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty; __proto__=1"])(
    "attack 4: %j is no exception",
    (answered) => {
      expect(verifyExtensions([], answered)).toHaveProperty("problem", expect.stringContaining("was not offered"));
    },
  );

  it("refuses an ill-formed answer", () => {
    expect(verifyExtensions([DEFLATE], "permessage-deflate;")).toEqual({
      problem: "the server answered ill-formed extensions",
    });
    expect(verifyExtensions([DEFLATE], "")).toHaveProperty("problem");
  });

  it("attack 3: a long answer takes linear time", () => {
    const answer = (size: number) => 'permessage-deflate;x="y",'.repeat(size);
    expect(growth(1_000, answer, (header) => verifyExtensions([DEFLATE], header))).toBeLessThan(LINEAR);
  });
});
