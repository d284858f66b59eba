/** What `node:` modules give: the runtime of Node itself, and of Deno and Bun, which have them too. */

import { inspect } from "node:util";
import { printableLines } from "../../printable.ts";
import { Deadlines } from "../../transport/deadlines.ts";
import type { DeflateTools, Runtime } from "../../transport/runtime.ts";
import { WindowBudget } from "../../transport/window_budget.ts";
import { allocate } from "./allocate.ts";
import { decodeAscii } from "./ascii_decoder.ts";
import { dial } from "./dial.ts";
import { httpHost } from "./http_host.ts";
import { systemClock } from "./system_clock.ts";
import { tlsFiles } from "./tls_files.ts";
import { zlibCodec } from "./zlib_codec.ts";

const deadlines = new Deadlines(systemClock);
const deflate: DeflateTools = { codec: zlibCodec, windows: new WindowBudget() };

function fillRandom(bytes: Uint8Array): void {
  crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
}

/** Tells the person who runs the process, without ending it. */
function report(error: unknown): void {
  // The error may be anybody's, and quote a peer.
  process.emitWarning(printableLines(textOf(error)), { code: "HAWSER_UNHANDLED", type: "HawserWarning" });
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.stack ?? error.message) : inspect(error);
  } catch {
    return "Something failed with what cannot be shown";
  }
}

export const nodeRuntime: Runtime = {
  name: "node",
  clock: systemClock,
  deadlines,
  fillRandom,
  ...(decodeAscii && { decodeAscii }),
  allocate,
  deflate,
  host: httpHost({ clock: systemClock, deadlines, fillRandom, decodeAscii, allocate, deflate }),
  dial,
  tls: { ...tlsFiles, refusals: { listener: [], client: [] } },
  readEnvironment: (name) => process.env[name],
  report,
};
