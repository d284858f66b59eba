import { describe, expect, it } from "vitest";
import { unheard } from "../../src/streams/unheard.ts";

describe("unheard", () => {
  it("is the same promise, and rejects for whoever listens", async () => {
    const promise = Promise.reject(new Error("lost"));
    expect(unheard(promise)).toBe(promise);
    await expect(promise).rejects.toThrow("lost");
  });

  it("a rejection that nobody hears is nobody's concern", async () => {
    const heard: unknown[] = [];
    const hear = (error: unknown): void => void heard.push(error);
    process.on("unhandledRejection", hear);
    try {
      void unheard(Promise.reject(new Error("lost")));
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual([]);
    } finally {
      process.off("unhandledRejection", hear);
    }
  });
});
