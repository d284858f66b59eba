import { expect, it } from "vitest";
import { abortable } from "../../src/client/abortable.ts";

const NEVER = new Promise<never>(() => {});

it("is as the work is, a promise or not", async () => {
  const { signal } = new AbortController();
  expect(await abortable(1, signal)).toBe(1);
  expect(await abortable(Promise.resolve(2), signal)).toBe(2);
  await expect(abortable(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
});

it("rejects with the signal's reason when that comes first, and takes no notice of what comes later", async () => {
  const controller = new AbortController();
  let fail = (_: Error): void => {};
  const late = new Promise<void>((_, reject) => fail = reject);
  const waits = [abortable(NEVER, controller.signal), abortable(late, controller.signal)];
  controller.abort("mine");
  for (const wait of waits) await expect(wait).rejects.toBe("mine");
  // Were nobody to hold it, this would end the process.
  fail(new Error("late"));
  await expect(abortable(NEVER, AbortSignal.abort("before"))).rejects.toBe("before");
});

it("leaves no listener behind", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
  await abortable(Promise.resolve(), signal);
  await abortable(Promise.reject(new Error("no")), signal).catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  expect(listeners.size).toBe(0);
});
