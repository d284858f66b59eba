import { describe, expect, it } from "vitest";
import { json, text } from "../../src/binding/binder.ts";
import { toReplyBinder } from "../../src/client/reply_binder.ts";
import { PayloadBindingError } from "../../src/errors.ts";

describe("toReplyBinder (B1)", () => {
  it.each([undefined, json])("hands on what was parsed", (bindable) => {
    const reply = { id: "1" };
    expect(toReplyBinder(bindable)("unread", reply)).toBe(reply);
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
    expect(odd("unread", { n: 1 })).toBe(7);
    expect(() => odd("unread", { n: 2 })).toThrow(
      new PayloadBindingError("Cannot bind the message: Even", [{ message: "Even" }]),
    );
  });

  it("refuses what binds nothing", () => {
    expect(() => toReplyBinder({} as never)).toThrow(TypeError);
  });
});
