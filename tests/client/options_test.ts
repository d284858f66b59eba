import { describe, expect, it } from "vitest";
import { AuthError } from "../../src/errors.ts";
import { checkClient, type ClientOptions } from "../../src/client/options.ts";
import { checkRequests } from "../../src/client/request_options.ts";
import { checkCompression } from "../../src/streams/compression_options.ts";

const check = (options: Record<string, unknown>) => checkClient(options as ClientOptions<unknown>);

describe("checkClient (C6)", () => {
  it("has the documented defaults", () => {
    expect(checkClient()).toEqual({
      protocols: [],
      headers: [],
      origin: undefined,
      cookies: undefined,
      maxRedirects: 0,
      signal: undefined,
      handshakeMs: 300_000,
      readMs: Infinity,
      writeMs: Infinity,
      onIdleTimeout: undefined,
      retry: undefined,
      requests: checkRequests({}),
      validation: true,
      pingPongHandler: {},
      compression: checkCompression({}),
      limits: {
        maxMessageSize: 16_777_216,
        maxFrameSize: undefined,
        maxFragments: 131_072,
        maxPendingPongs: 16,
        maxControlFramesPerSecond: 1_000,
        maxInflatedBytesPerSecond: 268_435_456,
        messageMs: 60_000,
        lingerMs: 2_000,
        lingerBytes: 1_048_576,
        streamedSize: undefined,
      },
      maxStreamedMessageSize: Infinity,
      pacing: {
        readAhead: { messages: 1_024, bytes: 1_048_576 },
        maxBufferedAmount: 16_777_216,
        maxMessagesPerSecond: Infinity,
        bufferPolicy: "wait",
        idleMs: Infinity,
        pingMs: Infinity,
        pongMs: 30_000,
        closeMs: 60_000,
        lingerMs: 2_000,
      },
    });
  });

  it("turns seconds into milliseconds, fractions too, and 0 into for ever", () => {
    const settings = check({
      handshakeTimeout: 0,
      readTimeout: 0.25,
      writeTimeout: 1,
      idleTimeout: 2.5,
      pingInterval: 3,
      pongTimeout: 0,
      messageTimeout: 4,
      closeLinger: 0,
    });
    expect(settings).toMatchObject({ handshakeMs: Infinity, readMs: 250, writeMs: 1_000 });
    expect(settings.pacing).toMatchObject({ idleMs: 2_500, pingMs: 3_000, pongMs: Infinity, lingerMs: 0 });
    expect(settings.limits).toMatchObject({ messageMs: 4_000, lingerMs: 0 });
  });

  it("takes sub-protocols as one or as a list, and copies it", () => {
    const list = ["a", "b"];
    const { protocols } = check({ subProtocols: list });
    list.push("c");
    expect([check({ subProtocols: "a" }).protocols, protocols]).toEqual([["a"], ["a", "b"]]);
  });

  it("takes headers as an object, with one value or several, or as Headers", () => {
    expect(check({ customHeaders: { "X-A": "1", Cookie: ["a=1", "b=2"] } }).headers).toEqual([
      ["X-A", "1"],
      ["Cookie", "a=1"],
      ["Cookie", "b=2"],
    ]);
    expect(check({ customHeaders: new Headers({ "X-A": "1" }) }).headers).toEqual([["x-a", "1"]]);
  });

  it("takes a function that makes headers, and holds what it makes against the same rules, at each call", async () => {
    let made: unknown = { "X-A": "1" };
    const { headers } = check({ origin: "https://a.example", customHeaders: () => made });
    const call = headers as () => Promise<unknown>;
    expect(await call()).toEqual([["X-A", "1"]]);
    made = Promise.resolve(new Headers({ "X-A": "2" }));
    expect(await call()).toEqual([["x-a", "2"]]);
    for (
      const [wrong, sentence] of [
        [undefined, "not a Headers or an object"],
        [{ Host: "x" }, '"Host" belongs to the handshake'],
        [{ Origin: "x" }, 'is set by the option "origin" too'],
        [Promise.resolve({ a: "1\r\nb: 2" }), '"a" has a value that no header can carry'],
      ] as const
    ) {
      made = wrong;
      await expect(call()).rejects.toThrow(TypeError);
      await expect(call()).rejects.toThrow(sentence);
    }
  });

  it("tells that a function of headers failed, with its error as the cause; an error of ours stays", async () => {
    const headersOf = (customHeaders: () => unknown) => check({ customHeaders }).headers as () => Promise<unknown>;
    const cause = new TypeError("fetch failed");
    const failure = headersOf(() => Promise.reject(cause))();
    await expect(failure).rejects.toMatchObject({ name: "ConnectionError", cause });
    await expect(failure).rejects.toThrow('Cannot connect: the function "customHeaders" failed');
    const own = new AuthError("no token");
    await expect(
      headersOf(() => {
        throw own;
      })(),
    ).rejects.toBe(own);
  });

  it("takes retryConfig, and refuses what is wrong in it", () => {
    expect(check({ retryConfig: { maxCount: 3 } }).retry).toMatchObject({ maxCount: 3, intervalMs: 1_000 });
    expect(() => check({ retryConfig: { maxCount: -1 } })).toThrow(RangeError);
  });

  it("takes secureSocket, where the URL asks for TLS", () => {
    expect(check({}).secureSocket).toBeUndefined();
    expect(check({ secureSocket: { cert: "ca.pem" } }).secureSocket).toMatchObject({ trust: "ca.pem", verify: true });
    expect(() => checkClient({ secureSocket: {} }, false)).toThrow("the URL does not ask for TLS");
  });

  it("takes compression off, and its options", () => {
    expect(check({ webSocketCompressionEnabled: false }).compression).toBeUndefined();
    expect(check({ webSocketCompressionEnabled: { level: 9 } }).compression).toMatchObject({
      level: 9,
      threshold: 1_024,
    });
  });

  it("refuses a name it does not know, with the nearest one", () => {
    expect(() => check({ idleTimeOut: 1 })).toThrow(
      new TypeError('Cannot use the option "idleTimeOut": there is none of that name, the nearest is "idleTimeout"'),
    );
    expect(() => check({ readAhead: { message: 1 } })).toThrow('the nearest is "messages"');
  });

  const seconds = [
    "handshakeTimeout",
    "readTimeout",
    "writeTimeout",
    "idleTimeout",
    "pingInterval",
    "pongTimeout",
    "messageTimeout",
    "closeLinger",
  ];
  it.each(seconds)("refuses a bad %s by name", (name) => {
    for (const value of [-1, NaN, Infinity, 1e9]) {
      expect(() => check({ [name]: value }), `${value}`).toThrow(RangeError);
    }
    for (const value of ["1", {}, true]) expect(() => check({ [name]: value })).toThrow(TypeError);
    expect(() => check({ [name]: -1 })).toThrow(`"${name}"`);
  });

  it.each([
    ["maxMessageSize", 1],
    ["maxFrameSize", 4],
    ["maxFragments", 1],
    ["maxPendingPongs", 1],
    ["maxControlFramesPerSecond", 1],
    ["maxBufferedAmount", 1],
    ["maxRedirects", 0],
  ])("refuses a bad %s by name", (name, least) => {
    check({ [name]: least });
    for (const value of [least - 1, -1, 1.5, NaN, Infinity]) {
      expect(() => check({ [name]: value }), `${value}`).toThrow(RangeError);
    }
    expect(() => check({ [name]: "1" })).toThrow(TypeError);
    expect(() => check({ [name]: -1 })).toThrow(`"${name}"`);
  });

  it.each<[string, unknown, string]>([
    ["subProtocols", 1, "not a string or a list"],
    ["subProtocols", ["a b"], "not a token"],
    ["subProtocols", ["a", "a"], "twice"],
    ["subProtocols", "", "not a token"],
    ["customHeaders", "x", "not a Headers or an object"],
    ["customHeaders", [["a", "b"]], "not a Headers or an object"],
    ["customHeaders", { "a b": "1" }, '"a b" is not the name of a header'],
    ["customHeaders", { Host: "x" }, '"Host" belongs to the handshake'],
    ["customHeaders", { "Sec-WebSocket-Key": "x" }, "belongs to the handshake"],
    ["customHeaders", { a: "1\r\nb: 2" }, '"a" has a value that no header can carry'],
    ["customHeaders", { a: 1 }, '"a" has a value that no header can carry'],
    ["origin", 1, "not an origin"],
    ["origin", "a\r\nb", "not an origin"],
    ["origin", "", "not an origin"],
    ["cookies", {}, "not a list of cookies"],
    ["cookies", [{ name: "a b", value: "" }], '"cookies[0].name": it is not a token'],
    ["signal", {}, "not an AbortSignal"],
    ["bufferPolicy", "keep", "not one of wait, drop, close"],
    ["readAhead", 5, "not an object"],
    ["readAhead", { messages: 0 }, "readAhead.messages"],
    ["readAhead", { bytes: 0.5 }, "readAhead.bytes"],
    ["onIdleTimeout", 1, "not a function"],
    ["pingPongHandler", () => {}, "not an object"],
    ["pingPongHandler", { onPing: 1 }, "pingPongHandler.onPing"],
  ])("refuses %s of %j", (name, value, sentence) => {
    expect(() => check({ [name]: value })).toThrow(name);
    expect(() => check({ [name]: value })).toThrow(sentence);
  });

  it("refuses what is the proxy's in the headers for the server", () => {
    const customHeaders = { "proxy-Authorization": "x" };
    expect(check({ customHeaders }).headers).toEqual([["proxy-Authorization", "x"]]);
    expect(() => check({ proxy: "http://p", customHeaders })).toThrow(
      '"proxy-Authorization" is set by the option "proxy" too',
    );
  });

  it("takes a proxy", () => {
    expect(check({ proxy: "http://p:1" }).proxy).toMatchObject({ dial: { hostname: "p", port: 1 } });
    expect([check({}).proxy, check({ proxy: "environment" }).proxy]).toEqual([undefined, "environment"]);
    expect(() => check({ proxy: 1 })).toThrow('Cannot use the option "proxy": it is not a URL');
  });

  it("refuses an origin that is told twice", () => {
    expect(() => check({ origin: "https://a.example", customHeaders: { Origin: "x" } })).toThrow(
      "is set by the option",
    );
  });

  it("refuses a Cookie header beside cookies, though there be none (C10)", () => {
    for (const cookies of [[], [{ name: "a", value: "1" }]]) {
      expect(() => check({ cookies, customHeaders: { COOKIE: "b=2" } })).toThrow(
        new TypeError('Cannot use the option "customHeaders": "COOKIE" is set by the option "cookies" too'),
      );
    }
    expect(check({ cookies: undefined, customHeaders: { Cookie: "b=2" } }).headers).toEqual([["Cookie", "b=2"]]);
  });

  it("refuses a config that is none", () => {
    expect(() => checkClient(null as unknown as undefined)).toThrow(TypeError);
  });
});
