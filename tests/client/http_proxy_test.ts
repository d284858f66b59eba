import { describe, expect, it } from "vitest";
import { checkProxy, type HttpProxy, parseProxy } from "../../src/client/http_proxy.ts";

/** Where a proxy is dialled. */
function dialOf(url: string): unknown {
  return parseProxy(url, "it").dial;
}

/** What it is told of who asks, without "Basic ". */
function credentialsOf(url: string): string {
  const [[name, value] = ["", ""], ...others] = parseProxy(url, "it").headers;
  expect([name, others]).toEqual(["Proxy-Authorization", []]);
  expect(value).toMatch(/^Basic /);
  return new TextDecoder().decode(Uint8Array.from(atob(value.slice(6)), (letter) => letter.charCodeAt(0)));
}

describe("parseProxy", () => {
  it.each([
    ["http://proxy.test:3128", "proxy.test", 3128, false],
    ["http://proxy.test/", "proxy.test", 80, false],
    ["https://proxy.test", "proxy.test", 443, true],
    ["https://proxy.test:80", "proxy.test", 80, true],
    ["http://[::1]:8080", "::1", 8080, false],
    ["http://PRÖXY.test:1", "xn--prxy-6qa.test", 1, false],
  ])("dials %s", (url, hostname, port, secure) => {
    expect(dialOf(url)).toEqual({ hostname, port, secure, isProxy: true });
    expect(parseProxy(new URL(url), "it").headers).toEqual([]);
  });

  it.each([
    ["http://ada:s3cret@p", "ada:s3cret"],
    ["http://ada@p", "ada:"],
    ["http://:x@p", ":x"],
    ["http://%40da:%3A%2F%25@p", "@da::/%"],
    ["http://j%C3%BCrgen:%E4%B8%96%F0%9F%91%8B@p", "jürgen:世👋"],
    ["http://jürgen:世@p", "jürgen:世"],
  ])("makes Basic of the credentials in %s, in UTF-8", (url, pair) => expect(credentialsOf(url)).toBe(pair));

  it.each([
    ["secret", "it is not a URL"],
    ["", "it is not a URL"],
    ["//secret:1", "it is not a URL"],
    ["http://", "it is not a URL"],
    ["socks5://ada:secret@p:1080", 'its scheme is not "http:" or "https:"'],
    ["ada:secret@p:3128", 'its scheme is not "http:" or "https:"'],
    ["ws://p", 'its scheme is not "http:" or "https:"'],
    ["http://ada:secret@p/path", "its URL has more than a host and a port"],
    ["http://ada:secret@p/?a", "its URL has more than a host and a port"],
    ["http://ada:secret@p/#a", "its URL has more than a host and a port"],
    ["http://ada:secret%@p", "its user name or password has a broken percent escape"],
    ["http://ada:secret%ff@p", "its user name or password has a broken percent escape"],
    ["http://a%3Aa:secret@p", "its user name has a colon, or it or the password a control character"],
    ["http://ada:secret%0D%0Ax@p", "its user name has a colon, or it or the password a control character"],
    ["http://ada%00:secret@p", "its user name has a colon, or it or the password a control character"],
  ])("refuses %j, and repeats no secret", (url, reason) => {
    try {
      parseProxy(url, "the thing");
      expect.unreachable();
    } catch (error) {
      expect(error).toEqual(new TypeError(`Cannot use the thing: ${reason}`));
      expect((error as Error).cause).toBeUndefined();
    }
  });
});

describe("checkProxy", () => {
  it("takes none, the environment, a URL, or an object with one", () => {
    expect(checkProxy(undefined)).toBeUndefined();
    expect(checkProxy("environment")).toBe("environment");
    const expected = { dial: { hostname: "p", port: 1, secure: false, isProxy: true }, headers: [] };
    for (const url of ["http://p:1", new URL("http://p:1")]) {
      expect(checkProxy(url)).toEqual(expected);
      expect(checkProxy({ url })).toEqual(expected);
    }
  });

  it("takes headers for the proxy, behind the credentials of its URL", () => {
    const { headers } = checkProxy({
      url: "http://a:b@p",
      headers: { "User-Agent": "x", "X-A": ["1", "2"] },
    }) as HttpProxy;
    expect(headers).toEqual([
      ["Proxy-Authorization", "Basic YTpi"],
      ["User-Agent", "x"],
      ["X-A", "1"],
      ["X-A", "2"],
    ]);
    const bearer = { "Proxy-Authorization": "Bearer t" };
    expect((checkProxy({ url: "http://p", headers: bearer }) as HttpProxy).headers).toEqual(Object.entries(bearer));
  });

  it.each<[unknown, string]>([
    [null, '"proxy": it is not a URL, "environment", or an object with a "url"'],
    [true, '"proxy": it is not a URL, "environment", or an object with a "url"'],
    [{}, '"proxy": it is not a URL, "environment", or an object with a "url"'],
    [["http://p"], '"proxy": it is not a URL, "environment", or an object with a "url"'],
    [{ url: 1 }, '"proxy": it is not a URL, "environment", or an object with a "url"'],
    [{ url: "environment" }, '"proxy": it is not a URL'],
    [{ url: "http://p", header: {} }, '"proxy.header": there is none of that name, the nearest is "headers"'],
    [{ url: "http://p", headers: [] }, '"proxy.headers": it is not a Headers or an object'],
    [{ url: "http://p", headers: { Host: "x" } }, '"proxy.headers": "Host" belongs to the handshake'],
    [{ url: "http://a:b@p", headers: { "proxy-authorization": "x" } }, '"proxy-authorization" is set by the URL too'],
  ])("refuses %j by its name", (proxy, sentence) => {
    expect(() => checkProxy(proxy)).toThrow(TypeError);
    expect(() => checkProxy(proxy)).toThrow(`Cannot use the option`);
    expect(() => checkProxy(proxy)).toThrow(sentence);
  });
});
