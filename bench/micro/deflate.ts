/**
 * What a compressed message costs with permessage-deflate, each way: CPU time of all threads, bytes, and the memory of a
 * connection. Our codec beside zlib streams, live ones and pooled, and beside deflate in JavaScript. Each row has a process
 * of its own, so that none pays for the garbage of another.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { constants, createDeflateRaw, createInflateRaw, type DeflateRaw, type InflateRaw } from "node:zlib";
import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { concat, encodeUtf8 } from "../../src/bytes.ts";
import { SlidingWindow } from "../../src/protocol/sliding_window.ts";
import { runtimeName } from "./measure.ts";

/** Connections that send at once, which is what streams on a pool of threads like best. */
const CONNECTIONS = 64;
const MESSAGE_BYTES = 1_024;
const LEVEL = 3;
/** What fills a window of 15 bits. */
const WARM_ROUNDS = 33;
const ROUNDS = 40;
/** The rounds are measured so many times; the median counts. */
const TURNS = 5;
const MEMORY_CONNECTIONS = 500;

const FLUSH_TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
const FINAL_BLOCK = Uint8Array.of(0x03, 0x00);

/** One direction of one connection: a message in, a payload out, or the other way round. */
type Way = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

interface Contender {
  readonly name: string;
  /** What the history holds; 0 without takeover. */
  readonly windowBits: number;
  readonly level: number;
  deflater(): Way;
  inflater(): Way;
}

interface Figures {
  readonly deflateUs: number;
  readonly bytes: number;
  readonly inflateUs: number;
  readonly kibibytes: number;
}

/** Seen from where this is built to: development dependencies, there only to be compared with. */
const MODULES = "../../../../node_modules/";

interface Pako {
  Deflate: new (options: object) => PakoStream;
  Inflate: new (options: object) => PakoStream;
}
interface PakoStream {
  onData(part: Uint8Array): void;
  push(bytes: Uint8Array, flush: number): boolean;
}
interface Fflate {
  deflateSync(bytes: Uint8Array, options: object): Uint8Array;
  inflateSync(bytes: Uint8Array, options: object): Uint8Array;
}

const CONTENDERS: Readonly<Record<string, () => Promise<Contender | undefined>>> = {
  "hawser, window 12": () => Promise.resolve(hawser("hawser, window 12", 12)),
  "hawser, window 15": () => Promise.resolve(hawser("hawser, window 15", 15)),
  "hawser, no takeover": () => Promise.resolve(hawser("hawser, no takeover", 0)),
  "live streams as in ws": () => Promise.resolve(live("live streams as in ws", 15, 8, 6)),
  "live streams, window 12": () => Promise.resolve(live("live streams, window 12", 12, 5, LEVEL)),
  "pooled stream, no takeover": () => Promise.resolve(pooled("pooled stream, no takeover")),
  "pako, live, window 12": () => pako("pako, live, window 12"),
  "fflate, window 12": () => fflate("fflate, window 12"),
};

const chosen = process.argv[2];
if (chosen === undefined) printTable();
else await runContender(chosen);

function printTable(): void {
  console.log(`
Deflate and inflate, ${MESSAGE_BYTES} B of JSON (${runtimeName()}, µs of CPU a message, ${CONNECTIONS} at once, median of ${TURNS})

| codec | deflate µs | bytes | inflate µs | KiB of RSS a connection |
|---|---:|---:|---:|---:|`);
  for (const name of Object.keys(CONTENDERS)) {
    const script = fileURLToPath(import.meta.url);
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags(), script, name], { encoding: "utf8" });
    if (status !== 0) throw new Error(`"${name}" failed`, { cause: stderr });
    const { deflateUs, bytes, inflateUs, kibibytes } = JSON.parse(stdout) as Partial<Figures>;
    const cells = deflateUs === undefined
      ? ["missing: npm ci", "", "", ""]
      : [deflateUs.toFixed(1), bytes!.toFixed(0), inflateUs!.toFixed(1), kibibytes!.toFixed(1)];
    console.log(`| ${[name, ...cells].join(" | ")} |`);
  }
}

function flags(): string[] {
  if ("Deno" in globalThis) return ["run", "-A", "--quiet", "--v8-flags=--expose-gc"];
  return ["--expose-gc"];
}

async function runContender(name: string): Promise<void> {
  const contender = await CONTENDERS[name]!();
  const figures = contender === undefined ? {} : {
    kibibytes: await memoryOf(contender),
    ...await costOf(contender),
  };
  console.log(JSON.stringify(figures));
}

/** Both directions of many connections, each after enough messages to fill its history. */
async function memoryOf(contender: Contender): Promise<number> {
  const kept: Way[] = [];
  const grow = async (connections: number) => {
    for (let i = 0; i < connections; i++) {
      const deflate = contender.deflater(), inflate = contender.inflater();
      for (let n = 0; n < WARM_ROUNDS; n++) await inflate((await deflate(messageFor(i, n))).slice());
      kept.push(deflate, inflate);
    }
  };
  await grow(50);
  const before = await settledRss();
  await grow(MEMORY_CONNECTIONS);
  const grown = await settledRss() - before;
  if (kept.length === 0) throw new Error("Nothing was kept");
  return grown / MEMORY_CONNECTIONS / 1024;
}

async function settledRss(): Promise<number> {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(now: boolean): void } };
  for (let i = 0; i < 4; i++) {
    if (Bun) Bun.gc(true);
    else gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

async function costOf(contender: Contender): Promise<Omit<Figures, "kibibytes">> {
  const rounds = WARM_ROUNDS + ROUNDS * TURNS;
  const messages = Array.from({ length: rounds }, (_, n) => each((connection) => messageFor(connection, n)));
  const payloads = await reference(contender, messages);
  const deflating = await run(each(() => contender.deflater()), messages);
  const inflating = await run(each(() => contender.inflater()), payloads);
  if (Math.abs(inflating.bytes - MESSAGE_BYTES) > 0.01) throw new Error(`Inflates to ${inflating.bytes} bytes`);
  return { deflateUs: deflating.us, bytes: deflating.bytes, inflateUs: inflating.us };
}

/** The same payloads on each runtime, from live streams where there is a takeover. */
async function reference({ windowBits, level }: Contender, messages: Uint8Array[][]): Promise<Uint8Array[][]> {
  const ways = each(() => windowBits === 0 ? hawser("", 0).deflater() : live("", windowBits, 8, level).deflater());
  const payloads: Uint8Array[][] = [];
  for (const round of messages) {
    payloads.push(await Promise.all(round.map(async (message, i) => (await ways[i]!(message)).slice())));
  }
  return payloads;
}

/** Rounds of one message for each connection, after a warm-up. */
async function run(ways: readonly Way[], rounds: readonly Uint8Array[][]): Promise<{ us: number; bytes: number }> {
  let bytes = 0;
  const runRound = async (round: readonly Uint8Array[]) => {
    const pending: Promise<Uint8Array>[] = [];
    for (let i = 0; i < ways.length; i++) {
      const result = ways[i]!(round[i]!);
      if (result instanceof Promise) pending.push(result);
      else bytes += result.length;
    }
    for (const result of await Promise.all(pending)) bytes += result.length;
  };
  for (const round of rounds.slice(0, WARM_ROUNDS)) await runRound(round);
  bytes = 0;
  const turns: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const from = WARM_ROUNDS + turn * ROUNDS, start = process.cpuUsage();
    for (const round of rounds.slice(from, from + ROUNDS)) await runRound(round);
    const { user, system } = process.cpuUsage(start);
    turns.push((user + system) / (ROUNDS * ways.length));
  }
  return { us: turns.sort((a, b) => a - b)[TURNS >> 1]!, bytes: bytes / (TURNS * ROUNDS * ways.length) };
}

function each<T>(make: (connection: number) => T): T[] {
  return Array.from({ length: CONNECTIONS }, (_, connection) => make(connection));
}

/** The `n`th message of a connection: prices that walk, padded or cut to the same length. */
function messageFor(connection: number, n: number): Uint8Array {
  const noise = (k: number) => Math.imul(connection * 977 + n * 31 + k, 0x9e3779b1) >>> 0;
  const quotes = Array.from({ length: 9 }, (_, k) => ({
    symbol: ["ADA", "BTC", "ETH", "SOL", "XRP", "DOT", "UNI", "LTC", "XLM"][k],
    bid: (noise(k) % 100_000) / 100,
    ask: (noise(k + 50) % 100_000) / 100,
    volume: noise(k + 100) % 10_000,
    trend: ["up", "down", "flat"][noise(k + 150) % 3],
    id: noise(k + 200).toString(36),
  }));
  const text = JSON.stringify({ event: "quotes", sequence: connection * 1e6 + n, time: 1.7e12 + noise(7), quotes });
  return encodeUtf8(text.padEnd(MESSAGE_BYTES, '{"padding":true}')).slice(0, MESSAGE_BYTES);
}

function hawser(name: string, windowBits: number): Contender {
  const size = windowBits === 0 ? 0 : 2 ** windowBits;
  return {
    name,
    windowBits,
    level: LEVEL,
    deflater() {
      const window = new SlidingWindow(size);
      return (message) => {
        const payload = zlibCodec.deflate(message, window.bytes, windowBits || 12, LEVEL);
        window.slide(message);
        return payload;
      };
    },
    inflater() {
      const window = new SlidingWindow(size);
      return (payload) => {
        const message = zlibCodec.inflate(payload, window.bytes, 2 ** 24).slice();
        window.slide(message);
        return message;
      };
    },
  };
}

/** A zlib object for each direction of each connection, written to and flushed, as `ws` does it. */
function live(name: string, windowBits: number, memLevel: number, level: number): Contender {
  return {
    name,
    windowBits,
    level,
    deflater() {
      const put = putter(createDeflateRaw({ windowBits, memLevel, level }));
      return async (message) => (await put(message)).subarray(0, -FLUSH_TAIL.length);
    },
    inflater() {
      const put = putter(createInflateRaw({ windowBits }));
      return (payload) => put(payload, FLUSH_TAIL);
    },
  };
}

/** One zlib object each way for all connections, in turn, reset after each message. */
function pooled(name: string): Contender {
  const deflating = createDeflateRaw({ windowBits: 12, memLevel: 5, level: LEVEL }), inflating = createInflateRaw();
  const deflate = inTurn(putter(deflating), deflating), inflate = inTurn(putter(inflating), inflating);
  return {
    name,
    windowBits: 0,
    level: LEVEL,
    deflater: () => async (message) => (await deflate(message)).subarray(0, -FLUSH_TAIL.length),
    inflater: () => (payload) => inflate(payload, FLUSH_TAIL),
  };
}

type Put = (...parts: Uint8Array[]) => Promise<Uint8Array>;

function putter(stream: DeflateRaw | InflateRaw): Put {
  const parts: Uint8Array[] = [];
  stream.on("data", (part: Uint8Array) => parts.push(part));
  return (...inputs) =>
    new Promise((resolve, reject) => {
      stream.once("error", reject);
      for (const input of inputs) stream.write(input);
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        stream.off("error", reject);
        resolve(concat(...parts.splice(0)));
      });
    });
}

function inTurn(put: Put, stream: DeflateRaw | InflateRaw): Put {
  let last: Promise<unknown> = Promise.resolve();
  return (...parts) => {
    const result = last.then(() => put(...parts)).then((output) => {
      stream.reset();
      return output;
    });
    last = result;
    return result;
  };
}

async function pako(name: string): Promise<Contender | undefined> {
  const library = await load<Pako>("pako/dist/pako.mjs");
  const way = (stream: PakoStream, ...tail: Uint8Array[]): Way => {
    const parts: Uint8Array[] = [];
    stream.onData = (part) => parts.push(part);
    return (bytes) => {
      stream.push(tail.length > 0 ? concat(bytes, ...tail) : bytes, constants.Z_SYNC_FLUSH);
      return concat(...parts.splice(0));
    };
  };
  return library && {
    name,
    windowBits: 12,
    level: LEVEL,
    deflater() {
      const deflate = way(
        new library.Deflate({ raw: true, windowBits: 12, memLevel: 5, level: LEVEL, chunkSize: 2_048 }),
      );
      return (message) => (deflate(message) as Uint8Array).subarray(0, -FLUSH_TAIL.length);
    },
    inflater: () => way(new library.Inflate({ raw: true, windowBits: 12, chunkSize: 2_048 }), FLUSH_TAIL),
  };
}

/** It ends its output with a final block, which a peer takes with a 00 behind it (§7.2.3.4). */
async function fflate(name: string): Promise<Contender | undefined> {
  const library = await load<Fflate>("fflate/esm/index.mjs");
  const withWindow = (work: (bytes: Uint8Array, dictionary: Uint8Array) => [Uint8Array, Uint8Array]): Way => {
    const window = new SlidingWindow(4_096);
    return (bytes) => {
      const [output, message] = work(bytes, window.bytes);
      window.slide(message);
      return output;
    };
  };
  return library && {
    name,
    windowBits: 12,
    level: LEVEL,
    deflater: () =>
      withWindow((message, dictionary) => {
        const options = { level: LEVEL, mem: 1, ...(dictionary.length > 0 ? { dictionary } : {}) };
        return [concat(library.deflateSync(message, options), Uint8Array.of(0)), message];
      }),
    inflater: () =>
      withWindow((payload, dictionary) => {
        const options = dictionary.length > 0 ? { dictionary } : {};
        const message = library.inflateSync(concat(payload, FLUSH_TAIL, FINAL_BLOCK), options);
        return [message, message];
      }),
  };
}

async function load<T>(path: string): Promise<T | undefined> {
  const url = new URL(MODULES + path, import.meta.url);
  return existsSync(url) ? await import(url.href) as T : undefined;
}
