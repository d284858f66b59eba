import { describe, expect, it } from "vitest";
import {
  hasProduct,
  hasToken,
  isFieldValue,
  isToken,
  parseElements,
  parseTokens,
  trimSpace,
} from "../../src/handshake/header_grammar.ts";
import { growth, LINEAR } from "./growth.ts";

describe("isToken", () => {
  it("takes exactly the characters of RFC 7230 §3.2.6", () => {
    const taken = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(isToken).join("");
    expect(taken).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  });

  it.each(["", " ", "a b", " a", "a ", "a\r", "ä", "a,b", "a/b", "\u0141"])("refuses %j", (text) => {
    expect(isToken(text)).toBe(false);
  });
});

describe("isFieldValue", () => {
  it("takes everything Latin-1 but control characters", () => {
    const refused = Array.from({ length: 300 }, (_, code) => code)
      .filter((code) => !isFieldValue(`a${String.fromCharCode(code)}b`));
    const controls = Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 9);
    expect(refused).toEqual([...controls, 127, ...Array.from({ length: 44 }, (_, at) => 256 + at)]);
    expect(isFieldValue("")).toBe(true);
  });
});

it("trimSpace takes spaces and tabs, and no letter that looks like one", () => {
  expect(trimSpace(" \t a b\t ")).toBe("a b");
  expect(trimSpace("\u00a0a\u00a0")).toBe("\u00a0a\u00a0");
  expect(trimSpace(" \t ")).toBe("");
});

describe("parseTokens", () => {
  it.each([
    ["a", ["a"]],
    ["a,b", ["a", "b"]],
    [" a\t,  b ", ["a", "b"]],
    [",a,,b,", ["a", "b"]],
    ["A, a, A", ["A", "a", "A"]],
    ["__proto__, constructor", ["__proto__", "constructor"]],
  ])("reads %j", (list, tokens) => expect(parseTokens(list)).toEqual(tokens));

  it.each(["", " ", ",", " , ,", "a b", "a;b", 'a, "b"', "a/b", "a,\u00e4", "a\r\nb", "a=b", "\0"])(
    "refuses %j",
    (list) => expect(parseTokens(list)).toBeUndefined(),
  );
});

describe("hasToken", () => {
  it.each(["upgrade", "Upgrade", "UPGRADE", "keep-alive, Upgrade", ",upGrade ,close"])(
    "finds it in %j",
    (list) => expect(hasToken(list, "upgrade")).toBe(true),
  );
  it.each([
    "",
    "upgrades",
    "xupgrade",
    "keep-alive",
    "upgrade keep-alive",
    "upgrade; x",
    "upgrade/1",
    "upgrade, (",
    '"upgrade"',
  ])(
    "does not find it in %j",
    (list) => expect(hasToken(list, "upgrade")).toBe(false),
  );
});

describe("hasProduct", () => {
  it.each(["websocket", "WebSocket", "h2c, websocket", "HTTP/2.0, websocket"])(
    "finds it in %j",
    (list) => expect(hasProduct(list, "websocket")).toBe(true),
  );
  it.each(["", "h2c", "websocket/13", "websocket h2c", "web socket"])(
    "does not find it in %j",
    (list) => expect(hasProduct(list, "websocket")).toBe(false),
  );
});

describe("parseElements", () => {
  it.each([
    ["foo", [{ name: "foo", parameters: [] }]],
    ["foo, bar; baz=2", [
      { name: "foo", parameters: [] },
      { name: "bar", parameters: [{ name: "baz", value: "2" }] },
    ]], // RFC 6455 §9.1
    ["permessage-deflate; client_max_window_bits; server_max_window_bits=10", [{
      name: "permessage-deflate",
      parameters: [
        { name: "client_max_window_bits", value: undefined },
        { name: "server_max_window_bits", value: "10" },
      ],
    }]],
    ['a;b="c"', [{ name: "a", parameters: [{ name: "b", value: "c" }] }]],
    ['a;b="c\\d"', [{ name: "a", parameters: [{ name: "b", value: "cd" }] }]],
    [" a ;\tb = 1 , c", [
      { name: "a", parameters: [{ name: "b", value: "1" }] },
      { name: "c", parameters: [] },
    ]],
    [",a,,b,", [{ name: "a", parameters: [] }, { name: "b", parameters: [] }]],
    ["a;b;b=1;b", [{
      name: "a",
      parameters: [{ name: "b", value: undefined }, { name: "b", value: "1" }, { name: "b", value: undefined }],
    }]],
  ])("reads %j", (list, elements) => expect(parseElements(list)).toEqual(elements));

  it.each([
    "",
    ",",
    ";",
    ";a",
    "a;",
    "a;;b",
    "a;=1",
    "a;b=",
    "a;b==1",
    "a b",
    "a;b c",
    "a;b=1 2",
    'a;b="',
    'a;b=""',
    'a;b="c',
    'a;b="c\\"',
    'a;b="c d"',
    'a;b="c,d"',
    'a;b="c\\ d"',
    'a;b="c"d',
    '"a"',
    "a=1",
    "a;b=\u00e4",
    "a\0",
  ])("refuses %j", (list) => expect(parseElements(list)).toBeUndefined());

  it("attack 4: names that objects inherit are ordinary names", () => {
    expect(parseElements("constructor; __proto__=toString, __proto__; hasOwnProperty")).toEqual([
      { name: "constructor", parameters: [{ name: "__proto__", value: "toString" }] },
      { name: "__proto__", parameters: [{ name: "hasOwnProperty", value: undefined }] },
    ]);
  });
});

describe("attack 3: hostile lists take linear time", () => {
  const hostile: [string, (size: number) => string][] = [
    ["spaces", (size) => `a${" ".repeat(size)}x`],
    ["spaces around commas", (size) => `a${" ,".repeat(size / 2)} (`],
    ["commas", (size) => ",".repeat(size)],
    ["one long token", (size) => `${"a".repeat(size)}(`],
    ["many tokens", (size) => `${"a, ".repeat(size / 3)}(`],
    ["semicolons with spaces", (size) => `a${"; a ".repeat(size / 4)}=`],
    ["an open quote", (size) => `a;b="${"a".repeat(size)}`],
    ["backslashes", (size) => `a;b="${"\\a".repeat(size / 2)}`],
    ["many quotes", (size) => `a${';b="c"'.repeat(size / 6)};`],
  ];
  it.each(hostile)("%s", (_name, make) => {
    expect(growth(24_000, make, (list) => parseElements(list))).toBeLessThan(LINEAR);
    expect(growth(24_000, make, (list) => parseTokens(list))).toBeLessThan(LINEAR);
    expect(growth(24_000, make, (list) => hasToken(list, "upgrade"))).toBeLessThan(LINEAR);
  });

  it("spaces to trim", () => {
    expect(growth(24_000, (size) => " ".repeat(size), trimSpace)).toBeLessThan(LINEAR);
    expect(growth(24_000, (size) => `a${" ".repeat(size)}`, trimSpace)).toBeLessThan(LINEAR);
  });
});
