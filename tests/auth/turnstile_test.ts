import { expect, it } from "vitest";
import { UpgradeError } from "../../src/errors.ts";
import { Turnstile } from "../../src/auth/turnstile.ts";

/** Work that ends when it is told to. */
function crowd(turnstile: Turnstile) {
  const begun: { name: string; end: () => void; fail: (reason: unknown) => void }[] = [];
  const run = (name: string, signal = new AbortController().signal): Promise<string> =>
    turnstile.run(() => new Promise<string>((end, fail) => begun.push({ name, end: () => end(name), fail })), signal);
  return { run, begun, names: () => begun.map(({ name }) => name) };
}
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it("lets so many through at once, and the others in their order", async () => {
  const { run, begun, names } = crowd(new Turnstile(2, 10));
  const all = ["a", "b", "c", "d", "e"].map((name) => run(name));
  await turn();
  expect(names()).toEqual(["a", "b"]);
  begun[1]!.end();
  await turn();
  expect(names()).toEqual(["a", "b", "c"]);
  begun[0]!.end();
  begun[2]!.end();
  await turn();
  expect(names()).toEqual(["a", "b", "c", "d", "e"]);
  begun[3]!.end();
  begun[4]!.end();
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d", "e"]);
});

it("turns away who comes when too many wait, with 503", async () => {
  const { run, begun, names } = crowd(new Turnstile(1, 1));
  const [first, second] = [run("a"), run("b")];
  const refused = await run("c").catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(UpgradeError);
  expect(refused).toMatchObject({ status: 503 });
  expect((refused as UpgradeError).headers.get("retry-after")).toBe("1");
  begun[0]!.end();
  await first;
  const third = run("d");
  begun[1]!.end();
  await second;
  await turn();
  begun[2]!.end();
  await third;
  expect(names()).toEqual(["a", "b", "d"]);
});

it("goes on behind work that fails", async () => {
  const { run, begun } = crowd(new Turnstile(1, 5));
  const [first, second] = [run("a"), run("b")];
  begun[0]!.fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await turn();
  begun[1]!.end();
  expect(await second).toBe("b");
});

it("forgets who leaves, and gives nobody's place away twice", async () => {
  const { run, begun, names } = crowd(new Turnstile(1, 1));
  const first = run("a");
  const leaving = new AbortController();
  const left = run("b", leaving.signal);
  leaving.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  await expect(run("c", leaving.signal)).rejects.toThrow("left");
  // The place in the queue is free again.
  const last = run("d");
  begun[0]!.end();
  await first;
  await turn();
  expect(names()).toEqual(["a", "d"]);
  begun[1]!.end();
  await last;
});
