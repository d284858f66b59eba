import { describe, expect, it, vi } from "vitest";
import { ConcurrentRequest, Context, SharedConnection } from "../../src/service/concurrent_request.ts";
import type { ReplyTarget } from "../../src/service/reply.ts";

function request(id?: number): { request: ConcurrentRequest; leave: (reason: unknown) => void; calls: string[] } {
  const connection = new AbortController();
  const calls: string[] = [];
  const target = {
    endpoint: { signal: connection.signal },
    clock: "clock",
    closeWith: (frame: unknown) => calls.push(`close ${String(frame)}`),
    report: (error: unknown) => calls.push(`report ${String(error)}`),
  } as unknown as ReplyTarget;
  return {
    request: new ConcurrentRequest(new SharedConnection(target), "id", id),
    leave: (reason) => connection.abort(reason),
    calls,
  };
}

describe("D5: the id on what is sent", () => {
  const { request: one } = request(7);
  it.each<[string, unknown, unknown]>([
    ["a plain object", { a: 1 }, { a: 1, id: 7 }],
    ["an empty one", {}, { id: 7 }],
    ["one without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1, id: 7 }],
    ["one whose id is not there", { id: undefined }, { id: 7 }],
    ["one that has an id", { id: 8 }, { id: 8 }],
    ["one whose id is null", { id: null }, { id: null }],
    ["an array", [1], [1]],
    ["text", "a", "a"],
    ["a number", 1, 1],
    ["null", null, null],
    ["a Map", new Map(), new Map()],
  ])("%s", (_what, value, sent) => {
    const before = structuredClone(value);
    expect(one.stamp(value)).toEqual(sent);
    expect(value).toEqual(before);
  });

  it("is not there without one, and never comes from a prototype", () => {
    const value = { a: 1 };
    expect(request().request.stamp(value)).toBe(value);
    const target = new SharedConnection({ endpoint: {} } as ReplyTarget);
    expect(new ConcurrentRequest(target, "constructor", 7).stamp({})).toEqual({ constructor: 7 });
  });
});

describe("the signal of a request", () => {
  it("is aborted when it is cancelled, before or after somebody asked for it", () => {
    const { request: early } = request(7);
    const { signal } = early;
    early.cancel();
    expect(early.isCancelled).toBe(true);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ name: "AbortError" });
    const { request: late } = request(7);
    late.cancel();
    expect(late.signal.aborted).toBe(true);
  });

  it("is aborted when the connection ends, with its reason", () => {
    const { request: one, leave } = request(7);
    const { signal } = one;
    expect(signal.aborted).toBe(false);
    leave("lost");
    expect(signal.reason).toBe("lost");
    expect(one.isCancelled).toBe(false);
    const { request: other, leave: leaveOther } = request(7);
    leaveOther("lost");
    expect(other.signal.reason).toBe("lost");
  });

  it("is left alone once the request has ended", () => {
    const { request: one, leave } = request(7);
    const { signal } = one;
    one.end();
    leave("lost");
    expect(signal.aborted).toBe(false);
    request(7).request.end();
  });

  it("keeps nothing for who asks only then", () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const late = new ConcurrentRequest(new SharedConnection({ endpoint: { signal } } as ReplyTarget), "id");
    late.end();
    expect(late.signal.aborted).toBe(false);
    expect(add).not.toHaveBeenCalled();
  });

  it("costs the connection one listener, however many there are", () => {
    const { signal } = new AbortController();
    const connection = new SharedConnection({ endpoint: { signal } } as ReplyTarget);
    const add = vi.spyOn(signal, "addEventListener");
    for (let i = 0; i < 20; i++) expect(new ConcurrentRequest(connection, "id").signal.aborted).toBe(false);
    expect(add).toHaveBeenCalledTimes(1);
  });

  it("is what the handler sees, with the id and nothing else", () => {
    const { request: one } = request(7);
    const context = new Context(one);
    expect([context.id, context.signal]).toEqual([7, one.signal]);
    expect(Object.keys(context)).toEqual([]);
  });
});

it("everything else is the connection's", () => {
  const { request: one, calls } = request(7);
  one.closeWith("frame" as never);
  one.report("error");
  expect(calls).toEqual(["close frame", "report error"]);
  expect([one.clock, one.id, one.message]).toEqual(["clock", 7, undefined]);
});
