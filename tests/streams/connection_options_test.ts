import { describe, expect, it } from "vitest";
import { checkConnection, CONNECTION_NAMES } from "../../src/streams/connection_options.ts";
import { DEFAULT_LIMITS } from "../../src/transport/upgrade.ts";

const check = (given: Readonly<Record<string, unknown>>) => checkConnection(given, 30, 60_000);

describe("the options of every connection", () => {
  it("have the defaults of the limits", () => {
    expect(check({}).limits).toEqual(DEFAULT_LIMITS);
  });

  it("have the defaults of pacing, two of them the caller's", () => {
    expect(checkConnection({}, 0, 1_234).pacing).toEqual({
      readAhead: { messages: 1_024, bytes: 1_048_576 },
      maxBufferedAmount: 16_777_216,
      maxMessagesPerSecond: Infinity,
      bufferPolicy: "wait",
      idleMs: Infinity,
      pingMs: Infinity,
      pongMs: 30_000,
      closeMs: 1_234,
      lingerMs: 2_000,
    });
    expect(check({}).pacing.pingMs).toBe(30_000);
  });

  it.each(CONNECTION_NAMES)("%s is looked at", (name) => {
    const value = name === "readAhead" ? { messages: 7 } : name === "bufferPolicy" ? "drop" : 7;
    expect(check({ [name]: value })).not.toEqual(check({}));
    expect(() => check({ [name]: "no" })).toThrow(TypeError);
  });

  it.each([["maxFrameSize", 4], ["maxMessageSize", 1], ["maxControlFramesPerSecond", 1], ["pongTimeout", 0]])(
    "%s is at least %d",
    (name, least) => {
      expect(() => check({ [name]: least })).not.toThrow();
      expect(() => check({ [name]: least - 1 })).toThrow(RangeError);
    },
  );

  it("readAhead has two members, both checked by name", () => {
    expect(() => check({ readAhead: { mesages: 1 } })).toThrow(/"readAhead\.mesages".*"messages"/);
    expect(() => check({ readAhead: { bytes: 0 } })).toThrow(/readAhead\.bytes/);
  });
});
