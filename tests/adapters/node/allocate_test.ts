import { expect, it } from "vitest";
import { allocate } from "../../../src/adapters/node/allocate.ts";

it("makes a plain array that owns its whole buffer, of any size", () => {
  for (const size of [0, 1, 4_096, 1_048_576]) {
    const bytes = allocate(size);
    expect([bytes.length, bytes.byteOffset, bytes.buffer.byteLength]).toEqual([size, 0, size]);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  }
});
