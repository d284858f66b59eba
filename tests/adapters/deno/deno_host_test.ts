import { describe, expect, it } from "vitest";
import { denoHost } from "../../../src/adapters/deno/deno_host.ts";
import { ConnectionError } from "../../../src/errors.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import {
  DEFAULT_LIMITS,
  type Listening,
  type ListenOptions,
  type UpgradeHandler,
} from "../../../src/transport/upgrade.ts";
import type { ServerTls } from "../../../src/transport/tls.ts";
import { FakeDeno, INFO } from "../../support/fake_deno.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { failure } from "../../support/on_sockets.ts";
import { pageRequest, told, webRequest } from "../../support/web_request.ts";

interface Hosted {
  readonly deno: FakeDeno;
  readonly clock: ManualClock;
  readonly errors: unknown[];
  readonly sockets: MessageSocket[];
  readonly listening: Listening;
}

/** A host that accepts everything, or as `onUpgrade` decides. */
async function host(changes: Partial<ListenOptions> = {}, onUpgrade?: UpgradeHandler): Promise<Hosted> {
  const deno = new FakeDeno();
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const sockets: MessageSocket[] = [];
  const accept: UpgradeHandler = async (upgrade) => {
    sockets.push(await upgrade.accept({ limits: DEFAULT_LIMITS, keepAliveMs: Infinity }));
  };
  const listening = await denoHost(() => deno, clock)(listenOptions(errors, changes), onUpgrade ?? accept);
  return { deno, clock, errors, sockets, listening };
}

/** A client that has been upgraded. */
async function upgraded({ deno, clock }: Hosted): Promise<void> {
  const answer = deno.handler(webRequest(), INFO);
  deno.sockets.at(-1)!.open();
  expect((await answer).headers.get("x-switches")).toBe("101");
  await clock.settle();
}

it("listens where it is told, and says where that is", async () => {
  const { deno, listening } = await host();
  expect([deno.served?.port, deno.served?.hostname, deno.served?.onListen()]).toEqual([0, "127.0.0.1", undefined]);
  expect([listening.hostname, listening.port, listening.secure]).toEqual(["127.0.0.1", 4_242, false]);
});

it("speaks TLS with the key and the certificate that it is given", async () => {
  const identity = { key: "a key", cert: "a certificate" };
  const tls = { identity, shareSession: true } as ServerTls;
  const hosted = await host({ tls });
  expect(hosted.deno.served).toMatchObject(identity);
  expect(hosted.listening).toMatchObject({ secure: true });
  expect(hosted.listening.setTls).toBeUndefined();
});

it("rejects with a ConnectionError when the port cannot be had", async () => {
  const deno = new FakeDeno();
  deno.failure = new Error("Address already in use");
  const made = denoHost(() => deno, new ManualClock())(listenOptions([], { target: 80 }), async () => {});
  const error = await failure(made) as Error;
  expect(error).toBeInstanceOf(ConnectionError);
  expect([error.message, error.cause]).toEqual([
    "Cannot listen on 127.0.0.1:80: Address already in use",
    deno.failure,
  ]);
});

describe("a request", () => {
  it("is upgraded, or answered by the fetch handler", async () => {
    const hosted = await host({ fetch: (request) => new Response(`page ${request.url}`) });
    await upgraded(hosted);
    expect(hosted.sockets).toHaveLength(1);
    expect(await told(hosted.deno.handler(pageRequest("/a"), INFO))).toBe("200 page http://hawser.test/a");
  });

  it("is refused as the handler decides", async () => {
    const { deno } = await host({}, (upgrade) => upgrade.reject(new Response("no", { status: 403 })));
    expect(await told(deno.handler(webRequest(), INFO))).toBe("403 no");
  });

  it("upgrades to paths that nobody attached come to the handler too: it answers them with 404", async () => {
    const { deno } = await host(
      { claims: () => false, fetch: () => new Response("page") },
      (upgrade) => upgrade.reject(new Response("nowhere", { status: 404 })),
    );
    expect(await told(deno.handler(webRequest(), INFO))).toBe("404 nowhere");
  });

  it("that makes something throw is answered with 500, and the error told", async () => {
    const { deno, errors } = await host({}, () => {
      throw new Error("broken");
    });
    expect(await told(deno.handler(webRequest(), INFO))).toBe("500 The server could not answer");
    expect(String(errors)).toBe("Error: broken");
  });

  it("whose answer Deno cannot send is told", async () => {
    const { deno, errors } = await host();
    expect((deno.served!.onError(new TypeError("no response"))).status).toBe(500);
    expect(String(errors)).toBe("TypeError: no response");
  });
});

describe("stop", () => {
  it("refuses at once, and shuts down when the last socket has closed: a shutdown would close them itself", async () => {
    const hosted = await host({ fetch: () => new Response("page") });
    await upgraded(hosted);
    const { deno, clock, listening } = hosted;
    let stopped = false;
    void listening.stop().then(() => stopped = true);
    expect(await told(deno.handler(webRequest(), INFO))).toBe("503 The server is stopping");
    expect(await told(deno.handler(pageRequest(), INFO))).toBe("503 The server is stopping");
    await clock.pass(60_000);
    expect([deno.shutdowns, stopped]).toEqual([0, false]);
    deno.sockets[0]!.end(1000);
    await clock.settle();
    expect([deno.shutdowns, stopped, clock.timers]).toEqual([1, true, 0]);
  });

  it("waits for upgrades that are not decided", async () => {
    let decide!: () => void;
    const { deno, clock, listening } = await host({}, () => new Promise<void>((resolve) => decide = resolve));
    void deno.handler(webRequest(), INFO);
    const stopped = listening.stop();
    await clock.settle();
    expect(deno.shutdowns).toBe(0);
    decide();
    await stopped;
    expect(deno.shutdowns).toBe(1);
  });

  it("waits no longer than 2 s for a shutdown that never ends, nor fails when that fails later", async () => {
    const { deno, clock, listening } = await host();
    let fail!: (error: Error) => void;
    deno.shutdown = () => new Promise((_, reject) => fail = reject);
    let stopped = false;
    void listening.stop().then(() => stopped = true);
    await clock.pass(1_999);
    expect(stopped).toBe(false);
    await clock.pass(1);
    expect(stopped).toBe(true);
    fail(new Error("late"));
    await clock.settle();
  });

  it("rejects when the shutdown does", async () => {
    const { deno, clock, listening } = await host();
    deno.shutdown = () => Promise.reject(new Error("broken"));
    expect(String(await failure(listening.stop()))).toBe("Error: broken");
    await clock.settle();
    expect(clock.timers).toBe(0);
  });
});
