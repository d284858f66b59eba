import { describe, expect, it } from "vitest";
import { pathOf, requestUrl } from "../../src/handshake/request_target.ts";

describe("requestUrl", () => {
  it.each([
    ["/chat?room=1", "example.com:8080", "http://example.com:8080/chat?room=1"],
    ["/", "example.com:80", "http://example.com/"],
    ["/", "[::1]:9", "http://[::1]:9/"],
  ])("puts %j and %j together", (target, host, url) => {
    expect(requestUrl(target, host, false)).toBe(url);
  });

  it("says https when the connection is encrypted", () => {
    expect(requestUrl("/x", "example.com", true)).toBe("https://example.com/x");
    expect(requestUrl("ws://example.com/x", "h", true)).toBe("https://example.com/x");
  });

  it.each([
    ["//evil.com/x", "http://h//evil.com/x"],
    ["///", "http://h///"],
    ["/\\evil.com", "http://h//evil.com"],
    ["/@evil.com", "http://h/@evil.com"],
    ["/%zz%", "http://h/%zz%"],
    ["/%2e%2e/%00", "http://h/%00"],
    ["/../../x", "http://h/x"],
    ["http://other.com/x?y", "http://other.com/x?y"],
    ["WS://other.com:81/x", "http://other.com:81/x"],
  ])("attack 12: the target %j stays a path or an absolute URL", (target, url) => {
    expect(requestUrl(target, "h", false)).toBe(url);
  });

  it.each([
    ["*", "h"],
    ["", "h"],
    ["chat", "h"],
    ["h:80", "h"],
    ["http:", "h"],
    ["http:///", "h"],
    ["http:x", "h"],
    ["http://u:p@h/", "h"],
    ["file:///etc", "h"],
    ["javascript:alert(1)", "h"],
    ["/a#b", "h"],
    ["/", ""],
    ["/", "a/b"],
    ["/", "u@h"],
    ["/", "a, b"],
    ["/", "1.2.3.999"],
  ])("attack 12: the target %j at host %j is none, and does not throw", (target, host) => {
    expect(requestUrl(target, host, false)).toBeUndefined();
  });
});

describe("pathOf", () => {
  it.each([
    "/",
    "/chat/ada?room=1",
    "/a//b/",
    "/a%2e/~b?c=/d?e",
    "/.well-known/x",
    "/a/./b/../c",
    "/a/%2e%2E/b",
    "/%c3%a4%zz",
    "/a'b?c'd",
    "/a?c'd",
    "/a^b`{}|\\c",
    "/\u00e4?\u00e4",
  ])("says of %j what a parser of URLs says, and so does requestUrl", (target) => {
    const { href, pathname } = new URL(`http://example.com${target}`);
    for (const host of ["EXAMPLE.com:80", "example.com:80"]) {
      for (const time of ["first", "second"]) expect([time, requestUrl(target, host, false)]).toEqual([time, href]);
    }
    expect(requestUrl(target, "example.com:80", true)).toBe(new URL(`https://example.com:80${target}`).href);
    expect(pathOf(href)).toBe(pathname);
  });

  // Deno's own server hands these over as they were sent.
  it.each([
    "http://h?x=/admin",
    "http://h?/admin",
    "http://h\\x/admin",
    "http://u:p@h/admin",
    "http://[::1]:9/a?/b",
    "https://h",
    "http://h/a%7C|?x=http://h/admin",
    "http://h/a#/b",
    "http://h#/admin",
    "http://h/a\n/b",
  ])("finds in %j what a parser of URLs finds", (url) => {
    expect(pathOf(url)).toBe(new URL(url).pathname);
  });

  it("is undefined where there is no URL", () => {
    expect(pathOf("http://")).toBeUndefined();
    expect(pathOf("nothing")).toBeUndefined();
  });
});
