/**
 * All tests: the checks, the npm package, then the suite inside each runtime. The last line is `N passed, N failed`, and
 * the exit code follows it. A test that was skipped, a run that is no run, or a runtime without a test counts as failed.
 * Names of parts (`check`, `package`, `node`, `deno`, `bun`) choose some of them; what follows `--` goes to vitest.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check, type Tally } from "./check.ts";
import { ROOT, runCommand } from "./command.ts";
import { ensure, SYSTEM_PACKAGES } from "./system_packages.ts";
import { findRuntimes, type Runtimes, VERSIONS } from "./runtimes.ts";
import { testPackage } from "./test_package.ts";

const PARTS = ["check", "package", "node", "deno", "bun"] as const;
type Part = (typeof PARTS)[number];
type Suite = Exclude<Part, "check" | "package">;

/** The longest a suite may take inside one runtime, in seconds. */
const SUITE_TIMEOUT = 300;

/** What we read of vitest's JSON report. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** How vitest is started inside a runtime. Bun without `--bun` would silently start Node. */
function commandFor(part: Suite, runtimes: Runtimes): [file: string, ...args: string[]] {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  switch (part) {
    case "node":
      return [process.execPath, vitest, "run"];
    case "deno":
      // deno.json says "none", which leaves npm's folder alone; vitest lives in it.
      return [runtimes.deno, "run", "-A", "--node-modules-dir=manual", vitest, "run"];
    case "bun":
      return [runtimes.bun, "--bun", vitest, "run"];
  }
}

async function runSuite(part: Suite, runtimes: Runtimes, rest: readonly string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-"));
  const reportFile = join(folder, "report.json");
  try {
    const [file, ...args] = commandFor(part, runtimes);
    const reporting = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
    const { ok, failure } = await runCommand(file, [...args, ...reporting, ...rest], {
      env: { HAWSER_RUNTIME: part, DENO_NO_UPDATE_CHECK: "1" },
      stream: true,
      timeout: SUITE_TIMEOUT,
    });
    const report = await readFile(reportFile, "utf8").catch(() => undefined);
    if (report === undefined) return failRun(part, `vitest wrote no report: ${failure}`);
    const tally = judge(part, JSON.parse(report) as Report);
    if (tally.passed + tally.failed === 0) return failRun(part, "no test ran");
    // Such as an error nobody caught, outside of any test.
    if (!ok && tally.failed === 0) return failRun(part, `all tests passed, but ${failure}`, tally.passed);
    return tally;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function failRun(part: Part, why: string, passed = 0): Tally {
  console.log(`${part}: ${why}`);
  return { passed, failed: 1 };
}

/** Counts tests. One that did not run is a failure, and so is a file that could not be loaded. */
function judge(part: Part, { testResults }: Report): Tally {
  let passed = 0;
  let failed = 0;
  for (const { name, status, assertionResults } of testResults) {
    for (const test of assertionResults) {
      if (test.status === "passed") {
        passed++;
        continue;
      }
      failed++;
      if (test.status !== "failed") console.log(`${part}: "${test.fullName}" did not run: it is ${test.status}`);
    }
    const hasFailure = assertionResults.some((test) => test.status === "failed");
    if (status === "failed" && !hasFailure || assertionResults.length === 0) {
      failed++;
      console.log(`${part}: ${name} could not be run as a whole`);
    }
  }
  return { passed, failed };
}

function isSuite(part: Part): part is Suite {
  return part !== "check" && part !== "package";
}

function isPart(word: string): word is Part {
  return PARTS.some((part) => part === word);
}

function runPart(part: Part): Promise<Tally> {
  if (part === "check") return check(runtimes.deno);
  if (part === "package") return testPackage(runtimes);
  return runSuite(part, runtimes, rest);
}

const words = process.argv.slice(2);
const asked = words.filter(isPart);
const rest = words.filter((word) => !isPart(word));
const runtimes = await findRuntimes();
const versions = { node: process.versions.node, ...VERSIONS };

const parts = asked.length > 0 ? asked : PARTS;
if (parts.some(isSuite)) await ensure(SYSTEM_PACKAGES);

const tallies: Tally[] = [];
const lines: string[] = [];
for (const part of parts) {
  const title = isSuite(part) ? `${part} ${versions[part]}` : part;
  console.log(`\n${title}`);
  const tally = await runPart(part);
  tallies.push(tally);
  lines.push(`${title}: ${tally.passed} passed, ${tally.failed} failed`);
}

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
console.log(`\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
