import { describe, expect, it } from "vitest";
import type { BunServer } from "../../../src/adapters/bun/bun_api.ts";
import { BunHandler } from "../../../src/adapters/bun/bun_host.ts";
import { BunUpgrade } from "../../../src/adapters/bun/bun_upgrade.ts";
import { Door } from "../../../src/adapters/native/door.ts";
import { Traffic } from "../../../src/adapters/native/traffic.ts";
import { ConnectionError } from "../../../src/errors.ts";
import { type Acceptance, DEFAULT_LIMITS } from "../../../src/transport/upgrade.ts";
import { FakeBun } from "../../support/fake_bun.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { failure } from "../../support/on_sockets.ts";
import { told, webRequest } from "../../support/web_request.ts";

const TERMS: Acceptance = { limits: DEFAULT_LIMITS, keepAliveMs: Infinity };

interface Pending {
  readonly upgrade: BunUpgrade;
  readonly bun: FakeBun;
  readonly clock: ManualClock;
  readonly traffic: Traffic;
}

function pending(request: Request = webRequest("/chat"), server?: string, bun: FakeBun = served()): Pending {
  const clock = new ManualClock();
  const traffic = new Traffic();
  const door = new Door<BunServer, undefined>(listenOptions([], { server }), undefined, false);
  return { upgrade: new BunUpgrade(request, bun, door, clock, traffic), bun, clock, traffic };
}

/** A server whose sockets are told about as `Bun.serve` does it. */
function served(): FakeBun {
  return new FakeBun(new BunHandler(new ManualClock(), listenOptions([]), async () => {}, undefined, false)
    .webSocketOptions());
}

describe("the request", () => {
  it("tells the peer's address, where there is one", () => {
    expect(pending().upgrade.request.remoteAddress).toBe("192.0.2.7");
    const bun = served();
    bun.address = null;
    expect(pending(webRequest(), undefined, bun).upgrade.request.remoteAddress).toBe(undefined);
  });
});

describe("accept", () => {
  it("upgrades with sub-protocol and headers, Set-Cookie as often as it is there, and answers with nothing", async () => {
    const { upgrade, bun } = pending(webRequest(), "hawser");
    const headers = new Headers([["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-one", "1"]]);
    const socket = await upgrade.accept({ ...TERMS, protocol: "b", headers });
    expect(await upgrade.answer).toBe(undefined);
    const [{ headers: sent, data }] = bun.upgrades as [typeof bun.upgrades[number]];
    expect(sent.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(["server", "sec-websocket-protocol", "x-one"].map((name) => sent.get(name))).toEqual(["hawser", "b", "1"]);
    expect([socket.protocol, data === socket]).toEqual(["b", true]);
  });

  it("chooses no sub-protocol when none was agreed on, where Bun would take the first", async () => {
    const { upgrade, bun } = pending(webRequest("/", { "sec-websocket-protocol": "a, b" }));
    expect((await upgrade.accept(TERMS)).protocol).toBe("");
    expect(bun.upgrades[0]!.headers.get("sec-websocket-protocol")).toBe("");

    const none = pending();
    none.upgrade.accept(TERMS);
    expect([...none.bun.upgrades[0]!.headers]).toEqual([]);
  });

  it("compresses from the threshold on that was agreed on", async () => {
    const compression = {
      threshold: 4,
      level: 6,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
      serverNoContextTakeover: false,
      clientNoContextTakeover: false,
      maxTotalWindows: 1,
    };
    for (const [terms, word] of [[TERMS, "send abcd"], [{ ...TERMS, compression }, "send abcd compressed"]] as const) {
      const { upgrade, bun } = pending();
      (await upgrade.accept(terms)).send("abcd");
      expect(bun.sockets[0]!.calls).toEqual([word]);
    }
  });

  it("attack 11: what may not travel is answered with 500, and nothing is upgraded", async () => {
    const { upgrade, bun } = pending();
    expect(await failure(() => upgrade.accept({ ...TERMS, protocol: "a\r\nx: y" }))).toBeInstanceOf(TypeError);
    expect(await told(upgrade.answer)).toBe("500 The server could not answer");
    expect(bun.upgrades).toEqual([]);
  });

  it("what Bun throws is answered with 500, and passed on", async () => {
    const { upgrade, bun } = pending();
    bun.failure = new Error("broken");
    expect(await failure(() => upgrade.accept(TERMS))).toBe(bun.failure);
    expect(await told(upgrade.answer)).toBe("500 The server could not answer");
  });

  it("attack 9: what Bun cannot upgrade any more is answered with 400, and is no traffic", async () => {
    const { upgrade, bun, traffic } = pending();
    bun.upgradable = false;
    expect(await failure(() => upgrade.accept(TERMS))).toBeInstanceOf(ConnectionError);
    expect(await told(upgrade.answer)).toBe("400 The connection cannot be upgraded any more");
    await traffic.over();
  });

  it("is traffic until it has closed", async () => {
    const { upgrade, bun, clock, traffic } = pending();
    await upgrade.accept(TERMS);
    let isOver = false;
    void traffic.over().then(() => isOver = true);
    await clock.settle();
    expect(isOver).toBe(false);
    bun.sockets[0]!.end(1000);
    await clock.settle();
    expect(isOver).toBe(true);
  });
});

it("reject answers with the response, and the Server header", async () => {
  const { upgrade, bun } = pending(webRequest(), "hawser");
  await upgrade.reject(new Response("not you", { status: 403 }));
  const answer = await upgrade.answer;
  expect([answer?.headers.get("server"), await told(answer), bun.upgrades]).toEqual(["hawser", "403 not you", []]);
});
