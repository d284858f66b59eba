/** What is measured: the rows of the table, the parts they stand in, and the figures we aim at. */

import { type Peer, PEERS, type RuntimeName } from "./peers.ts";

/** What the load generator does; `flood` measures a client, the others a server. */
export type Job = "echo" | "fanout" | "handshake" | "idle" | "active" | "flood";

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly part: PartName;
  readonly job: Job;
  /** Arguments of the load generator. `-w` and `-d`, seconds of warm-up and of counting, are the least that it takes. */
  readonly load: readonly string[];
  /** Measured with one after the other, under a name each; each peer is also compared with itself in the first. */
  readonly steps?: readonly Step[];
  /** Servers compress, and JSON messages are sent compressed. */
  readonly compressed?: true;
  /** Left out unless asked for by name: `--rows`. */
  readonly onRequest?: true;
  /** Peers that have no part in it. */
  readonly without?: readonly string[];
  /** Peer → baseline → the ratio we aim at: the least, of memory the most. */
  readonly aims?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Peer → the largest figure we aim at. */
  readonly atMost?: Readonly<Record<string, number>>;
  /** Peer → how much dearer a message of the last step may be than one of the first. */
  readonly growth?: Readonly<Record<string, number>>;
}

export interface Step {
  readonly name: string;
  readonly load: readonly string[];
}

/** What is compared in a part, and how it is headed where it is written down. */
export interface Part {
  readonly title: string;
  readonly unit: string;
  /** Less is better: the figure is memory. */
  readonly memory?: true;
}

export type PartName = "echo" | "client" | "compression" | "broadcast" | "handshakes" | "memory" | "connections";

/** In the order in which they are measured and written down. */
export const PARTS: Readonly<Record<PartName, Part>> = {
  echo: { title: "Echo", unit: "messages per second of server CPU" },
  client: { title: "Receiving, as a client", unit: "messages received per second of client CPU" },
  compression: { title: "permessage-deflate", unit: "messages per second of server CPU" },
  broadcast: { title: "Broadcast", unit: "messages sent per second of server CPU" },
  handshakes: { title: "Handshakes", unit: "handshakes per second of server CPU" },
  memory: { title: "Memory", unit: "bytes of resident memory for each connection", memory: true },
  connections: { title: "Growth with connections", unit: "messages per second of server CPU" },
};

const IN_FLIGHT = {
  "hawser-waist": { ws: 14, net: 0.6, "raw-deno": 12, "raw-bun": 0.9 },
  "hawser-service": { ws: 12 },
  "hawser-iterator": { ws: 10 },
  "native-waist": { "raw-deno": 0.9, "raw-bun": 0.9 },
};
const RECEIVED = { "client-ws": 5, "client-undici": 5 };
const RECEIVING = { "client-iterator": RECEIVED, "client-read": RECEIVED };
const COMPRESSING = { "hawser-waist": { ws: 2 }, "hawser-service": { ws: 2 } };
/** So few messages come in the usual time that what is compiled late would not be compiled, nor one round like another. */
const LONGER = ["-w", "1", "-d", "1"];
/** And a handshake goes through far more code than a message. */
const LONGEST = ["-w", "2", "-d", "2"];
/** Whoever has no set of connections to send to. */
const LOOPED = ["hawser-waist", "hawser-iterator", "native-waist", "ws-bufferutil"];
/** Whose connections cost what those of another peer do. */
const SAME_CONNECTIONS = ["hawser-iterator", "ws-bufferutil"];
const SAME_MEMORY = [...SAME_CONNECTIONS, "native-waist"];
/** They tell nothing new of large messages. */
const LARGE_WITHOUT = ["hawser-iterator", "native-waist"];
const IDLE_AIM = { "hawser-waist": { ws: 0.8 }, "hawser-service": { ws: 0.8 } };

export const ROWS: readonly Row[] = [
  {
    name: "20B-binary",
    title: "20 B binary, 64 connections, 32 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "64", "-p", "32", "-s", "20"],
    without: ["ws-bufferutil"],
    aims: IN_FLIGHT,
  },
  {
    name: "20B-text",
    title: "20 B text, 64 connections, 32 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "64", "-p", "32", "-s", "20", "-t"],
    without: ["ws-bufferutil"],
    aims: IN_FLIGHT,
  },
  {
    name: "20B-single",
    title: "20 B binary, 64 connections, one in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "64", "-p", "1", "-s", "20", ...LONGER],
    without: ["ws-bufferutil"],
    aims: {
      "hawser-waist": { ws: 1.08, net: 0.95, "raw-deno": 0.95 },
      "native-waist": { "raw-bun": 0.9 },
    },
  },
  {
    name: "1KiB",
    title: "1 KiB binary, 64 connections, 8 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "64", "-p", "8", "-s", "1024"],
    without: ["native-waist"],
    aims: { "hawser-waist": { ws: 4 } },
  },
  {
    name: "1KiB-text",
    title: "1 KiB text, 64 connections, 8 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "64", "-p", "8", "-s", "1024", "-t"],
    onRequest: true,
  },
  {
    name: "16KiB",
    title: "16 KiB binary, 32 connections, 4 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "32", "-p", "4", "-s", "16384"],
    without: LARGE_WITHOUT,
    aims: { "hawser-waist": { ws: 2.5, "ws-bufferutil": 1 } },
  },
  {
    name: "256KiB",
    title: "256 KiB binary, 8 connections, 2 in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "8", "-p", "2", "-s", "262144"],
    without: LARGE_WITHOUT,
  },
  {
    name: "1MiB",
    title: "1 MiB binary, 8 connections, one in flight",
    part: "echo",
    job: "echo",
    load: ["-c", "8", "-p", "1", "-s", "1048576"],
    without: LARGE_WITHOUT,
    aims: { "hawser-waist": { ws: 3, "ws-bufferutil": 1.2 } },
  },
  {
    name: "16MiB",
    title: "16 MiB binary, 2 connections, one in flight",
    part: "echo",
    job: "echo",
    // A dozen a second.
    load: ["-c", "2", "-p", "1", "-s", "16777216", "-d", "1"],
    without: LARGE_WITHOUT,
  },
  {
    name: "receive-20B-binary",
    title: "20 B binary, 8 connections, as fast as they are read",
    part: "client",
    job: "flood",
    load: ["-c", "8", "-s", "20"],
    aims: RECEIVING,
  },
  {
    name: "receive-20B-text",
    title: "20 B text, 8 connections, as fast as they are read",
    part: "client",
    job: "flood",
    load: ["-c", "8", "-s", "20", "-t"],
    aims: RECEIVING,
  },
  {
    name: "receive-1KiB",
    title: "1 KiB binary, 8 connections, as fast as they are read",
    part: "client",
    job: "flood",
    load: ["-c", "8", "-s", "1024"],
  },
  {
    name: "deflate",
    title: "JSON of 1 to 2 KiB, with takeover, 64 connections, one in flight",
    part: "compression",
    job: "echo",
    load: ["-c", "64", "-p", "1", "-t", ...LONGER],
    compressed: true,
    without: SAME_CONNECTIONS,
    aims: COMPRESSING,
  },
  {
    name: "deflate-8",
    title: "the same, 8 in flight",
    part: "compression",
    job: "echo",
    load: ["-c", "64", "-p", "8", "-t", ...LONGER],
    compressed: true,
    without: [...SAME_CONNECTIONS, "hawser-waist", "native-waist"],
    aims: COMPRESSING,
  },
  {
    name: "fanout-1",
    title: "200 B to 1 000 receivers, one broadcast at a time",
    part: "broadcast",
    job: "fanout",
    load: ["-c", "1000", "-p", "1", "-s", "200", "-t"],
    without: LOOPED,
    aims: { "hawser-service": { ws: 1.3 } },
  },
  {
    name: "fanout-16",
    title: "200 B to 1 000 receivers, 16 broadcasts at a time",
    part: "broadcast",
    job: "fanout",
    load: ["-c", "1000", "-p", "16", "-s", "200", "-t"],
    without: LOOPED,
    aims: { "hawser-service": { ws: 6 } },
  },
  {
    name: "handshakes",
    title: "connect, upgrade, leave, 32 at a time",
    part: "handshakes",
    job: "handshake",
    load: ["-c", "32", ...LONGEST],
    without: SAME_CONNECTIONS,
    aims: { "hawser-waist": { ws: 1 }, "hawser-service": { ws: 1 } },
  },
  {
    name: "idle",
    title: "5 000 connections that never said anything",
    part: "memory",
    job: "idle",
    load: ["-c", "5000"],
    without: SAME_MEMORY,
    aims: IDLE_AIM,
  },
  {
    name: "active",
    title: "5 000 connections, each of which echoes 1 400 B of text once a second",
    part: "memory",
    job: "active",
    load: ["-c", "5000", "-s", "1400", "-t", "-w", "1.5"],
    without: SAME_MEMORY,
  },
  {
    name: "compressing",
    title: "5 000 connections that echo JSON of 1 to 2 KiB with takeover, one in flight",
    part: "memory",
    job: "echo",
    load: ["-c", "5000", "-p", "1", "-t", "-w", "2"],
    compressed: true,
    without: SAME_MEMORY,
    atMost: { "hawser-waist": 65_536, "hawser-service": 65_536 },
  },
  {
    name: "connections",
    title: "20 B binary, 8 in flight on each of 10 to 10 000 connections",
    part: "connections",
    job: "echo",
    load: ["-p", "8", "-s", "20", ...LONGER],
    steps: ["10", "100", "1000", "10000"].map((count) => ({ name: count, load: ["-c", count] })),
    without: ["hawser-waist", "hawser-iterator", "native-waist", "ws-bufferutil"],
    growth: { "hawser-service": 1.5 },
  },
];

/** Who takes part in a row on a runtime, in the order of the table. */
export function peersOf(row: Row, runtime: RuntimeName, among: readonly Peer[] = PEERS): Peer[] {
  const folder = row.job === "flood" ? "clients/" : "servers/";
  return among.filter((peer) =>
    peer.script.startsWith(folder) && peer.runtimes.includes(runtime) && !row.without?.includes(peer.name) &&
    !(row.compressed && peer.uncompressed)
  );
}

/** The value of an option in a row's arguments for the load generator. */
export function loadOption(row: Row, option: string, step?: Step): number | undefined {
  const words = [...row.load, ...step?.load ?? []];
  const at = words.lastIndexOf(option);
  return at < 0 ? undefined : Number(words[at + 1]);
}
