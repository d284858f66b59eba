/** Every capability and every attack that this version answers for has a test of its number, on real sockets. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** The capabilities, by their ids in the acceptance table. */
const ROWS =
  `L1 L2 L3 L4 L5 L6 L7 L8 U1 U2 U3 U4 U5 U6 U7 U8 U9 U10 S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 D1 D2 D3 D4 D5 B1 B2 B3
  P1 P2 P3 P4 P5 C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 T1 T2 T3 F1 F2 F3 F4 H2 H4 A1 A2 A3 A4 A5 R1 R2 Z1 Z2 Z3`
    .split(/\s+/);

/** The rows that are about the applications in examples/. */
const APPLICATIONS = ["X1"];

/** The rows that are about the fuzzer in fuzz/. */
const FUZZED = ["H3"];

/** The attacks, by their numbers in the list of them. */
const ATTACKS = range(1, 46);

it.each(ROWS)("%s has a test in tests/behaviours", (row) => {
  expect(titlesIn("./behaviours/")).toContain(row);
});

it.each(APPLICATIONS)("%s has a test in tests/examples", (row) => {
  expect(titlesIn("./examples/")).toContain(row);
});

it.each(FUZZED)("%s has a test in tests/fuzz", (row) => {
  expect(titlesIn("./fuzz/")).toContain(row);
});

it.each(ATTACKS)("attack %d has a test in tests/attacks", (attack) => {
  expect(titlesIn("./attacks/")).toContain(`attack ${attack}`);
});

/** What the titles of the tests in a folder begin with: the text before their colons. */
function titlesIn(folder: string): string[] {
  const path = new URL(folder, import.meta.url);
  return readdirSync(path).filter((name) => name.endsWith("_test.ts")).flatMap((name) => {
    const source = readFileSync(new URL(name, path), "utf8");
    return [...source.matchAll(/"([A-Z]\d+|attack \d+): [^"\n]+"/g)].map(([, id]) => id!);
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
