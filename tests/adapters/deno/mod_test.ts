import { afterEach, describe, expect, it, vi } from "vitest";
import { Router, type RouterOptions } from "../../../src/adapters/deno/mod.ts";
import { UnsupportedError } from "../../../src/errors.ts";
import type { UpgradeServiceOptions } from "../../../src/service/options.ts";
import { FakeDeno, INFO } from "../../support/fake_deno.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { pageRequest, told, webRequest } from "../../support/web_request.ts";

const ECHO = { get: () => ({ onMessage: (_caller: unknown, message: string | Uint8Array) => message }) };

const settled = (): Promise<void> => new ManualClock().settle();

afterEach(() => void vi.unstubAllGlobals());

/** A router that is made where Deno is the one that a test plays. */
function routerOn(deno: FakeDeno, options: RouterOptions = {}): Router {
  vi.stubGlobal("Deno", deno);
  const router = new Router(options);
  vi.unstubAllGlobals();
  return router;
}

describe("R2: fetch", () => {
  it("upgrades what is attached, now or later, and works unbound", async () => {
    const deno = new FakeDeno();
    const { attach, detach, fetch } = routerOn(deno);
    expect(await told(fetch(webRequest("/echo/ada"), INFO))).toBe("404 There is no WebSocket service at this path");
    attach("/echo/:name", ECHO);
    const answer = fetch(webRequest("/echo/ada"), INFO);
    await settled();
    deno.sockets[0]!.open();
    expect(await answer === deno.responses[0]).toBe(true);
    deno.sockets[0]!.receive("hello");
    await settled();
    expect(deno.sockets[0]!.calls).toEqual(["send hello"]);
    detach(ECHO);
    expect(await told(fetch(webRequest("/echo/ada"), INFO))).toMatch(/^404 /);
    deno.sockets[0]!.receive("lives on");
    await settled();
    expect(deno.sockets[0]!.calls).toEqual(["send hello", "send lives on"]);
    deno.sockets[0]!.end(1000);
  });

  it("leaves pages, and upgrades that nobody attached, to the fallback", async () => {
    const router = routerOn(new FakeDeno(), {
      server: "hawser",
      fetch: (request, info) => new Response(`${new URL(request.url).pathname} ${info === INFO}`),
    });
    router.attach("/ours", { get: () => new Response("no", { status: 403 }) });
    expect(await told(router.fetch(pageRequest("/a"), INFO))).toBe("200 /a true");
    expect(await told(router.fetch(webRequest("/theirs"), INFO))).toBe("200 /theirs true");
    const refused = router.fetch(webRequest("/ours"), INFO);
    expect([(await refused).headers.get("server"), await told(refused)]).toEqual(["hawser", "403 no"]);
  });

  it("answers 426 to pages without one", async () => {
    expect(await told(routerOn(new FakeDeno()).fetch(pageRequest(), INFO))).toMatch(/^426 /);
  });
});

it("no signal is looked at, which Deno would warn of, unless a get takes its time", async () => {
  const deno = new FakeDeno();
  const router = routerOn(deno);
  router.attach("/echo", ECHO);
  router.attach("/no", { get: () => new Response("no", { status: 403 }) });
  router.attach("/slow", { get: () => Promise.resolve(new Response("slow", { status: 403 })) });
  let looks = 0;
  const ask = (path: string): Response | Promise<Response> => {
    const request = webRequest(path);
    const { signal } = request;
    Object.defineProperty(request, "signal", { get: () => (looks++, signal) });
    return router.fetch(request, INFO);
  };
  for (const [path, status] of [["/no", 403], ["/nowhere", 404], ["/echo", 200]] as const) {
    expect([path, (await ask(path)).status, looks]).toEqual([path, status, 0]);
  }
  deno.sockets[0]!.open();
  await settled();
  deno.sockets[0]!.end(1000);
  expect([(await ask("/slow")).status, looks]).toEqual([403, 1]);
});

describe("R2: what Deno's sockets cannot keep is refused, by its name", () => {
  const attachments: [string, UpgradeServiceOptions][] = [
    ["maxFrameSize", { maxFrameSize: 1_000 }],
    ["maxFragments", { maxFragments: 1_000 }],
    ["maxPendingPongs", { maxPendingPongs: 1 }],
    ["maxControlFramesPerSecond", { maxControlFramesPerSecond: 1 }],
    ["maxInflatedBytesPerSecond", { maxInflatedBytesPerSecond: 1 }],
    ["messageTimeout", { messageTimeout: 1 }],
    ["maxMessageSize", { maxMessageSize: 67_108_865 }],
  ];
  for (const [name, options] of attachments) {
    it(`attach: ${name}`, () => {
      const attach = (): void => routerOn(new FakeDeno()).attach("/", { ...ECHO, ...options });
      expect(attach).toThrow(UnsupportedError);
      expect(attach).toThrow(`"${name}"`);
    });
  }

  it("attach: maxMessageSize may be 64 MiB", () => {
    routerOn(new FakeDeno()).attach("/", { ...ECHO, maxMessageSize: 67_108_864 });
  });

  for (const name of ["threshold", "level", "serverMaxWindowBits"]) {
    it(`the constructor: ${name}`, () => {
      const made = (): Router => routerOn(new FakeDeno(), { webSocketCompressionEnabled: { [name]: 9 } });
      expect(made).toThrow(UnsupportedError);
      expect(made).toThrow(`"${name}"`);
    });
  }

  it("get: onPing and onPong", async () => {
    for (const handler of ["onPing", "onPong"]) {
      const errors: unknown[] = [];
      const router = routerOn(new FakeDeno(), { onError: (error) => errors.push(error) });
      router.attach("/", { get: () => ({ [handler]: () => {} }) });
      expect(await told(router.fetch(webRequest(), INFO))).toMatch(/^500 /);
      expect(errors).toEqual([expect.any(UnsupportedError)]);
      expect(String(errors)).toContain(`"${handler}"`);
    }
  });
});

it("R2: options of a port are refused: there is none", () => {
  expect(() => new Router({ host: "127.0.0.1" } as RouterOptions)).toThrow(TypeError);
  expect(() => new Router({ nothing: 1 } as RouterOptions)).toThrow(TypeError);
  expect(() => new Router({ timeout: -2 })).toThrow(RangeError);
});
