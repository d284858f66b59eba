/** Runs rows: each peer in turn, each time in a fresh process, with the load on the other core. */

import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { buildAll, OUT } from "./build.ts";
import type { Runs } from "./figures.ts";
import { checkOpenFiles, compileLoad, FLOODER, type Load, load, pinned } from "./load.ts";
import { compressedMessages } from "./messages.ts";
import type { Peer, RuntimeName } from "./peers.ts";
import { topFunctions } from "./profile.ts";
import { loadOption, PARTS, type Row, type Step } from "./rows.ts";
import { commandOf, PRODUCTION, startServer } from "./server.ts";

export interface Settings {
  /** Seconds, fractions allowed. */
  readonly seconds: string;
  readonly warm: string;
  readonly rounds: number;
  /** Prints the functions the time went into. */
  readonly profile: boolean;
}

const MESSAGES = `${OUT}messages.bin`;
const SERVER_CORE = 0;
const LOAD_CORE = 1;
/** CPU seconds a second. */
const STARVED_BELOW = 0.2;
const MAX_RETRIES = 2;
/** The flooding server was what was measured. */
const FLOODED_OUT_ABOVE = 0.95;
/** Seconds that a client may take beyond those it was told: its timers are late while it is flooded. */
const CLIENT_GRACE_S = 30;

/** Builds what `rows` need for `peers`; hands back where, by script. Throws when the rows cannot be run here. */
export async function prepare(rows: readonly Row[], peers: readonly Peer[]): Promise<Map<string, string>> {
  compileLoad();
  for (const row of rows) {
    const most = Math.max(...(row.steps ?? [undefined]).map((step) => loadOption(row, "-c", step) ?? 0));
    checkOpenFiles(row.name, most);
  }
  const scripts = await buildAll(peers.map((peer) => peer.script));
  if (rows.some((row) => row.compressed)) writeFileSync(MESSAGES, compressedMessages());
  return scripts;
}

/** One peer in one row and step: what is run, again and again. */
interface Turn {
  readonly row: Row;
  readonly step?: Step;
  readonly peer: Peer;
  readonly runtime: RuntimeName;
  readonly script: string;
}

/** A B C, A B C, A B C: what disturbs the machine for a while disturbs all of them. */
export async function runRow(
  row: Row,
  peers: readonly Peer[],
  runtime: RuntimeName,
  scripts: ReadonlyMap<string, string>,
  settings: Settings,
): Promise<Runs[]> {
  const all = (row.steps ?? [undefined]).flatMap((step) =>
    peers.map((peer) => {
      const turn = { row, peer, runtime, script: scripts.get(peer.script)!, ...(step === undefined ? {} : { step }) };
      return { turn, loads: [] as Load[] };
    })
  );
  for (let round = 0; round < settings.rounds; round++) {
    for (const { turn, loads } of all) {
      progress(`${runtime} ${row.name} ${turn.peer.name} ${turn.step?.name ?? ""} ${round + 1}/${settings.rounds}`);
      let result = await runOnce(turn, settings);
      for (let again = 0; again < MAX_RETRIES && isStarved(row, result); again++) {
        result = await runOnce(turn, settings);
      }
      loads.push(result);
    }
  }
  progress("");
  return all.map(({ turn: { peer, step }, loads }) => ({ peer, loads, ...(step === undefined ? {} : { step }) }));
}

/** The measured process hardly ran: somebody else had its core, and nothing was measured. */
function isStarved(row: Row, { server_cpu_s, seconds }: Load): boolean {
  return !PARTS[row.part].memory && server_cpu_s < seconds * STARVED_BELOW;
}

async function runOnce(turn: Turn, settings: Settings): Promise<Load> {
  const { row, peer, runtime, script } = turn;
  const profileTo = settings.profile ? `${OUT}profile/${runtime}-${row.name}-${peer.name}` : undefined;
  if (profileTo !== undefined) rmSync(profileTo, { recursive: true, force: true });
  const command = commandOf(runtime, script, profileTo);
  const result = await (row.job === "flood" ? floodClient : loadServer)(turn, command, settings);
  if (profileTo !== undefined) {
    progress("");
    console.log(`${row.name} ${peer.name}, self time:\n${topFunctions(profileTo, 20).join("\n")}\n`);
  }
  return result;
}

async function loadServer({ row, step, peer }: Turn, command: readonly string[], settings: Settings): Promise<Load> {
  const task = [row.job, ...(row.compressed ? ["compressed"] : [])];
  const server = await startServer(peer.name, [...command, ...task], SERVER_CORE, peer.env);
  const messages = row.compressed ? ["-z", MESSAGES] : [];
  const atLeast = (option: string, seconds: string): string[] => {
    return [option, `${Math.max(Number(seconds), loadOption(row, option, step) ?? 0)}`];
  };
  const times = [...atLeast("-w", settings.warm), ...atLeast("-d", settings.seconds)];
  const words = [...row.load, ...step?.load ?? [], ...messages, "-P", `${server.pid}`, ...times];
  try {
    return await load(row.job, server.port, words, LOAD_CORE);
  } finally {
    await server.stop();
  }
}

/** The client is the process that is measured, and measures itself. */
async function floodClient({ row, peer }: Turn, command: readonly string[], settings: Settings): Promise<Load> {
  const { seconds, warm } = settings;
  const flooder = await startServer("flood", [FLOODER, "flood", "0", ...row.load], LOAD_CORE);
  const words = [loadOption(row, "-c"), loadOption(row, "-s"), warm, seconds].map(String);
  const [file, ...args] = [...pinned(SERVER_CORE), ...command, `ws://127.0.0.1:${flooder.port}/`, ...words];
  const env = { ...PRODUCTION, ...peer.env };
  const timeout = Math.round((Number(warm) + Number(seconds) + CLIENT_GRACE_S) * 1_000);
  let stopped: Promise<string> | undefined;
  try {
    const { stdout } = await promisify(execFile)(file!, args, { env, timeout, killSignal: "SIGKILL" });
    stopped = flooder.stop();
    const { share } = JSON.parse(await stopped) as { share: number };
    if (share > FLOODED_OUT_ABOVE) {
      console.log(`${row.name} ${peer.name}: the flooding server ran ${Math.round(share * 100)} % of the time`);
    }
    return { ...JSON.parse(stdout) as Load, load_share: share };
  } finally {
    await (stopped ?? flooder.stop());
  }
}

/** What is running, on one line that the next overwrites; nothing when nobody watches. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
