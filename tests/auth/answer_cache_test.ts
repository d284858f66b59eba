import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { AnswerCache } from "../../src/auth/answer_cache.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const { signal } = new AbortController();

function counting(cache: AnswerCache<string>) {
  const asked: string[] = [];
  const get = (question: string, until = Infinity): Promise<string> =>
    cache.get(question, signal, () => {
      asked.push(question);
      return Promise.resolve({ value: `${question}!`, until });
    });
  return { get, asked };
}

it("asks once for as long as the answer is good", async () => {
  const { get, asked } = counting(new AnswerCache(10));
  expect([await get("a", 1_000_500), await get("a", 0), await get("b")]).toEqual(["a!", "a!", "b!"]);
  expect(asked).toEqual(["a", "b"]);
  vi.setSystemTime(1_000_500);
  await get("a");
  expect(asked).toEqual(["a", "b", "a"]);
});

it("asks once for all who want to know at the same time", async () => {
  const cache = new AnswerCache<string>(10);
  let asked = 0;
  let answer = (): void => {};
  const all = Promise.all([1, 2, 3].map(() =>
    cache.get("a", signal, () => {
      asked++;
      return new Promise((resolve) => answer = () => resolve({ value: "a!", until: 0 }));
    })
  ));
  // The hashes of all three are made by then.
  for (let turn = 0; turn < 50; turn++) await crypto.subtle.digest("SHA-256", new Uint8Array(1));
  answer();
  expect([await all, asked]).toEqual([["a!", "a!", "a!"], 1]);
});

it("does not keep what is out of date, nor what is no time, nor a failure", async () => {
  const { get, asked } = counting(new AnswerCache(10));
  for (const until of [0, 1_000_000, NaN]) await get("a", until);
  await get("a", 0);
  expect(asked).toHaveLength(4);
  const cache = new AnswerCache<string>(10);
  await expect(cache.get("a", signal, () => Promise.reject(new Error("down")))).rejects.toThrow("down");
  expect(await cache.get("a", signal, () => Promise.resolve({ value: "up", until: 0 }))).toBe("up");
});

it("keeps so many, and gives up what was not asked for longest", async () => {
  const { get, asked } = counting(new AnswerCache(2));
  for (const question of ["a", "b", "a", "c", "a", "c", "b"]) await get(question);
  expect(asked).toEqual(["a", "b", "c", "b"]);
  const none = counting(new AnswerCache(0));
  await none.get("a");
  await none.get("a");
  expect(none.asked).toEqual(["a", "a"]);
});

it("asks on for as long as anybody waits, and gives up then", async () => {
  const cache = new AnswerCache<string>(10);
  const clients = [1, 2, 3].map(() => new AbortController());
  let asked = 0;
  const ask = (given: AbortSignal): Promise<never> => {
    asked++;
    return new Promise((_resolve, reject) => given.addEventListener("abort", () => reject(given.reason)));
  };
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn++) await crypto.subtle.digest("SHA-256", new Uint8Array(1));
  };
  const [first, second, third] = clients as [AbortController, AbortController, AbortController];
  const early = [first, second].map((client) => cache.get("a", client.signal, ask).catch((error: unknown) => error));
  await turns();
  first.abort("left");
  await turns();
  expect(asked).toBe(1);
  // Who comes when the last one leaves asks anew.
  const late = cache.get("a", third.signal, () => Promise.resolve({ value: "a!", until: 0 }));
  second.abort("left");
  expect([await late, await Promise.all(early), asked]).toEqual(["a!", ["left", "left"], 1]);
  await expect(cache.get("a", second.signal, ask)).rejects.toBe("left");
});
