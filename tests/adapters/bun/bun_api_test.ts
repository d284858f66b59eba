import { expect, it } from "vitest";
import { bunApi } from "../../../src/adapters/bun/bun_api.ts";

it("is Bun where there is one, and nothing elsewhere", () => {
  // Bun does not let a test put another in its place.
  expect(bunApi() === (globalThis as { Bun?: unknown }).Bun).toBe(true);
  expect(typeof bunApi()?.serve).toBe("Bun" in globalThis ? "function" : "undefined");
});
