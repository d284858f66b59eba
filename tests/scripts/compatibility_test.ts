import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/command.ts";
import {
  type Report,
  type Reports,
  shows,
  tableOf,
  type TestResult,
  unshownFacts,
  withTable,
} from "../../scripts/compatibility.ts";
import { type Fact, FACTS, type Host, HOSTS } from "../support/facts.ts";

/** A test that passed as it stands. */
function test(title: string): TestResult {
  return { title, fullName: title, status: "passed", meta: {} };
}

/** A test that passed in another way. */
function other(title: string, refused: boolean, ...facts: string[]): TestResult {
  return { ...test(title), meta: { hawser: { refused, facts } } };
}

function report(assertionResults: TestResult[], name = "/home/tests/behaviours/some_test.ts"): Report {
  return { testResults: [{ name, status: "passed", message: "", assertionResults }] };
}

/** Of hosts on which the same passed, but for some. */
function reports(usual: TestResult[], differences: Partial<Record<Host, TestResult[]>> = {}): Reports {
  return Object.fromEntries(HOSTS.map((host) => [host, report(differences[host] ?? usual)])) as Reports;
}

/** The cells of a row, from "Node engine" to "Bun native". */
function cells(table: string, row: string): string[] {
  const line = table.split("\n").find((line) => line.startsWith(`| ${row}: `)) ?? "";
  return line.split("|").slice(2, -1).map((cell) => cell.trim());
}

describe("the table", () => {
  it("says yes where every test holds as it stands, in the order of the rows", () => {
    const table = tableOf(reports([test("S10: a"), test("L1: a"), test("S2: a"), test("L1: b")]));
    const rows = table.split("\n").slice(2).map((line) => /^\| ([A-Z]\d+)/.exec(line)?.[1]);
    expect(rows.filter((row) => row !== undefined)).toEqual(["L1", "S2", "S10"]);
    expect(cells(table, "L1")).toEqual(Array(5).fill("yes"));
  });

  it("says in notes what is different, numbered in the order of the list", () => {
    const table = tableOf(reports([test("P1: a"), test("P1: b"), test("P3: a")], {
      "bun native": [test("P1: a"), other("P1: b", false, "bun-own-pong"), other("P3: a", false, "bun-no-close-wait")],
      "deno native": [other("P1: a", true, "deno-no-control"), other("P1: b", false, "deno-unmasked"), test("P3: a")],
    }));
    expect(cells(table, "P1")).toEqual(["yes", "yes", "yes", "yes, but: 1, 2", "yes, but: 4"]);
    expect(cells(table, "P3")).toEqual(["yes", "yes", "yes", "yes", "yes, but: 3"]);
    const notes = ["deno-no-control", "deno-unmasked", "bun-no-close-wait", "bun-own-pong"] as const;
    expect(table.split("\n\n")[1]).toBe(notes.map((fact, i) => `${i + 1}. ${FACTS[fact]}`).join("\n"));
  });

  it("says no where every test saw a refusal, and only there", () => {
    const refused = other("Z2: a", true, "deno-no-compression");
    const table = tableOf(reports([test("Z2: a"), test("Z2: b")], {
      "deno native": [refused, other("Z2: b", true, "deno-no-compression")],
      "bun native": [refused, test("Z2: b")],
    }));
    expect(cells(table, "Z2")).toEqual(["yes", "yes", "yes", "no: 1", "yes, but: 1"]);
  });

  it("says what failed, and where there was no test", () => {
    const failed = { ...test("L1: a"), status: "failed" };
    expect(cells(tableOf(reports([test("L1: a")], { "bun engine": [failed], "deno native": [] })), "L1"))
      .toEqual(["yes", "yes", "failed", "–", "yes"]);
  });

  it("counts tests of tests/behaviours/ only", () => {
    const { testResults } = report([test("no row"), test("P1: a")], "/home/tests/service/some_test.ts");
    const usual = reports([test("L1: a")]);
    const node = { testResults: [...usual["node engine"].testResults, ...testResults] };
    expect(tableOf({ ...usual, "node engine": node })).toBe(tableOf(usual));
  });

  it("takes the id from what is around a test that has none", () => {
    const inside = { ...test("as it stands"), fullName: "R2: with friends as it stands" };
    const apart = { ...test("Z1: b"), fullName: "R2: with friends Z1: b" };
    const table = tableOf(reports([inside, apart]));
    expect([cells(table, "R2"), cells(table, "Z1")]).toEqual(Array(2).fill(Array(5).fill("yes")));
  });

  it.each([
    ["a test of no row", [test("it works")], 'The test "it works" has no id of a row'],
    ["a row without a name", [test("Q1: a")], "The row Q1 has no name"],
    ["a fact that is not listed", [other("L1: a", true, "deno-is-slow")], 'There is no fact "deno-is-slow"'],
  ])("does not pass over %s", (_what, tests, message) => {
    expect(() => tableOf(reports(tests))).toThrow(message);
  });

  it("knows the facts that no test has shown", () => {
    const all = Object.keys(FACTS) as Fact[];
    expect(unshownFacts(reports([test("L1: a")]))).toEqual(all);
    expect(unshownFacts(reports([test("L1: a")], { "bun native": [other("L1: a", false, ...all.slice(1))] })))
      .toEqual(all.slice(0, 1));
  });
});

describe("the document", () => {
  const document = readFileSync(join(ROOT, "docs", "compatibility.md"), "utf8");
  const table = tableOf(reports([test("L1: a")], { "deno native": [other("L1: a", false, "deno-no-pause")] }));

  it("takes a table between its marks, and shows it then", () => {
    expect(shows(document, table)).toBe(false);
    const written = withTable(document, table);
    expect(written).toContain(table);
    expect(shows(written, table)).toBe(true);
    expect(withTable(written, table)).toBe(written);
    expect(shows(written, table.replace("but: 1", "but: 2"))).toBe(false);
  });

  it("may be formatted: columns padded, lines broken", () => {
    const formatted = withTable(document, table).replace(/^\| L1.*$/m, (line) => line.replaceAll(" |", "    |"))
      .replace("cannot stop reading", "cannot\n   stop reading").replaceAll("---", "-----");
    expect(shows(formatted, table)).toBe(true);
  });

  it("has to have them", () => {
    expect(() => withTable("nothing", table)).toThrow("no place for the table");
  });
});
