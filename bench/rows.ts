/** What is measured and against whom: the rows of the table, the servers, and the ratios we aim at. */

/** Which runtimes a server can run on. */
export type RuntimeName = "node" | "deno" | "bun";

export interface Peer {
  readonly name: string;
  /** The file in `servers/`, without its ending. */
  readonly server: string;
  readonly runtimes: readonly RuntimeName[];
  readonly env?: Readonly<Record<string, string>>;
  /** Left out unless asked for by name: `--peers`. */
  readonly onRequest?: true;
}

export type Job = "echo" | "fanout" | "handshake" | "idle";

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly job: Job;
  /** Arguments of the load generator. */
  readonly load: readonly string[];
  /** Servers compress, and JSON messages are sent compressed. */
  readonly compressed?: true;
  /** What is compared is the growth of the server's resident memory for each connection. */
  readonly memory?: true;
  /** Left out unless asked for by name: `--rows`. */
  readonly onRequest?: true;
  /** Peers that have no part in it. */
  readonly without?: readonly string[];
  /** Peer → baseline → the least ratio we aim at. */
  readonly aims?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const EVERYWHERE: readonly RuntimeName[] = ["node", "deno", "bun"];
const PLAIN_WS = { WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" };

/** On the runtime's own server and sockets, instead of our engine. */
const NATIVE = { HAWSER_HOST: "native" };

export const PEERS: readonly Peer[] = [
  { name: "hawser-waist", server: "hawser_waist", runtimes: EVERYWHERE },
  { name: "hawser-service", server: "hawser_service", runtimes: EVERYWHERE },
  { name: "hawser-iterator", server: "hawser_iterator", runtimes: EVERYWHERE },
  { name: "ws", server: "ws", runtimes: EVERYWHERE, env: PLAIN_WS },
  { name: "ws-bufferutil", server: "ws", runtimes: ["node"] },
  { name: "net", server: "net", runtimes: EVERYWHERE },
  { name: "native-waist", server: "hawser_waist", runtimes: ["deno", "bun"], env: NATIVE },
  { name: "native-service", server: "hawser_service", runtimes: ["deno", "bun"], env: NATIVE },
  { name: "raw-deno", server: "deno_native", runtimes: ["deno"] },
  { name: "raw-bun", server: "bun_native", runtimes: ["bun"] },
];

/** What the others are divided by, in the order of the columns. */
export const BASELINES = ["ws", "ws-bufferutil", "net", "raw-deno", "raw-bun"] as const;

const IN_FLIGHT = {
  "hawser-waist": { ws: 14, net: 0.6, "raw-deno": 12, "raw-bun": 0.9 },
  "native-waist": { "raw-deno": 0.9, "raw-bun": 0.9 },
  "hawser-service": { ws: 12 },
  "hawser-iterator": { ws: 10 },
};
const LOOPED = ["hawser-waist", "hawser-iterator", "ws-bufferutil", "net"];

const COMPRESSED = {
  job: "echo",
  compressed: true,
  without: ["hawser-iterator", "ws-bufferutil", "net"],
  onRequest: true,
} as const;

export const ROWS: readonly Row[] = [
  {
    name: "20B-binary",
    title: "20 B binary, 64 connections, 32 in flight",
    job: "echo",
    load: ["-c", "64", "-p", "32", "-s", "20"],
    without: ["ws-bufferutil"],
    aims: IN_FLIGHT,
  },
  {
    name: "20B-text",
    title: "20 B text, 64 connections, 32 in flight",
    job: "echo",
    load: ["-c", "64", "-p", "32", "-s", "20", "-t"],
    without: ["ws-bufferutil"],
    aims: IN_FLIGHT,
  },
  {
    name: "20B-single",
    title: "20 B binary, 64 connections, one in flight",
    job: "echo",
    load: ["-c", "64", "-p", "1", "-s", "20"],
    without: ["ws-bufferutil"],
    aims: { "hawser-waist": { ws: 1.08, net: 0.95, "raw-deno": 0.95 }, "native-waist": { "raw-bun": 0.9 } },
  },
  {
    name: "1KiB",
    title: "1 KiB binary, 64 connections, 8 in flight",
    job: "echo",
    load: ["-c", "64", "-p", "8", "-s", "1024"],
    aims: { "hawser-waist": { ws: 4 } },
  },
  {
    name: "16KiB",
    title: "16 KiB binary, 32 connections, 4 in flight",
    job: "echo",
    load: ["-c", "32", "-p", "4", "-s", "16384"],
    aims: { "hawser-waist": { ws: 2.5, "ws-bufferutil": 1 } },
  },
  {
    name: "1MiB",
    title: "1 MiB binary, 8 connections, one in flight",
    job: "echo",
    load: ["-c", "8", "-p", "1", "-s", "1048576"],
    aims: { "hawser-waist": { ws: 3, "ws-bufferutil": 1.2 } },
  },
  {
    name: "1KiB-text",
    title: "1 KiB text, 64 connections, 8 in flight",
    job: "echo",
    load: ["-c", "64", "-p", "8", "-s", "1024", "-t"],
    onRequest: true,
  },
  {
    name: "fanout-1",
    title: "200 B to 1 000 receivers, one broadcast at a time",
    job: "fanout",
    load: ["-c", "1000", "-p", "1", "-s", "200", "-t"],
    without: LOOPED,
    onRequest: true,
    aims: { "hawser-service": { ws: 1.3 } },
  },
  {
    name: "fanout-16",
    title: "200 B to 1 000 receivers, 16 broadcasts at a time",
    job: "fanout",
    load: ["-c", "1000", "-p", "16", "-s", "200", "-t"],
    without: LOOPED,
    onRequest: true,
    aims: { "hawser-service": { ws: 6 } },
  },
  {
    name: "handshakes",
    title: "connect, upgrade, leave, 32 at a time",
    job: "handshake",
    load: ["-c", "32"],
    without: ["hawser-iterator", "ws-bufferutil"],
    onRequest: true,
    aims: { "hawser-waist": { ws: 1 }, "hawser-service": { ws: 1 } },
  },
  {
    name: "deflate",
    title: "JSON of 1 to 2 KiB, permessage-deflate with takeover, 64 connections, one in flight",
    load: ["-c", "64", "-p", "1", "-t"],
    aims: { "hawser-waist": { ws: 2 }, "hawser-service": { ws: 2 } },
    ...COMPRESSED,
  },
  {
    name: "deflate-8",
    title: "the same, 8 in flight",
    load: ["-c", "64", "-p", "8", "-t"],
    aims: { "hawser-waist": { ws: 2 }, "hawser-service": { ws: 2 } },
    ...COMPRESSED,
  },
  {
    name: "deflate-memory",
    title: "3 000 connections that compress, bytes of memory for each (a ratio below 1 is better)",
    load: ["-c", "3000", "-p", "1", "-t"],
    memory: true,
    ...COMPRESSED,
  },
  {
    name: "plain-memory",
    title: "the same 3 000 connections without compression",
    job: "echo",
    load: ["-c", "3000", "-p", "1", "-s", "1400", "-t"],
    memory: true,
    without: COMPRESSED.without,
    onRequest: true,
  },
  {
    name: "idle",
    title: "5 000 idle connections, bytes of memory for each (a ratio below 1 is better)",
    job: "idle",
    memory: true,
    load: ["-c", "5000"],
    without: ["hawser-iterator", "ws-bufferutil"],
    onRequest: true,
  },
];
