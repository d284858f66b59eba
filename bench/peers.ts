/** Who is measured: the servers and clients, the runtimes they run on, and those that the others are divided by. */

export const RUNTIMES = ["node", "deno", "bun"] as const;

/** Which runtimes a peer can run on. */
export type RuntimeName = (typeof RUNTIMES)[number];

export interface Peer {
  readonly name: string;
  /** The file that is run, under `bench/` and without its ending. Clients and servers never meet in one row. */
  readonly script: `servers/${string}` | `clients/${string}`;
  readonly runtimes: readonly RuntimeName[];
  readonly env?: Readonly<Record<string, string>>;
  /** It has no permessage-deflate. */
  readonly uncompressed?: true;
}

const EVERYWHERE: readonly RuntimeName[] = RUNTIMES;
const PLAIN_WS = { WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" };

/** On the runtime's own server and sockets, instead of our engine. */
const NATIVE = { HAWSER_HOST: "native" };

export const PEERS: readonly Peer[] = [
  { name: "hawser-waist", script: "servers/hawser_waist", runtimes: EVERYWHERE },
  { name: "hawser-service", script: "servers/hawser_service", runtimes: EVERYWHERE },
  { name: "hawser-iterator", script: "servers/hawser_iterator", runtimes: EVERYWHERE },
  { name: "ws", script: "servers/ws", runtimes: EVERYWHERE, env: PLAIN_WS },
  { name: "ws-bufferutil", script: "servers/ws", runtimes: ["node"] },
  { name: "net", script: "servers/net", runtimes: EVERYWHERE, uncompressed: true },
  // Deno's own sockets never compress.
  { name: "native-waist", script: "servers/hawser_waist", runtimes: ["deno"], env: NATIVE, uncompressed: true },
  { name: "native-service", script: "servers/hawser_service", runtimes: ["deno"], env: NATIVE, uncompressed: true },
  { name: "native-waist", script: "servers/hawser_waist", runtimes: ["bun"], env: NATIVE },
  { name: "native-service", script: "servers/hawser_service", runtimes: ["bun"], env: NATIVE },
  { name: "raw-deno", script: "servers/deno_native", runtimes: ["deno"], uncompressed: true },
  { name: "raw-bun", script: "servers/bun_native", runtimes: ["bun"] },
  { name: "client-iterator", script: "clients/hawser_iterator", runtimes: EVERYWHERE },
  { name: "client-read", script: "clients/hawser_read", runtimes: EVERYWHERE },
  { name: "client-ws", script: "clients/ws_client", runtimes: EVERYWHERE, env: PLAIN_WS },
  { name: "client-ws-stream", script: "clients/ws_stream_client", runtimes: EVERYWHERE, env: PLAIN_WS },
  // Elsewhere its name stands for a module of the runtime's own.
  { name: "client-undici", script: "clients/undici_client", runtimes: ["node"] },
  // Node's, from 22 on, is that of undici.
  { name: "client-runtime", script: "clients/runtime_client", runtimes: ["deno", "bun"] },
];

/** What the others are divided by, in the order of the columns. */
export const BASELINES: readonly string[] = [
  "ws",
  "ws-bufferutil",
  "net",
  "raw-deno",
  "raw-bun",
  "client-ws",
  "client-ws-stream",
  "client-undici",
  "client-runtime",
];

/** Ours: what is divided, and what aims are for. */
export function isOurs({ name }: Pick<Peer, "name">): boolean {
  return /^(hawser|native)-|^client-(iterator|read)$/.test(name);
}
