import { describe, expect, it } from "vitest";
import {
  basicAuthorization,
  isToken68,
  parseAuthorization,
  parseBasic,
  problemOf,
} from "../../src/auth/authorization.ts";

describe("the Authorization header", () => {
  it.each<[string | null, unknown]>([
    [null, undefined],
    ["", undefined],
    ["   ", undefined],
    ["Basic YTpi", { scheme: "basic", credentials: "YTpi" }],
    ["bAsIc   YTpi  ", { scheme: "basic", credentials: "YTpi" }],
    ["BEARER a.b.c", { scheme: "bearer", credentials: "a.b.c" }],
    ["Bearer", { scheme: "bearer", credentials: "" }],
    ["Digest a=1, b=2", { scheme: "digest", credentials: "a=1, b=2" }],
    // Two headers of that name, as `Headers` joins them.
    ["Bearer a, Bearer b", { scheme: "bearer", credentials: "a, Bearer b" }],
    ["Bea/rer x", undefined],
    ["=x", undefined],
  ])("%j", (header, read) => expect(parseAuthorization(header)).toEqual(read));

  it("is read in time that grows with its length", () => {
    for (const header of [`Bearer ${" ".repeat(200_000)}`, `Bearer ${"a ".repeat(100_000)}\n`, " ".repeat(200_000)]) {
      const started = performance.now();
      parseAuthorization(header);
      expect(performance.now() - started).toBeLessThan(1_000);
    }
  });

  it.each<[string, boolean]>([
    ["abc._~+/-==", true],
    ["a=b", false],
    ["", false],
    ["=", false],
    ["a b", false],
    ["a,b", false],
    ["ä", false],
    ["a\n", false],
  ])("one value: %j", (text, is) => expect(isToken68(text)).toBe(is));
});

describe("Basic (RFC 7617)", () => {
  it.each([
    ["Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
    ["test", "123£", "Basic dGVzdDoxMjPCow=="],
    ["", "", "Basic Og=="],
    ["a", "b:c:", "Basic YTpiOmM6"],
  ])("%s and %s, there and back", (username, password, header) => {
    expect(basicAuthorization({ username, password })).toBe(header);
    expect(parseBasic(header.slice("Basic ".length))).toEqual({ username, password });
  });

  it("is read in NFC", () => {
    const [, value = ""] = basicAuthorization({ username: "u\u0308", password: "u\u0308" }).split(" ");
    expect(parseBasic(value)).toEqual({ username: "ü", password: "ü" });
  });

  it.each([
    ["no base64", "%%%"],
    ["cut short", "YTpiY"],
    ["no colon", btoa("ab")],
    ["no UTF-8", btoa("a:\xff")],
    ["a control character", btoa("a:\0b")],
    ["nothing", ""],
    ["two of them", "YTpi, Basic YTpi"],
  ])("refuses %s", (_what, value) => expect(parseBasic(value)).toBeUndefined());

  it("says what is wrong with a name or a password", () => {
    expect(problemOf({ username: "a:b", password: "" })).toContain("no colon");
    expect(problemOf({ username: "a", password: "\n" })).toContain("control character");
    expect(problemOf({ username: "ä", password: "a:ü" })).toBeUndefined();
  });
});
