import { describe, expect, it } from "vitest";

import { ByteQueue } from "../../src/protocol/byte_queue.ts";
import { hex, toHex } from "../support/hex.ts";

/** What stands in the window. */
function windowOf(queue: ByteQueue): string {
  return toHex(queue.bytes.subarray(queue.at, queue.end));
}

describe("ByteQueue", () => {
  it("starts empty", () => {
    const queue = new ByteQueue();
    expect(queue.empty).toBe(true);
    expect(queue.fill(1)).toBe(false);
    expect(queue.fill(0)).toBe(true);
  });

  it("shows the first chunk itself, not a copy", () => {
    const queue = new ByteQueue();
    const chunk = hex`01 02 03`;
    queue.push(chunk);
    expect(queue.bytes).toBe(chunk);
    expect(queue.empty).toBe(false);
    queue.at = 3;
    expect(queue.empty).toBe(true);
  });

  it("joins as many chunks as it takes, and no more", () => {
    const queue = new ByteQueue();
    for (const chunk of [hex`01 02`, hex`03`, hex`04 05`, hex`06`]) queue.push(chunk);
    queue.at = 1;
    expect(windowOf(queue)).toBe("02");
    expect(queue.fill(3)).toBe(true);
    expect(windowOf(queue)).toBe("02 03 04 05");
    queue.at = queue.end;
    expect(queue.fill(1)).toBe(true);
    expect(windowOf(queue)).toBe("06");
  });

  it("keeps what there is when there is not enough", () => {
    const queue = new ByteQueue();
    queue.push(hex`01`);
    queue.push(hex`02`);
    expect(queue.fill(3)).toBe(false);
    expect(windowOf(queue)).toBe("01 02");
    queue.push(hex`03 04`);
    expect(queue.fill(3)).toBe(true);
    expect(windowOf(queue)).toBe("01 02 03 04");
  });

  it("takes the next chunk as it is when nothing is left of the one before", () => {
    const queue = new ByteQueue();
    const next = hex`02 03`;
    queue.push(hex`01`);
    queue.push(next);
    queue.at = 1;
    expect(queue.fill(2)).toBe(true);
    expect(queue.bytes).toBe(next);
  });

  it("passes over empty chunks", () => {
    const queue = new ByteQueue();
    for (const chunk of [hex``, hex`01`, hex``, hex``, hex`02`]) queue.push(chunk);
    expect(queue.fill(2)).toBe(true);
    expect(windowOf(queue)).toBe("01 02");
  });

  it("forgets everything", () => {
    const queue = new ByteQueue();
    queue.push(hex`01`);
    queue.push(hex`02`);
    queue.clear();
    expect(queue.empty).toBe(true);
    expect(queue.fill(1)).toBe(false);
  });
});

it("lets go of a chunk that is read to its end, and of no other", () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(1, 2, 3));
  queue.at = 2;
  queue.release();
  expect(queue.bytes.length).toBe(3);
  queue.at = 3;
  queue.release();
  expect(queue.bytes.buffer.byteLength).toBe(0);
  expect(queue.empty).toBe(true);
});
