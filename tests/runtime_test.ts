import { expect, it } from "vitest";

it("runs in the runtime that was asked for", () => {
  const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
  expect(runtime).toBe(process.env["HAWSER_RUNTIME"] ?? "node");
});
