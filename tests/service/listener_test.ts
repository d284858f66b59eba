import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { ConnectionError, CorruptedFrameError, UnsupportedError } from "../../src/errors.ts";
import { Listener } from "../../src/service/listener.ts";
import type { ListenerConfiguration } from "../../src/service/options.ts";
import type { Service } from "../../src/service/service.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import type { ServerTls, ServerTlsSettings, StoreFile, TlsTools } from "../../src/transport/tls.ts";
import type { Listening, ListenOptions, UpgradeHandler } from "../../src/transport/upgrade.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { deferred } from "./serve.ts";

/** A runtime whose network is the test. */
class FakeRuntime implements Runtime {
  readonly name = "fake";
  readonly clock = new ManualClock();
  readonly deadlines = new Deadlines(this.clock);
  readonly reported: unknown[] = [];
  readonly listens: ListenOptions[] = [];
  readonly stops: (() => void)[] = [];
  onUpgrade: UpgradeHandler | undefined;
  /** What the next bind comes to. */
  bind: Promise<void> = Promise.resolve();
  /** What stopping comes to. */
  stopped: Promise<void> = Promise.resolve();
  listening: Listening = { hostname: "0.0.0.0", port: 4711, secure: false, stop: () => this.stop() };
  stopCount = 0;

  fillRandom(): void {}
  dial(): never {
    throw new Error("A listener dials nobody");
  }
  report(error: unknown): void {
    this.reported.push(error);
  }
  async host(options: ListenOptions, onUpgrade: UpgradeHandler): Promise<Listening> {
    this.listens.push(options);
    await this.bind;
    this.onUpgrade = onUpgrade;
    return this.listening;
  }
  stop(): Promise<void> {
    this.stopCount++;
    return this.stopped;
  }

  async connect(path: string): Promise<FakeUpgrade> {
    const upgrade = new FakeUpgrade(path);
    await this.onUpgrade!(upgrade);
    return upgrade;
  }
}

async function listen(
  service: Service | (() => Service),
  config?: ListenerConfiguration,
): Promise<{ runtime: FakeRuntime; listener: Listener }> {
  const runtime = new FakeRuntime();
  const listener = new Listener(runtime, 0, config);
  listener.attach("/", { pingInterval: 0, get: () => typeof service === "function" ? service() : service });
  await listener.start();
  return { runtime, listener };
}

describe("L1, L2: the constructor", () => {
  it("refuses bad values at once, before any port is touched", () => {
    const runtime = new FakeRuntime();
    expect(() => new Listener(runtime, 70_000)).toThrow(RangeError);
    expect(() => new Listener(runtime, 0, { timeout: -1 })).toThrow(/"timeout"/);
    expect(() => new Listener(runtime, new EventEmitter(), { host: "::" })).toThrow(/"host"/);
    expect(() => new Listener(runtime, 0, { secureSocket: {} } as never)).toThrow(/"secureSocket.key"/);
    expect(runtime.listens).toEqual([]);
  });

  it("hands the host what it needs", async () => {
    const runtime = new FakeRuntime();
    const fetch = (): Response => new Response("page");
    const config = { host: "127.0.0.1", timeout: 3, server: "x", requestLimits: { maxUriLength: 9 }, fetch };
    const listener = new Listener(runtime, 0, config);
    listener.attach("/chat/:name", { get: () => ({}) });
    await listener.start();
    expect(runtime.listens[0]).toMatchObject({
      target: 0,
      hostname: "127.0.0.1",
      timeoutMs: 3_000,
      server: "x",
      maxUriLength: 9,
      maxHeaderSize: 8_192,
      maxEntityBodySize: Infinity,
      fetch,
    });
    const { claims } = runtime.listens[0]!;
    expect([claims("/chat/ada"), claims("/other")]).toEqual([true, false]);
    expect(new FakeRuntime().listens).toEqual([]);
  });

  it("L8: without fetch the host is given none", async () => {
    const { runtime } = await listen({});
    expect("fetch" in runtime.listens[0]!).toBe(false);
  });
});

describe("T1: TLS", () => {
  const key = { path: "key.p12", password: "x" };
  /** A runtime whose files hold what their paths say. */
  function secureRuntime(keepsSessions?: string): { runtime: FakeRuntime; renewed: ServerTls[] } {
    const renewed: ServerTls[] = [];
    const loadServer = ({ key, hosts: _, trust, ...rest }: ServerTlsSettings): ServerTls => ({
      ...rest,
      hosts: new Map(),
      identity: { key: String((key as StoreFile).path), cert: "" },
      authorities: trust === undefined ? undefined : [String(trust)],
    });
    const loadClient = (): never => {
      throw new Error("There is no client");
    };
    const refusals = { listener: [{ option: "ciphers", reason: "there is no choice" }], client: [] };
    const tls: TlsTools = { loadServer, loadClient, refusals, ...(keepsSessions !== undefined && { keepsSessions }) };
    const runtime = Object.assign(new FakeRuntime(), { tls });
    runtime.listening = { ...runtime.listening, secure: true, setTls: (tls) => renewed.push(tls) };
    return { runtime, renewed };
  }

  it("is handed to the host, its files read in the constructor", async () => {
    const { runtime } = secureRuntime();
    const listener = new Listener(runtime, 9090, { secureSocket: { key } });
    expect(listener.url).toBe("wss://127.0.0.1:9090");
    await listener.start();
    expect(runtime.listens[0]?.tls).toMatchObject({ identity: { key: "key.p12" }, verifyClient: undefined });
  });

  it("is refused where the runtime has none, and as far as it passes over it", () => {
    expect(() => new Listener(new FakeRuntime(), 0, { secureSocket: { key } })).toThrow(UnsupportedError);
    const { runtime } = secureRuntime();
    expect(() => new Listener(runtime, 0, { secureSocket: { key, ciphers: ["A"] } })).toThrow(
      'Cannot use the option "secureSocket.ciphers": there is no choice',
    );
  });

  it("is renewed while it listens, and when it was renewed while it began to", async () => {
    const { runtime, renewed } = secureRuntime();
    const listener = new Listener(runtime, 0, { secureSocket: { key } });
    const { promise, resolve } = deferred();
    runtime.bind = promise;
    const starting = listener.start();
    await runtime.clock.settle();
    listener.setSecureContext({ key: { ...key, path: "second.p12" } });
    expect(renewed).toEqual([]);
    resolve();
    await starting;
    listener.setSecureContext({ key: { ...key, path: "third.p12" } });
    expect(renewed.map(({ identity }) => identity.key)).toEqual(["second.p12", "third.p12"]);
  });

  it("trusts no other authorities from some moment on where old sessions are resumed", async () => {
    const { runtime, renewed } = secureRuntime("sessions are kept");
    const listener = new Listener(runtime, 0, { secureSocket: { key, mutualSsl: { cert: "a.pem" } } });
    await listener.start();
    const renew = (cert: string): void => listener.setSecureContext({ key, mutualSsl: { cert } });
    expect(() => renew("b.pem")).toThrow(UnsupportedError);
    expect(() => renew("b.pem")).toThrow("Cannot set the secure context: sessions are kept");
    renew("a.pem");
    expect(renewed).toHaveLength(1);
  });
});

describe("L1: port and url", () => {
  it("tell what was bound; before the start, what was asked for", async () => {
    const runtime = new FakeRuntime();
    const fixed = new Listener(runtime, 9090, { host: "localhost" });
    expect([fixed.port, fixed.url]).toEqual([9090, "ws://localhost:9090"]);
    const free = new Listener(runtime, 0);
    expect(() => free.port).toThrow(TypeError);
    expect(() => free.url).toThrow(TypeError);
    await free.start();
    expect([free.port, free.url]).toEqual([4711, "ws://127.0.0.1:4711"]);
  });

  it.each([
    ["::", true, "wss://[::1]:4711"],
    ["::1", false, "ws://[::1]:4711"],
    ["10.0.0.1", false, "ws://10.0.0.1:4711"],
  ])("%s is reached", async (hostname, secure, url) => {
    const runtime = new FakeRuntime();
    runtime.listening = { ...runtime.listening, hostname, secure };
    const listener = new Listener(runtime, 0);
    await listener.start();
    expect(listener.url).toBe(url);
  });
});

describe("L5: start", () => {
  it("is idempotent, and resolves when the port is bound", async () => {
    const runtime = new FakeRuntime();
    const bound = deferred();
    runtime.bind = bound.promise;
    const listener = new Listener(runtime, 0);
    let started = false;
    const starts = Promise.all([listener.start(), listener.start()]).then(() => started = true);
    await runtime.clock.settle();
    expect(started).toBe(false);
    bound.resolve();
    await starts;
    await listener.start();
    expect(runtime.listens).toHaveLength(1);
  });

  it("a busy port rejects with the cause, and may be tried again", async () => {
    const runtime = new FakeRuntime();
    const cause = new Error("EADDRINUSE");
    const busy = new ConnectionError("Cannot listen", { cause });
    runtime.bind = Promise.reject(busy);
    const listener = new Listener(runtime, 0);
    await expect(listener.start()).rejects.toBe(busy);
    runtime.bind = Promise.resolve();
    await listener.start();
    expect(listener.port).toBe(4711);
  });
});

describe("L6: gracefulStop", () => {
  it("stops accepting, closes with 1001, waits, and counts", async () => {
    const { runtime, listener } = await listen({ onTextMessage: (_caller, text) => text });
    const [one, two] = [await runtime.connect("/"), await runtime.connect("/")];
    let result: unknown;
    const stopped = listener.gracefulStop().then((value) => result = value);
    await runtime.clock.settle();
    expect(runtime.stopCount).toBe(1);
    expect([one.socket.calls, two.socket.calls]).toEqual([["close 1001"], ["close 1001"]]);
    expect((await runtime.connect("/")).rejected!.status).toBe(503);
    one.socket.closeByPeer(1001);
    await runtime.clock.settle();
    expect(result).toBeUndefined();
    two.socket.closeByPeer(1001);
    await stopped;
    expect([result, runtime.clock.timers]).toEqual([{ closed: 2, cut: 0 }, 0]);
  });

  it("refuses an option that there is not, and does not stop", async () => {
    const { runtime, listener } = await listen({});
    expect(() => listener.gracefulStop({ timout: 1 } as never)).toThrow(/"timout".*"timeout"/);
    expect(runtime.stopCount).toBe(0);
  });

  it("with another code, reason and deadline; what is left then is cut", async () => {
    const { runtime, listener } = await listen({});
    const [one, two] = [await runtime.connect("/"), await runtime.connect("/")];
    const stopped = listener.gracefulStop({ timeout: 2.5, statusCode: 4000, reason: "maintenance" });
    await runtime.clock.pass(2_499);
    one.socket.closeByPeer(4000);
    expect(two.socket.calls).toEqual(["close 4000 maintenance"]);
    await runtime.clock.pass(1);
    expect(two.socket.calls).toEqual(["close 4000 maintenance", "destroy"]);
    two.socket.end();
    expect(await stopped).toEqual({ closed: 1, cut: 1 });
  });

  it("waits for handlers, too, and not for ever", async () => {
    const busy = deferred();
    const { runtime, listener } = await listen({
      onTextMessage: (_caller, text) => text === "stuck" ? new Promise(() => {}) : busy.promise,
    });
    const [one, two] = [await runtime.connect("/"), await runtime.connect("/")];
    one.socket.sink!.message("busy");
    two.socket.sink!.message("stuck");
    let result: unknown;
    const stopped = listener.gracefulStop({ timeout: 5 }).then((value) => result = value);
    await runtime.clock.settle();
    one.socket.closeByPeer(1001);
    two.socket.closeByPeer(1001);
    await runtime.clock.pass(4_000);
    expect(result).toBeUndefined();
    busy.resolve();
    await runtime.clock.pass(1_000);
    await stopped;
    expect(result).toEqual({ closed: 1, cut: 1 });
  });

  it("is staggered: no more than 64 close frames in a turn", async () => {
    const { runtime, listener } = await listen({});
    const upgrades = await Promise.all(Array.from({ length: 150 }, () => runtime.connect("/")));
    const sent = (): number => upgrades.filter(({ socket }) => socket.calls.length > 0).length;
    const stopped = listener.gracefulStop({ timeout: 1 });
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent()).toBe(64);
    runtime.clock.runTurn();
    expect(sent()).toBe(128);
    runtime.clock.runTurn();
    expect(sent()).toBe(150);
    for (const { socket } of upgrades) socket.closeByPeer(1001);
    expect(await stopped).toEqual({ closed: 150, cut: 0 });
  });

  it("35: a thousand that never answer are cut at the deadline", async () => {
    const { runtime, listener } = await listen({});
    const upgrades = await Promise.all(Array.from({ length: 1_000 }, () => runtime.connect("/")));
    const stopped = listener.gracefulStop({ timeout: 1 });
    await runtime.clock.pass(1_000);
    for (const { socket } of upgrades) {
      expect(socket.calls.at(-1)).toBe("destroy");
      socket.end();
    }
    expect(await stopped).toEqual({ closed: 0, cut: 1_000 });
    expect(listener.stats().open).toBe(0);
  });

  it("refuses bad options at once, and stops nothing", async () => {
    const { runtime, listener } = await listen({});
    for (const options of [{ timeout: -2 }, { statusCode: 5555 }, { reason: "x".repeat(124) }]) {
      expect(() => void listener.gracefulStop(options)).toThrow(RangeError);
    }
    await runtime.clock.settle();
    expect(runtime.stopCount).toBe(0);
  });

  it("twice at once is the same stop; without a start, and again after it, there is nothing to do", async () => {
    const { runtime, listener } = await listen({});
    const stopped = listener.gracefulStop();
    expect(listener.gracefulStop()).toBe(stopped);
    expect(await stopped).toEqual({ closed: 0, cut: 0 });
    expect(await listener.gracefulStop()).toEqual({ closed: 0, cut: 0 });
    expect(runtime.stopCount).toBe(1);
    expect(await new Listener(runtime, 0).gracefulStop()).toEqual({ closed: 0, cut: 0 });
  });

  it("may be followed by another start, also while it is under way; services stay attached", async () => {
    const { runtime, listener } = await listen({});
    const open = await runtime.connect("/");
    const stopped = listener.gracefulStop();
    const started = listener.start();
    await runtime.clock.settle();
    expect(runtime.listens).toHaveLength(1);
    open.socket.closeByPeer(1001);
    await stopped;
    await started;
    expect(runtime.listens).toHaveLength(2);
    expect(await (await runtime.connect("/")).outcome()).toBe("101");
  });

  it("stops again what was started while it stopped", async () => {
    const { runtime, listener } = await listen({});
    const open = await runtime.connect("/");
    const first = listener.gracefulStop();
    const started = listener.start();
    const second = listener.gracefulStop();
    expect(second).not.toBe(first);
    expect(listener.gracefulStop()).toBe(second);
    await runtime.clock.settle();
    open.socket.closeByPeer(1001);
    await Promise.all([first, started, second]);
    expect([runtime.listens.length, runtime.stopCount]).toEqual([2, 2]);
    expect(await (await runtime.connect("/")).outcome()).toBe("503 The server is stopping");
    await listener.start();
    expect(await (await runtime.connect("/")).outcome()).toBe("101");
  });

  it("await using stops", async () => {
    const { runtime, listener } = await listen({});
    await listener[Symbol.asyncDispose]();
    expect(runtime.stopCount).toBe(1);
  });

  it("a host that fails to stop is told, and the stop ends", async () => {
    const { runtime, listener } = await listen({});
    runtime.stopped = Promise.reject(new Error("stuck"));
    expect(await listener.gracefulStop()).toEqual({ closed: 0, cut: 0 });
    expect(runtime.reported).toEqual([new Error("stuck")]);
  });
});

describe("L6: immediateStop", () => {
  it("cuts at once, without close frames, and resolves when they are gone", async () => {
    const { runtime, listener } = await listen({ onClose: () => {} });
    const { socket } = await runtime.connect("/");
    let done = false;
    const stopped = listener.immediateStop().then(() => done = true);
    await runtime.clock.settle();
    expect([socket.calls, done, runtime.stopCount]).toEqual([["destroy"], false, 1]);
    socket.end();
    await stopped;
    expect(listener.stats().open).toBe(0);
  });

  it("ends a graceful stop that is under way", async () => {
    const { runtime, listener } = await listen({});
    const { socket } = await runtime.connect("/");
    const graceful = listener.gracefulStop({ timeout: -1 });
    await runtime.clock.settle();
    const immediate = listener.immediateStop();
    expect(socket.calls).toEqual(["close 1001", "destroy"]);
    socket.end();
    await immediate;
    expect(await graceful).toEqual({ closed: 0, cut: 1 });
  });

  it("ends a graceful stop and the start that waits for it", async () => {
    const { runtime, listener } = await listen({});
    const { socket } = await runtime.connect("/");
    const graceful = listener.gracefulStop({ timeout: -1 });
    await runtime.clock.settle();
    const started = listener.start();
    const immediate = listener.immediateStop();
    expect(socket.calls).toEqual(["close 1001", "destroy"]);
    socket.end();
    await Promise.all([graceful, started, immediate]);
    expect([runtime.listens.length, runtime.stopCount]).toEqual([2, 2]);
  });
});

describe("S7: errors that no service took", () => {
  const boom: Service = {
    onTextMessage() {
      throw new Error("boom");
    },
  };

  it("go to the listener's onError, with the caller", async () => {
    const heard: unknown[] = [];
    const { runtime } = await listen(boom, { onError: (error, caller) => heard.push(error, caller?.remoteAddress) });
    (await runtime.connect("/")).socket.sink!.message("x");
    expect([heard, runtime.reported]).toEqual([[new Error("boom"), "192.0.2.7"], []]);
  });

  it("go to the runtime's report without one", async () => {
    const { runtime } = await listen(boom);
    (await runtime.connect("/")).socket.sink!.message("x");
    expect(runtime.reported).toEqual([new Error("boom")]);
  });

  it.each<[string, () => unknown]>([
    ["throws", () => {
      throw new Error("worse");
    }],
    ["rejects", () => Promise.reject(new Error("worse"))],
  ])("an onError that %s is reported, and nothing is unhandled", async (_how, onError) => {
    const { runtime } = await listen(boom, { onError: onError as () => void });
    (await runtime.connect("/")).socket.sink!.message("x");
    await runtime.clock.settle();
    expect(runtime.reported).toEqual([new Error("worse")]);
  });

  it("what the peer did goes to the listener's onError only: onClose tells it, too", async () => {
    const error = new CorruptedFrameError("RSV1 is set", 1002, "§5.2");
    const heard: unknown[] = [];
    const one = await listen({}, { onError: (error) => heard.push(error) });
    (await one.runtime.connect("/")).socket.end({ code: 1002, error });
    const two = await listen({});
    (await two.runtime.connect("/")).socket.end({ code: 1002, error });
    expect([heard, one.runtime.reported, two.runtime.reported]).toEqual([[error], [], []]);
  });

  it("those of the host and of get have no caller", async () => {
    const heard: unknown[] = [];
    const { runtime } = await listen(() => {
      throw new Error("in get");
    }, { onError: (...args) => heard.push(args) });
    await runtime.connect("/");
    runtime.listens[0]!.onError(new Error("in host"));
    expect(heard).toEqual([[new Error("in get")], [new Error("in host")]]);
  });
});

it("L3, L4: attach and detach are those of a router, before the start and after it", async () => {
  const { runtime, listener } = await listen({});
  const service = { get: (): Service => ({}) };
  listener.attach("/late/:x", service);
  expect(await (await runtime.connect("/late/1")).outcome()).toBe("101");
  expect(() => listener.attach("/late/:y", service)).toThrow(TypeError);
  listener.detach(service);
  expect((await runtime.connect("/late/1")).rejected!.status).toBe(404);
  expect(() => listener.detach(service)).toThrow(TypeError);
});

it("stats counts, and is a copy", async () => {
  const { runtime, listener } = await listen({ onTextMessage: (caller) => void caller.close() });
  const { socket } = await runtime.connect("/");
  await runtime.connect("/nowhere");
  socket.sink!.message(Uint8Array.of(1));
  socket.sink!.message("close");
  socket.sink!.message("late");
  const stats = listener.stats();
  expect(stats).toEqual({
    open: 1,
    opened: 1,
    buffered: 0,
    refused: { 404: 1 },
    closed: {},
    left: 0,
    unhandled: 1,
    dropped: 1,
    discarded: 0,
    unsent: 0,
  });
  (stats.refused as Record<number, number>)[404] = 9;
  expect(listener.stats().refused).toEqual({ 404: 1 });
  socket.closeByPeer(1000);
  const { closed } = listener.stats();
  expect(closed).toEqual({ 1000: 1 });
  (closed as Record<number, number>)[1000] = 9;
  expect(listener.stats().closed).toEqual({ 1000: 1 });
});
