/**
 * A server that knows what it holds: `/` sends back what it gets, `/flood` sends without end, and a plain GET is answered
 * with what is open, and what memory and files the process has once its garbage is gone.
 */

import { readdirSync } from "node:fs";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Listener } from "../../mod.ts";

/** What it says of itself. */
export interface Held {
  readonly open: number;
  readonly opened: number;
  readonly closed: number;
  /** Bytes in use of the heap, and resident. */
  readonly heap: number;
  readonly rss: number;
  /** Files and sockets of the process; 0 where the system does not tell. */
  readonly files: number;
}

const CHUNK = new Uint8Array(65_536);
let closed = 0;

function collector(): () => void {
  const { Bun, gc } = globalThis as { Bun?: { gc(force: boolean): void }; gc?: () => void };
  if (Bun !== undefined) return () => Bun.gc(true);
  if (gc !== undefined) return gc;
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

async function held(): Promise<Held> {
  const collect = collector();
  // What is freed may free more, some of it only in a later turn.
  for (let i = 0; i < 5; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { open, opened } = listener.stats();
  const { heapUsed, rss } = process.memoryUsage();
  return { open, opened, closed, heap: heapUsed, rss, files: openFiles() };
}

function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

const listener = new Listener(0, {
  host: process.env["HAWSER_HOST"] === "native" ? { native: "127.0.0.1" } : "127.0.0.1",
  fetch: async () => Response.json(await held()),
});
/** A peer that does not answer is gone within a second. */
const keepAlive = { pingInterval: 0.5, pongTimeout: 0.5 };
const onClose = (): void => void closed++;
listener.attach("/", { ...keepAlive, get: () => ({ onMessage: (_caller, message) => message, onClose }) });
listener.attach("/flood", {
  ...keepAlive,
  get: () => ({
    *onOpen() {
      for (;;) yield CHUNK;
    },
    onClose,
  }),
});
await listener.start();
console.log(`Listening on ${listener.url}`);
