import { afterEach, describe, expect, it, vi } from "vitest";

import { runSteps, type Step } from "../../scripts/steps.ts";

afterEach(() => void vi.restoreAllMocks());

describe("runSteps", () => {
  it("goes on after a failure, counts it, and says why", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const steps: Step[] = [
      ["one", () => Promise.resolve()],
      ["two", () => Promise.reject(new Error("no luck\nat all"))],
      ["three", () => Promise.reject("a word")],
      ["four", () => Promise.resolve("whatever")],
    ];
    expect(await runSteps(steps, 1)).toEqual({ passed: 2, failed: 2 });
    const lines = log.mock.calls.map(([line]) => `${line}`.replace(/\(\d+\.\d s\)/, "(…)"));
    expect(lines).toEqual([
      "one: passed (…)",
      "two: FAILED (…)\n  no luck\n  at all",
      "three: FAILED (…)\n  a word",
      "four: passed (…)",
    ]);
  });

  it("counts a step that throws before it has a promise", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const step: Step = ["bad", () => {
      throw new Error("at once");
    }];
    expect(await runSteps([step, ["good", () => Promise.resolve()]], 2)).toEqual({ passed: 1, failed: 1 });
  });

  it("does no more at the same time than it may", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    let [now, most] = [0, 0];
    const step: Step = ["busy", async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
    }];
    expect(await runSteps(Array.from({ length: 10 }, () => step), 3)).toEqual({ passed: 10, failed: 0 });
    expect(most).toBe(3);
  });
});
