import { describe, expect, it } from "vitest";
import { allowAnyOrigin } from "../../src/handshake/origin.ts";
import {
  checkListener,
  checkService,
  checkTarget,
  type ListenerConfiguration,
  type ListenerSettings,
} from "../../src/service/options.ts";
import { checkCompression } from "../../src/streams/compression_options.ts";

const listener = (config: object): ListenerSettings => checkListener(0, config as ListenerConfiguration);
const service = (options: object): unknown => checkService(options);

describe("L2: the listener's options", () => {
  it("have defaults", () => {
    expect(checkListener(9090)).toEqual({
      hostname: "0.0.0.0",
      native: false,
      timeoutMs: 120_000,
      server: undefined,
      maxUriLength: 4096,
      maxHeaderSize: 8192,
      maxEntityBodySize: Infinity,
      compression: checkCompression({}),
      trusts: undefined,
      places: { maxConnections: 0, maxConnectionsPerAddress: 0 },
      maxTotalBuffered: 536_870_912,
      auth: undefined,
      fetch: undefined,
      onError: undefined,
    });
  });

  it("are taken over, seconds as milliseconds", () => {
    const fetch = (): Response => new Response();
    const onError = (): void => {};
    const requestLimits = { maxUriLength: 1, maxHeaderSize: 2, maxEntityBodySize: 0 };
    const http1Settings = { keepAlive: "AUTO" } as const;
    const places = { maxConnections: 7, maxConnectionsPerAddress: 8 };
    const config = {
      host: "::1",
      timeout: 0.5,
      server: "x/1",
      requestLimits,
      http1Settings,
      ...places,
      maxTotalBuffered: 1,
      fetch,
      onError,
    };
    expect(checkListener(0, config)).toEqual({
      hostname: "::1",
      native: false,
      timeoutMs: 500,
      server: "x/1",
      maxUriLength: 1,
      maxHeaderSize: 2,
      maxEntityBodySize: 0,
      compression: checkCompression({}),
      trusts: undefined,
      places,
      maxTotalBuffered: 1,
      auth: undefined,
      fetch,
      onError,
    });
    expect(listener({ timeout: 0 })).toMatchObject({ timeoutMs: Infinity });
    expect(listener({ requestLimits: { maxEntityBodySize: -1 } })).toMatchObject({ maxEntityBodySize: Infinity });
    expect(listener({ webSocketCompressionEnabled: false }).compression).toBeUndefined();
    expect(listener({ trustedProxies: ["::1"] }).trusts?.("::1")).toBe(true);
  });

  it.each([-1, 65_536, 1.5, NaN, Infinity])("port %d is refused", (port) => {
    expect(() => checkTarget(port)).toThrow(
      new RangeError(`Cannot listen on port ${port}: it is not an integer from 0 to 65535`),
    );
  });

  it.each([undefined, null, "9090", true, { port: 9090 }, []])("a target %j is refused", (target) => {
    expect(() => checkTarget(target)).toThrow(/neither a port nor a server/);
  });

  it.each<[object, string]>([
    [{ host: 7 }, "host"],
    [{ host: "" }, "host"],
    [{ timeout: -1 }, "timeout"],
    [{ timeout: NaN }, "timeout"],
    [{ timeout: Infinity }, "timeout"],
    [{ timeout: 2_147_484 }, "timeout"],
    [{ timeout: "5" }, "timeout"],
    [{ server: "a\r\nb: c" }, "server"],
    [{ server: 1 }, "server"],
    [{ requestLimits: 5 }, "requestLimits"],
    [{ requestLimits: { maxUriLength: 0 } }, "requestLimits.maxUriLength"],
    [{ requestLimits: { maxHeaderSize: 1.5 } }, "requestLimits.maxHeaderSize"],
    [{ requestLimits: { maxEntityBodySize: -2 } }, "requestLimits.maxEntityBodySize"],
    [{ requestLimits: { maxUriLenght: 5 } }, "requestLimits.maxUriLenght"],
    [{ http1Settings: { keepAlive: "NEVER" } }, "http1Settings.keepAlive"],
    [{ http1Settings: { maxPipelinedRequests: 10 } }, "http1Settings.maxPipelinedRequests"],
    [{ webSocketCompressionEnabled: 1 }, "webSocketCompressionEnabled"],
    [{ webSocketCompressionEnabled: { level: 10 } }, "webSocketCompressionEnabled.level"],
    [{ fetch: "x" }, "fetch"],
    [{ onError: {} }, "onError"],
    [{ secureSocket: true }, "secureSocket"],
    [{ secureSocket: {} }, "secureSocket.key"],
    [{ certValidation: {} }, "certValidation"],
    [{ trustedProxies: "::1" }, "trustedProxies"],
    [{ trustedProxies: ["::1", "x"] }, "trustedProxies"],
    [{ auth: [] }, "auth"],
  ])("%j is refused, and named", (config, name) => {
    const refused = (): unknown => listener(config);
    expect(refused).toThrow(`Cannot use the option "${name}": `);
    try {
      refused();
    } catch (error) {
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    }
  });

  it("an unknown name is a TypeError that knows the nearest", () => {
    expect(() => listener({ timeuot: 5 })).toThrow(
      new TypeError('Cannot use the option "timeuot": there is none of that name, the nearest is "timeout"'),
    );
    expect(() => listener({ zzzzzzzzzzzz: 5 })).toThrow(
      new TypeError('Cannot use the option "zzzzzzzzzzzz": there is none of that name'),
    );
  });

  it("L1: what belongs to a server is refused beside one", () => {
    for (
      const config of [{ host: "::" }, { fetch: () => new Response() }, { http1Settings: {} }, { secureSocket: {} }]
    ) {
      expect(() => checkListener({}, config as ListenerConfiguration)).toThrow(TypeError);
    }
    expect(checkListener({}, { timeout: 1 })).toMatchObject({ timeoutMs: 1_000 });
  });
});

describe("U4 to U8: the upgrade service's options", () => {
  it("have defaults", () => {
    expect(service({})).toMatchObject({
      subProtocols: undefined,
      limits: {
        maxMessageSize: 16_777_216,
        maxFrameSize: undefined,
        maxFragments: 131_072,
        maxPendingPongs: 16,
        maxControlFramesPerSecond: 1_000,
        messageMs: 60_000,
        lingerMs: 2_000,
      },
      pacing: {
        readAhead: { messages: 1_024, bytes: 1_048_576 },
        maxBufferedAmount: 16_777_216,
        maxMessagesPerSecond: Infinity,
        bufferPolicy: "wait",
        idleMs: Infinity,
        pingMs: 30_000,
        pongMs: 30_000,
        closeMs: 60_000,
        lingerMs: 2_000,
      },
    });
  });

  it("are taken over, seconds as milliseconds", () => {
    const given = {
      subProtocols: ["a", "b"],
      maxMessageSize: 1,
      maxFrameSize: 4,
      maxFragments: 2,
      maxPendingPongs: 3,
      messageTimeout: 0.25,
      closeLinger: 0,
      readAhead: { messages: 5 },
      maxBufferedAmount: 6,
      bufferPolicy: "drop",
      idleTimeout: 1.5,
      pingInterval: 0,
      pongTimeout: 0,
      connectionClosureTimeout: -1,
    };
    expect(service(given)).toMatchObject({
      subProtocols: ["a", "b"],
      limits: { maxMessageSize: 1, maxFrameSize: 4, maxFragments: 2, maxPendingPongs: 3, messageMs: 250, lingerMs: 0 },
      pacing: {
        readAhead: { messages: 5, bytes: 1_048_576 },
        maxBufferedAmount: 6,
        bufferPolicy: "drop",
        idleMs: 1_500,
        pingMs: Infinity,
        pongMs: Infinity,
        closeMs: Infinity,
        lingerMs: 0,
      },
    });
    expect(service({ connectionClosureTimeout: 0 })).toMatchObject({ pacing: { closeMs: 0 } });
    expect(service({ connectionClosureTimeout: 0.5 })).toMatchObject({ pacing: { closeMs: 500 } });
    expect(service({ messageTimeout: 0 })).toMatchObject({ limits: { messageMs: Infinity } });
  });

  it("U8: compile the origins once", () => {
    const { allowsOrigin } = checkService({ origins: ["https://a.test"] });
    expect([allowsOrigin("https://a.test", "x"), allowsOrigin("https://x", "x")]).toEqual([true, false]);
    expect(checkService({}).allowsOrigin("https://x", "x")).toBe(true);
    expect(checkService({ origins: allowAnyOrigin }).allowsOrigin("null", "x")).toBe(true);
  });

  it.each<[object, string]>([
    [{ idleTimeout: -1 }, "idleTimeout"],
    [{ idleTimeout: "1" }, "idleTimeout"],
    [{ idleTimeout: 1e10 }, "idleTimeout"],
    [{ pingInterval: -0.1 }, "pingInterval"],
    [{ pongTimeout: NaN }, "pongTimeout"],
    [{ messageTimeout: -1 }, "messageTimeout"],
    [{ closeLinger: -1 }, "closeLinger"],
    [{ connectionClosureTimeout: -2 }, "connectionClosureTimeout"],
    [{ connectionClosureTimeout: "60" }, "connectionClosureTimeout"],
    [{ connectionClosureTimeout: 1e17 }, "connectionClosureTimeout"],
    [{ maxMessageSize: 0 }, "maxMessageSize"],
    [{ maxMessageSize: 1.5 }, "maxMessageSize"],
    [{ maxMessageSize: Infinity }, "maxMessageSize"],
    [{ maxFrameSize: 3 }, "maxFrameSize"],
    [{ maxFragments: 0 }, "maxFragments"],
    [{ maxPendingPongs: 0 }, "maxPendingPongs"],
    [{ maxControlFramesPerSecond: 0 }, "maxControlFramesPerSecond"],
    [{ maxBufferedAmount: 0 }, "maxBufferedAmount"],
    [{ bufferPolicy: "lose" }, "bufferPolicy"],
    [{ readAhead: 5 }, "readAhead"],
    [{ readAhead: { messages: 0 } }, "readAhead.messages"],
    [{ readAhead: { bytes: -1 } }, "readAhead.bytes"],
    [{ readAhead: { bits: 1 } }, "readAhead.bits"],
    [{ subProtocols: "chat" }, "subProtocols"],
    [{ subProtocols: ["a b"] }, "subProtocols"],
    [{ subProtocols: ["a", "a"] }, "subProtocols"],
    [{ origins: "https://a.test" }, "origins"],
    [{ allowAnyOrigin: true }, "allowAnyOrigin"],
    [{ auth: [] }, "auth"],
    [{ validation: 1 }, "validation"],
    [{ params: {} }, "params"],
    [{ query: {} }, "query"],
    [{ headers: {} }, "headers"],
    [{ dispatcherStreamId: "id" }, "dispatcherStreamId"],
    [{ auth: true }, "auth"],
    [{ auth: [{ scheme: "Basic" }] }, "auth[0]"],
    [{ auth: [{ scheme: "a b", authenticate() {} }] }, "auth[0].scheme"],
    [{ tokenFrom: "cookie" }, "tokenFrom"],
    [{ tokenFrom: { header: "x" } }, "tokenFrom.header"],
    [{ closeOnExpiry: 1 }, "closeOnExpiry"],
    [{ webSocketCompressionEnabled: true }, "webSocketCompressionEnabled"],
    [{ maxInflatedBytesPerSecond: 0 }, "maxInflatedBytesPerSecond"],
    [{ subprotocols: [] }, "subprotocols"],
  ])("%j is refused, and named", (options, name) => {
    expect(() => service(options)).toThrow(`Cannot use the option "${name}": `);
  });

  it("an unknown name is a TypeError that knows the nearest", () => {
    expect(() => service({ idleTimout: 5 })).toThrow(/the nearest is "idleTimeout"$/);
    expect(() => service({ subprotocols: [] })).toThrow(/the nearest is "subProtocols"$/);
  });

  it("undefined is the same as absent", () => {
    expect(service({ idleTimeout: undefined, auth: undefined })).toMatchObject({ pacing: { idleMs: Infinity } });
  });

  it("a class may have fields of its own; what is refused is refused there, too", () => {
    class Upgrade {
      database = "mine";
      idleTimeout = 2;
      get(): object {
        return {};
      }
    }
    expect(checkService(new Upgrade())).toMatchObject({ pacing: { idleMs: 2_000 } });
    class Inherits extends Upgrade {
      get allowAnyOrigin(): boolean {
        return true;
      }
    }
    expect(() => checkService(new Inherits())).toThrow(/"allowAnyOrigin"/);
  });
});
