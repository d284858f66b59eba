/**
 * Tic-tac-toe in the browser, the page and its WebSocket on one port. `PORT` chooses the port, 8000 by default; `HOLD`,
 * in seconds, how long the seat is kept of a player who has left.
 */

import { listenerOn, runListener } from "../support/run_listener.ts";
import { secondsOf } from "../support/seconds_of.ts";
import { fetchPage } from "./site.ts";
import { tableFor } from "./table.ts";

const listener = listenerOn(8000, { fetch: fetchPage });
listener.attach("/ws/game", tableFor(secondsOf("HOLD", 30)));
await runListener(listener);
console.log(`Tic-tac-toe at ${listener.url.replace("ws", "http")}/, its game from ${listener.url}/ws/game`);
