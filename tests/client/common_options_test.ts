import { describe, expect, it } from "vitest";
import { checkCommon, CLOSE_MS } from "../../src/client/common_options.ts";
import { checkRequests } from "../../src/client/request_options.ts";

describe("checkCommon (C6)", () => {
  it("has the documented defaults", () => {
    expect(checkCommon({})).toEqual({
      signal: undefined,
      handshakeMs: 300_000,
      readMs: Infinity,
      writeMs: Infinity,
      onIdleTimeout: undefined,
      requests: checkRequests({}),
      validation: true,
    });
    expect(CLOSE_MS).toBe(60_000);
  });

  it("turns seconds into milliseconds, and 0 into for ever", () => {
    const settings = checkCommon({ handshakeTimeout: 0, readTimeout: 0.25, writeTimeout: 1 });
    expect(settings).toMatchObject({ handshakeMs: Infinity, readMs: 250, writeMs: 1_000 });
  });

  it("takes validation off", () => {
    expect(checkCommon({ validation: false }).validation).toBe(false);
  });

  it.each<[string, unknown, ErrorConstructor]>([
    ["signal", {}, TypeError],
    ["onIdleTimeout", {}, TypeError],
    ["handshakeTimeout", -1, RangeError],
    ["maxPendingRequests", 0, RangeError],
    ["readTimeout", "1", TypeError],
    ["writeTimeout", NaN, RangeError],
    ["validation", 1, TypeError],
  ])("refuses a %s of %j by its name", (name, value, kind) => {
    expect(() => checkCommon({ [name]: value })).toThrow(kind);
    expect(() => checkCommon({ [name]: value })).toThrow(`"${name}"`);
  });
});
