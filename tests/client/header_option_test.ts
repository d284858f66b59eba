import { describe, expect, it } from "vitest";
import { checkHeaders } from "../../src/client/header_option.ts";

const none = (): undefined => undefined;

describe("checkHeaders", () => {
  it("makes lines of an object with one value or several, and of a Headers", () => {
    expect(checkHeaders("x", { "X-A": "1", b: ["2", "3"] }, none)).toEqual([["X-A", "1"], ["b", "2"], ["b", "3"]]);
    expect(checkHeaders("x", new Headers({ "X-A": "1" }), none)).toEqual([["x-a", "1"]]);
    expect(checkHeaders("x", undefined, none)).toEqual([]);
  });

  it.each<[unknown, string]>([
    [1, "it is not a Headers or an object"],
    [null, "it is not a Headers or an object"],
    [[["a", "b"]], "it is not a Headers or an object"],
    [{ "a b": "1" }, '"a b" is not the name of a header'],
    [{ Host: "a" }, '"Host" belongs to the handshake'],
    [{ a: "secret\r\nb: 2" }, '"a" has a value that no header can carry'],
    [{ a: ["1", 2] }, '"a" has a value that no header can carry'],
    [{ "X-Mine": "1" }, '"X-Mine" is mine'],
  ])("refuses %j by the option's name", (headers, reason) => {
    const objection = (name: string): string | undefined => name === "x-mine" ? "is mine" : undefined;
    expect(() => checkHeaders("a.b", headers, objection)).toThrow(
      new TypeError(`Cannot use the option "a.b": ${reason}`),
    );
  });
});
