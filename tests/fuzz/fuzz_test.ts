import { describe, expect, it } from "vitest";

import { fromHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";
import { reference } from "../support/reference.ts";
import { parseSample, readCorpus, writeSample } from "./corpus.ts";
import { FRAME_DIFFERENCES, SHOWN } from "./differences.ts";
import { HANDSHAKE_DIFFERENCES, LIST_DIFFERENCES } from "./handshake_differences.ts";
import { mutated } from "./mutated.ts";
import { CHECKS, PROPERTIES } from "./properties.ts";
import type { Kind, Property } from "./property.ts";
import { describeFailure, shortest, tryOnce, trySample } from "./run.ts";
import { validFrames } from "./samples.ts";

const SEEDS = 100;
/** Each plays an entry of the corpus with other cuts, limits and parameters. */
const SEEDS_OF_AN_ENTRY = 2;

describe("H3: properties hold, from fixed seeds", () => {
  for (const property of PROPERTIES) {
    it(`${property.name} (${SEEDS} seeds)`, async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const failure = await tryOnce(property, seed);
        if (failure !== undefined) expect.fail(describeFailure(failure));
      }
    });
  }
});

describe("H3: what is in the corpus holds", () => {
  const entries = readCorpus();

  for (const property of CHECKS) {
    it(`${property.name} (${entries.filter(({ kind }) => kind === property.kind).length} entries)`, async () => {
      for (const { kind, name, sample } of entries) {
        if (kind !== property.kind) continue;
        for (let more = 0; more < SEEDS_OF_AN_ENTRY; more++) {
          const failure = await trySample(property, { ...sample, seed: sample.seed + more });
          if (failure !== undefined) expect.fail(`${name}: ${describeFailure(failure)}`);
        }
      }
    });
  }

  it("shows every difference from ws that is explained", () => {
    const all = [...FRAME_DIFFERENCES, ...HANDSHAKE_DIFFERENCES, ...LIST_DIFFERENCES];
    expect(all.filter((difference) => !SHOWN.has(difference)).map(({ name }) => name)).toEqual([]);
  });
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

  it("changes samples of every kind into others that can be read", () => {
    const samples: [Kind, string[]][] = [
      ["frames", ["81 01 61", "88 00"]],
      ["request", ["GET / HTTP/1.1", "Host: a"]],
      ["network", ["client send", "server turn"]],
    ];
    for (const [kind, steps] of samples) {
      const changed = Array.from({ length: 50 }, (_, seed) => mutated(new Random(seed), kind, steps));
      expect(new Set(changed.map((other) => other.join("\n"))).size).toBeGreaterThan(10);
      if (kind === "frames") changed.forEach((other) => fromHex(other.join(" ")));
    }
  });

  it("reads what it has kept", () => {
    const samples: [Kind, string[]][] = [
      ["frames", [`81 05 ${"2a ".repeat(200)}00`, ""]],
      ["request", ["GET / HTTP/1.1", "", '# \r\n\0"\\ \u00ff', "2a×5"]],
      ["network", ["client send"]],
    ];
    for (const [kind, steps] of samples) {
      const sample = { role: "client", seed: 7, steps } as const;
      expect(parseSample(writeSample(kind, "why\nand how", sample), "it")).toEqual(sample);
    }
  });

  it("finds the shortest sample that fails", async () => {
    const steps = Array.from({ length: 50 }, (_, i) => `${i}`);
    const fails = ({ steps }: { steps: readonly string[] }) =>
      Promise.resolve(steps.includes("7") && steps.includes("33"));
    expect((await shortest({ role: "server", seed: 0, steps }, fails)).steps).toEqual(["7", "33"]);
  });

  it("reports a violation, and an exception", async () => {
    const [property] = PROPERTIES as [Property];
    const wrong = { ...property, check: () => "all wrong" };
    expect(describeFailure((await tryOnce(wrong, 5))!)).toContain("all wrong");
    const throws = {
      ...property,
      check: () => {
        throw new Error("oh");
      },
    };
    expect((await tryOnce(throws, 5))!.wrong).toContain("it threw Error: oh");
    expect(await tryOnce(property, 5)).toBe(undefined);
  });
});
