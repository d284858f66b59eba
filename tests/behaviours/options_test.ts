/**
 * The rows L2, L6, U5 to U7 and C6 of the acceptance table, where they say that nothing which is given is ignored: each
 * option with each kind of bad value, refused at once, by its name, in a sentence.
 */

import { describe, expect, it } from "vitest";
import {
  Client,
  type ClientConfiguration,
  Listener,
  type ListenerConfiguration,
  type StopOptions,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { ECHO, failure, onSockets } from "../support/on_sockets.ts";

const { listen } = onSockets();

/** Asserts that `use` is refused with a sentence that names the option. */
async function expectRefusal(use: () => unknown, name: string, kind: "TypeError" | "RangeError"): Promise<void> {
  const error = await failure(use) as Error;
  expect([error.name, error.message]).toEqual([kind, expect.stringMatching(/^Cannot use the option "/)]);
  const [, named, reason] = /^Cannot use the option "([^"]+)": (.+[^.])$/s.exec(error.message) ?? [];
  expect(named).toBe(name);
  expect(reason!.length).toBeGreaterThan(5);
}

/** What no number of seconds is, what no count is, and what else is wrong: as "TypeError", or as "RangeError". */
const SECONDS: readonly [unknown, "TypeError" | "RangeError"][] = [
  ["1", "TypeError"],
  [true, "TypeError"],
  [1n, "TypeError"],
  [{}, "TypeError"],
  [-0.1, "RangeError"],
  [NaN, "RangeError"],
  [Infinity, "RangeError"],
  [2_147_484, "RangeError"],
];
const COUNT: readonly [unknown, "TypeError" | "RangeError"][] = [
  ["1", "TypeError"],
  [1n, "TypeError"],
  [{}, "TypeError"],
  [-1, "RangeError"],
  [1.5, "RangeError"],
  [NaN, "RangeError"],
  [Infinity, "RangeError"],
  [2 ** 53, "RangeError"],
];
const of = (
  name: string,
  values: readonly [unknown, "TypeError" | "RangeError"][],
  within?: string,
): Row[] =>
  values.map(([value, kind]) => [within === undefined ? name : `${within}.${name}`, {
    [within ?? name]: within === undefined ? value : { [name]: value },
  }, kind]);
const type = (name: string, ...values: unknown[]): Row[] =>
  values.map((value) => [name, { [name.split(".")[0]!]: value }, "TypeError"]);

type Row = [name: string, options: Record<string, unknown>, kind: "TypeError" | "RangeError"];

/** What a client and a service have in common. */
const OF_CONNECTIONS: readonly Row[] = [
  ...["idleTimeout", "pingInterval", "pongTimeout", "messageTimeout", "closeLinger"].flatMap((name) =>
    of(name, SECONDS)
  ),
  ...["maxMessageSize", "maxBufferedAmount", "maxFragments", "maxPendingPongs", "maxControlFramesPerSecond"]
    .flatMap((name) => of(name, [...COUNT, [0, "RangeError"]])),
  ...of("maxInflatedBytesPerSecond", [...COUNT, [0, "RangeError"]]),
  ...of("maxMessagesPerSecond", COUNT),
  ...of("maxFrameSize", [...COUNT, [0, "RangeError"], [3, "RangeError"]]),
  ...type("readAhead", 1, "many", [], () => {}),
  ...of("messages", [...COUNT, [0, "RangeError"]], "readAhead"),
  ...of("bytes", [...COUNT, [0, "RangeError"]], "readAhead"),
  ["readAhead.message", { readAhead: { message: 1 } }, "TypeError"],
  ...type("bufferPolicy", "lose", 1, {}),
  ["idelTimeout", { idelTimeout: 1 }, "TypeError"],
];

describe("a listener", () => {
  it.each<Row>([
    ...type("host", "", 7, {}, { native: "" }, { native: 1 }, []),
    ["host.hostname", { host: { native: "127.0.0.1", hostname: "x" } }, "TypeError"],
    ...of("timeout", SECONDS),
    ...type("server", 1, "a\r\nb", "a\0b", []),
    ...type("webSocketCompressionEnabled", 1, "yes", []),
    ...of("threshold", COUNT, "webSocketCompressionEnabled"),
    ...of("level", [...COUNT, [10, "RangeError"]], "webSocketCompressionEnabled"),
    ...of("serverMaxWindowBits", [...COUNT, [8, "RangeError"], [16, "RangeError"]], "webSocketCompressionEnabled"),
    ...of("clientMaxWindowBits", [...COUNT, [8, "RangeError"], [16, "RangeError"]], "webSocketCompressionEnabled"),
    ...type("webSocketCompressionEnabled.serverNoContextTakeover", { serverNoContextTakeover: 1 }),
    ...type("webSocketCompressionEnabled.clientNoContextTakeover", { clientNoContextTakeover: "no" }),
    ...of("maxTotalWindows", COUNT, "webSocketCompressionEnabled"),
    ["webSocketCompressionEnabled.levle", { webSocketCompressionEnabled: { levle: 1 } }, "TypeError"],
    ...type("requestLimits", 1, "small", []),
    ...of("maxUriLength", [...COUNT, [0, "RangeError"]], "requestLimits"),
    ...of("maxHeaderSize", [...COUNT, [0, "RangeError"]], "requestLimits"),
    ...of("maxEntityBodySize", [...COUNT.filter(([value]) => value !== -1), [-2, "RangeError"]], "requestLimits"),
    ["requestLimits.maxUrlLength", { requestLimits: { maxUrlLength: 1 } }, "TypeError"],
    ...type("http1Settings", 1, "AUTO", []),
    ...type("http1Settings.keepAlive", { keepAlive: "ALWAYS" }, { keepAlive: "NEVER" }, { keepAlive: true }),
    ["http1Settings.maxPipelinedRequests", { http1Settings: { maxPipelinedRequests: 10 } }, "TypeError"],
    ...type("fetch", "page", {}, new Response()),
    ...type("onError", {}, "log"),
    ...type("trustedProxies", "127.0.0.1", [7], ["127.0.0.1/33"], ["localhost"], ["::1/129"], {}),
    ...of("maxConnections", COUNT),
    ...of("maxConnectionsPerAddress", COUNT),
    ...of("maxTotalBuffered", [...COUNT, [0, "RangeError"]]),
    // What the original has and this does not do.
    ...type("certValidation", {}),
    ...type("maxPipelinedRequests", 10),
    ...type("secureSocket", true, null, []),
    ["secureSocket.key", { secureSocket: {} }, "TypeError"],
    ...type("auth", []),
    ["tiemout", { tiemout: 1 }, "TypeError"],
    // Options of a service.
    ["idleTimeout", { idleTimeout: 1 }, "TypeError"],
    ["subProtocols", { subProtocols: ["a"] }, "TypeError"],
  ])("L2: refuses %s: %o", async (name, options, kind) => {
    await expectRefusal(() => new Listener(0, options as ListenerConfiguration), name, kind);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["certValidation", { certValidation: {} }, "OCSP"],
    ["maxPipelinedRequests", { maxPipelinedRequests: 10 }, "the runtime's affair"],
    ["http1Settings.maxPipelinedRequests", { http1Settings: { maxPipelinedRequests: 10 } }, "the runtime's affair"],
    ["http1Settings.keepAlive", { http1Settings: { keepAlive: "NEVER" } }, '"NEVER" is not "AUTO"'],
  ])("L2: %s is known, and refused with the reason", (name, options, reason) => {
    const use = (): unknown => new Listener(0, options as ListenerConfiguration);
    expect(use).toThrow(`Cannot use the option "${name}": `);
    expect(use).toThrow(reason);
  });

  it("L2: a name that is nearly right is answered with the right one", () => {
    expect(() => new Listener(0, { tiemout: 1 } as ListenerConfiguration)).toThrow(
      'Cannot use the option "tiemout": there is none of that name, the nearest is "timeout"',
    );
  });

  it.each([null, "0.0.0.0", 7, ["127.0.0.1"]])("L2: refuses options that are none: %j", (options) => {
    expect(() => new Listener(0, options as unknown as ListenerConfiguration)).toThrow(TypeError);
  });

  it.each(["9090", null, undefined, true, 1n, { port: 9090 }])(
    "L2: refuses to listen on what is neither port nor server: %s",
    (port) => {
      expect(() => new Listener(port as unknown as number)).toThrow(
        new TypeError("Cannot listen: the first argument is neither a port nor a server"),
      );
    },
  );

  it.each<[StopOptions, "TypeError" | "RangeError", string]>([
    [{ timeout: "1" as unknown as number }, "TypeError", "timeout"],
    [{ timeout: -0.5 }, "RangeError", "timeout"],
    [{ timeout: NaN }, "RangeError", "timeout"],
    [{ timeuot: 1 } as StopOptions, "TypeError", "timeuot"],
  ])("L6: gracefulStop refuses %o at once", async (options, kind, name) => {
    const listener = await listen();
    await expectRefusal(() => listener.gracefulStop(options), name, kind);
    // It has not begun to stop.
    expect(listener.port).toBeGreaterThan(0);
  });
});

describe("an upgrade service", () => {
  it.each<Row>([
    ...OF_CONNECTIONS,
    ...of("connectionClosureTimeout", [...SECONDS, [-2, "RangeError"], [-1.5, "RangeError"]]),
    ...type("subProtocols", "a", 1, {}, ["a b"], ["a", "a"], [""], [7]),
    ...type("allowAnyOrigin", true),
    ...type("auth", []),
    ...type("webSocketCompressionEnabled", false),
  ])("U7: refuses %s in attach: %o", async (name, options, kind) => {
    const listener = new Listener(0);
    await expectRefusal(() => listener.attach("/", { ...options, get: () => ECHO }), name, kind);
  });

  it.each<unknown>(["https://a.test", 1, {}, [7], ["a.test"], ["https://a.test/path"]])(
    "U8: refuses origins in attach: %j",
    (origins) => {
      const options = { origins } as UpgradeServiceOptions;
      expect(() => new Listener(0).attach("/", { ...options, get: () => ECHO })).toThrow(TypeError);
    },
  );
});

describe("a client", () => {
  it.each<Row>([
    ...OF_CONNECTIONS,
    ...["handshakeTimeout", "readTimeout", "writeTimeout"].flatMap((name) => of(name, SECONDS)),
    ...type("subProtocols", 1, {}, ["a b"], ["a", "a"], [""], "a, b"),
    ...type("customHeaders", 1, "a: b", ["a: b"], { "a b": "c" }, { a: "b\r\nc: d" }, { a: 1 }, { a: ["b", 1] }),
    ...type("customHeaders", { Upgrade: "x" }, { "sec-websocket-key": "x" }, { Host: "x" }, { connection: "close" }),
    ...type("origin", "a b", 1, ""),
    ["customHeaders", { origin: "https://a.test", customHeaders: { Origin: "https://b.test" } }, "TypeError"],
    ...type("signal", {}, 1, new AbortController()),
    ...type("onIdleTimeout", 1, {}),
    ...type("pingPongHandler", 1, "pong", () => {}),
    ...type("pingPongHandler.onPing", { onPing: 1 }),
    ...type("pingPongHandler.onPong", { onPong: "x" }),
    ...type("webSocketCompressionEnabled", 1, "yes", []),
    ...of("level", [[10, "RangeError"]], "webSocketCompressionEnabled"),
    ...type("secureSocket", true, {}),
    ...type("auth", {}),
    ...type("proxy", "socks5://p", 1, {}),
    ...type("cookies", "a=1", { getCookieString: 1 }),
    ["cookies[0].value", { cookies: [{ name: "a" }] }, "TypeError"],
    ["cookies[0].name", { cookies: [{ name: "a b", value: "" }] }, "TypeError"],
    ...of("maxRedirects", [[-1, "RangeError"], [0.5, "RangeError"], ["1", "TypeError"]]),
    ...type("retryConfig", true),
    ["retryConfig.retryOn", { retryConfig: { retryOn: 1 } }, "TypeError"],
    ["retryConfig.interval", { retryConfig: { interval: -1 } }, "RangeError"],
    ...type("validation", 1, "yes"),
    ...type("dispatcherStreamId", "", 1),
    ...of("requestTimeout", SECONDS),
    ...of("maxPendingRequests", [[0, "RangeError"], [1.5, "RangeError"], ["1", "TypeError"]]),
    // The original's way to write it, and an option of a service.
    ["handShakeTimeout", { handShakeTimeout: 1 }, "TypeError"],
    ["connectionClosureTimeout", { connectionClosureTimeout: 1 }, "TypeError"],
  ])("C6: refuses %s: %o", async (name, options, kind) => {
    await expectRefusal(() => new Client("ws://127.0.0.1:1/", options as ClientConfiguration), name, kind);
  });

  it.each([null, "chat", 7, ["chat"]])("C6: refuses options that are none: %j", (options) => {
    expect(() => new Client("ws://127.0.0.1:1/", options as unknown as ClientConfiguration)).toThrow(TypeError);
  });
});
