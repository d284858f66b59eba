import { describe, expect, it } from "vitest";
import { Places } from "../../src/service/places.ts";

const none = { maxConnections: 0, maxConnectionsPerAddress: 0 };

describe("places", () => {
  it("are as many as anybody wants without limits", () => {
    const places = new Places(none);
    for (let i = 0; i < 1_000; i++) expect(places.take("192.0.2.1")).toBeUndefined();
  });

  it("run out, inclusive, and come back", () => {
    const places = new Places({ ...none, maxConnections: 2 });
    expect([places.take("192.0.2.1"), places.take(undefined), places.take("192.0.2.3")]).toEqual([
      undefined,
      undefined,
      "all",
    ]);
    places.giveBack(undefined);
    expect([places.take("192.0.2.3"), places.take("192.0.2.4")]).toEqual([undefined, "all"]);
  });

  it("run out for one address, and for no other", () => {
    const places = new Places({ ...none, maxConnectionsPerAddress: 1 });
    expect([places.take("192.0.2.1"), places.take("::ffff:192.0.2.1"), places.take("192.0.2.2")])
      .toEqual([undefined, "address", undefined]);
    places.giveBack("192.0.2.1");
    expect(places.take("192.0.2.1")).toBeUndefined();
  });

  it("are one network's for the addresses of one IPv6 customer", () => {
    const places = new Places({ ...none, maxConnectionsPerAddress: 2 });
    expect(["2001:db8::1", "2001:db8::2:3", "2001:db8::4"].map((address) => places.take(address)))
      .toEqual([undefined, undefined, "address"]);
    expect(places.take("2001:db8:0:1::1")).toBeUndefined();
  });

  it("who is refused for its address takes none from all", () => {
    const places = new Places({ maxConnections: 2, maxConnectionsPerAddress: 1 });
    expect([places.take("192.0.2.1"), places.take("192.0.2.1"), places.take("192.0.2.2"), places.take("192.0.2.3")])
      .toEqual([undefined, "address", undefined, "all"]);
  });

  it("of connections without an IP address count in all only", () => {
    const places = new Places({ ...none, maxConnectionsPerAddress: 1 });
    for (const address of [undefined, "", "not an address"]) {
      expect([places.take(address), places.take(address)]).toEqual([undefined, undefined]);
    }
  });
});
