/**
 * What can be told without running the library: format, lint, types, the shape of the tree, the documents, and how large
 * the client is in a page.
 * By itself (`npm run check`) it prints a line for each step; with `--fix` it formats and mends what it can first.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkReference, writeReference } from "./api_reference.ts";
import { findBrokenReferences } from "./broken_references.ts";
import { checkBrowserSize } from "./browser_size.ts";
import { type Finished, ROOT, runCommand } from "./command.ts";
import { findRuntimes } from "./runtimes.ts";
import { runSteps, type Step } from "./steps.ts";

/** What went well, what did not. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** What users import. */
const ENTRIES = Object.values((JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as DenoConfig).exports);

/** The packages that are imported are in npm's folder; Deno is not to fetch them. */
const MANUAL = "--node-modules-dir=manual";

/** As many steps at the same time: most of them keep one processor busy. */
const AT_ONCE = 2;

/** Only Deno knows its types. */
const DENO_EXAMPLE = "examples/deno_server.ts";

interface DenoConfig {
  readonly exports: Readonly<Record<string, string>>;
}

/** Runs every step, also after one failed, and prints how each ended. */
export async function check(deno: string): Promise<Tally> {
  const steps: readonly (readonly [name: string, run: () => Promise<Finished>])[] = [
    ["format", () => runCommand(deno, ["fmt", "--check"])],
    ["lint", () => runCommand(deno, ["lint"])],
    ["types of the core", () => runNode("typescript/bin/tsc", "-p", "tsconfig.core.json")],
    ["types of everything", () => runNode("typescript/bin/tsc", "-p", "tsconfig.json")],
    ["types in Deno", () => runCommand(deno, ["check", MANUAL, ...ENTRIES])],
    ["types of the example for Deno", () => runCommand(deno, ["check", MANUAL, DENO_EXAMPLE])],
    ["documentation in the sources", () => runCommand(deno, ["doc", "--lint", MANUAL, ...ENTRIES])],
    ["architecture", () => runNode("vitest/vitest.mjs", "run", "tests/architecture_test.ts")],
    ["API reference", () => checkReference(deno)],
    ["documents", checkDocuments],
    ["size of the browser client", tellBrowserSize],
  ];
  const orThrow = ([name, run]: (typeof steps)[number]): Step => [name, async () => {
    const { ok, output, failure } = await run();
    if (!ok) throw new Error(`${failure}\n${output}`);
  }];
  return await runSteps(steps.map(orThrow), AT_ONCE);
}

function runNode(script: string, ...args: string[]): Promise<Finished> {
  return runCommand(process.execPath, [join(ROOT, "node_modules", script), ...args]);
}

async function checkDocuments(): Promise<Finished> {
  const broken = await findBrokenReferences(ROOT);
  return { ok: broken.length === 0, output: broken.join("\n"), failure: "broken references" };
}

/** Says it also when it is as it should be. */
async function tellBrowserSize(): Promise<Finished> {
  const finished = await checkBrowserSize();
  if (finished.ok) console.log(finished.output);
  return finished;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { deno } = await findRuntimes();
  if (process.argv.includes("--fix")) {
    await runCommand(deno, ["fmt"], { stream: true });
    await runCommand(deno, ["lint", "--fix"], { stream: true });
    await writeReference(deno);
  }
  const { failed } = await check(deno);
  process.exitCode = failed === 0 ? 0 : 1;
}
