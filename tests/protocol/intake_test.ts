import { describe, expect, it } from "vitest";

import { type IntakeOptions, Intakes } from "../../src/protocol/intake.ts";
import { hex } from "../support/hex.ts";

const OPTIONS: IntakeOptions = {
  masked: false,
  compression: false,
  maxMessageSize: 1_000,
  maxFrameSize: Infinity,
  maxFragments: 10,
  streamedSize: undefined,
  decodeAscii: undefined,
  allocate: undefined,
};
const PARTS = { messagePart(): void {} };

describe("Intakes", () => {
  it("are the same for the same options, and no others", () => {
    const intakes = Intakes.of(OPTIONS);
    expect(Intakes.of({ ...OPTIONS })).toBe(intakes);
    for (const other of [{ masked: true }, { compression: true }, { maxFragments: 11 }, { streamedSize: 5 }]) {
      expect(Intakes.of({ ...OPTIONS, ...other })).not.toBe(intakes);
    }
  });

  it("lend what was given back, which knows nothing of who had it", () => {
    const intakes = Intakes.of(OPTIONS);
    const lent = intakes.take(PARTS, undefined);
    expect(intakes.take(PARTS, undefined)).not.toBe(lent);
    lent.queue.push(hex`01 02 61`);
    expect(lent.reader.read()).toBe(true);
    lent.assembler.take(lent.reader);
    expect(lent.unfinished).toBe(true);
    lent.clear();
    expect(lent.unfinished).toBe(false);
    intakes.giveBack(lent);
    expect(lent.assembler.parts).toBeUndefined();
    expect(intakes.take(PARTS, undefined)).toBe(lent);
  });
});
