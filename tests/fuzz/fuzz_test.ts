import { describe, expect, it } from "vitest";

import { fromHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { reference } from "../support/reference.ts";
import { PROPERTIES } from "./properties.ts";
import { describeFailure, tryOnce } from "./run.ts";
import { shortest, validFrames } from "./samples.ts";

const SEEDS = 200;

describe("properties of the engine, from fixed seeds", () => {
  for (const property of PROPERTIES) {
    it(`${property.name} (${SEEDS} seeds)`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const failure = tryOnce(property, seed);
        if (failure !== undefined) expect.fail(describeFailure(failure));
      }
    });
  }
});

describe("the fuzzer itself", () => {
  it("makes the same of the same seed, and another of another", () => {
    for (const property of PROPERTIES) {
      const made = [7, 7, 8].map((seed) => JSON.stringify(property.make(new Random(seed))));
      expect(made[0]).toBe(made[1]);
      expect(made[0]).not.toBe(made[2]);
    }
  });

  it("makes transcripts that break no rule, of every kind", () => {
    const heard = Array.from({ length: 100 }, (_, seed) => {
      const role = seed % 2 === 0 ? "server" : "client";
      const wire = fromHex(validFrames(new Random(seed), role).join(" "));
      return reference(wire, { role, maxMessageSize: Infinity, maxFrameSize: undefined, maxFragments: Infinity });
    }).flat();
    const kinds = new Set(heard.map((word) => word.split(" ", 1)[0]));
    expect([...kinds].sort()).toEqual(["binary", "closing", "ping", "pong", "text"]);
  });

  it("finds the shortest sample that fails", () => {
    const steps = Array.from({ length: 50 }, (_, i) => `${i}`);
    const fails = ({ steps }: { steps: readonly string[] }) => steps.includes("7") && steps.includes("33");
    expect(shortest({ role: "server", seed: 0, steps }, fails).steps).toEqual(["7", "33"]);
  });

  it("reports a violation, and an exception, with its seed", () => {
    const [property] = PROPERTIES;
    const wrong = { ...property!, check: () => "all wrong" };
    expect(describeFailure(tryOnce(wrong, 5)!)).toContain("seed 5: all wrong");
    const throws = {
      ...property!,
      check: () => {
        throw new Error("oh");
      },
    };
    expect(tryOnce(throws, 5)!.wrong).toContain("it threw Error: oh");
    expect(tryOnce(property!, 5)).toBe(undefined);
  });
});
