import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Binder, bytes, format, json, text, toBinder, union } from "../../src/binding/binder.ts";
import { MAX_ISSUES, MAX_SENTENCE } from "../../src/binding/issues.ts";
import { PayloadBindingError, PayloadValidationError } from "../../src/errors.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function refusal(binder: Binder<unknown>, message: string | Uint8Array): PayloadBindingError {
  try {
    binder["~bind"](message);
  } catch (error) {
    expect(error).toBeInstanceOf(PayloadBindingError);
    return error as PayloadBindingError;
  }
  throw new Error("It was taken");
}

const Order = z.object({ kind: z.literal("order"), count: z.number().min(1) });
const Cancel = z.object({ kind: z.literal("cancel"), id: z.string() });

describe("formats (B2)", () => {
  it("text takes both kinds, and refuses what is not UTF-8", () => {
    expect(text["~bind"]("é")).toBe("é");
    expect(text["~bind"](utf8("é"))).toBe("é");
    expect(refusal(text, Uint8Array.of(0xff)).message).toBe("Cannot bind the message: it is not UTF-8");
  });

  it("bytes takes binary alone", () => {
    const message = Uint8Array.of(1, 2);
    expect(bytes["~bind"](message)).toBe(message);
    expect(refusal(bytes, "[1,2]").message).toBe("Cannot bind the message: it is text");
  });

  it("json takes both kinds", () => {
    expect(json["~bind"]('{"a":"\\"quoted\\""}')).toEqual({ a: '"quoted"' });
    expect(json["~bind"](utf8("7"))).toBe(7);
    expect(refusal(json, "text").issues).toEqual([{ message: "Not JSON" }]);
    expect(refusal(json, Uint8Array.of(0xff)).issues).toEqual([{ message: "Not UTF-8" }]);
  });

  it("each with a schema of any library", () => {
    expect(text(z.enum(["A", "B"]))["~bind"]("A")).toBe("A");
    expect(text(type("string.integer.parse"))["~bind"](utf8("7"))).toBe(7);
    expect(refusal(text(z.enum(["A", "B"])), '"A"')).toBeInstanceOf(PayloadBindingError);
    expect(bytes(v.pipe(v.instance(Uint8Array), v.transform((data) => data.length)))["~bind"](utf8("abc"))).toBe(3);
    expect(json(v.number())["~bind"]("7")).toBe(7);
    expect(() => json({} as never)).toThrow(TypeError);
  });

  it("of one's own", () => {
    const csv = format((message) => String(message).split(","));
    expect(csv["~bind"]("a,b")).toEqual(["a", "b"]);
    expect(csv(z.tuple([z.string(), z.coerce.number()]))["~bind"]("a,2")).toEqual(["a", 2]);
  });

  it("toBinder takes a binder as it is, and a schema for JSON", () => {
    expect(toBinder(text)).toBe(text);
    expect(toBinder(z.number())["~bind"]("7")).toBe(7);
    for (const wrong of [undefined, null, 7, "x", {}, () => {}]) {
      expect(() => toBinder(wrong as never)).toThrow(TypeError);
    }
  });
});

describe("union (B2)", () => {
  it("binds by the first that takes the message", () => {
    const either = union(bytes, Order, Cancel, text);
    const data = utf8('{"kind":"cancel","id":"7"}');
    expect(either["~bind"](data)).toBe(data);
    expect(either["~bind"]('{"kind":"order","count":2}')).toEqual({ kind: "order", count: 2 });
    expect(either["~bind"]('{"kind":"cancel","id":"7"}')).toEqual({ kind: "cancel", id: "7" });
    expect(either["~bind"]("anything")).toBe("anything");
  });

  it("tells the issues of all", () => {
    const error = refusal(union(json(z.object({ a: z.string() })), text(z.enum(["A"]))), '{"a":1}');
    expect(error).not.toBeInstanceOf(PayloadValidationError);
    expect(error.issues.map(({ path }) => path)).toEqual([["a"], []]);
    expect(error.message).toMatch(/^Cannot bind the message: .* at "a"; /);
    expect(error.cause).toBeInstanceOf(AggregateError);
  });

  it("whose shape it has comes first, and makes it a PayloadValidationError", () => {
    const error = refusal(union(Cancel, Order), '{"kind":"order","count":0}');
    expect(error).toBeInstanceOf(PayloadValidationError);
    expect(error.issues[0]!.path).toEqual(["count"]);
    expect(error.issues.length).toBeGreaterThan(1);
    expect(union(Cancel, Order)["~bind"]('{"kind":"order","count":0}', false)).toEqual({ kind: "order", count: 0 });
  });

  it("waits for a schema that takes its time, and only then", async () => {
    const slow = json(z.number().refine((value) => Promise.resolve(value > 5)));
    expect(union(text(z.literal("a")), slow)["~bind"]("a")).toBe("a");
    const bound = union(slow, z.number())["~bind"]("3");
    expect(bound).toBeInstanceOf(Promise);
    expect(await bound).toBe(3);
    await expect(union(slow, slow)["~bind"]("3")).rejects.toBeInstanceOf(PayloadValidationError);
  });

  it("passes on what is no refusal, and asks nobody else", async () => {
    const broken: Binder<string> = {
      "~bind": () => {
        throw new Error("broken");
      },
    };
    expect(() => union(broken, text)["~bind"]("x")).toThrow("broken");
    const late: Binder<string> = { "~bind": () => Promise.reject(new Error("broken later")) };
    await expect(union(late, text)["~bind"]("x")).rejects.toThrow("broken later");
  });

  it("keeps no more than one error may, and something of each", () => {
    const numbers = z.array(z.number());
    const error = refusal(
      union(numbers, z.array(z.boolean()), z.array(z.null())),
      JSON.stringify(Array(1_000).fill("x")),
    );
    expect(error.issues.length).toBe(MAX_ISSUES);
    expect(error.issues.at(-1)!.message).toContain("null");
    expect(error.message.length).toBeLessThan(MAX_SENTENCE + 40);
  });

  it("has members", () => {
    expect(() => union()).toThrow("the union has no members");
    expect(() => union(text, {} as never)).toThrow(TypeError);
  });
});
