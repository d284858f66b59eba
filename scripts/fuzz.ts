/**
 * Property tests for as long as you like: `npm run fuzz -- --seconds 600 --seed 1`. Half of the samples are made anew from
 * the seed, half are entries of tests/fuzz/corpus with changes; one that reaches new code is changed in its turn, and kept
 * among them with `--grow`. A failure is printed, and kept as the shortest sample that shows it.
 *
 * `npm run fuzz -- --replay FILE` tries one entry with all that is to be checked of its kind, from its seed and nine more.
 */

import { parseArgs } from "node:util";

import { type Entry, keep, readCases, readCorpus, readEntry, writeSample } from "../tests/fuzz/corpus.ts";
import { watchCoverage } from "../tests/fuzz/coverage.ts";
import { mutated } from "../tests/fuzz/mutated.ts";
import { CHECKS, PROPERTIES } from "../tests/fuzz/properties.ts";
import type { Kind, Property, Sample } from "../tests/fuzz/property.ts";
import { describeFailure, trySample } from "../tests/fuzz/run.ts";
import { Random } from "../tests/support/random.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
    replay: { type: "string" },
    grow: { type: "boolean", default: false },
  },
});
/** Characters of an entry; a longer one is hardly read, and seldom says more. */
const LONGEST_ENTRY = 3_000;
const MAX_FINDINGS = 10;
const PROGRESS_MS = 60_000;

const counts = { tried: 0, grown: 0, findings: 0 };
const failed = new Set<Property>();

if (values.replay !== undefined) await replay(values.replay);
else await fuzz(Number(values.seconds), Number(values.seed));

async function replay(path: string): Promise<void> {
  const { kind, sample } = readEntry(path);
  for (const property of CHECKS.filter((check) => check.kind === kind)) {
    for (const seed of [sample.seed, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      const failure = await trySample(property, { ...sample, seed });
      console.log(failure === undefined ? `holds: ${property.name}, seed ${seed}` : describeFailure(failure));
      if (failure !== undefined) process.exitCode = 1;
    }
  }
}

async function fuzz(seconds: number, first: number): Promise<void> {
  if (!(seconds > 0) || !Number.isInteger(first)) throw new TypeError("Cannot fuzz: --seconds and --seed are numbers");
  console.log(`Fuzzing for ${seconds} s from seed ${first}`);
  const pool = new Map<Kind, Entry[]>();
  for (const entry of [...readCorpus(), ...readCases()]) pool.set(entry.kind, [...pool.get(entry.kind) ?? [], entry]);
  const isNew = await watchCoverage();
  // What these reach is not new.
  for (const { kind, sample, name } of [...pool.values()].flat()) {
    for (const property of CHECKS.filter((check) => check.kind === kind)) await tryWith(property, sample, name);
  }
  const start = performance.now();
  let told = start;
  let seed = first;
  for (; performance.now() - start < seconds * 1_000 && counts.findings < MAX_FINDINGS; seed++) {
    for (const property of PROPERTIES) {
      if (failed.has(property)) continue;
      const random = new Random(seed);
      const made = property.make(random);
      await tryWith(property, made, `seed ${seed}`);
      const entries = pool.get(property.kind);
      if (entries === undefined || failed.has(property)) continue;
      const changed = mutation(random, property.kind, entries);
      await tryWith(property, changed, `the corpus, changed by seed ${seed}`);
      // One of the two; to ask after each would cost as much as to try another one.
      if (isNew?.() === true) grow(property.kind, entries, [made, changed], seed);
    }
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    console.log(`${Math.round((told - start) / 1_000)} s: ${seed - first + 1} seeds, ${JSON.stringify(counts)}`);
  }
  console.log(`${Math.round((performance.now() - start) / 1_000)} s, ${seed - first} seeds, ${JSON.stringify(counts)}`);
  console.log(`${PROPERTIES.length} properties: ${counts.findings === 0 ? "all hold" : `${counts.findings} failed`}`);
}

function grow(kind: Kind, entries: Entry[], samples: readonly Sample[], seed: number): void {
  for (const [i, sample] of samples.entries()) {
    const name = `reached_${seed}_${i}`;
    const comment = "It, or its twin, reached code that no other entry had.";
    if (writeSample(kind, comment, sample).length > LONGEST_ENTRY) continue;
    entries.push({ kind, name, sample });
    counts.grown++;
    if (values.grow) keep(kind, name, comment, sample);
  }
}

function mutation(random: Random, kind: Kind, entries: readonly Entry[]): Sample {
  const { sample } = random.pick(entries);
  const steps = mutated(random, kind, sample.steps, random.pick(entries).sample.steps);
  return { ...sample, seed: random.below(2 ** 31), steps };
}

async function tryWith(property: Property, sample: Sample, from: string): Promise<void> {
  counts.tried++;
  const failure = await trySample(property, sample);
  if (failure === undefined) return;
  failed.add(property);
  counts.findings++;
  process.exitCode = 1;
  const comment = `Found from ${from}: ${property.name}\n${failure.wrong.split("\n", 1)[0]!.slice(0, 200)}`;
  const path = keep(property.kind, `found_${Date.now().toString(36)}`, comment, failure.sample);
  console.log(`${describeFailure(failure)}\nfrom ${from}; again: npm run fuzz -- --replay ${path}`);
}
