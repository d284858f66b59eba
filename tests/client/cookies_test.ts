import { CookieJar } from "tough-cookie";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkCookies, type Cookie, type CookieSource } from "../../src/client/cookies.ts";
import { ConnectionError } from "../../src/errors.ts";
import { Random } from "../support/random.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");

afterEach(() => void vi.useRealTimers());

/** What a list answers for a URL; the client was given one of host home.example. */
function header(cookies: readonly Cookie[], url: string): unknown {
  return checkCookies(cookies)!.headerFor(new URL(url), "home.example");
}

const cookie = (fields: Partial<Cookie> = {}): Cookie => ({ name: "a", value: "1", ...fields });
const isSent = (fields: Partial<Cookie>, url: string): boolean => header([cookie(fields)], url) === "a=1";

describe("which cookies a URL gets (C10)", () => {
  it.each<[string | undefined, boolean | undefined, string, boolean]>([
    // RFC 6265 §5.1.3, and its section 4.1.2.3.
    ["example.com", undefined, "ws://example.com/", true],
    ["example.com", undefined, "ws://www.example.com/", true],
    ["example.com", undefined, "ws://www.corp.example.com/", true],
    ["www.example.com", undefined, "ws://example.com/", false],
    ["a.example.com", undefined, "ws://b.example.com/", false],
    ["example.com", undefined, "ws://notexample.com/", false],
    ["example.com", undefined, "ws://example.com.evil.test/", false],
    ["example.com", undefined, "ws://com/", false],
    [".example.com", undefined, "ws://www.example.com/", true],
    ["EXAMPLE.com", undefined, "ws://WWW.Example.COM/", true],
    ["bücher.example", undefined, "ws://www.xn--bcher-kva.example/", true],
    ["example.com", true, "ws://example.com/", true],
    ["example.com", true, "ws://www.example.com/", false],
    ["example.com", false, "ws://www.example.com/", true],
    // The host is an address: no suffix of it is a domain.
    ["127.0.0.1", undefined, "ws://127.0.0.1/", true],
    ["0.0.1", undefined, "ws://127.0.0.1/", false],
    ["1", undefined, "ws://127.0.0.1/", false],
    [".1", undefined, "ws://127.0.0.1/", false],
    ["0x1", undefined, "ws://127.0.0.1/", false],
    ["1.", undefined, "ws://127.0.0.1/", false],
    ["0.0.1", undefined, "ws://0.0.0.1/", true],
    ["::1", undefined, "ws://[::1]/", true],
    ["[::1]", undefined, "ws://[0:0::1]/", true],
    ["::1", undefined, "ws://[::2]/", false],
    // No domain: the host of the client's URL, on any port.
    [undefined, undefined, "ws://home.example/", true],
    [undefined, true, "wss://home.example:9090/", true],
    [undefined, undefined, "ws://www.home.example/", false],
    [undefined, undefined, "ws://example/", false],
  ])("domain %s, hostOnly %s, of %s: %s", (domain, hostOnly, url, sent) => {
    const fields = { ...(domain !== undefined && { domain }), ...(hostOnly !== undefined && { hostOnly }) };
    expect(isSent(fields, url)).toBe(sent);
  });

  it.each<[string | undefined, string, boolean]>([
    // RFC 6265 §5.1.4.
    ["/", "/", true],
    ["/", "/any/where", true],
    [undefined, "/any/where", true],
    ["/docs", "/docs", true],
    ["/docs", "/docs/", true],
    ["/docs", "/docs/web", true],
    ["/docs", "/docsets", false],
    ["/docs", "/", false],
    ["/docs", "/doc", false],
    ["/docs/", "/docs/web", true],
    ["/docs/", "/docs", false],
    ["/Docs", "/docs", false],
    ["/docs", "/docs?a=/x", true],
    ["/a%20b", "/a b/c", true],
  ])("path %s of %s: %s", (path, target, sent) => {
    expect(isSent({ ...(path !== undefined && { path }) }, `ws://home.example${target}`)).toBe(sent);
  });

  it("a secure one goes over wss: only", () => {
    expect(isSent({ secure: true }, "ws://home.example/")).toBe(false);
    expect(isSent({ secure: true }, "wss://home.example/")).toBe(true);
    expect(isSent({ secure: false, httpOnly: true }, "ws://home.example/")).toBe(true);
  });

  it("judges the expiry at each request, maxAge before expires", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
    const source = checkCookies([
      cookie({ name: "age", maxAge: 10 }),
      cookie({ name: "date", expires: new Date(NOW + 20_000) }),
      cookie({ name: "both", maxAge: 30, expires: new Date(0) }),
      cookie({ name: "half", maxAge: 0.5 }),
      cookie({ name: "zero", maxAge: 0 }),
      cookie({ name: "past", maxAge: -1, expires: new Date(NOW + 20_000) }),
      cookie({ name: "gone", expires: new Date(NOW) }),
      cookie({ name: "ever" }),
    ])!;
    const names = (ms: number): unknown => {
      vi.setSystemTime(NOW + ms);
      return source.headerFor(new URL("ws://home.example/"), "home.example").toString().replaceAll("=1", "");
    };
    expect([0, 499, 500, 9_999, 10_000, 20_000, 30_000].map(names)).toEqual([
      "age; date; both; half; ever",
      "age; date; both; half; ever",
      "age; date; both; ever",
      "age; date; both; ever",
      "date; both; ever",
      "both; ever",
      "ever",
    ]);
  });

  it("longer paths come first, then the order of the list", () => {
    const cookies = [
      cookie({ name: "root1" }),
      cookie({ name: "deep1", path: "/a/b" }),
      cookie({ name: "root2", path: "/" }),
      cookie({ name: "middle", path: "/a" }),
      cookie({ name: "deep2", path: "/a/b" }),
    ];
    expect(header(cookies, "ws://home.example/a/b/c")).toBe("deep1=1; deep2=1; middle=1; root1=1; root2=1");
    expect(header(cookies, "ws://home.example/x")).toBe("root1=1; root2=1");
    expect(header(cookies, "ws://other.example/")).toBe("");
    expect(header([], "ws://home.example/")).toBe("");
  });

  it("a cookie of one host never goes to another, to an address, or to a host that ends alike", () => {
    const random = new Random(7);
    const label = (): string => random.pick(["a", "b", "c"]).repeat(1 + random.below(2));
    const name = (): string => Array.from({ length: 1 + random.below(3) }, label).join(".");
    const hosts = Array.from({ length: 60 }, name);
    const addresses = ["127.0.0.1", "10.0.0.1", "[::1]", "0.0.0.1"];
    for (const domain of [...hosts, ...addresses]) {
      for (const host of [...hosts, ...addresses]) {
        const below = domain.split(".").reverse().every((part, i) => host.split(".").reverse()[i] === part);
        const expected = host === domain || (below && !addresses.includes(host));
        expect(isSent({ domain }, `ws://${host}/`), `${domain} → ${host}`).toBe(expected);
        expect(isSent({ domain, hostOnly: true }, `ws://${host}/`)).toBe(host === domain);
      }
    }
  });

  it("was read when it was checked", async () => {
    const list = [{ name: "a", value: "1" }];
    const source = checkCookies(list)!;
    list[0]!.value = "2\r\nX: y";
    list.push({ name: "b", value: "2" });
    expect(source.headerFor(new URL("ws://h/"), "h")).toBe("a=1");
    await source.keep(["a=2"], new URL("ws://h/"));
    expect(source.headerFor(new URL("ws://h/"), "h")).toBe("a=1");
  });
});

describe("the list is checked (C6)", () => {
  it.each<[unknown, string]>([
    [1, '"cookies": it is not a list of cookies, or a jar'],
    [null, '"cookies": it is not'],
    ["a=1", '"cookies": it is not'],
    [{}, '"cookies": it is not'],
    [{ getCookieString: () => "" }, '"cookies": it is not'],
    [{ getCookieString: "", setCookie: () => {} }, '"cookies": it is not'],
    [["a=1"], '"cookies[0]": it is not a cookie'],
    [[null], '"cookies[0]": it is not a cookie'],
    [[[]], '"cookies[0]": it is not a cookie'],
    [
      [cookie({ name: "b" }), cookie({ naem: "x" } as never)],
      '"cookies[1].naem": there is none of that name, the nearest is "name"',
    ],
    [[{ value: "1" }], '"cookies[0].name": it is not a token'],
    [[cookie({ name: "" })], '"cookies[0].name"'],
    [[cookie({ name: "a b" })], '"cookies[0].name"'],
    [[cookie({ name: "a=b" })], '"cookies[0].name"'],
    [[cookie({ name: "a;b" })], '"cookies[0].name"'],
    [[cookie({ name: "a\r\nX" })], '"cookies[0].name"'],
    [[cookie({ name: "ä" })], '"cookies[0].name"'],
    [[{ name: "a" }], '"cookies[0].value": it is not a text that a cookie can carry'],
    [[cookie({ value: 1 as never })], '"cookies[0].value"'],
    [[cookie({ value: "1\r\nX-Evil: 1" })], '"cookies[0].value"'],
    [[cookie({ value: "1\n" })], '"cookies[0].value"'],
    [[cookie({ value: "1\0" })], '"cookies[0].value"'],
    [[cookie({ value: "1\u2028" })], '"cookies[0].value"'],
    [[cookie({ value: "1\u010a" })], '"cookies[0].value"'],
    [[cookie({ value: "1; admin=1" })], '"cookies[0].value"'],
    [[cookie({ value: "a b" })], '"cookies[0].value"'],
    [[cookie({ value: "a,b" })], '"cookies[0].value"'],
    [[cookie({ value: "a\\b" })], '"cookies[0].value"'],
    [[cookie({ value: 'a"b' })], '"cookies[0].value"'],
    [[cookie({ value: '"a' })], '"cookies[0].value"'],
    [[cookie({ value: '"' })], '"cookies[0].value"'],
    [[cookie({ value: "é" })], '"cookies[0].value"'],
    [[cookie({ domain: "" })], '"cookies[0].domain": it is not a host'],
    [[cookie({ domain: "." })], '"cookies[0].domain"'],
    [[cookie({ domain: "..example" })], '"cookies[0].domain"'],
    [[cookie({ domain: "a..example" })], '"cookies[0].domain"'],
    [[cookie({ domain: "a b" })], '"cookies[0].domain"'],
    [[cookie({ domain: "example:80" })], '"cookies[0].domain"'],
    [[cookie({ domain: "[::1]:80" })], '"cookies[0].domain"'],
    [[cookie({ domain: "http://example" })], '"cookies[0].domain"'],
    [[cookie({ domain: "example/x" })], '"cookies[0].domain"'],
    [[cookie({ domain: "user@example" })], '"cookies[0].domain"'],
    [[cookie({ domain: "exa%6dple" })], '"cookies[0].domain"'],
    [[cookie({ domain: 1 as never })], '"cookies[0].domain"'],
    [[cookie({ hostOnly: 1 as never })], '"cookies[0].hostOnly": it is not a boolean'],
    [[cookie({ hostOnly: false })], '"cookies[0].hostOnly": it is false without a "domain"'],
    [[cookie({ path: "docs" })], '"cookies[0].path": it is not a path'],
    [[cookie({ path: "" })], '"cookies[0].path"'],
    [[cookie({ path: "/a b" })], '"cookies[0].path"'],
    [[cookie({ path: "/a?b" })], '"cookies[0].path"'],
    [[cookie({ path: "/a/../b" })], '"cookies[0].path"'],
    [[cookie({ path: 1 as never })], '"cookies[0].path"'],
    [[cookie({ secure: "yes" as never })], '"cookies[0].secure": it is not a boolean'],
    [[cookie({ httpOnly: 0 as never })], '"cookies[0].httpOnly": it is not a boolean'],
    [[cookie({ expires: "tomorrow" as never })], '"cookies[0].expires": it is not a valid Date'],
    [[cookie({ expires: new Date(NaN) })], '"cookies[0].expires"'],
    [[cookie({ maxAge: "1" as never })], '"cookies[0].maxAge": it is not a number of seconds'],
    [
      [cookie({ domain: "example", path: "/a" }), cookie({ domain: ".EXAMPLE", path: "/a", value: "2" })],
      '"cookies[1]": cookies[0] has the same name, domain and path',
    ],
  ])("refuses %j", (cookies, sentence) => {
    expect(() => checkCookies(cookies)).toThrow(TypeError);
    expect(() => checkCookies(cookies)).toThrow(`Cannot use the option ${sentence}`);
  });

  it.each([NaN, Infinity, -Infinity])("refuses a maxAge of %s", (maxAge) => {
    expect(() => checkCookies([cookie({ maxAge })])).toThrow(RangeError);
    expect(() => checkCookies([cookie({ maxAge })])).toThrow('"cookies[0].maxAge"');
  });

  it("takes every value that the grammar has", () => {
    const octets = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const allowed = octets.filter((char) => /[!#-+\-./0-9:<-@A-Z[\]^_`a-z{|}~]/.test(char));
    expect(allowed).toHaveLength(90);
    for (const char of octets) {
      const check = (): unknown => header([cookie({ value: `x${char}` })], "ws://home.example/");
      if (allowed.includes(char)) expect(check()).toBe(`a=x${char}`);
      else expect(check, JSON.stringify(char)).toThrow('"cookies[0].value"');
    }
    for (const value of ["", '""', '"a=b"', encodeURIComponent('{"a": "é, ö"}')]) {
      expect(header([cookie({ value })], "ws://home.example/")).toBe(`a=${value}`);
    }
  });

  it("is absent when it is not given", () => {
    expect(checkCookies(undefined)).toBeUndefined();
  });
});

describe("a jar (C10)", () => {
  it("is asked for http: and https: URLs, and told one header after the other", async () => {
    const calls: unknown[] = [];
    const source = checkCookies({
      getCookieString: (...told: unknown[]) => (calls.push(told), "a=1"),
      async setCookie(...told: unknown[]) {
        calls.push(told);
        await Promise.resolve();
        calls.push("kept");
      },
    })!;
    expect(await source.headerFor(new URL("ws://h:8/p?q"), "h")).toBe("a=1");
    expect(await source.headerFor(new URL("wss://h/"), "h")).toBe("a=1");
    await source.keep(["a=1; Path=/", "b=2"], new URL("wss://h/p"));
    expect(calls).toEqual([
      ["http://h:8/p?q"],
      ["https://h/"],
      ["a=1; Path=/", "https://h/p", { ignoreError: true }],
      "kept",
      ["b=2", "https://h/p", { ignoreError: true }],
      "kept",
    ]);
  });

  it("may be tough-cookie's, which does not fail because of cookies that it will not keep", async () => {
    const jar = new CookieJar();
    const source = checkCookies(jar)!;
    const url = new URL("wss://www.example.com/chat/room");
    const rejected = ["x=1; Domain=other.test", "x=1; Domain=com", "=; x", "__Host-x=1"];
    await source.keep([...rejected, "a=1; Path=/; Secure", "b=2; Domain=example.com", "c=3"], url);
    expect(await source.headerFor(url, "h")).toBe("b=2; c=3; a=1");
    expect(await source.headerFor(new URL("ws://www.example.com/chat/"), "h")).toBe("b=2; c=3");
    expect(await source.headerFor(new URL("wss://example.com/chat/"), "h")).toBe("b=2");
    expect(await source.headerFor(new URL("wss://other.test/chat/"), "h")).toBe("");
  });

  const bad = { getCookieString: () => "", setCookie: () => {} };
  const cause = new Error("disk full");
  const fail = (): never => {
    throw cause;
  };
  const ask = (source: CookieSource): unknown => source.headerFor(new URL("ws://h/"), "h");
  const tell = (source: CookieSource): unknown => source.keep(["a=1"], new URL("ws://h/"));
  it.each<[string, object, (source: CookieSource) => unknown, unknown]>([
    ["throws when it is asked", { ...bad, getCookieString: fail }, ask, cause],
    ["rejects when it is asked", { ...bad, getCookieString: () => Promise.reject(cause) }, ask, cause],
    ["throws when it is told", { ...bad, setCookie: fail }, tell, cause],
    ["rejects when it is told", { ...bad, setCookie: () => Promise.reject(cause) }, tell, cause],
    ["gives no text", { ...bad, getCookieString: () => undefined }, ask, expect.any(TypeError)],
    ["gives a line end", { ...bad, getCookieString: () => "a=1\r\nX-Evil: 1" }, ask, expect.any(TypeError)],
    ["gives what is not Latin-1", { ...bad, getCookieString: () => "a=\u0141" }, ask, expect.any(TypeError)],
  ])("that %s is a ConnectionError with the cause", async (_, jar, act, reason) => {
    const error = await Promise.resolve(act(checkCookies(jar)!)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ message: "Cannot connect: the cookie jar failed", cause: reason });
  });
});
