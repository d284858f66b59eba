import { expect, it } from "vitest";
import { bunApi } from "../../../src/adapters/bun/bun_api.ts";
import { UnsupportedError } from "../../../src/errors.ts";

it("is Bun where there is one, and nothing elsewhere", () => {
  // Bun does not let a test put another in its place.
  const { Bun } = globalThis as { Bun?: unknown };
  if (Bun === undefined) expect(bunApi).toThrow(UnsupportedError);
  else expect(bunApi() === Bun).toBe(true);
});
