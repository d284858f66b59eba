/**
 * A taxi that tells every two seconds where it is; `INTERVAL` sets other seconds:
 *
 *     node --import tsx examples/taxi/driver.ts ada
 */

import { setTimeout } from "node:timers/promises";
import type { Client } from "../../mod.ts";
import { runClient } from "../support/run_client.ts";
import { secondsOf } from "../support/seconds_of.ts";
import type { Terminal } from "../support/terminal.ts";
import { formatLocation, type Location } from "./location.ts";

const interval = secondsOf("INTERVAL", 2);

async function drive(client: Client, terminal: Terminal): Promise<void> {
  const over = new AbortController();
  void client.closed.then(() => over.abort());
  let location: Location = { latitude: 6 + Math.random(), longitude: 79 + Math.random() };
  while (!over.signal.aborted) {
    // Where he was while there was no connection is of no use to anybody.
    if (client.isOpen()) {
      await client.writeMessage(location);
      terminal.print(`At ${formatLocation(location)}`);
    }
    location = { latitude: location.latitude + step(), longitude: location.longitude + step() };
    await setTimeout(interval * 1_000, undefined, { signal: over.signal }).catch(() => {}); // the end ends it
  }
}

/** Up to a few streets. */
function step(): number {
  return (Math.random() - 0.5) / 200;
}

async function listen(client: Client, terminal: Terminal): Promise<void> {
  for await (const message of client) terminal.print(String(message));
}

await runClient("/taxi/", 9091, (client, terminal) => {
  terminal.close();
  return Promise.all([listen(client, terminal), drive(client, terminal)]);
});
