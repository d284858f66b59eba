import { describe, expect, it } from "vitest";
import { checkCode, checkPage, checkPageWrite, isPageCode } from "../../../src/adapters/browser/page_options.ts";
import type { ClientOptions } from "../../../src/client/options.ts";
import { checkRequests } from "../../../src/client/request_options.ts";
import { UnsupportedError } from "../../../src/errors.ts";

const check = (options: Record<string, unknown>) => checkPage(options as ClientOptions<unknown>);

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("checkPage (C13)", () => {
  it("has the defaults that a client has everywhere", () => {
    expect(checkPage()).toEqual({
      protocols: [],
      signal: undefined,
      handshakeMs: 300_000,
      readMs: Infinity,
      writeMs: Infinity,
      onIdleTimeout: undefined,
      retry: undefined,
      requests: checkRequests({}),
      validation: true,
      maxMessageSize: 16_777_216,
      pacing: {
        readAhead: { messages: 1_024, bytes: 1_048_576 },
        maxBufferedAmount: 16_777_216,
        maxMessagesPerSecond: Infinity,
        bufferPolicy: "wait",
        idleMs: Infinity,
        closeMs: 60_000,
        lingerMs: 2_000,
      },
    });
  });

  it("takes what a page can have", () => {
    const { signal } = new AbortController();
    const onIdleTimeout = (): void => {};
    const requests = {
      dispatcherStreamId: "id",
      dispatcherKey: "type",
      dispatcherComplete: "complete",
      dispatcherCancel: "cancel",
      dispatcherError: "error",
      requestTimeout: 9,
      maxPendingRequests: 10,
    };
    const settings = check({
      subProtocols: "chat",
      signal,
      handshakeTimeout: 1.5,
      readTimeout: 2,
      writeTimeout: 3,
      idleTimeout: 4,
      onIdleTimeout,
      maxMessageSize: 5,
      readAhead: { messages: 6, bytes: 7 },
      maxBufferedAmount: 8,
      maxMessagesPerSecond: 9,
      bufferPolicy: "drop",
      closeLinger: 0.5,
      retryConfig: { maxCount: 9 },
      ...requests,
      validation: false,
    });
    expect(settings).toEqual({
      protocols: ["chat"],
      signal,
      handshakeMs: 1_500,
      readMs: 2_000,
      writeMs: 3_000,
      onIdleTimeout,
      retry: expect.objectContaining({ maxCount: 9 }),
      requests: checkRequests(requests),
      validation: false,
      maxMessageSize: 5,
      pacing: {
        readAhead: { messages: 6, bytes: 7 },
        maxBufferedAmount: 8,
        maxMessagesPerSecond: 9,
        bufferPolicy: "drop",
        idleMs: 4_000,
        closeMs: 60_000,
        lingerMs: 500,
      },
    });
  });

  it.each<[string, unknown, string]>([
    ["customHeaders", {}, "cannot add headers"],
    ["origin", "https://example.com", "the browser says by itself"],
    ["cookies", [], "the browser sends its own cookies"],
    ["maxRedirects", 0, "the browser decides by itself"],
    ["pingPongHandler", {}, "no pings"],
    ["pingInterval", 0, "no pings"],
    ["pongTimeout", 30, "no pings"],
    ["maxPendingPongs", 16, "no pings"],
    ["maxControlFramesPerSecond", 1_000, "no pings"],
    ["maxFrameSize", 4, "no frames"],
    ["maxFragments", 1, "no frames"],
    ["messageTimeout", 60, "no frames"],
    ["maxInflatedBytesPerSecond", 1, "the browser decides by itself"],
    ["webSocketCompressionEnabled", false, "the browser decides by itself"],
    ["proxy", "http://p", "the browser decides by itself"],
    ["secureSocket", { enable: false }, "the browser decides by itself"],
    ["auth", { token: "x" }, "a page cannot add headers"],
  ])("refuses %s, which a page cannot have, whatever its value", (name, value, why) => {
    const error = errorOf(() => check({ [name]: value }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ code: "ERR_UNSUPPORTED", feature: name, runtime: "browser" });
    expect(String(error)).toContain(`the option "${name}": `);
    expect(String(error)).toContain(why);
    expect(() => check({ [name]: undefined })).not.toThrow();
  });

  it("refuses a name that is none, and tells the nearest", () => {
    expect(() => check({ readTimeOut: 1 })).toThrow('the nearest is "readTimeout"');
    expect(() => check({ readAhead: { message: 1 } })).toThrow('the nearest is "messages"');
    expect(() => checkPage([] as unknown as undefined)).toThrow("they are a list");
    expect(() => checkPage(null as unknown as undefined)).toThrow("they are null");
  });

  it.each<[string, unknown, ErrorConstructor]>([
    ["signal", {}, TypeError],
    ["onIdleTimeout", 1, TypeError],
    ["handshakeTimeout", -1, RangeError],
    ["readTimeout", "1", TypeError],
    ["writeTimeout", Infinity, RangeError],
    ["idleTimeout", NaN, RangeError],
    ["maxMessageSize", 0, RangeError],
    ["readAhead", 1, TypeError],
    ["maxBufferedAmount", 0.5, RangeError],
    ["bufferPolicy", "never", TypeError],
    ["closeLinger", null, TypeError],
  ])("refuses a %s of %j by its name", (name, value, kind) => {
    const error = errorOf(() => check({ [name]: value === null ? "2" : value }));
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain(`"${name}"`);
  });

  it("takes sub-protocols as one or as a list, and copies it", () => {
    const list = ["v1.chat", "a!#$%&'*+-^_`|~9"];
    const { protocols } = check({ subProtocols: list });
    list.push("c");
    expect(protocols).toEqual(["v1.chat", "a!#$%&'*+-^_`|~9"]);
    expect(check({ subProtocols: [] }).protocols).toEqual([]);
  });

  it.each<unknown>(["", "a b", "a,b", "a/b", "é", ["a", "a"], ["a", 1], [undefined], {}, 1, null])(
    "refuses %j as sub-protocols",
    (subProtocols) => {
      expect(() => check({ subProtocols })).toThrow(TypeError);
      expect(() => check({ subProtocols })).toThrow('"subProtocols"');
    },
  );
});

describe("checkPageWrite (C13)", () => {
  it("lets a message go that says nothing of compression", () => {
    expect([undefined, {}, { compress: undefined }].map((options) => checkPageWrite(options as object))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("refuses to say what is compressed", () => {
    for (const compress of [true, false]) {
      const error = errorOf(() => checkPageWrite({ compress }));
      expect(error).toBeInstanceOf(UnsupportedError);
      expect(error).toMatchObject({ feature: "compress", runtime: "browser" });
    }
  });

  it("refuses a name that is none, and what holds none", () => {
    expect(() => checkPageWrite({ compres: true } as object)).toThrow('the option "compres"');
    expect(() => checkPageWrite([] as object)).toThrow(TypeError);
  });
});

it("a page may close with 1000 and 3000 to 4999, and any other code is refused by its number", () => {
  for (const code of [1000, 3000, 4999]) {
    expect(isPageCode(code)).toBe(true);
    expect(() => checkCode(code)).not.toThrow();
  }
  for (const code of [1001, 1003, 1007, 1011, 1014, 2999]) {
    expect(isPageCode(code)).toBe(false);
    const error = errorOf(() => checkCode(code));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error).toMatchObject({ feature: "close code", runtime: "browser" });
    expect(String(error)).toContain(`code ${code}`);
  }
});
