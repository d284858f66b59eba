/** Puts the tables into docs/performance.md and the chart beside it, formatted as the check wants them. */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { chartOf } from "./chart.ts";
import { blockOf, withBlock } from "./document.ts";
import { machine, type Measured } from "./kept.ts";
import type { Settings } from "./measure.ts";
import type { RuntimeName } from "./peers.ts";
import { commandOf } from "./server.ts";

const DOCS = fileURLToPath(new URL("../docs/", import.meta.url));
const DOCUMENT = `${DOCS}performance.md`;
const CHART = "performance.svg";
/** What takes part and is installed. */
const PACKAGES = ["ws", "bufferutil", "undici"];

/** Hands back a line that says what was done. */
export function writeDocument(
  all: readonly Measured[],
  { seconds, warm, rounds }: Settings,
  runtimes: Readonly<Record<RuntimeName, string>>,
): string {
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
  const circumstances = {
    command,
    machine: machine(),
    runtimes,
    packages: packages(),
    seconds,
    warm,
    rounds,
    chart: CHART,
  };
  writeFileSync(`${DOCS}${CHART}`, chartOf(all, runtimes));
  writeFileSync(DOCUMENT, withBlock(readFileSync(DOCUMENT, "utf8"), blockOf(all, circumstances)));
  const [deno] = commandOf("deno", "");
  const { status, stderr } = spawnSync(deno!, ["fmt", "--quiet", DOCUMENT, `${DOCS}${CHART}`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot format docs/performance.md and its chart: ${stderr}`);
  return `Wrote docs/performance.md and docs/${CHART}`;
}

/** "`ws` 8.23.0", of those that are installed. */
function packages(): string[] {
  const require = createRequire(import.meta.url);
  return PACKAGES.flatMap((name) => {
    try {
      const { version } = require(`${name}/package.json`) as { version: string };
      return [`\`${name}\` ${version}`];
    } catch {
      return [];
    }
  });
}
