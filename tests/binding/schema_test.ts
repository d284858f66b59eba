import * as v from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { toBinder } from "../../src/binding/binder.ts";
import { MAX_ISSUES } from "../../src/binding/issues.ts";
import { checkSchema, checkValue, type StandardSchema } from "../../src/binding/schema.ts";
import { PayloadBindingError, PayloadValidationError } from "../../src/errors.ts";

function schema<T>(validate: StandardSchema<T>["~standard"]["validate"]): StandardSchema<T> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const symbol = schema<string>((value) => {
  const found = (value as { symbol?: unknown } | null)?.symbol;
  return typeof found === "string"
    ? { value: found.toUpperCase() }
    : { issues: [{ message: "Not a string", path: ["symbol"] }] };
});

async function bindMessage<T>(message: string | Uint8Array, by: StandardSchema<T>): Promise<T> {
  return await toBinder(by)["~bind"](message);
}

async function refusal(message: string | Uint8Array, by: StandardSchema): Promise<PayloadBindingError> {
  const error = await bindMessage(message, by).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(PayloadBindingError);
  return error as PayloadBindingError;
}

describe("bindMessage (B1)", () => {
  it("parses JSON and hands out what the schema makes of it", async () => {
    expect(await bindMessage('{"symbol":"abc"}', symbol)).toBe("ABC");
  });

  it("reads binary messages as UTF-8", async () => {
    expect(await bindMessage(new TextEncoder().encode('{"symbol":"é"}'), symbol)).toBe("É");
    expect((await refusal(new Uint8Array([0xff]), symbol)).message).toBe("Cannot bind the message: it is not UTF-8");
  });

  it("waits for a schema that takes its time", async () => {
    expect(await bindMessage("7", schema((value) => Promise.resolve({ value })))).toBe(7);
  });

  it("refuses what is not JSON, and quotes none of it", async () => {
    const error = await refusal('{"secret', symbol);
    expect(error.message).toBe("Cannot bind the message: it is not JSON");
    expect(error.issues).toEqual([{ message: "Not JSON" }]);
    expect(error.cause).toBeInstanceOf(SyntaxError);
  });

  it("passes the issues on, with plain paths", async () => {
    expect((await refusal("{}", symbol)).message).toBe('Cannot bind the message: Not a string at "symbol"');
    const many = schema(() => ({
      issues: [{ message: "Bad", path: [{ key: "a" }, 0] }, { message: "Worse" }],
    }));
    const error = await refusal("{}", many);
    expect(error.message).toBe('Cannot bind the message: Bad at "a.0", and 1 more');
    expect(error.issues).toEqual([{ message: "Bad", path: ["a", 0] }, { message: "Worse" }]);
  });

  it("passes on what a schema throws by itself", async () => {
    const broken = schema(() => {
      throw new Error("broken schema");
    });
    await expect(bindMessage("{}", broken)).rejects.toThrow("broken schema");
  });
});

describe("checkValue (B3, U10)", () => {
  const Point = z.object({ x: z.number(), y: z.number().min(3) });

  it("tells what only constraints refuse from what has another shape", async () => {
    expect(await refusal('{"x":1,"y":1}', Point)).toBeInstanceOf(PayloadValidationError);
    expect(await refusal('{"x":"1","y":1}', Point)).not.toBeInstanceOf(PayloadValidationError);
    const unknown = schema(() => ({ issues: [{ message: "Bad", code: "too_small", kind: "validation" }] }));
    expect(await refusal("{}", unknown)).not.toBeInstanceOf(PayloadValidationError);
  });

  it("without validation takes what only constraints refuse", () => {
    expect(checkValue({ x: 1, y: 1 }, Point, "it", false)).toEqual({ x: 1, y: 1 });
    expect(checkValue({ x: 1, y: 4 }, Point, "it", false)).toEqual({ x: 1, y: 4 });
    expect(() => checkValue({ x: "1", y: 1 }, Point, "it", false)).toThrow(PayloadBindingError);
    const pipe = z.string().min(3).pipe(z.coerce.number());
    expect(() => checkValue("x", pipe, "it", false)).toThrow(PayloadValidationError);
  });

  it.each([
    ["at once", z.string().regex(/^\d+$/).transform(BigInt)],
    ["later", z.string().regex(/^\d+$/).transform((text) => Promise.resolve(text).then(BigInt))],
  ])("without validation still refuses what a step behind the constraint fails at, %s", async (_when, schema) => {
    const check = async (value: string): Promise<unknown> => await checkValue(value, schema, "it", false);
    expect(await check("7")).toBe(7n);
    const error = await check("x").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(PayloadValidationError);
    expect((error as PayloadValidationError).cause).toBeInstanceOf(SyntaxError);
  });

  it("without validation waits where the schema does", async () => {
    const slow = z.string().refine(() => Promise.resolve(false));
    expect(await checkValue("x", slow, "it", false)).toBe("x");
    await expect(checkValue("x", slow, "it", true)).rejects.toBeInstanceOf(PayloadValidationError);
  });

  it("waits for a promise of whatever kind, and takes none for a value", async () => {
    const issues = [{ message: "no" }];
    const thenable = { then: (done: (result: object) => void) => done({ issues }) };
    const error = await refusal("{}", schema(() => thenable as never));
    expect(error.issues).toEqual(issues);
  });

  it("keeps few of very many issues, and little of each", async () => {
    const error = await refusal(JSON.stringify(Array(100_000).fill("x".repeat(20))), v.array(v.picklist(["a"])));
    expect(error.issues).toHaveLength(MAX_ISSUES);
    expect(error.message).toMatch(/, and 99999 more$/);
    const long = await refusal(JSON.stringify("x".repeat(1_000_000)), v.number());
    expect(JSON.stringify([long.message, long.issues]).length).toBeLessThan(1_000);
  });

  it("takes what runs out of the stack for a value that cannot be bound", async () => {
    type Nested = Nested[];
    const nested: z.ZodType<Nested> = z.array(z.lazy(() => nested));
    const error = await refusal("[".repeat(200_000) + "]".repeat(200_000), nested);
    expect(error.message).toMatch(/too deep, or too much$|it is not JSON$/);
    const broken = schema(() => Promise.reject(new RangeError("Maximum call stack size exceeded")));
    expect((await refusal("{}", broken)).message).toBe("Cannot bind the message: it is too deep, or too much");
  });
});

describe("checkSchema", () => {
  it("takes objects and functions that are Standard Schemas", () => {
    checkSchema(symbol);
    checkSchema(Object.assign(() => {}, symbol));
  });

  it.each([undefined, null, 1, "x", {}, { "~standard": {} }, { "~standard": { version: 2, validate: () => {} } }])(
    "refuses %j",
    (value) => {
      expect(() => checkSchema(value)).toThrow(TypeError);
    },
  );
});
