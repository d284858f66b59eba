/**
 * Tic-tac-toe in the browser, the page and its WebSocket on one port. `PORT` chooses the port, 8000 by default; `HOLD`,
 * in seconds, how long the seat is kept of a player who has left.
 */

import process from "node:process";
import { UpgradeError } from "../../mod.ts";
import { listenerOn, runListener } from "../support/run_listener.ts";
import { fetchPage } from "./site.ts";
import { Table } from "./table.ts";

/** How many may be connected at once, players and those who watch. */
const MOST_VISITORS = 100;

const table = new Table(Number(process.env["HOLD"] ?? 30));

const listener = listenerOn(8000, { fetch: fetchPage });
listener.attach("/ws/game", {
  maxMessageSize: 256,
  maxBufferedAmount: 65_536,
  // Who left without a word is missed within their sum.
  pingInterval: 10,
  pongTimeout: 5,
  get: () => table.size < MOST_VISITORS ? table : new UpgradeError(503, "There is no room at the table"),
});
await runListener(listener);
console.log(`Tic-tac-toe at ${listener.url.replace("ws", "http")}/, its game from ${listener.url}/ws/game`);
