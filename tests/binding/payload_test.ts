import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { toBytes, toMessage } from "../../src/binding/payload.ts";

describe("toMessage (S4)", () => {
  it.each<[string, unknown, string]>([
    ["a string, as it is", "hé\u0000", "hé\u0000"],
    ["an empty string", "", ""],
    ["a number", 1.5, "1.5"],
    ["minus zero", -0, "0"],
    ["true", true, "true"],
    ["false", false, "false"],
    ["null", null, "null"],
    ["a plain object", { a: [1, null] }, '{"a":[1,null]}'],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ["an object of another realm", runInNewContext("({ a: 1 })"), '{"a":1}'],
    ["an array", [1, "x"], '[1,"x"]'],
    ["what toJSON gives", { toJSON: () => 7 }, "7"],
  ])("sends %s as text", (_, value, text) => {
    expect(toMessage(value)).toBe(text);
  });

  it("sends a Uint8Array as it is, neither copied nor widened to its buffer", () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(toMessage(bytes)).toBe(bytes);
  });

  it("sends an ArrayBuffer as bytes", () => {
    expect(toMessage(new Uint8Array([1, 2]).buffer)).toEqual(new Uint8Array([1, 2]));
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  it.each<[string, unknown, string]>([
    ["undefined", undefined, "Cannot send undefined as a message"],
    ["a function", () => 1, "Cannot send a function as a message"],
    ["a symbol", Symbol("x"), "Cannot send a symbol as a message"],
    ["a bigint", 1n, "Cannot send a bigint as a message"],
    ["NaN", NaN, "Cannot send NaN as a message"],
    ["Infinity", Infinity, "Cannot send Infinity as a message"],
    ["a Map", new Map(), "Cannot send a Map as a message"],
    ["a Set", new Set(), "Cannot send a Set as a message"],
    ["a Date", new Date(0), "Cannot send a Date as a message"],
    ["an Error", new Error("x"), "Cannot send an Error as a message"],
    ["an instance of a class", new (class Order {})(), "Cannot send an Order as a message"],
    ["another view", new Uint16Array(2), "Cannot send a Uint16Array as a message"],
    ["a DataView", new DataView(new ArrayBuffer(2)), "Cannot send a DataView as a message"],
    ["a shared buffer", new SharedArrayBuffer(2), "Cannot send a SharedArrayBuffer as a message"],
    ["a cycle", cycle, "JSON cannot write it"],
    ["a bigint inside", { a: 1n }, "JSON cannot write it"],
    ["a toJSON that says undefined", { toJSON: () => undefined }, "JSON writes nothing for it"],
  ])("refuses %s", (_, value, sentence) => {
    expect(() => toMessage(value)).toThrow(TypeError);
    expect(() => toMessage(value)).toThrow(sentence);
  });
});

describe("toBytes", () => {
  it("takes a Uint8Array as it is, an ArrayBuffer as a view, and nothing else", () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(toBytes(bytes, "Cannot do it")).toBe(bytes);
    expect(toBytes(bytes.buffer, "Cannot do it").buffer).toBe(bytes.buffer);
    for (const wrong of ["a", [1], new DataView(bytes.buffer), undefined]) {
      expect(() => toBytes(wrong, "Cannot do it")).toThrow(
        new TypeError("Cannot do it: the data is neither a Uint8Array nor an ArrayBuffer"),
      );
    }
  });
});
