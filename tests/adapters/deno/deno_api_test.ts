import { afterEach, expect, it, vi } from "vitest";
import { denoApi } from "../../../src/adapters/deno/deno_api.ts";
import { FakeDeno } from "../../support/fake_deno.ts";

afterEach(() => void vi.unstubAllGlobals());

it("is Deno where there is one, asked for only then", () => {
  const deno = new FakeDeno();
  vi.stubGlobal("Deno", deno);
  expect(denoApi() === deno).toBe(true);
});
