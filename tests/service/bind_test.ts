import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { json, text } from "../../src/binding/binder.ts";
import { PayloadBindingError } from "../../src/errors.ts";
import { bind, type Binding, bindingOf, dispatch, isDispatched } from "../../src/service/bind.ts";
import type { Caller } from "../../src/service/caller.ts";

const CALLER = { signal: new AbortController().signal } as Caller;
const handler = (): void => {};

describe("B1: bind", () => {
  it("makes a handler of messages, which binds and calls with this, the caller and a context", () => {
    const calls: unknown[] = [];
    const bound = bind(z.object({ a: z.number() }), function (this: unknown, caller, value, context) {
      calls.push(this, caller, value, context);
      return value.a;
    });
    const service = { bound };
    expect(service.bound(CALLER, '{"a":1}')).toBe(1);
    expect(calls).toEqual([service, CALLER, { a: 1 }, { id: undefined, signal: CALLER.signal }]);
    expect(() => bound(CALLER, '{"a":"1"}')).toThrow(PayloadBindingError);
    expect(bind(text, (_caller, value) => value.length)(CALLER, new TextEncoder().encode("é"))).toBe(1);
  });

  it("waits for a schema that takes its time", async () => {
    const late = v.pipeAsync(v.number(), v.checkAsync((n) => Promise.resolve(n > 1)));
    const bound = bind(late, (_caller, n) => n * 2);
    expect(await bound(CALLER, "2")).toBe(4);
    await expect(bound(CALLER, "1")).rejects.toThrow(PayloadBindingError);
  });

  it.each<[string, () => unknown, string]>([
    ["a bindable that is none", () => bind({} as never, handler), 'no "~standard"'],
    ["no handler", () => bind(text, undefined as never), "Cannot bind: the handler is not a function"],
    ["a word that is none", () => dispatch(1 as never, handler), "the first argument is not a string"],
    ["a word without a handler", () => dispatch("a", undefined as never), 'Cannot dispatch "a": the handler is not'],
    ["a schema in its place", () => dispatch("a", text as never), 'Cannot dispatch "a": the handler is not'],
    ["a bindable that is none, with a word", () => dispatch("a", 1 as never, handler), 'no "~standard"'],
  ])("refuses %s", (_what, make, why) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(why);
  });
});

describe("what the library reads of them", () => {
  const bound = (member: unknown): Binding => bindingOf(member)!;

  it("JSON that is parsed already is not parsed again, where it is JSON that is asked for", () => {
    const schema = z.object({ a: z.number() });
    expect(bound(bind(schema, handler)).bind("not JSON", { a: 2, b: 3 })).toEqual({ a: 2 });
    expect(bound(bind(json, handler)).bind("not JSON", { b: 3 })).toEqual({ b: 3 });
    expect(bound(bind(json, handler)).bind("[4]", undefined)).toEqual([4]);
    expect(bound(bind(text, handler)).bind("a text", { b: 3 })).toBe("a text");
    expect(() => bound(bind(schema, handler)).bind("", { a: "2" })).toThrow(PayloadBindingError);
  });

  it("D2: a word, with or without a bindable", () => {
    const [plain, typed] = [dispatch("subscribe", handler), dispatch("a b", z.number(), handler)];
    expect([isDispatched(plain), isDispatched(bind(text, handler)), isDispatched({}), isDispatched(null)]).toEqual(
      [true, false, false, false],
    );
    expect([bound(plain).word, bound(typed).word, bound(bind(text, handler)).word]).toEqual(
      ["subscribe", "a b", undefined],
    );
    expect(bound(plain).bind('{"a":1}', { a: 1 })).toEqual({ a: 1 });
    expect(bound(typed).bind("5", undefined)).toBe(5);
  });

  it.each([undefined, null, 1, "x", {}, handler])("nothing of %s", (member) => {
    expect(bindingOf(member)).toBeUndefined();
  });
});
