import { expect, it } from "vitest";
import { isInstance } from "../src/instance_of.ts";

it("says what instanceof says", () => {
  expect(isInstance(new TypeError("mine"), Error)).toBe(true);
  expect(isInstance(new Proxy(new TypeError("mine"), {}), TypeError)).toBe(true);
  for (const other of [{}, "Error", null, undefined, Object.create(null)]) expect(isInstance(other, Error)).toBe(false);
});

it("says no where instanceof throws", () => {
  const { proxy, revoke } = Proxy.revocable(new Error("mine"), {});
  revoke();
  const silent = new Proxy(new Error("mine"), {
    getPrototypeOf: () => {
      throw new Error("no");
    },
  });
  expect(isInstance(proxy, Error)).toBe(false);
  expect(isInstance(silent, Error)).toBe(false);
});
