import { expect, it } from "vitest";
import { andThen, orElse } from "../../src/binding/and_then.ts";

it("goes on at once with what is there, and later with what is not", async () => {
  expect(andThen(1, (value) => value + 1)).toBe(2);
  expect(await andThen(Promise.resolve(1), (value) => value + 1)).toBe(2);
  await expect(andThen(Promise.reject(new Error("x")), () => 1)).rejects.toThrow("x");
});

it("recovers from what fails now, and from what fails later", async () => {
  const fail = (): number => {
    throw new Error("x");
  };
  expect(orElse(() => 1, () => 2)).toBe(1);
  expect(orElse(fail, (error) => (error as Error).message.length + 1)).toBe(2);
  expect(await orElse(() => Promise.resolve(1), () => 2)).toBe(1);
  expect(await orElse(() => Promise.reject(new Error("x")), () => 2)).toBe(2);
  expect(() => orElse(fail, fail)).toThrow("x");
});
