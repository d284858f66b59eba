import { describe, expect, it } from "vitest";

import { compileRanges, networkOf, parseAddress } from "../../src/handshake/ip_range.ts";
import { toHex } from "../support/hex.ts";

const bytes = (address: string): string | undefined => {
  const parsed = parseAddress(address);
  return parsed && toHex(parsed).replaceAll(" ", "");
};

describe("parseAddress", () => {
  it.each([
    ["1.2.3.4", "00000000000000000000ffff01020304"],
    ["255.255.255.255", "00000000000000000000ffffffffffff"],
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:db8::8:800:200C:417A", "20010db80000000000080800200c417a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
    ["64:ff9b::1.2.3.4", "0064ff9b000000000000000001020304"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
    ["fe80::1%eth0", "fe800000000000000000000000000001"],
  ])("reads %s", (address, expected) => expect(bytes(address)).toBe(expected));

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.",
    "1.2.3.4%eth0",
    " 1.2.3.4",
    ":",
    ":::",
    "1:2",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4::5:6:7:8",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "[::1]",
    "localhost",
    "unknown",
  ])("refuses %j", (address) => expect(bytes(address)).toBeUndefined());
});

describe("compileRanges", () => {
  it.each<[string, string[], string[]]>([
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0", "::a00:1"]],
    ["192.168.4.0/22", ["192.168.4.0", "192.168.7.255"], ["192.168.3.255", "192.168.8.0"]],
    ["127.0.0.1", ["127.0.0.1"], ["127.0.0.2", "::1"]],
    ["0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["::1", "x"]],
    ["::/0", ["::1", "1.2.3.4", "ffff::"], ["x", ""]],
    ["fd00::/8", ["fd12::1", "fdff:ffff::"], ["fc00::", "fe00::", "1.2.3.4"]],
    ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1"]],
    ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]],
  ])("%s", (range, inside, outside) => {
    const check = compileRanges([range]);
    expect(inside.map((address) => [address, check(address)])).toEqual(inside.map((address) => [address, true]));
    expect(outside.map((address) => [address, check(address)])).toEqual(outside.map((address) => [address, false]));
  });

  it("checks any of several, and none", () => {
    const check = compileRanges(["10.0.0.0/8", "::1"]);
    expect([check("10.1.1.1"), check("::1"), check("1.1.1.1")]).toEqual([true, true, false]);
    expect(compileRanges([])("1.1.1.1")).toBe(false);
  });

  it.each(["", "x", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "::/129", "10.0.0.0/8/8", "example.com"])(
    "refuses %j by name",
    (range) => expect(() => compileRanges(["::1", range])).toThrow(JSON.stringify(range)),
  );
});

describe("networkOf", () => {
  it.each([
    ["192.0.2.1", "::ffff:192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["2001:db8::1", "2001:db8::ffff:1:2:3", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["::1", "0.0.0.0", false],
    ["::192.0.2.1", "192.0.2.1", false],
  ])("%s and %s: %s", (one, other, same) => expect(networkOf(one) === networkOf(other)).toBe(same));

  it.each(["", "localhost", "1.2.3"])("knows none of %j", (text) => expect(networkOf(text)).toBeUndefined());
});
