import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { StandardSchema } from "../../src/binding/schema.ts";
import { UpgradeError } from "../../src/errors.ts";
import { bindRequest, type BoundRequest, type RequestSchemas } from "../../src/service/request_binding.ts";

interface Sent {
  readonly params?: Record<string, string>;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

function bind(schemas: Partial<RequestSchemas>, { params = {}, query = "", headers = {} }: Sent, validation = true) {
  const all = { params: undefined, query: undefined, headers: undefined, ...schemas };
  return bindRequest(all, validation, { params, query: new URLSearchParams(query), headers: new Headers(headers) });
}

async function query(schema: StandardSchema, text: string, validation = true): Promise<unknown> {
  return (await bind({ query: schema }, { query: text }, validation)).query;
}

async function refusal(schemas: Partial<RequestSchemas>, sent: Sent): Promise<string> {
  try {
    await bind(schemas, sent);
  } catch (error) {
    expect(error).toBeInstanceOf(UpgradeError);
    const { status, message } = error as UpgradeError;
    expect([status, message.length < 400]).toEqual([400, true]);
    return message;
  }
  throw new Error("It was taken");
}

describe("bindRequest (U3)", () => {
  it("leaves alone what no schema binds", () => {
    const bound = bind({}, { params: { a: "1" }, query: "b=2", headers: { c: "3" } }) as BoundRequest;
    expect(bound.params).toEqual({ a: "1" });
    expect(bound.query).toBeInstanceOf(URLSearchParams);
    expect(bound.requestHeaders).toBeInstanceOf(Headers);
  });

  it("binds all three, at once where the schemas do", () => {
    const schemas = {
      params: z.object({ id: z.coerce.number() }),
      query: v.object({ limit: v.pipe(v.string(), v.transform(Number)) }),
      headers: type({ "x-id": "string.integer.parse" }),
    };
    const sent = { params: { id: "1" }, query: "limit=2&more=x", headers: { "X-ID": "3" } };
    expect(bind(schemas, sent)).toEqual({
      params: { id: 1 },
      query: { limit: 2 },
      requestHeaders: expect.objectContaining({ "x-id": 3 }),
    });
  });

  it("waits for schemas that take their time", async () => {
    const slow = z.object({ id: z.string().transform((id) => Promise.resolve(Number(id))) });
    const bound = bind({ params: slow, query: slow, headers: slow }, {
      params: { id: "1" },
      query: "id=2",
      headers: { id: "3" },
    });
    expect(bound).toBeInstanceOf(Promise);
    expect(await bound).toEqual({ params: { id: 1 }, query: { id: 2 }, requestHeaders: { id: 3 } });
    expect(await refusal({ headers: slow }, {})).toBe('The header "id" is missing');
  });

  it("takes any name", async () => {
    const any = z.record(z.string(), z.unknown());
    expect(Object.keys(await query(any, "__proto__=1&constructor=2&toString=3") as object)).toEqual(
      expect.arrayContaining(["constructor", "toString"]),
    );
    expect(await refusal({ query: z.object({ toString: z.string() }) }, {})).toBe(
      'The query parameter "toString" is missing',
    );
  });

  it("without validation takes what only constraints refuse, as the schema makes it", async () => {
    const limit = z.object({ limit: z.coerce.number().max(5) });
    expect(await query(limit, "limit=9", false)).toEqual({ limit: 9 });
    await expect(query(limit, "limit=x", false)).rejects.toBeInstanceOf(UpgradeError);
  });

  it("passes on what a schema throws by itself", async () => {
    const broken = z.object({ id: z.string().transform(() => JSON.parse("{")) });
    for (const kind of ["params", "query", "headers"] as const) {
      const sent = { params: { id: "1" }, query: "id=2", headers: { id: "3" } };
      await expect((async () => await bind({ [kind]: broken }, sent))()).rejects.toBeInstanceOf(SyntaxError);
    }
  });
});

describe("names that are repeated (U3)", () => {
  const lists: [string, StandardSchema][] = [
    ["zod", z.object({ tag: z.array(z.string()).default([]), limit: z.coerce.number().optional() })],
    [
      "valibot",
      v.object({
        tag: v.optional(v.array(v.string()), []),
        limit: v.optional(v.pipe(v.string(), v.transform(Number))),
      }),
    ],
    ["arktype", type({ tag: type("string[]").default(() => []), "limit?": "string.integer.parse" })],
  ];

  it.each(lists)("%s: a list takes many, one, and none", async (_library, schema) => {
    expect(await query(schema, "tag=a&tag=b&tag=c")).toEqual({ tag: ["a", "b", "c"] });
    expect(await query(schema, "tag=a&limit=7")).toEqual({ tag: ["a"], limit: 7 });
    expect(await query(schema, "limit=7")).toEqual({ tag: [], limit: 7 });
  });

  it("several lists of one", async () => {
    const schema = z.object({ a: z.array(z.string()), b: z.array(z.coerce.number()) });
    expect(await query(schema, "a=1&b=2")).toEqual({ a: ["1"], b: [2] });
    expect(await query(schema, "a=1&b=2&b=3")).toEqual({ a: ["1"], b: [2, 3] });
  });

  it("one value takes no list", async () => {
    const schema = z.object({ id: z.string(), n: z.coerce.number().optional() });
    expect(await refusal({ query: schema }, { query: "id=1&id=2" })).toMatch(
      /^The query parameter "id" is not valid: /,
    );
    expect(await refusal({ query: schema }, { query: "id=1&n=1&n=2" })).toMatch(
      /^The query parameter "n" is not valid/,
    );
  });

  it("tells what is in the list, and not that there is none", async () => {
    const numbers = z.object({ n: z.array(z.coerce.number()) });
    expect(await refusal({ query: numbers }, { query: "n=x" })).toBe(
      'The query parameter "n" is not valid: Invalid input: expected number, received NaN',
    );
    expect(await refusal({ query: z.object({ s: z.string().min(3) }) }, { query: "s=x" })).toBe(
      'The query parameter "s" is not valid: Too small: expected string to have >=3 characters',
    );
  });

  it("asks again only where a list could help", async () => {
    let asked = 0;
    const count = (
      issues: (values: Record<string, unknown>) => { message: string; path?: string[] }[],
    ): StandardSchema => ({
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => (asked++, { issues: issues(value as Record<string, unknown>) }),
      },
    });
    for (
      const [path, times] of [[["a"], 2], [["b"], 1], [["c"], 1], [["a", "x"], 1], [[], 1], [undefined, 1]] as const
    ) {
      asked = 0;
      await refusal({ query: count(() => [{ message: "Bad", ...(path && { path: [...path] }) }]) }, {
        query: "a=1&b=1&b=2",
      });
      expect([path, asked]).toEqual([path, times]);
    }
    asked = 0;
    await refusal({ query: count(() => []) }, { query: "a=1" });
    expect(asked).toBe(1);
  });

  it.each(lists)("%s: what else is wrong is told, and not that one is no list", async (_library, schema) => {
    expect(await refusal({ query: schema }, { query: "tag=a&limit=1&limit=2" })).toMatch(
      /^The query parameter "limit" is not valid/,
    );
    const missing = z.object({ tag: z.array(z.string()), id: z.string() });
    expect(await refusal({ query: missing }, { query: "tag=a" })).toBe('The query parameter "id" is missing');
    const whole = missing.refine(() => false, "From is behind to");
    expect(await refusal({ query: whole }, { query: "tag=a&id=1" })).toContain("From is behind to");
  });
});

describe("the sentence of a refusal (U3)", () => {
  const id = z.object({ id: z.coerce.number() });
  const text = z.object({ id: z.string() });

  it("names the parameter", async () => {
    expect(await refusal({ params: id }, { params: { id: "six" } })).toBe(
      'The path parameter "id" is not valid: Invalid input: expected number, received NaN',
    );
    expect(await refusal({ query: text }, { query: "other=1" })).toBe('The query parameter "id" is missing');
    expect(await refusal({ headers: text }, {})).toBe('The header "id" is missing');
  });

  it("says nothing of a header's value, whatever the schema says", async () => {
    const headers = v.object({ authorization: v.picklist(["none"]) });
    expect(await refusal({ headers }, { headers: { authorization: "Bearer secret" } })).toBe(
      'The header "authorization" is not valid',
    );
    const whole = z.object({}).loose().refine(() => false, "Bearer secret");
    expect(await refusal({ headers: whole }, {})).toBe("The headers do not have the right form");
  });

  it("of the whole, when no name is told", async () => {
    const whole = z.object({}).loose().refine(() => false, "From is behind to");
    expect(await refusal({ query: whole }, {})).toBe("The query does not have the right form: From is behind to");
    expect(await refusal({ params: whole }, {})).toBe("The path does not have the right form: From is behind to");
    const silent: StandardSchema = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [] }) } };
    expect(await refusal({ query: silent }, {})).toBe("The query does not have the right form");
  });

  it("is one line, and not long", async () => {
    const name = "n".repeat(3_000);
    const strict = z.record(z.string(), z.literal("a", { error: () => "x\r\ny".repeat(1_000) }));
    const sentence = await refusal({ query: strict }, { query: `${name}=b` });
    expect(sentence).not.toMatch(/[\r\n]/);
    expect(sentence).toMatch(/^The query parameter "n+…" is not valid: x y/);
  });
});
