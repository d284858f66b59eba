import { expect, it } from "vitest";
import { HeldInput } from "../../src/connection/held_input.ts";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";

const LIMIT = OWN_BYTES * 2;

function start(others = 0): { buffers: BufferBudget; input: HeldInput } {
  const buffers = new BufferBudget(LIMIT);
  buffers.used = others;
  return { buffers, input: new HeldInput(buffers) };
}

it("follows what is held, up and down, and gives it back", () => {
  const { buffers, input } = start(1);
  for (const held of [10, 30, 30, 5]) {
    input.isTooMuch({ held, assembled: held });
    expect(buffers.used).toBe(held + 1);
  }
  input.release();
  input.release();
  expect(buffers.used).toBe(1);
});

it("is too much beyond the limit, for an unfinished message that grows beyond everybody's own", () => {
  const { buffers, input } = start();
  expect(input.isTooMuch({ held: LIMIT, assembled: LIMIT })).toBe(false);
  expect(input.isTooMuch({ held: LIMIT + 1, assembled: LIMIT + 1 })).toBe(true);
  // Who asks for no more keeps what there is.
  expect(input.isTooMuch({ held: LIMIT + 1, assembled: LIMIT + 1 })).toBe(false);
  buffers.used += 10;
  expect(input.isTooMuch({ held: LIMIT, assembled: LIMIT })).toBe(false);
});

it("is not too much while it is everybody's own, or waits behind a pause", () => {
  const { input } = start(LIMIT);
  expect(input.isTooMuch({ held: OWN_BYTES, assembled: OWN_BYTES })).toBe(false);
  expect(input.isTooMuch({ held: OWN_BYTES * 2, assembled: 0 })).toBe(false);
});
