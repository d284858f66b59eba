import { expect, it } from "vitest";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";

it("is passed by what is more than the limit, inclusive, and by nobody who keeps no more than is everybody's own", () => {
  const buffers = new BufferBudget(100_000);
  buffers.used = 100_000;
  expect(buffers.isPassedBy(100_000)).toBe(false);
  buffers.used = 100_001;
  expect(buffers.isPassedBy(OWN_BYTES)).toBe(false);
  expect(buffers.isPassedBy(OWN_BYTES + 1)).toBe(true);
});
