import { describe, expect, it } from "vitest";
import { checkDispatch } from "../../src/service/dispatch_options.ts";

describe("D5, S5: the options of dispatch", () => {
  it("have defaults", () => {
    expect(checkDispatch({})).toEqual({
      key: undefined,
      streamId: undefined,
      cancel: undefined,
      complete: undefined,
      concurrent: false,
      maxConcurrent: 64,
      validation: true,
    });
  });

  it("are taken", () => {
    const given = {
      dispatcherKey: "type",
      dispatcherStreamId: "id",
      dispatcherCancel: "complete",
      dispatcherComplete: "complete",
      concurrent: true,
      maxConcurrentRequests: 1,
      validation: false,
    };
    expect(checkDispatch(given)).toEqual({
      key: "type",
      streamId: "id",
      cancel: "complete",
      complete: "complete",
      concurrent: true,
      maxConcurrent: 1,
      validation: false,
    });
  });

  it.each<[Record<string, unknown>, string, ErrorConstructor]>([
    [{ dispatcherKey: 1 }, '"dispatcherKey": it is not a string', TypeError],
    [{ dispatcherKey: "" }, '"dispatcherKey": it is not a string', TypeError],
    [{ dispatcherStreamId: "id" }, '"dispatcherStreamId": it needs "dispatcherKey"', TypeError],
    [{ dispatcherKey: "a", dispatcherStreamId: "a" }, '"dispatcherStreamId": it names the same', TypeError],
    [{ dispatcherKey: "a", dispatcherCancel: "x" }, '"dispatcherCancel": it needs "dispatcherStreamId"', TypeError],
    [{ dispatcherKey: "a", dispatcherComplete: "x" }, '"dispatcherComplete": it needs "dispatcherStreamId"', TypeError],
    [{ concurrent: 1 }, '"concurrent": it is not a boolean', TypeError],
    [{ maxConcurrentRequests: "1" }, '"maxConcurrentRequests": it is not a number', TypeError],
    [{ maxConcurrentRequests: 0 }, '"maxConcurrentRequests": 0 is not', RangeError],
    [{ maxConcurrentRequests: 1.5 }, '"maxConcurrentRequests": 1.5 is not', RangeError],
  ])("%j is refused by its name", (given, why, kind) => {
    expect(() => checkDispatch(given)).toThrow(kind);
    expect(() => checkDispatch(given)).toThrow(`Cannot use the option ${why}`);
  });
});
