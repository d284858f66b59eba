import { describe, expect, it } from "vitest";
import { toBinder } from "../../src/binding/binder.ts";
import { checkSchema, type StandardSchema } from "../../src/binding/schema.ts";
import { PayloadBindingError } from "../../src/errors.ts";

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
