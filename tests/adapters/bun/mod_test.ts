import { describe, expect, it } from "vitest";
import { Router, type RouterOptions } from "../../../src/adapters/bun/mod.ts";
import { UnsupportedError } from "../../../src/errors.ts";
import type { UpgradeServiceOptions } from "../../../src/service/options.ts";
import { FakeBun } from "../../support/fake_bun.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { pageRequest, told, webRequest } from "../../support/web_request.ts";

const ECHO = { get: () => ({ onMessage: (_caller: unknown, message: string | Uint8Array) => message }) };

const settled = (): Promise<void> => new ManualClock().settle();

describe("R2: fetch and websocket", () => {
  it("upgrade what is attached, now or later, and work unbound", async () => {
    const { attach, detach, fetch, websocket } = new Router();
    const bun = new FakeBun(websocket);
    expect(await told(fetch(webRequest("/echo/ada"), bun))).toBe("404 There is no WebSocket service at this path");
    attach("/echo/:name", ECHO);
    expect(await fetch(webRequest("/echo/ada"), bun)).toBe(undefined);
    const [socket] = bun.sockets as [typeof bun.sockets[number]];
    websocket.message(socket, "hello");
    await settled();
    expect(socket.calls).toEqual(["send hello"]);
    detach(ECHO);
    expect(await told(fetch(webRequest("/echo/ada"), bun))).toMatch(/^404 /);
    websocket.message(socket, "lives on");
    await settled();
    expect(socket.calls).toEqual(["send hello", "send lives on"]);
    socket.end(1000);
  });

  it("leave pages, and upgrades that nobody attached, to the fallback", async () => {
    const bun = new FakeBun();
    const router = new Router({
      server: "hawser",
      fetch: (request, server) => new Response(`${new URL(request.url).pathname} ${server === bun}`),
    });
    router.attach("/ours", { get: () => new Response("no", { status: 403 }) });
    expect(await told(router.fetch(pageRequest("/a"), bun))).toBe("200 /a true");
    expect(await told(router.fetch(webRequest("/theirs"), bun))).toBe("200 /theirs true");
    const refused = router.fetch(webRequest("/ours"), bun);
    expect([(await refused)?.headers.get("server"), await told(refused)]).toEqual(["hawser", "403 no"]);
  });

  it("let a fallback upgrade by itself, and answer with nothing", async () => {
    const errors: unknown[] = [];
    const router = new Router({
      server: "hawser",
      onError: (error) => errors.push(error),
      fetch: (request, server) => void server.upgrade(request, { headers: new Headers(), data: "theirs" }),
    });
    const bun = new FakeBun(router.websocket);
    expect(await router.fetch(webRequest("/theirs"), bun)).toBe(undefined);
    expect([bun.upgrades.map(({ data }) => data), errors]).toEqual([["theirs"], []]);
  });

  it("answer 426 to pages without one", async () => {
    expect(await told(new Router().fetch(pageRequest(), new FakeBun()))).toMatch(/^426 /);
  });
});

describe("R2: the largest message", () => {
  it("is that of what is attached when websocket is read, and from then on no service may have a larger one", () => {
    const router = new Router();
    router.attach("/a", { ...ECHO, maxMessageSize: 1_000 });
    router.attach("/b", { ...ECHO, maxMessageSize: 2_000 });
    expect(router.websocket.maxPayloadLength).toBe(2_000);
    router.attach("/c", { ...ECHO, maxMessageSize: 2_000 });
    const attach = (): void => router.attach("/d", { ...ECHO, maxMessageSize: 2_001 });
    expect(attach).toThrow(UnsupportedError);
    expect(attach).toThrow("2000 bytes are the most that this server takes");
  });

  it("is 16 MiB when nothing is attached", () => {
    expect(new Router().websocket.maxPayloadLength).toBe(16_777_216);
  });

  it("may be anything before websocket is read", () => {
    const router = new Router();
    router.attach("/a", { ...ECHO, maxMessageSize: 1_000 });
    router.attach("/b", { ...ECHO, maxMessageSize: 50_000_000 });
    expect(router.websocket.maxPayloadLength).toBe(50_000_000);
  });

  it("that is left out counts as its default", () => {
    const router = new Router();
    router.attach("/a", { ...ECHO, maxMessageSize: 1_000 });
    expect(router.websocket.maxPayloadLength).toBe(1_000);
    expect(() => router.attach("/b", ECHO)).toThrow(UnsupportedError);
  });
});

describe("R2: what Bun's sockets cannot keep is refused, by its name", () => {
  const attachments: [string, UpgradeServiceOptions][] = [
    ["maxFrameSize", { maxFrameSize: 1_000 }],
    ["maxFragments", { maxFragments: 1_000 }],
    ["maxPendingPongs", { maxPendingPongs: 1 }],
    ["maxInflatedBytesPerSecond", { maxInflatedBytesPerSecond: 1 }],
    ["messageTimeout", { messageTimeout: 1 }],
  ];
  for (const [name, options] of attachments) {
    it(`attach: ${name}`, () => {
      const attach = (): void => new Router().attach("/", { ...ECHO, ...options });
      expect(attach).toThrow(UnsupportedError);
      expect(attach).toThrow(`"${name}"`);
    });
  }

  for (const name of ["level", "serverMaxWindowBits", "clientNoContextTakeover", "maxTotalWindows"]) {
    it(`the constructor: ${name}`, () => {
      const value = name === "clientNoContextTakeover" ? true : 9;
      const made = (): Router => new Router({ webSocketCompressionEnabled: { [name]: value } });
      expect(made).toThrow(UnsupportedError);
      expect(made).toThrow(`"${name}"`);
    });
  }

  it("a threshold is kept", () => {
    expect(new Router({ webSocketCompressionEnabled: { threshold: 9 } }).websocket.perMessageDeflate)
      .toEqual({ compress: "shared", decompress: "shared" });
    expect(new Router({ webSocketCompressionEnabled: false }).websocket.perMessageDeflate).toBe(false);
  });
});

it("R2: options of a port are refused: there is none", () => {
  expect(() => new Router({ host: "127.0.0.1" } as RouterOptions)).toThrow(TypeError);
  expect(() => new Router({ nothing: 1 } as RouterOptions)).toThrow(TypeError);
  expect(() => new Router({ timeout: -2 })).toThrow(RangeError);
});

it("R2: whoever hands over a request without the server is told", async () => {
  const errors: unknown[] = [];
  const router = new Router({ onError: (error) => errors.push(error) });
  const answer = (await router.fetch(webRequest(), undefined as never))!;
  expect([answer.status, errors.map(String)]).toEqual([500, [expect.stringContaining("without the server")]]);
});
