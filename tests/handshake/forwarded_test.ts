import { describe, expect, it } from "vitest";

import { type Sender, senderOf } from "../../src/handshake/forwarded.ts";
import { compileRanges } from "../../src/handshake/ip_range.ts";
import { busyNow } from "../support/usage.ts";

const trusts = compileRanges(["10.0.0.0/8", "::1"]);

function sender(headers: Record<string, string>, direct: Partial<Sender> = {}): string {
  const { remoteAddress, secure } = senderOf(
    { remoteAddress: "10.0.0.1", secure: false, ...direct },
    new Headers(headers),
    trusts,
  );
  return `${remoteAddress}${secure ? " secure" : ""}`;
}

describe("X-Forwarded-For and X-Forwarded-Proto", () => {
  it.each<[Record<string, string>, string]>([
    [{}, "10.0.0.1"],
    [{ "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
    [{ "x-forwarded-for": "6.6.6.6, 1.2.3.4" }, "1.2.3.4"],
    [{ "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.2,10.0.0.3" }, "1.2.3.4"],
    [{ "x-forwarded-for": "10.0.0.9, 10.0.0.2" }, "10.0.0.9"],
    [{ "x-forwarded-for": "2001:db8::1" }, "2001:db8::1"],
    [{ "x-forwarded-for": "[2001:db8::1]:1234" }, "2001:db8::1"],
    [{ "x-forwarded-for": "1.2.3.4:1234" }, "1.2.3.4"],
    [{ "x-forwarded-for": "1.2.3.4, nonsense" }, "10.0.0.1"],
    [{ "x-forwarded-for": "1.2.3.4, unknown, 10.0.0.2" }, "10.0.0.2"],
    [{ "x-forwarded-for": "" }, "10.0.0.1"],
    [{ "x-forwarded-proto": "https" }, "10.0.0.1 secure"],
    [{ "x-forwarded-proto": "https", "x-forwarded-for": "1.2.3.4" }, "1.2.3.4 secure"],
    [{ "x-forwarded-proto": "HTTPS" }, "10.0.0.1 secure"],
    [{ "x-forwarded-proto": "https, http" }, "10.0.0.1"],
    [{ "x-forwarded-proto": "ftp" }, "10.0.0.1"],
  ])("%j: %s", (headers, expected) => expect(sender(headers)).toBe(expected));

  it("says nothing about the connection where only the address is told", () => {
    expect(sender({ "x-forwarded-for": "1.2.3.4" }, { secure: true })).toBe("1.2.3.4 secure");
    expect(sender({ "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "http" }, { secure: true })).toBe("1.2.3.4");
  });
});

describe("Forwarded (RFC 7239)", () => {
  it.each<[string, string]>([
    ["for=1.2.3.4", "1.2.3.4"],
    ["For=1.2.3.4;Proto=https;by=10.0.0.1;host=x", "1.2.3.4 secure"],
    ['for="1.2.3.4:47011"', "1.2.3.4"],
    ['for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"],
    ["for=6.6.6.6, for=1.2.3.4;proto=https, for=10.0.0.2;proto=http", "1.2.3.4 secure"],
    ["for=_hidden", "10.0.0.1"],
    ["for=unknown;proto=https", "10.0.0.1 secure"],
    ["proto=https", "10.0.0.1 secure"],
    ["for=1.2.3.4;for=5.6.7.8", "1.2.3.4"],
    ["nonsense", "10.0.0.1"],
    ['for="1.2.3.4', "10.0.0.1"],
    ["for=1.2.3.4, ;", "10.0.0.1"],
  ])("%s: %s", (header, expected) => expect(sender({ forwarded: header })).toBe(expected));
});

it("takes nobody's word but a trusted proxy's", () => {
  const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" };
  for (const remoteAddress of ["9.9.9.9", "::2", undefined]) {
    expect(sender(headers, { remoteAddress })).toBe(`${remoteAddress}`);
    expect(sender({ forwarded: "for=1.2.3.4;proto=https" }, { remoteAddress })).toBe(`${remoteAddress}`);
  }
});

it("believes neither of two headers that disagree: the proxy writes one, and the other is the client's", () => {
  const usual = { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https" };
  expect(sender({ ...usual, forwarded: "for=6.6.6.6;proto=https" })).toBe("10.0.0.1");
  expect(sender({ ...usual, forwarded: "for=1.2.3.4;proto=https" })).toBe("1.2.3.4 secure");
});

it("looks at so many hops and no more, in linear time", () => {
  const many = Array.from({ length: 100_000 }, () => "10.0.0.2").join(", ");
  const started = busyNow();
  expect(sender({ "x-forwarded-for": `1.2.3.4, ${many}` })).toBe("10.0.0.2");
  expect(sender({ forwarded: `for=1.2.3.4, ${many.replaceAll("10", "for=10")}` })).toBe("10.0.0.2");
  expect(busyNow() - started).toBeLessThan(1_000);
});
