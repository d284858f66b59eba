import { describe, expect, it } from "vitest";
import {
  checkBoolean,
  checkCount,
  checkFunction,
  checkIsOptions,
  checkNames,
  checkNeeds,
  checkObject,
  checkSeconds,
  checkSignal,
  checkText,
  wrongKind,
} from "../src/option_check.ts";

describe("checkNames", () => {
  const check = (given: object): void =>
    checkNames(given, ["timeout", "subProtocols"], new Map([["auth", "it is not done"]]));

  it("takes what is known, and what is refused as long as it is undefined", () => {
    check({ timeout: 5, auth: undefined });
    check(Object.assign(Object.create(null), { timeout: 5 }));
  });

  it.each<[object, string]>([
    [{ auth: 5 }, 'Cannot use the option "auth": it is not done'],
    [{ timeuot: 5 }, 'Cannot use the option "timeuot": there is none of that name, the nearest is "timeout"'],
    [
      { subprotocol: 5 },
      'Cannot use the option "subprotocol": there is none of that name, the nearest is "subProtocols"',
    ],
    [{ zzzzzz: 5 }, 'Cannot use the option "zzzzzz": there is none of that name'],
    [JSON.parse('{"__proto__": 5}'), 'Cannot use the option "__proto__": there is none of that name'],
  ])("%j is refused", (given, message) => expect(() => check(given)).toThrow(new TypeError(message)));

  it("says within what the name is", () => {
    const within = (given: object): void => checkNames(given, ["a"], new Map([["auth", "it is not done"]]), "list[1].");
    expect(() => within({ b: 5 })).toThrow('Cannot use the option "list[1].b": there is none of that name');
    expect(() => within({ auth: 5 })).toThrow('Cannot use the option "list[1].auth": it is not done');
  });

  it("fields of a class are its own, but not what is refused", () => {
    class Options {
      database = "mine";
    }
    check(new Options());
    expect(() => check(Object.assign(new Options(), { auth: 5 }))).toThrow(/"auth"/);
    class More extends Options {
      get auth(): number {
        return 5;
      }
    }
    expect(() => check(new More())).toThrow(/"auth"/);
  });
});

it("options are an object, and no list", () => {
  for (const options of [{}, Object.create(null)]) expect(() => checkIsOptions(options)).not.toThrow();
  expect(() => checkIsOptions(["chat.v1"])).toThrow(
    new TypeError("Cannot use the options: they are a list, not an object"),
  );
  for (const wrong of [null, "chat", 5]) expect(() => checkIsOptions(wrong)).toThrow(TypeError);
});

describe("values", () => {
  it("seconds", () => {
    expect(checkSeconds({ a: 1.5 }, "a", 9, false)).toBe(1_500);
    expect(checkSeconds({}, "a", 9, false)).toBe(9_000);
    expect(checkSeconds({ a: 0 }, "a", 9, false)).toBe(0);
    expect(checkSeconds({ a: 0 }, "a", 9, true)).toBe(Infinity);
    expect(() => checkSeconds({ a: "1" }, "a", 9, true)).toThrow(TypeError);
    expect(() => checkSeconds({ a: "1" }, "a", 9, true, "x.a")).toThrow('"x.a": it is not a number of seconds');
    expect(() => checkSeconds({ a: -1 }, "a", 9, true, "x.a")).toThrow('"x.a": -1 is not from 0');
    for (const a of [-1, NaN, Infinity, 3e6]) expect(() => checkSeconds({ a }, "a", 9, true)).toThrow(RangeError);
  });

  it("counts", () => {
    expect([checkBoolean({ a: false }, "a", true), checkBoolean({}, "a", true)]).toEqual([false, true]);
    expect(() => checkBoolean({ a: 0 }, "a", true)).toThrow('Cannot use the option "a": it is not a boolean');
    expect(checkCount({ a: 3 }, "a", 9, 3)).toBe(3);
    expect(checkCount({}, "a", 9, 3)).toBe(9);
    expect(checkCount({}, "a", undefined, 3)).toBeUndefined();
    expect(() => checkCount({ a: "3" }, "a", 9, 3, "x.a")).toThrow(
      new TypeError('Cannot use the option "x.a": it is not a number'),
    );
    for (const a of [2, 3.5, Infinity, NaN]) expect(() => checkCount({ a }, "a", 9, 3)).toThrow(RangeError);
  });

  it("objects and functions", () => {
    const given = { a: { b: 1 }, f: () => {}, n: 5 };
    expect([checkObject(given, "a"), checkObject(given, "none")]).toEqual([{ b: 1 }, {}]);
    expect(() => checkObject(given, "n")).toThrow(wrongKind("n", "an object"));
    expect(() => checkObject({ list: [] }, "list")).toThrow(wrongKind("list", "an object"));
    checkFunction(given, "f");
    checkFunction(given, "none");
    expect(() => checkFunction(given, "n")).toThrow(wrongKind("n", "a function"));
    expect(() => checkFunction(given, "n", "x.n")).toThrow(wrongKind("x.n", "a function"));
  });
});

describe("checkText", () => {
  it("takes a string that says something, and nothing else", () => {
    expect([checkText({ a: "b" }, "a"), checkText({}, "a")]).toEqual(["b", undefined]);
    for (const a of ["", 1, null]) {
      expect(() => checkText({ a }, "a")).toThrow('Cannot use the option "a": it is not a string with a character');
    }
  });
});

describe("checkNeeds", () => {
  it("refuses what means nothing without another", () => {
    for (const given of [{}, { b: 1 }, { a: 1, b: 1 }]) expect(() => checkNeeds(given, "a", "b")).not.toThrow();
    expect(() => checkNeeds({ a: 1 }, "a", "b")).toThrow('Cannot use the option "a": it needs "b"');
  });
});

describe("checkSignal", () => {
  it("takes a signal or nothing", () => {
    const { signal } = new AbortController();
    expect([checkSignal({ signal }), checkSignal({})]).toEqual([signal, undefined]);
    expect(() => checkSignal({ signal: {} })).toThrow(
      new TypeError('Cannot use the option "signal": it is not an AbortSignal'),
    );
  });
});
