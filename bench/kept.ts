/**
 * What was measured is kept, a file for each row on each runtime, so that a run that was cut can go on, and a document be
 * put together from several. A file counts as long as the programs, the runtime, the machine and the command are the same.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { OUT } from "./build.ts";
import type { Runs } from "./figures.ts";
import type { Settings } from "./measure.ts";
import type { Peer, RuntimeName } from "./peers.ts";
import type { Row } from "./rows.ts";

/** A row on a runtime, measured. */
export interface Measured {
  readonly row: string;
  readonly runtime: RuntimeName;
  /** Day and time, in ISO 8601. */
  readonly at: string;
  readonly runs: readonly Runs[];
}

interface Kept extends Measured {
  readonly key: string;
}

const KEPT = `${OUT}kept/`;
const LOAD = fileURLToPath(new URL("wsload.c", import.meta.url));

/** Names everything that a row's figures depend on, but for the noise. */
export function keyOf(
  row: Row,
  peers: readonly Peer[],
  scripts: ReadonlyMap<string, string>,
  runtimeVersion: string,
  { seconds, warm, rounds }: Settings,
): string {
  const { job, load, steps, compressed } = row;
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify({ job, load, steps, compressed, seconds, warm, rounds, runtimeVersion, machine: machine() }),
  );
  for (const peer of peers) hash.update(JSON.stringify(peer)).update(readFileSync(scripts.get(peer.script)!));
  return hash.update(readFileSync(LOAD)).digest("hex");
}

export function keep(key: string, measured: Measured): void {
  mkdirSync(KEPT, { recursive: true });
  const file = fileOf(measured.row, measured.runtime);
  // Whole or not at all: we may be stopped at any time.
  writeFileSync(`${file}.new`, JSON.stringify({ key, ...measured } satisfies Kept, undefined, 1));
  renameSync(`${file}.new`, file);
}

/** What was kept for this row, if it was measured with what `key` stands for. */
export function kept(row: Row, runtime: RuntimeName, key: string): Measured | undefined {
  try {
    const found: Kept = JSON.parse(readFileSync(fileOf(row.name, runtime), "utf8"));
    return found.key === key ? found : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** "2 × Intel(R) Xeon(R) Processor, linux x64". */
export function machine(): string {
  const all = cpus();
  return `${all.length} × ${all[0]?.model.trim() ?? "unknown"}, ${process.platform} ${process.arch}`;
}

function fileOf(row: string, runtime: RuntimeName): string {
  return `${KEPT}${runtime}-${row}.json`;
}
