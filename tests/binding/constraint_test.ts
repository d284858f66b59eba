import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as z3 from "zod/v3";
import { areConstraints, unconstrained } from "../../src/binding/constraint.ts";
import type { StandardSchema } from "../../src/binding/schema.ts";

const NONE: unique symbol = Symbol("nothing told");

/** Whether only constraints refuse the value, and what it is without them. */
async function told(schema: StandardSchema, value: unknown): Promise<[boolean, unknown]> {
  const { vendor, validate } = schema["~standard"];
  const { issues } = await validate(value);
  if (issues === undefined) throw new Error("It was not refused");
  const taken = await unconstrained(vendor, schema, value);
  return [areConstraints(vendor, issues), taken === undefined ? NONE : taken.value];
}

describe("areConstraints (B3)", () => {
  it.each<[string, StandardSchema, unknown]>([
    ["zod, a minimum", z.object({ n: z.number().min(3) }), { n: 1 }],
    ["zod, a maximum", z.array(z.number()).max(1), [1, 2]],
    ["zod, a format", z.email(), "x"],
    ["zod, a pattern", z.string().regex(/a/), "x"],
    ["zod, a multiple", z.number().multipleOf(2), 3],
    ["zod, one of its own", z.string().refine((text) => text.length > 3), "x"],
    ["zod, one that takes its time", z.string().refine((text) => Promise.resolve(text.length > 3)), "x"],
    ["zod, a key", z.record(z.string().min(2), z.number()), { a: 1 }],
    ["zod, an element", z.map(z.string(), z.number().min(3)), new Map([["a", 1]])],
    ["zod, in one member of a union", z.union([z.string().min(3), z.number()]), "x"],
    ["zod, in several members", z.union([z.string().min(3), z.string().regex(/a/)]), "x"],
    ["zod 3", z3.object({ n: z3.number().min(3), s: z3.string().max(1) }), { n: 1, s: "xx" }],
    ["valibot", v.object({ n: v.pipe(v.number(), v.minValue(3)) }), { n: 1 }],
    ["valibot, one of its own", v.pipe(v.string(), v.check((text) => text.length > 3)), "x"],
    ["valibot, in a union", v.union([v.pipe(v.string(), v.minLength(3)), v.number()]), "x"],
    ["arktype, a minimum", type({ n: "number > 3" }), { n: 1 }],
    ["arktype, a maximum", type({ n: "number < 3" }), { n: 4 }],
    ["arktype, lengths", type({ a: "string > 3", b: "string < 3", c: "string == 3" }), { a: "", b: "xxxx", c: "" }],
    ["arktype, a pattern", type("string.email"), "x"],
    ["arktype, a divisor", type("number % 2"), 3],
    ["arktype, dates", type({ a: "Date > d'2020-01-01'", b: "Date < d'2020-01-01'" }), {
      a: new Date(0),
      b: new Date(2e12),
    }],
    ["arktype, several at once", type("3 < number < 5 & number % 2"), 1],
    ["arktype, a predicate", type("string").narrow((text) => text.length > 3), "x"],
    [
      "arktype, one of its own",
      type("string").narrow((text, context) => text.length > 3 || context.mustBe("long")),
      "x",
    ],
  ])("%s", async (_what, schema, value) => {
    expect((await told(schema, value))[0]).toBe(true);
  });

  it.each<[string, StandardSchema, unknown]>([
    ["zod, a kind", z.object({ n: z.number().min(3) }), { n: "x" }],
    ["zod, nothing there", z.object({ n: z.number() }), {}],
    ["zod, a kind beside a constraint", z.object({ n: z.number().min(3), s: z.string() }), { n: 1 }],
    ["zod, not whole", z.int(), 1.5],
    ["zod, a key too many", z.strictObject({}), { a: 1 }],
    ["zod, not one of the values", z.enum(["A"]), "B"],
    ["zod, no member", z.union([z.string(), z.number()]), true],
    ["zod, several members", z.union([z.string().min(3), z.number()]).array(), [true]],
    ["zod, a kind of key", z.record(z.enum(["a"]), z.number()), { b: 1 }],
    ["zod 3, a kind", z3.object({ n: z3.number() }), { n: "x" }],
    ["valibot, a kind", v.object({ n: v.number() }), { n: "x" }],
    ["valibot, no choice", v.picklist(["A"]), "B"],
    [
      "valibot, a transformation",
      v.pipe(v.string(), v.rawTransform(({ addIssue, NEVER }) => (addIssue(), NEVER))),
      "x",
    ],
    ["arktype, a kind", type({ n: "number" }), { n: "x" }],
    ["arktype, nothing there", type({ n: "number > 3" }), {}],
    ["arktype, no unit", type("'A' | 'B'"), "C"],
    ["arktype, a union", type("string > 3 | number"), true],
    ["arktype, a key too many", type({ "+": "reject" }), { a: 1 }],
    ["arktype, a kind and a constraint", type({ n: "number > 3", s: "string" }), { n: 1 }],
  ])("not %s", async (_what, schema, value) => {
    expect((await told(schema, value))[0]).toBe(false);
  });

  it("not what another library says, nor no issue at all", () => {
    expect(areConstraints("other", [{ code: "too_small" }])).toBe(false);
    expect(areConstraints("zod", [])).toBe(false);
    expect(areConstraints("toString", [{}])).toBe(false);
  });
});

describe("unconstrained (U10)", () => {
  it.each<[string, StandardSchema, unknown, unknown]>([
    ["zod", z.object({ n: z.number().min(3) }), { n: 1 }, { n: 1 }],
    ["zod, with what else the schema does", z.object({ n: z.coerce.number().min(3), d: z.number().default(5) }), {
      n: "1",
      more: true,
    }, { n: 1, d: 5 }],
    ["zod, with steps behind the constraint", z.string().min(3).transform((text) => text.length), "x", 1],
    [
      "zod, taking its time",
      z.string().refine(() => Promise.resolve(false)).transform((text) => text + "!"),
      "x",
      "x!",
    ],
    ["valibot", v.object({ n: v.pipe(v.string(), v.transform(Number), v.minValue(3)) }), { n: "1" }, { n: 1 }],
    ["valibot, taking its time", v.pipeAsync(v.string(), v.checkAsync(() => Promise.resolve(false))), "x", "x"],
    ["arktype", type({ n: "number > 3" }), { n: 1 }, { n: 1 }],
  ])("%s tells the value", async (_what, schema, value, taken) => {
    expect(await told(schema, value)).toEqual([true, taken]);
  });

  it.each<[string, StandardSchema, unknown]>([
    ["zod, when a step behind the constraint has another shape", z.string().min(3).pipe(z.coerce.number()), "x"],
    ["zod 3", z3.object({ n: z3.number().min(3) }), { n: 1 }],
    [
      "valibot, when a step behind the constraint was not taken",
      v.pipe(v.string(), v.minLength(3), v.transform(Number)),
      "x",
    ],
    ["arktype, with steps", type("string.integer.parse").to("number < 10"), "50"],
    ["arktype, with a default", type({ n: "number > 3", d: "number = 5" }), { n: 1 }],
  ])("not %s", async (_what, schema, value) => {
    expect((await told(schema, value))[1]).toBe(NONE);
  });

  it("not another library", () => {
    expect(unconstrained("other", {}, 1)).toBeUndefined();
    expect(unconstrained("valibot", {}, 1)).toBeUndefined();
    expect(unconstrained("arktype", {}, 1)).toBeUndefined();
  });

  it("is there at once where the schema is", () => {
    expect(unconstrained("zod", z.number().min(3), 1)).toEqual({ value: 1 });
    expect(unconstrained("valibot", v.pipe(v.number(), v.minValue(3)), 1)).toEqual({ value: 1 });
  });
});
