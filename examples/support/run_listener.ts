/** How a server program lives: it listens where `PORT` and `HOST` say, and a signal ends it in good order. */

import process from "node:process";
import { Listener, type ListenerConfiguration } from "../../mod.ts";

/** How long the connections may take to close, in seconds. */
const STOP_TIMEOUT = 5;

/** A listener on `PORT` (0: a free port) or else on `port`; on this machine only, unless `HOST` names an address. */
export function listenerOn(port: number, config: ListenerConfiguration = {}): Listener {
  return new Listener(Number(process.env["PORT"] ?? port), { host: process.env["HOST"] ?? "127.0.0.1", ...config });
}

/** Starts it. At SIGINT or SIGTERM it closes its connections, and the program ends. */
export async function runListener(listener: Listener): Promise<void> {
  await listener.start();
  let isStopping = false;
  const stop = async (): Promise<void> => {
    if (isStopping) return; // Whoever started us may hand on the signal that the terminal has sent to us both.
    isStopping = true;
    const { closed, cut } = await listener.gracefulStop({ timeout: STOP_TIMEOUT, reason: "The server stops" });
    console.log(`Stopped: ${closed} connections closed, ${cut} cut`);
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void stop());
}
