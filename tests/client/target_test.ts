import { describe, expect, it } from "vitest";
import { parseTarget, redirectedTarget } from "../../src/client/target.ts";

describe("parseTarget (C1)", () => {
  it.each<[string, object, string]>([
    ["ws://example.com/chat?a=1", { hostname: "example.com", port: 80, secure: false }, "ws://example.com/chat?a=1"],
    ["wss://example.com", { hostname: "example.com", port: 443, secure: true }, "wss://example.com/"],
    ["http://example.com:8080/", { hostname: "example.com", port: 8080, secure: false }, "ws://example.com:8080/"],
    ["https://example.com/x", { hostname: "example.com", port: 443, secure: true }, "wss://example.com/x"],
    ["http://example.com:443/", { hostname: "example.com", port: 443, secure: false }, "ws://example.com:443/"],
    ["ws://[::1]:9/", { hostname: "::1", port: 9, secure: false }, "ws://[::1]:9/"],
    ["wss://[2001:DB8:0::1]/", { hostname: "2001:db8::1", port: 443, secure: true }, "wss://[2001:db8::1]/"],
    [
      "ws://bücher.example/ä?ö",
      { hostname: "xn--bcher-kva.example", port: 80, secure: false },
      "ws://xn--bcher-kva.example/%C3%A4?%C3%B6",
    ],
    ["ws://0x7f.1:65535/", { hostname: "127.0.0.1", port: 65_535, secure: false }, "ws://127.0.0.1:65535/"],
    ["WS://EXAMPLE.com", { hostname: "example.com", port: 80, secure: false }, "ws://example.com/"],
  ])("takes %s apart", (url, dial, request) => {
    const target = parseTarget(url);
    expect([target.dial, target.request.href]).toEqual([dial, request]);
  });

  it.each<[string, string, string]>([
    ["ws+unix:/run/a.sock:/chat?x=1", "/run/a.sock", "ws://localhost/chat?x=1"],
    ["ws+unix:///run/a.sock:/chat:2", "/run/a.sock", "ws://localhost/chat:2"],
    ["ws+unix:/run/a.sock", "/run/a.sock", "ws://localhost/"],
    ["ws+unix:/run/a%20b%3A.sock:/", "/run/a b:.sock", "ws://localhost/"],
  ])("takes the Unix socket of %s", (url, socketPath, request) => {
    const target = parseTarget(url);
    expect([target.dial.socketPath, target.request.href]).toEqual([socketPath, request]);
  });

  it("takes a URL object, and leaves it as it is", () => {
    const url = new URL("https://example.com/x");
    expect(parseTarget(url).href).toBe("https://example.com/x");
    expect(url.protocol).toBe("https:");
  });

  it.each<[string, string]>([
    ["", "is not a URL"],
    ["example.com", "is not a URL"],
    // The two of the original's malformed_url_test.
    ["xxx", '"xxx" is not a URL'],
    ["127.0.0.1:9090/echo", '"127.0.0.1:9090/echo" is not a URL, such as "wss://'],
    // What stands before the colon would be a scheme.
    ["localhost:9090/echo", 'the scheme "localhost:" is not "ws:", "wss:", "http:", "https:" or "ws+unix:"'],
    ["ws://example.com:65536/", "is not a URL"],
    ["ws://example.com:-1/", "is not a URL"],
    ["ws://[::1/", "is not a URL"],
    ["ws://::1/", "is not a URL"],
    ["ws://[fe80::1%25eth0]/", "is not a URL"],
    ["ws://256.0.0.1/", "is not a URL"],
    ["ws://:secret@example.com/", "the URL has a user name or a password"],
    ["ws://ada@example.com/", "the URL has a user name or a password"],
    ["ws://", "is not a URL"],
    ["ws://a b/", "is not a URL"],
    ["ftp://example.com", 'the scheme "ftp:" is not'],
    ["ws://example.com/#part", "the URL has a fragment"],
    ["ws://example.com/#", "the URL has a fragment"],
    ["ws://ada:secret@example.com/", 'the URL has a user name or a password; use "customHeaders" for them'],
    ["ws+unix:run/a.sock:/x", "is not of the form"],
    ["ws+unix://host/a.sock:/x", "is not of the form"],
    ["ws+unix:/run/a.sock:x", "is not of the form"],
    ["ws+unix:/:/x", "is not of the form"],
    ["ws+unix:/run/%ff.sock:/x", "a broken percent escape"],
  ])("refuses %j at once", (url, sentence) => {
    expect(() => parseTarget(url)).toThrow(TypeError);
    expect(() => parseTarget(url)).toThrow(sentence);
  });

  it("follows a redirect through its own Unix socket on the same origin, else over TCP (C8)", () => {
    const unix = parseTarget("ws+unix:///run/a%20b%3A.sock:/p?x=1");
    const same = redirectedTarget(unix, new URL("ws://localhost/q:r?y=2"));
    expect(same.href).toBe("ws+unix:///run/a%20b%3A.sock:/q:r?y=2");
    expect([same.dial, same.request.href]).toEqual([unix.dial, "ws://localhost/q:r?y=2"]);
    for (const to of ["ws://localhost:81/q", "wss://localhost/q", "ws://127.0.0.1/q"]) {
      expect(redirectedTarget(unix, new URL(to))).toEqual(parseTarget(to));
    }
    expect(redirectedTarget(parseTarget("ws://a/p"), new URL("ws://a/q"))).toEqual(parseTarget("ws://a/q"));
  });

  it("does not repeat a password", () => {
    expect(() => parseTarget("ws://ada:secret@example.com/")).not.toThrow("secret");
  });
});
