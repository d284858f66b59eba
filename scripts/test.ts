/**
 * All tests: the checks, the npm package, the suite inside each runtime, and its behaviours once more on the native hosts
 * of Deno and Bun, with those attacks that are made there, too. The last line is `N passed, N failed`, and the exit code
 * follows it. A test that was skipped, a run that is no run, or a runtime without a test counts as failed, and so does a
 * compatibility table that is not the one in docs/compatibility.md. Names of parts (`check`, `package`, `node`, `deno`,
 * `bun`, `deno-native`, `bun-native`) choose some of them; `--write` writes the table; anything else goes to vitest.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { check, type Tally } from "./check.ts";
import { ROOT, runCommand } from "./command.ts";
import { type Report, type Reports, shows, tableOf, unshownFacts, withTable } from "./compatibility.ts";
import { ensure, SYSTEM_PACKAGES } from "./system_packages.ts";
import { findRuntimes, type Runtimes, VERSIONS } from "./runtimes.ts";
import { testPackage } from "./test_package.ts";

const PARTS = ["check", "package", "node", "deno", "bun", "deno-native", "bun-native"] as const;
type Part = (typeof PARTS)[number];
type Suite = Exclude<Part, "check" | "package">;

/** What a suite is run in, and on which host. */
const SUITES = {
  node: ["node", "engine"],
  deno: ["deno", "engine"],
  bun: ["bun", "engine"],
  "deno-native": ["deno", "native"],
  "bun-native": ["bun", "native"],
} as const satisfies Record<Suite, readonly ["node" | "deno" | "bun", "engine" | "native"]>;

/** The longest a suite may take inside one runtime, in seconds. */
const SUITE_TIMEOUT = process.env["HAWSER_SOAK"] === "long" ? 2_400 : 400;

/** The attacks that are made on every host; the others are about the engine and what stands above any host. */
const ON_NATIVE_HOSTS = [
  "compression",
  "flow",
  "frames",
  "handlers",
  "handshake",
  "logs",
  "loss",
  "outgoing",
  "stop",
].map((name) => `tests/attacks/${name}_test.ts`);
/** The tests that know no runtime, and make the compatibility table. */
const BEHAVIOURS = "tests/behaviours";
const COMPATIBILITY = join(ROOT, "docs", "compatibility.md");

/** How vitest is started inside a runtime. Bun without `--bun` would silently start Node. */
function commandFor(part: Suite, runtimes: Runtimes): [file: string, ...args: string[]] {
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const [runtime] = SUITES[part];
  switch (runtime) {
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
    const [runtime, host] = SUITES[part];
    const tests = host === "native" && rest.length === 0 ? [BEHAVIOURS, ...ON_NATIVE_HOSTS] : rest;
    const { ok, failure } = await runCommand(file, [...args, ...reporting, ...tests], {
      env: { HAWSER_RUNTIME: runtime, HAWSER_HOST: host, DENO_NO_UPDATE_CHECK: "1" },
      stream: true,
      timeout: SUITE_TIMEOUT,
    });
    const text = await readFile(reportFile, "utf8").catch(() => undefined);
    if (text === undefined) return failRun(part, `vitest wrote no report: ${failure}`);
    const report = JSON.parse(text) as Report;
    reports.set(part, report);
    const tally = judge(part, report);
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

/**
 * Prints the compatibility table and holds it against the document, or writes it there. Undefined when this run cannot tell:
 * it was not about all hosts, or about some tests only.
 */
async function compare(failed: number): Promise<Tally | undefined> {
  const [node, deno, bun, denoNative, bunNative] = suites.map((part) => reports.get(part));
  const isWhole = rest.every((word) => word === BEHAVIOURS);
  if (!isWhole || !node || !deno || !bun || !denoNative || !bunNative) return undefined;
  const found: Reports = {
    "node engine": node,
    "deno engine": deno,
    "bun engine": bun,
    "deno native": denoNative,
    "bun native": bunNative,
  };
  const table = tableOf(found);
  console.log(`\ncompatibility\n${table}`);
  const unshown = unshownFacts(found);
  if (unshown.length > 0) console.log(`No test shows: ${unshown.join(", ")}`);
  const document = await readFile(COMPATIBILITY, "utf8");
  const isShown = shows(document, table);
  if (!isShown && writes && failed === 0) {
    await writeFile(COMPATIBILITY, withTable(document, table));
    await runCommand(runtimes.deno, ["fmt", COMPATIBILITY]);
    console.log("docs/compatibility.md has been written");
  } else if (!isShown) {
    console.log("docs/compatibility.md shows another table: `npm run compatibility` writes this one");
  }
  const isRight = unshown.length === 0 && (isShown || (writes && failed === 0));
  return { passed: isRight ? 1 : 0, failed: isRight ? 0 : 1 };
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
const rest = words.filter((word) => !isPart(word) && word !== "--write");
const writes = words.includes("--write");
const suites = Object.keys(SUITES) as Suite[];
/** Of the suites that have run. */
const reports = new Map<Suite, Report>();
const runtimes = await findRuntimes();
const versions = { node: process.versions.node, ...VERSIONS };

const parts = asked.length > 0 ? asked : PARTS;
if (parts.some(isSuite)) await ensure(SYSTEM_PACKAGES);

const tallies: Tally[] = [];
const lines: string[] = [];
for (const part of parts) {
  const title = isSuite(part) ? `${part} ${versions[SUITES[part][0]]}` : part;
  console.log(`\n${title}`);
  const tally = await runPart(part);
  tallies.push(tally);
  lines.push(`${title}: ${tally.passed} passed, ${tally.failed} failed`);
}

const compared = await compare(tallies.reduce((sum, { failed }) => sum + failed, 0));
if (compared !== undefined) {
  tallies.push(compared);
  lines.push(`compatibility: ${compared.passed} passed, ${compared.failed} failed`);
}

const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
console.log(`\n${lines.join("\n")}\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
