import { describe, expect, it } from "vitest";
import { UnsupportedError } from "../../src/errors.ts";
import { type Guest, guestOf, type GuestOptions } from "../../src/service/guest.ts";
import { Router } from "../../src/service/router.ts";
import { Deadlines } from "../../src/transport/deadlines.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import type { Limitations } from "../../src/transport/upgrade.ts";
import { FakeUpgrade } from "../support/fake_upgrade.ts";
import { ManualClock } from "../support/manual_clock.ts";

const LIMITATIONS: Limitations = {
  runtime: "narrow",
  options: new Map(),
  compression: new Map([["level", "it has one level"]]),
  handlers: new Map([["onPing", '"onPing" would never be called']]),
};

interface Invited extends Guest {
  readonly router: Router;
  readonly clock: ManualClock;
  readonly reports: unknown[];
}

function invite(options: GuestOptions = {}, limitations?: Limitations): Invited {
  const clock = new ManualClock();
  const reports: unknown[] = [];
  const router = new Router();
  const unused = (): never => {
    throw new Error("A guest has no port");
  };
  const runtime: Runtime = {
    name: "manual",
    clock,
    deadlines: new Deadlines(clock),
    fillRandom: () => {},
    host: unused,
    dial: unused,
    report: (error) => reports.push(error),
  };
  return { ...guestOf(router, runtime, options, limitations), router, clock, reports };
}

describe("a guest", () => {
  it("decides upgrades by what is attached to its router, now or later", async () => {
    const { pipeline, router } = invite();
    const [before, after] = [new FakeUpgrade("/echo"), new FakeUpgrade("/echo")];
    await pipeline.handle(before);
    router.attach("/echo", { get: () => ({}), pingInterval: 0 });
    await pipeline.handle(after);
    expect(await Promise.all([before.outcome(), after.outcome()]))
      .toEqual(["404 There is no WebSocket service at this path", "101"]);
  });

  it("H2: takes as many connections as it may, and another when one has gone", async () => {
    const { pipeline, router, clock } = invite({ maxConnections: 2, maxConnectionsPerAddress: 1 });
    router.attach("/", { get: () => ({}), pingInterval: 0 });
    const from = (remoteAddress: string): FakeUpgrade => new FakeUpgrade("/", {}, { remoteAddress });
    const upgrades = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"].map(from);
    for (const upgrade of upgrades) await pipeline.handle(upgrade);
    const statuses = (): (number | undefined)[] => upgrades.map(({ rejected }) => rejected?.status);
    expect(statuses()).toEqual([undefined, 429, undefined, 503]);
    upgrades[0]!.socket.sink!.closed({ code: 1006, reason: "", clean: false });
    await clock.settle();
    upgrades.push(from("192.0.2.1"));
    await pipeline.handle(upgrades[4]!);
    expect(statuses()).toEqual([undefined, 429, undefined, 503, undefined]);
  });

  it("U9: asks who it is, on somebody's server too", async () => {
    const ada = { subject: "ada", scopes: [], claims: {} };
    const authenticate = (credentials?: string) => credentials === "7f3a" ? ada : undefined;
    const { pipeline, router } = invite({ auth: [{ scheme: "ApiKey", authenticate }] });
    router.attach("/", { get: () => ({}), pingInterval: 0 });
    const [stranger, known] = [new FakeUpgrade("/"), new FakeUpgrade("/", { authorization: "ApiKey 7f3a" })];
    await pipeline.handle(stranger);
    await pipeline.handle(known);
    expect(await Promise.all([stranger.outcome(), known.outcome()])).toEqual(["401 Credentials are needed", "101"]);
  });

  it("tells its host of its limits, and of what it claims", () => {
    const { options, router } = invite({
      timeout: 1.5,
      server: "hawser",
      requestLimits: { maxUriLength: 10, maxHeaderSize: 20, maxEntityBodySize: 30 },
      webSocketCompressionEnabled: { threshold: 7 },
    });
    expect(options).toMatchObject({
      timeoutMs: 1_500,
      server: "hawser",
      maxUriLength: 10,
      maxHeaderSize: 20,
      maxEntityBodySize: 30,
      compression: { threshold: 7 },
    });
    expect([typeof options.target, options.fetch]).toEqual(["object", undefined]);
    expect([options.claims("/a"), options.largestMessage()]).toEqual([false, 16_777_216]);
    router.attach("/a", { get: () => ({}), maxMessageSize: 1_000 });
    expect([options.claims("/a"), options.claims("/b"), options.largestMessage()]).toEqual([true, false, 1_000]);
  });

  it("has a listener's defaults", () => {
    expect(invite().options).toMatchObject({
      timeoutMs: 120_000,
      server: undefined,
      maxUriLength: 4_096,
      maxHeaderSize: 8_192,
      maxEntityBodySize: Infinity,
      compression: { threshold: 1_024 },
    });
  });

  it("is told by its timeout", async () => {
    const { pipeline, router, clock } = invite({ timeout: 2 });
    router.attach("/", { get: () => new Promise<never>(() => {}) });
    const upgrade = new FakeUpgrade("/");
    const handled = pipeline.handle(upgrade);
    await clock.pass(1_999);
    expect(await upgrade.outcome()).toBe("undecided");
    await clock.pass(1);
    await handled;
    expect(await upgrade.outcome()).toBe("503 The upgrade took too long");
  });

  it("tells errors to onError, else to the person who runs the process", async () => {
    const failure = new Error("broken");
    const get = (): never => {
      throw failure;
    };
    const heard: unknown[] = [];
    for (const options of [{}, { onError: (error: unknown) => void heard.push(error) }]) {
      const { pipeline, router, reports, options: hosted } = invite(options);
      router.attach("/", { get });
      await pipeline.handle(new FakeUpgrade("/"));
      hosted.onError(failure);
      expect(options.onError === undefined ? reports : heard).toEqual([failure, failure]);
    }
  });
});

describe("what a guest may not be told", () => {
  it("belongs to a port, or is nothing at all", () => {
    for (const name of ["host", "fetch", "http1Settings", "nothing"]) {
      expect(() => invite({ [name]: {} } as GuestOptions)).toThrow(`"${name}"`);
    }
    expect(() => invite({ timeout: -2 })).toThrow(RangeError);
  });

  it("is what its host cannot keep", () => {
    const level = (): Invited => invite({ webSocketCompressionEnabled: { level: 9 } }, LIMITATIONS);
    expect(level).toThrow(UnsupportedError);
    expect(level).toThrow('"level"');
    invite({ webSocketCompressionEnabled: { level: 9 } });
    invite({ webSocketCompressionEnabled: { threshold: 9 } }, LIMITATIONS);
  });

  it("is a handler that its host never calls", async () => {
    const { pipeline, router, reports } = invite({}, LIMITATIONS);
    router.attach("/", { get: () => ({ onPing: () => {} }) });
    const upgrade = new FakeUpgrade("/");
    await pipeline.handle(upgrade);
    expect([(await upgrade.outcome()).slice(0, 3), reports]).toEqual(["500", [expect.any(UnsupportedError)]]);
  });
});
