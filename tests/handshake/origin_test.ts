import { describe, expect, it } from "vitest";
import { allowAnyOrigin, compileOrigins, sameOrigin } from "../../src/handshake/origin.ts";

describe("U8: sameOrigin", () => {
  it.each([
    ["https://example.com", "example.com"],
    ["http://example.com", "example.com"],
    ["https://example.com", "example.com:443"],
    ["http://example.com:80", "example.com"],
    ["https://example.com:443", "Example.COM"],
    ["http://localhost:3000", "localhost:3000"],
    ["https://localhost:3000", "localhost:3000"], // TLS ends at a proxy
    ["HTTPS://EXAMPLE.com", "example.com"],
    ["http://[::1]:8080", "[::1]:8080"],
    ["tauri://localhost", "localhost"],
  ])("%j may reach %j", (origin, host) => expect(sameOrigin(origin, host)).toBe(true));

  it.each([
    ["https://evil.com", "example.com"],
    ["https://example.com.evil.com", "example.com"],
    ["https://evil-example.com", "example.com"],
    ["https://sub.example.com", "example.com"],
    ["https://example.com", "sub.example.com"],
    ["https://example.com:8443", "example.com"],
    ["https://example.com", "example.com:80"],
    ["http://example.com:443", "example.com"],
    ["http://localhost:3000", "localhost:3001"],
    ["null", "example.com"],
    ["null", "null"],
    ["", "example.com"],
    ["example.com", "example.com"],
    ["//example.com", "example.com"],
    ["://example.com", "example.com"],
    ["https://example.com/", "example.com"],
    ["https://evil.com@example.com", "example.com"],
    ["https://example.com@evil.com", "example.com"],
    ["https://example.com#@evil.com", "example.com"],
    ["https://example.com, https://evil.com", "example.com"],
    ["https://example.com https://evil.com", "example.com"],
    ["https://example.com", "example.com, evil.com"],
    ["https://example.com", ""],
    ["1https://example.com", "example.com"],
  ])("attack 10: %j may not reach %j", (origin, host) => expect(sameOrigin(origin, host)).toBe(false));
});

describe("U8: compileOrigins", () => {
  it("attack 10: by default foreign and null are refused, the same and none pass", () => {
    const rule = compileOrigins(undefined);
    expect(rule("https://evil.com", "example.com")).toBe(false);
    expect(rule("null", "example.com")).toBe(false);
    expect(rule("", "example.com")).toBe(false);
    expect(rule("https://example.com", "example.com")).toBe(true);
    expect(rule(null, "example.com")).toBe(true);
  });

  it("a list takes its entries, whatever the host, and replaces the rule of the same origin", () => {
    const rule = compileOrigins(["https://Example.com", "http://localhost:3000", "app://x"]);
    for (const origin of ["https://example.com", "https://example.com:443", "http://localhost:3000", "app://x", null]) {
      expect(rule(origin, "api.test")).toBe(true);
    }
    const refused = [
      "http://example.com",
      "https://example.com:444",
      "https://sub.example.com",
      "http://localhost",
      "https://api.test",
      "null",
      "",
      "constructor",
    ];
    for (const origin of refused) expect(rule(origin, "api.test")).toBe(false);
    expect(compileOrigins([])("https://example.com", "example.com")).toBe(false);
  });

  it("a list is read once", () => {
    const list = ["https://a.com"];
    const rule = compileOrigins(list);
    list.push("https://b.com");
    expect(rule("https://b.com", "h")).toBe(false);
  });

  it("a whole label takes sub-domains of any depth, and not the domain itself", () => {
    const rule = compileOrigins(["https://*.example.com"]);
    expect(rule("https://a.example.com", "h")).toBe(true);
    expect(rule("https://A.b.Example.com:443", "h")).toBe(true);
    const refused = [
      "https://example.com",
      "https://.example.com",
      "https://evilexample.com",
      "https://a.example.com.evil.com",
      "http://a.example.com",
      "https://a.example.com:8443",
      "https://evil.com/.example.com",
      "https://evil.com?.example.com",
      "https://evil.com#.example.com",
      "https://u@a.example.com",
      "https://evil.com\\.example.com",
    ];
    expect(refused.filter((origin) => rule(origin, "h"))).toEqual([]);
  });

  it("a part of a label takes what fits into that label", () => {
    const rule = compileOrigins(["https://app-*-x.example.com:8443"]);
    expect(rule("https://app-1-x.example.com:8443", "h")).toBe(true);
    const refused = [
      "https://app--x.example.com:8443",
      "https://app-a.b-x.example.com:8443",
      "https://app-1-x.example.com",
    ];
    expect(refused.filter((origin) => rule(origin, "h"))).toEqual([]);
  });

  it("a function decides about every origin that is sent, null too", () => {
    const asked: string[][] = [];
    const rule = compileOrigins((origin, host) => (asked.push([origin, host]), origin === "null"));
    expect(rule("null", "h")).toBe(true);
    expect(rule("https://h", "h")).toBe(false);
    expect(rule(null, "h")).toBe(true);
    expect(asked).toEqual([["null", "h"], ["https://h", "h"]]);
  });

  it("a function that answers a promise lets nobody in", () => {
    const asynchronous = (() => Promise.resolve(false)) as never;
    expect(() => compileOrigins(asynchronous)("https://h", "h")).toThrow(TypeError);
  });

  it("allowAnyOrigin lets everybody in", () => {
    const rule = compileOrigins(allowAnyOrigin);
    for (const origin of ["https://evil.com", "null", "", null]) expect(rule(origin, "h")).toBe(true);
  });

  it.each([
    "",
    "null",
    "*",
    "example.com",
    "https://",
    "https://example.com/",
    "https://example.com/path",
    "https://exämple.com",
    "https://user@example.com",
    "https://*",
    "https://*:443",
    "https://*example.com",
    "https://example.*",
    "https://a.*.example.com",
    "https://*.*.example.com",
    "https://**.example.com",
    "https://*.",
    "https://x*.com",
    "*://example.com",
    "https://example.com:*",
  ])("a bad entry is a TypeError that names it: %j", (entry) => {
    const named = JSON.stringify(entry);
    expect(() => compileOrigins(["https://good.com", entry])).toThrow(TypeError);
    expect(() => compileOrigins(["https://good.com", entry])).toThrow(`Cannot use ${named} in the option "origins": `);
  });

  it("what is neither list nor function is a TypeError", () => {
    for (const bad of ["https://a.com", true, null, {}]) {
      expect(() => compileOrigins(bad as never)).toThrow(TypeError);
    }
    expect(() => compileOrigins([1 as never])).toThrow(/"1"/);
  });
});
