import { describe, expect, it } from "vitest";
import { requestUrl } from "../../src/handshake/request_target.ts";

describe("requestUrl", () => {
  it.each([
    ["/chat?room=1", "example.com:8080", "http://example.com:8080/chat?room=1"],
    ["/", "example.com:80", "http://example.com/"],
    ["/", "[::1]:9", "http://[::1]:9/"],
  ])("puts %j and %j together", (target, host, url) => {
    expect(requestUrl(target, host, false)?.href).toBe(url);
  });

  it("says https when the connection is encrypted", () => {
    expect(requestUrl("/x", "example.com", true)?.href).toBe("https://example.com/x");
    expect(requestUrl("ws://example.com/x", "h", true)?.href).toBe("https://example.com/x");
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
    expect(requestUrl(target, "h", false)?.href).toBe(url);
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
