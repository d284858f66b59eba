/** The last bytes that a peer gets on a raw socket: written, and then let go without being lost. Knows no HTTP. */

import type { Duplex } from "node:stream";
import type { Clock } from "../../transport/clock.ts";

/** How long a peer may take to read its answer and leave. */
export const LINGER_MS = 2_000;

/** Writes `bytes`, which are the socket's from now on, and ends it; what still comes is dropped. Only the first counts. */
export function endWith(socket: Duplex, bytes: Uint8Array, clock: Clock): void {
  // An error may be on its way already: without a listener it would end the process.
  socket.on("error", ignore);
  if (socket.destroyed || socket.writableEnded) return;
  const cancel = clock.after(LINGER_MS, () => socket.destroy());
  socket.once("close", cancel);
  // Unread input would turn our end into a reset, and the peer would lose the answer.
  socket.resume();
  socket.end(bytes);
}

/** Drops the socket; an error that is on its way already goes unheard. */
export function drop(socket: Duplex): void {
  socket.on("error", ignore).destroy();
}

/** For an error that nobody is left to hear. */
export function ignore(): void {}
