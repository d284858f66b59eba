import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { cuts } from "../support/cuts.ts";
import { CASES, GROUPS } from "./cases.ts";
import { inputOf, play, rolesOf, spelledOut, type Verdict } from "./verdict.ts";

const EXPECTED = JSON.parse(readFileSync(new URL("./expected.json", import.meta.url), "utf8")) as Record<
  string,
  Verdict
>;

describe("conformance to RFC 6455", () => {
  it("every case has a verdict, and every verdict a case", () => {
    expect(Object.keys(EXPECTED)).toEqual(CASES.map(({ id }) => id));
    expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
  });

  for (const [group, name] of Object.entries(GROUPS)) {
    for (const role of ["server", "client"] as const) {
      const cases = CASES.filter((item) => item.id.startsWith(`${group}.`) && rolesOf(item).includes(role));
      it(`${group} ${name}: ${cases.length} cases as a ${role}`, () => {
        for (const item of cases) {
          const expected = spelledOut(EXPECTED[item.id]!);
          for (const [how, chunks] of cuts(inputOf(item, role))) {
            const verdict = play(item, role, chunks);
            if (!same(verdict, expected)) {
              expect(verdict, `${item.id} ${item.section} ${item.what}, as a ${role}, ${how}`).toEqual(expected);
            }
          }
        }
      });
    }
  }
});

function same(a: Verdict, b: Verdict): boolean {
  return a.close === b.close && a.out === b.out && a.events.length === b.events.length &&
    a.events.every((event, i) => event === b.events[i]);
}
