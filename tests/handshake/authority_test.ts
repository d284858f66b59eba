import { describe, expect, it } from "vitest";
import { parseAuthority, writeAuthority } from "../../src/handshake/authority.ts";

describe("parseAuthority", () => {
  it.each<[string, string, number | undefined]>([
    ["example.com", "example.com", undefined],
    ["EXAMPLE.com:8080", "example.com", 8080],
    ["example.com:", "example.com", undefined],
    ["localhost:0", "localhost", 0],
    ["a_b-c.1:65535", "a_b-c.1", 65_535],
    ["127.0.0.1:80", "127.0.0.1", 80],
    ["[::1]", "[::1]", undefined],
    ["[2001:DB8::1]:443", "[2001:db8::1]", 443],
    ["[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", 1],
  ])("reads %j", (text, host, port) => expect(parseAuthority(text)).toEqual({ host, port }));

  it.each([
    "",
    ":80",
    "a, b",
    "a,b",
    "a b",
    " a",
    "a:65536",
    "a:123456",
    "a:-1",
    "a:8x",
    "a:80:80",
    "user@a",
    "a/b",
    "a?b",
    "a#b",
    "a\\b",
    "a%00",
    "\u00e4",
    "::1",
    "[::1",
    "[]",
    "[:]",
    "[::1]80",
    "[g::1]",
    "[::1%eth0]",
    "a\r\nb",
  ])("attack 5: refuses %j", (text) => expect(parseAuthority(text)).toBeUndefined());
});

it("writes a host and a port, an IPv6 address in brackets", () => {
  expect([writeAuthority("a.test", 80), writeAuthority("::1", 443)]).toEqual(["a.test:80", "[::1]:443"]);
});
