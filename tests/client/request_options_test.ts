import { describe, expect, it } from "vitest";
import { checkRequest, checkRequests, type RequestOptions } from "../../src/client/request_options.ts";

describe("checkRequests (D5)", () => {
  it("has the documented defaults", () => {
    expect(checkRequests({})).toEqual({
      idField: undefined,
      keyField: undefined,
      complete: undefined,
      cancel: undefined,
      error: undefined,
      replyMs: 30_000,
      maxPending: 1_024,
    });
  });

  it("takes the fields and the words; 0 seconds is for ever", () => {
    expect(checkRequests({
      dispatcherStreamId: "id",
      dispatcherKey: "type",
      dispatcherComplete: "done",
      dispatcherCancel: "done",
      dispatcherError: "no",
      requestTimeout: 0,
      maxPendingRequests: 1,
    })).toEqual({
      idField: "id",
      keyField: "type",
      complete: "done",
      cancel: "done",
      error: "no",
      replyMs: Infinity,
      maxPending: 1,
    });
  });

  it.each<[string, object, string]>([
    ["dispatcherStreamId", { dispatcherStreamId: 1 }, "it is not a string with a character"],
    ["dispatcherStreamId", { dispatcherStreamId: "" }, "it is not a string with a character"],
    ["dispatcherKey", { dispatcherKey: null }, "it is not a string with a character"],
    ["dispatcherComplete", { dispatcherStreamId: "id", dispatcherComplete: "x" }, 'it needs "dispatcherKey"'],
    ["dispatcherCancel", { dispatcherKey: "type", dispatcherCancel: "x" }, 'it needs "dispatcherStreamId"'],
    [
      "dispatcherError",
      { dispatcherStreamId: "id", dispatcherKey: "type", dispatcherError: 1 },
      "it is not a string with a character",
    ],
    [
      "dispatcherStreamId",
      { dispatcherStreamId: "id", dispatcherKey: "id" },
      'it names the same field as "dispatcherKey"',
    ],
    [
      "dispatcherError",
      { dispatcherStreamId: "id", dispatcherKey: "type", dispatcherError: "x", dispatcherComplete: "x" },
      'it is the same as "dispatcherComplete"',
    ],
    ["requestTimeout", { requestTimeout: "1" }, "it is not a number of seconds"],
  ])("refuses %s in %j", (name, given, why) => {
    expect(() => checkRequests(given as Record<string, unknown>)).toThrow(
      new TypeError(`Cannot use the option "${name}": ${why}`),
    );
  });

  it.each([{ requestTimeout: -1 }, { maxPendingRequests: 0 }, { maxPendingRequests: 1.5 }])(
    "refuses %j for its range",
    (given) => expect(() => checkRequests(given)).toThrow(RangeError),
  );
});

describe("checkRequest (D5)", () => {
  const settings = checkRequests({ requestTimeout: 7 });
  const check = (options: object | undefined) => checkRequest(options as RequestOptions, settings);

  it("falls back to the client's time limit", () => {
    const { signal } = new AbortController();
    expect([check(undefined), check({ signal }), check({ timeout: undefined })]).toEqual([
      { signal: undefined, replyMs: 7_000 },
      { signal, replyMs: 7_000 },
      { signal: undefined, replyMs: 7_000 },
    ]);
    expect([check({ timeout: 0.5 }).replyMs, check({ timeout: 0 }).replyMs]).toEqual([500, Infinity]);
  });

  it("refuses what it does not know, by its name", () => {
    expect(() => check({ timeuot: 1 })).toThrow('there is none of that name, the nearest is "timeout"');
    expect(() => check({ signal: {} })).toThrow(TypeError);
    expect(() => check({ timeout: -1 })).toThrow(RangeError);
    expect(() => check([])).toThrow(TypeError);
  });
});
