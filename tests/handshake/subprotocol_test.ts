import { describe, expect, it } from "vitest";
import { chooseProtocol, parseProtocols, validateProtocols, verifyProtocol } from "../../src/handshake/subprotocol.ts";
import { growth, LINEAR } from "./growth.ts";

describe("parseProtocols", () => {
  it("U4: keeps the client's order", () => {
    expect(parseProtocols("superchat, chat")).toEqual(["superchat", "chat"]);
    expect(parseProtocols("b,a , B")).toEqual(["b", "a", "B"]);
    expect(parseProtocols(null)).toEqual([]);
    expect(parseProtocols("__proto__, constructor")).toEqual(["__proto__", "constructor"]);
  });

  it.each(["", ",", "a, a", "a b", "a/b", 'a, "b"', "ä"])(
    "refuses %j",
    (header) => expect(parseProtocols(header)).toBeUndefined(),
  );

  it("attack 3: thousands of offers take linear time, choosing included", () => {
    const offers = (size: number) => Array.from({ length: size }, (_, at) => `p${at}`).join(",");
    const run = (header: string) => chooseProtocol(parseProtocols(header) ?? [], ["x", "y", "z"]);
    expect(growth(2_000, offers, run)).toBeLessThan(LINEAR);
  });
});

describe("U4: chooseProtocol", () => {
  it("takes the first of the client's offers that the service lists", () => {
    expect(chooseProtocol(["xml", "json"], ["json", "xml"])).toBe("xml");
    expect(chooseProtocol(["a", "json"], ["xml", "json"])).toBe("json");
  });

  it("takes none when none is shared, offered or listed", () => {
    expect(chooseProtocol(["a"], ["b"])).toBeUndefined();
    expect(chooseProtocol(["A"], ["a"])).toBeUndefined();
    expect(chooseProtocol([], ["b"])).toBeUndefined();
    expect(chooseProtocol(["a"], [])).toBeUndefined();
    expect(chooseProtocol(["a"], undefined)).toBeUndefined();
  });

  it("lets a function choose among the offers, in the client's order", () => {
    const asked: (readonly string[])[] = [];
    const choose = (offered: readonly string[]) => (asked.push(offered), offered.at(-1));
    expect(chooseProtocol(["a", "b"], choose)).toBe("b");
    expect(asked).toEqual([["a", "b"]]);
    expect(chooseProtocol(["a"], () => undefined)).toBeUndefined();
  });

  it("does not ask a function when nothing is offered", () => {
    expect(chooseProtocol([], () => "a")).toBeUndefined();
  });

  it("refuses a function's choice that was not offered", () => {
    expect(() => chooseProtocol(["a"], () => "b"))
      .toThrow(new TypeError('Cannot choose the sub-protocol "b": the client did not offer it'));
    expect(() => chooseProtocol(["a"], () => "")).toThrow(TypeError);
  });
});

describe("U4: verifyProtocol", () => {
  it("takes one of the offers, and none when none was offered", () => {
    expect(verifyProtocol(["a", "b"], "b")).toEqual({ protocol: "b" });
    expect(verifyProtocol([], null)).toEqual({ protocol: "" });
  });

  it("refuses none when some were offered", () => {
    expect(verifyProtocol(["a"], null)).toEqual({ problem: "the server chose none of the sub-protocols offered" });
  });

  it.each<[string[], string]>([[["a"], "b"], [["a"], "A"], [["a", "b"], "a, b"], [["a"], "a, a"], [[], "a"], [[], ""], [
    ["a"],
    "",
  ]])("refuses, when %j was offered, %j", (offered, answered) => {
    expect(verifyProtocol(offered, answered))
      .toEqual({ problem: `the server chose the sub-protocol "${answered}", which was not offered` });
  });
});

describe("validateProtocols", () => {
  it("takes distinct tokens", () => {
    expect(validateProtocols([])).toBeUndefined();
    expect(validateProtocols(["a", "A", "chat.v1"])).toBeUndefined();
  });
  it("names what it refuses", () => {
    expect(() => validateProtocols(["a", "b c"])).toThrow(
      new TypeError('Cannot use "b c" as a sub-protocol: it is not a token'),
    );
    expect(() => validateProtocols(["a\r\nX: y"])).toThrow(TypeError);
    expect(() => validateProtocols([""])).toThrow(TypeError);
    expect(() => validateProtocols(["a", "b", "a"])).toThrow(new TypeError('Cannot use the sub-protocol "a" twice'));
  });
});
