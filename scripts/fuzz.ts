/**
 * The property tests for as long as you like: `npm run fuzz -- --seconds 600 --seed 1`. A failure is printed with its
 * seed and the shortest sample that shows it.
 */

import { parseArgs } from "node:util";

import { PROPERTIES } from "../tests/fuzz/properties.ts";
import { describeFailure, tryOnce } from "../tests/fuzz/run.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: `${Date.now() % 1_000_000_000}` },
  },
});
const seconds = Number(values.seconds);
const first = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(first)) throw new TypeError("Cannot fuzz: --seconds and --seed are numbers");

console.log(`Fuzzing for ${seconds} s from seed ${first}`);
const end = performance.now() + seconds * 1_000;
let seed = first;
for (; performance.now() < end && process.exitCode === undefined; seed++) {
  for (const property of PROPERTIES) {
    const failure = tryOnce(property, seed);
    if (failure === undefined) continue;
    console.log(describeFailure(failure));
    process.exitCode = 1;
  }
}
console.log(
  `${seed - first} seeds, ${PROPERTIES.length} properties: ${process.exitCode === 1 ? "failed" : "all hold"}`,
);
