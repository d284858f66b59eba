import { describe, expect, it } from "vitest";
import { json, text } from "../../src/binding/binder.ts";
import { toReplyBinder } from "../../src/client/reply_binder.ts";
import { PayloadBindingError } from "../../src/errors.ts";

describe("toReplyBinder (B1)", () => {
  it.each([undefined, json])("hands on what was parsed, and parses what was not", (bindable) => {
    const bind = toReplyBinder(bindable);
    const reply = { id: "1" };
    expect(bind("unread", reply)).toBe(reply);
    expect(bind('{"id":"2"}')).toEqual({ id: "2" });
  });

  it("binds by a binder, and by a schema", () => {
    expect(toReplyBinder(text)('{"id":"1"}', { id: "1" })).toBe('{"id":"1"}');
    const odd = toReplyBinder({
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => (value as { n: number }).n % 2 ? { value: 7 } : { issues: [{ message: "Even" }] },
      },
    });
    expect(odd('{"n":1}')).toBe(7);
    expect(() => odd('{"n":2}', { n: 2 })).toThrow(PayloadBindingError);
  });

  it("refuses what binds nothing", () => {
    expect(() => toReplyBinder({} as never)).toThrow(TypeError);
  });
});
