/** Plays every conformance case in both roles, cut in every way, and prints how many came out as RFC 6455 demands. */

import { readFileSync } from "node:fs";

import { CASES, GROUPS } from "../tests/conformance/cases.ts";
import { inputOf, play, rolesOf, spelledOut, type Verdict } from "../tests/conformance/verdict.ts";
import { cuts } from "../tests/support/cuts.ts";

const EXPECTED_FILE = new URL("../tests/conformance/expected.json", import.meta.url);
const expected = JSON.parse(readFileSync(EXPECTED_FILE, "utf8")) as Record<string, Verdict>;
let failed = 0;

for (const [group, name] of Object.entries(GROUPS)) {
  const cases = CASES.filter(({ id }) => id.startsWith(`${group}.`));
  let [passed, runs] = [0, 0];
  for (const item of cases) {
    const demanded = JSON.stringify(spelledOut(expected[item.id]!));
    const wrong = rolesOf(item).flatMap((role) =>
      [...cuts(inputOf(item, role))].flatMap(([how, chunks]) => {
        runs++;
        const said = JSON.stringify(play(item, role, chunks));
        return said === demanded ? [] : [`as a ${role}, ${how}: ${said}`];
      })
    );
    if (wrong.length === 0) passed++;
    else console.log(`FAILED ${item.id} ${item.section} ${item.what}, ${wrong[0]}\n  demanded ${demanded}`);
  }
  failed += cases.length - passed;
  console.log(`${`${group} ${name}`.padEnd(40)} ${passed} of ${cases.length} cases, ${runs} runs`);
}
console.log(`${CASES.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
