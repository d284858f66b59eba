/** `npm run bench`: runs each row on each runtime, prints the tables, and writes the document when it is asked to. */

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { buildAll } from "./build.ts";
import { writeDocument } from "./document_file.ts";
import { errorsOf } from "./figures.ts";
import { keep, kept, keyOf, type Measured } from "./kept.ts";
import { prepare, runRow, type Settings } from "./measure.ts";
import { type Peer, PEERS, type RuntimeName, RUNTIMES } from "./peers.ts";
import { type PartName, PARTS, peersOf, type Row, ROWS } from "./rows.ts";
import { commandOf } from "./server.ts";
import { Table } from "./table.ts";

const USAGE = `npm run bench -- [options]
  --rows A,B      rows whose name begins so (20B, 16KiB, fanout …); every row of the design when left out
  --peers A,B     peers by name (${namesOf(PEERS)})
  --runtimes A,B  node, deno, bun; all three when left out
  --seconds S     measured in each run (0.4)   --warm S  before that (0.3)
  --rounds N      runs of each peer in each row; the median counts (3)
  --document      goes on where a run that was cut ended, and writes docs/performance.md when every row is there
  --profile       one run each, and the functions the time of the measured process went into
  --micro A,B     micro benchmarks instead: mask, text, copy, deflate`;

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    peers: { type: "string" },
    runtimes: { type: "string" },
    seconds: { type: "string", default: "0.4" },
    warm: { type: "string", default: "0.3" },
    rounds: { type: "string", default: "3" },
    document: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    micro: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const settings: Settings = {
  seconds: options.seconds,
  warm: options.warm,
  rounds: options.profile ? 1 : Number(options.rounds),
  profile: options.profile,
};

const versions = new Map<RuntimeName, string>();

if (options.help) console.log(USAGE);
else if (options.micro !== undefined) await runMicro(listOf(options.micro));
else await runTables();

async function runTables(): Promise<void> {
  const rows = chosenRows();
  const peers = chosen("peers", PEERS, options.peers);
  const { document, profile } = options;
  if (document && (profile || options.peers !== undefined)) {
    throw new RangeError("Cannot write the document: it needs all peers, and no profile");
  }
  const scripts = await prepare(rows, document ? PEERS : peers);
  for (const runtime of chosenRuntimes()) {
    console.log(`\n${versionOf(runtime)}, ${settings.rounds} × ${settings.seconds} s`);
    for (const part of Object.keys(PARTS) as PartName[]) {
      await runPart(part, rows.filter((row) => row.part === part), runtime, peers, scripts);
    }
  }
  if (document) assemble(scripts);
}

async function runPart(
  part: PartName,
  rows: readonly Row[],
  runtime: RuntimeName,
  peers: readonly Peer[],
  scripts: ReadonlyMap<string, string>,
): Promise<void> {
  const all = rows.flatMap((row) => peersOf(row, runtime, peers));
  if (all.length === 0) return;
  const table = new Table(part, all);
  console.log(`\n${table.head()}`);
  for (const row of rows) {
    const here = peersOf(row, runtime, peers);
    if (here.length === 0) continue;
    const key = keyOf(row, here, scripts, versionOf(runtime), settings);
    const found = options.document ? kept(row, runtime, key) : undefined;
    const runs = found?.runs ?? await runRow(row, here, runtime, scripts, settings);
    console.log(`${table.block(row, runs)}\n`);
    // Not those with errors: their figures mean nothing.
    if (found === undefined && options.peers === undefined && !options.profile && !runs.some(errorsOf)) {
      keep(key, { row: row.name, runtime, at: new Date().toISOString(), runs });
    }
  }
}

/** Writes the document when every row is there; tells what is missing otherwise. */
function assemble(scripts: ReadonlyMap<string, string>): void {
  const all: Measured[] = [];
  const missing: string[] = [];
  for (const runtime of RUNTIMES) {
    for (const row of ROWS) {
      if (row.onRequest) continue;
      const key = keyOf(row, peersOf(row, runtime), scripts, versionOf(runtime), settings);
      const found = kept(row, runtime, key);
      if (found === undefined) missing.push(`${row.name} on ${runtime}`);
      else all.push(found);
    }
  }
  if (missing.length > 0) {
    console.log(`The document was not written; it still needs: ${missing.join(", ")}`);
  } else {
    const runtimes = { node: versionOf("node"), deno: versionOf("deno"), bun: versionOf("bun") };
    console.log(writeDocument(all, settings, runtimes));
  }
}

async function runMicro(names: readonly string[]): Promise<void> {
  const runtimes = options.runtimes === undefined ? ["node" as const] : chosenRuntimes();
  for (const script of (await buildAll(names.map((name) => `micro/${name}`))).values()) {
    for (const runtime of runtimes) {
      const [command, ...args] = commandOf(runtime, script);
      spawnSync(command!, args, { stdio: "inherit" });
    }
  }
}

function chosenRows(): Row[] {
  const wanted = listOf(options.rows);
  const rows = ROWS.filter((row) => wanted.length === 0 ? !row.onRequest : wanted.some((name) => means(name, row)));
  if (rows.length === 0) throw new RangeError(`Cannot run "${options.rows}": rows are ${namesOf(ROWS)}`);
  return rows;
}

/** A row's whole name, or the beginning of several. */
function means(name: string, row: Row): boolean {
  return row.name === name || row.name.startsWith(name) && !ROWS.some((other) => other.name === name);
}

function chosenRuntimes(): RuntimeName[] {
  return chosen("runtimes", RUNTIMES.map((name) => ({ name })), options.runtimes).map(({ name }) => name);
}

function chosen<T extends { readonly name: string }>(what: string, among: readonly T[], list?: string): T[] {
  const wanted = listOf(list);
  for (const name of wanted) {
    if (!among.some((one) => one.name === name)) {
      throw new RangeError(`Cannot run "${name}": ${what} are ${namesOf(among)}`);
    }
  }
  return among.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
}

function namesOf(things: readonly { readonly name: string }[]): string {
  return [...new Set(things.map(({ name }) => name))].join(", ");
}

function listOf(text: string | undefined): string[] {
  return text?.split(",").map((part) => part.trim()).filter((part) => part !== "") ?? [];
}

/** "Node 20.20.2". */
function versionOf(runtime: RuntimeName): string {
  const known = versions.get(runtime);
  if (known !== undefined) return known;
  const [command] = commandOf(runtime, "");
  const { stdout } = spawnSync(command!, ["--version"], { encoding: "utf8" });
  const number = /\d+\.\d+\.\d+\S*/.exec(stdout ?? "")?.[0] ?? "of unknown version";
  const version = `${runtime[0]!.toUpperCase()}${runtime.slice(1)} ${number}`;
  versions.set(runtime, version);
  return version;
}
