import { expect, it } from "vitest";
import { Backlog } from "../../src/connection/backlog.ts";

const chunk = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes);

it("gives its chunks back once, in order, and knows their size", () => {
  const backlog = new Backlog();
  const chunks = [chunk(1, 2), chunk(3)];
  for (const each of chunks) backlog.add(each);
  expect(backlog.size).toBe(3);
  expect(backlog.takeChunks()).toEqual(chunks);
  expect([backlog.size, backlog.takeChunks()]).toEqual([0, []]);
});

it("takes chunks again while the last are handed over", () => {
  const backlog = new Backlog();
  backlog.add(chunk(1));
  backlog.add(chunk(2));
  for (const each of backlog.takeChunks()) backlog.add(each);
  expect([backlog.size, backlog.takeChunks()]).toEqual([2, [chunk(1), chunk(2)]]);
});

it("attack 22: keeps the newest pongs, and counts none of them", () => {
  const backlog = new Backlog();
  for (let i = 1; i <= 5; i++) backlog.addPong(chunk(i), 3);
  expect([backlog.size, backlog.takeChunks()]).toEqual([0, []]);
  expect(backlog.takePongs()).toEqual([chunk(3), chunk(4), chunk(5)]);
  expect(backlog.takePongs()).toEqual([]);
});
