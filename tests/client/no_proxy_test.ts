import { expect, it } from "vitest";
import { isNamedBy } from "../../src/client/no_proxy.ts";

const target = (hostname: string, port = 443) => ({ hostname, port, secure: true });

it.each<[list: string, named: string[], others: string[]]>([
  ["", [], ["a"]],
  ["*", ["a", "::1"], []],
  ["example.com", ["example.com", "www.example.com", "a.b.example.com", "example.com."], ["badexample.com", "com"]],
  [".example.com", ["www.example.com", "a.b.example.com"], ["example.com", "badexample.com"]],
  ["*.example.com", ["www.example.com"], ["example.com"]],
  ["EXAMPLE.Com", ["example.com"], []],
  ["a, b c\t,,d", ["a", "b", "c", "d"], ["e"]],
  ["127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "localhost"]],
  ["0.0.1", [], ["127.0.0.1"]],
  ["10.0.0.0/8,fd00::/8", ["10.1.2.3", "fd12::1"], ["11.0.0.1", "fe80::1", "10.example"]],
  ["::1", ["::1"], ["::2"]],
  ["[0:0::1]", ["::1"], ["::2"]],
  ["localhost", ["localhost", "a.localhost"], ["127.0.0.1"]],
  // What is none of these names nothing.
  ["http://a, a/b, 10.*, 10.0.0.0/33, [::1, a:x, <local>, . , *.", [], ["a", "10.0.0.1", "::1", "local"]],
])("%j", (list, named, others) => {
  for (const host of named) expect(isNamedBy(list, target(host)), host).toBe(true);
  for (const host of others) expect(isNamedBy(list, target(host)), host).toBe(false);
});

it.each<[string, string]>([
  ["example.com:8443", "example.com"],
  [".example.com:8443", "a.example.com"],
  ["10.0.0.1:8443", "10.0.0.1"],
  ["[::1]:8443", "::1"],
])("%j names that port only", (list, host) => {
  expect([8443, 443].map((port) => isNamedBy(list, target(host, port)))).toEqual([true, false]);
});
