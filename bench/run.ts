/** `npm run bench`: builds the servers, runs each against the same load in turn, and prints one table. */

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildAll } from "./build.ts";
import { compressedMessages } from "./messages.ts";
import { compileLoad, type Load, load } from "./load.ts";
import { topFunctions } from "./profile.ts";
import { type Peer, PEERS, type Row, ROWS, type RuntimeName } from "./rows.ts";
import { commandOf, startServer } from "./server.ts";
import { type Runs, Table } from "./table.ts";

const USAGE = `npm run bench -- [options]
  --rows A,B      rows whose name begins so (20B, 16KiB, fanout …); "all" for every one
  --peers A,B     peers by name (${[...new Set(PEERS.map((peer) => peer.name))].join(", ")})
  --runtimes A,B  node (default), deno, bun
  --seconds S     measured in each run (2)     --warm S  before that (1)
  --rounds N      runs of each peer in each row; the median counts (3)
  --profile       one run each, and the functions the server's time went into
  --micro A,B     micro benchmarks instead: mask, text, copy, deflate`;

const RESULTS = fileURLToPath(new URL("results/", import.meta.url));
const MESSAGES = `${RESULTS}messages.bin`;
const SERVER_CORE = 0;
const LOAD_CORE = 1;
/** CPU seconds a second; the kernel counts them in hundredths. */
const STARVED_BELOW = 0.2;
const MAX_RETRIES = 2;

const { values: options } = parseArgs({
  options: {
    rows: { type: "string" },
    peers: { type: "string" },
    runtimes: { type: "string", default: "node" },
    seconds: { type: "string", default: "2" },
    warm: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    profile: { type: "boolean", default: false },
    micro: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const runtimes = listOf(options.runtimes) as RuntimeName[];
if (options.help) console.log(USAGE);
else if (options.micro !== undefined) await runMicro(listOf(options.micro));
else await runTable();

async function runTable(): Promise<void> {
  const rows = chosenRows();
  const peers = chosenPeers();
  compileLoad();
  const scripts = await buildAll("servers", peers.map((peer) => peer.server));
  if (rows.some((row) => row.compressed)) writeFileSync(MESSAGES, compressedMessages());
  const results: Record<string, Record<string, Record<string, readonly Load[]>>> = {};
  for (const runtime of runtimes) {
    const here = peers.filter((peer) => peer.runtimes.includes(runtime));
    const table = new Table(here);
    console.log(
      `\n${version(runtime)}, ${options.profile ? 1 : options.rounds} × ${options.seconds} s\n\n${table.head()}`,
    );
    for (const row of rows) {
      const runs = await runRow(row, here.filter((peer) => !row.without?.includes(peer.name)), runtime, scripts);
      console.log(`${table.block(row, runs)}\n`);
      (results[runtime] ??= {})[row.name] = Object.fromEntries(runs.map(({ peer, loads }) => [peer.name, loads]));
    }
  }
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}latest.json`, JSON.stringify(results, undefined, 2));
}

/** A B C, A B C, A B C: what disturbs the machine for a while disturbs all of them. */
async function runRow(
  row: Row,
  peers: readonly Peer[],
  runtime: RuntimeName,
  scripts: ReadonlyMap<string, string>,
): Promise<Runs[]> {
  const runs = peers.map((peer) => ({ peer, loads: [] as Load[] }));
  const rounds = options.profile ? 1 : Number(options.rounds);
  for (let round = 0; round < rounds; round++) {
    for (const { peer, loads } of runs) {
      progress(`${row.name} ${peer.name} ${round + 1}/${rounds}`);
      let result = await runOnce(row, peer, runtime, scripts.get(peer.server)!);
      for (let again = 0; again < MAX_RETRIES && isStarved(row, result); again++) {
        result = await runOnce(row, peer, runtime, scripts.get(peer.server)!);
      }
      loads.push(result);
    }
  }
  progress("");
  return runs;
}

/** The server hardly ran: somebody else had its core, and nothing was measured. */
function isStarved(row: Row, { server_cpu_s, seconds }: Load): boolean {
  return row.job !== "idle" && server_cpu_s < seconds * STARVED_BELOW;
}

async function runOnce(row: Row, peer: Peer, runtime: RuntimeName, script: string): Promise<Load> {
  const profileTo = options.profile ? `${RESULTS}profile/${runtime}-${row.name}-${peer.name}` : undefined;
  if (profileTo !== undefined) rmSync(profileTo, { recursive: true, force: true });
  const server = await startServer({
    peer,
    script,
    runtime,
    job: row.job,
    compressed: row.compressed === true,
    core: SERVER_CORE,
    ...(profileTo === undefined ? {} : { profileTo }),
  });
  const times = ["-w", options.warm, "-d", row.job === "idle" ? "0.1" : options.seconds, "-P", `${server.pid}`];
  const messages = row.compressed ? ["-z", MESSAGES] : [];
  const result = await load(row.job, server.port, [...row.load, ...messages, ...times], LOAD_CORE).finally(() =>
    server.stop()
  );
  if (profileTo !== undefined) {
    progress("");
    console.log(`${row.name} ${peer.name}, self time:\n${topFunctions(profileTo, 20).join("\n")}\n`);
  }
  return result;
}

async function runMicro(names: readonly string[]): Promise<void> {
  for (const script of (await buildAll("micro", names)).values()) {
    for (const runtime of runtimes) {
      const [command, ...args] = commandOf(runtime, script);
      spawnSync(command!, args, { stdio: "inherit" });
    }
  }
}

function chosenRows(): Row[] {
  const wanted = listOf(options.rows);
  const rows = ROWS.filter((row) =>
    wanted.length === 0 ? !row.onRequest : wanted[0] === "all" || wanted.some((name) => means(name, row))
  );
  if (rows.length === 0) throw new RangeError(`Cannot run "${options.rows}": rows are ${names(ROWS)}`);
  return rows;
}

/** A row's whole name, or the beginning of several. */
function means(name: string, row: Row): boolean {
  return row.name === name || row.name.startsWith(name) && !ROWS.some((other) => other.name === name);
}

function chosenPeers(): Peer[] {
  const wanted = listOf(options.peers);
  for (const name of wanted) {
    if (!PEERS.some((peer) => peer.name === name)) {
      throw new RangeError(`Cannot run "${name}": peers are ${names(PEERS)}`);
    }
  }
  return PEERS.filter((peer) => wanted.length === 0 || wanted.includes(peer.name));
}

function names(things: readonly { readonly name: string }[]): string {
  return [...new Set(things.map(({ name }) => name))].join(", ");
}

function listOf(text: string | undefined): string[] {
  return text?.split(",").map((part) => part.trim()).filter((part) => part !== "") ?? [];
}

function version(runtime: RuntimeName): string {
  const [command] = commandOf(runtime, "");
  const { stdout } = spawnSync(command!, ["--version"], { encoding: "utf8" });
  return `${runtime} ${stdout?.split("\n")[0]?.replace(/^(deno|v)\s*/, "") ?? ""}`;
}

/** What is running, on one line that the next overwrites; nothing when nobody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
