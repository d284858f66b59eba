import { afterEach, describe, expect, it, vi } from "vitest";

import { CorruptedFrameError } from "../../src/errors.ts";
import { type Intake, type IntakeOptions, Intakes } from "../../src/protocol/intake.ts";
import { hex } from "../support/hex.ts";
import { Recorder } from "../support/recorder.ts";

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

  it("keep 16 that nobody needs, and of 8 different options at the most", () => {
    const options = { ...OPTIONS, maxMessageSize: 2_000 };
    const intakes = Intakes.of(options);
    const lent = Array.from({ length: 17 }, () => intakes.take(PARTS, undefined));
    for (const intake of lent) intakes.giveBack(intake);
    const again = new Set(lent.map(() => intakes.take(PARTS, undefined)));
    expect(lent.map((intake) => again.has(intake))).toEqual([...Array(16).fill(true), false]);
    for (let i = 1; i < 8; i++) Intakes.of({ ...options, maxFragments: 100 + i });
    expect(Intakes.of(options)).toBe(intakes);
    Intakes.of({ ...options, maxFragments: 108 });
    expect(Intakes.of(options)).not.toBe(intakes);
  });

  describe("get back what they lent, once and empty", () => {
    afterEach(() => void vi.restoreAllMocks());

    const ends: [string, (client: Recorder, atNextWord: (run: () => void) => void) => void][] = [
      ["when the message is whole", ({ engine }) => engine.receive(hex`80 00`)],
      ["when it breaks a rule", ({ engine }) => engine.receive(hex`81 00`)],
      ["when the peer closes in it", ({ engine }) => engine.receive(hex`88 00`)],
      ["when half a ping has come, and nobody wants to hear", ({ engine }) => {
        engine.receive(hex`89 02 61`);
        engine.hearNoMore();
      }],
      ["when nobody wants to hear", ({ engine }) => {
        engine.hearNoMore();
        engine.hearNoMore();
        engine.receive(hex`80 00`);
      }],
      ["when nobody wants to hear what waits behind a pause", ({ engine }) => {
        engine.pause();
        engine.receive(hex`80 00 81 01 61`);
        engine.hearNoMore();
        engine.resume();
      }],
      ["when it takes too long", ({ engine }) => engine.fail(new CorruptedFrameError("Late", 1008, "§10.4"))],
      ["when that is said in the middle of a chunk", ({ engine }, atNextWord) => {
        atNextWord(() => engine.hearNoMore());
        engine.receive(hex`80 00 81 01 61`);
      }],
    ];

    it.each(ends)("%s", (_, end) => {
      const back: Intake[] = [];
      const giveBack = Intakes.prototype.giveBack;
      vi.spyOn(Intakes.prototype, "giveBack").mockImplementation(function (this: Intakes, intake) {
        expect([intake.unfinished, intake.queue.size, intake.assembler.filled]).toEqual([false, 0, 0]);
        back.push(intake);
        giveBack.call(this, intake);
      });
      let onWord = (): void => {};
      const client = new Recorder({ role: "client", onWord: () => onWord() });
      client.engine.receive(hex`01 01 61`);
      expect(back).toEqual([]);
      end(client, (run) => onWord = run);
      expect(back).toHaveLength(1);
    });
  });
});
