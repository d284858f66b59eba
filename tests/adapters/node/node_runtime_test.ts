import process from "node:process";
import { expect, it } from "vitest";
import { nodeRuntime } from "../../../src/adapters/node/node_runtime.ts";

it("tells of an error that nobody took with a warning, whatever was thrown, and throws nothing", async () => {
  const warnings: { message: string; code?: string }[] = [];
  const hear = (warning: Error): void => void warnings.push(warning);
  process.on("warning", hear);
  try {
    nodeRuntime.report(new Error("first"));
    nodeRuntime.report("second");
    nodeRuntime.report(undefined);
    nodeRuntime.report(Object.create(null));
    const { proxy, revoke } = Proxy.revocable(new Error("fifth"), {});
    revoke();
    nodeRuntime.report(proxy);
    nodeRuntime.report(Object.defineProperty(new Error("sixth"), "stack", { value: 6 }));
    while (warnings.length < 6) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("warning", hear);
  }
  expect(warnings.map(({ code }) => code)).toEqual(Array(6).fill("HAWSER_UNHANDLED"));
  expect(warnings[0]?.message).toMatch(/^Error: first\n/);
  expect(warnings[1]?.message).toContain("second");
});

it("reads the environment", () => {
  process.env["HAWSER_TEST"] = "7";
  try {
    expect(nodeRuntime.readEnvironment?.("HAWSER_TEST")).toBe("7");
  } finally {
    delete process.env["HAWSER_TEST"];
  }
  expect(nodeRuntime.readEnvironment?.("HAWSER_TEST")).toBeUndefined();
});

it("fills with chance", () => {
  const bytes = new Uint8Array(32);
  nodeRuntime.fillRandom(bytes);
  expect(new Set(bytes).size).toBeGreaterThan(8);
});
