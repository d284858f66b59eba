/**
 * Somebody who waits for a taxi, and sees where they all are:
 *
 *     node --import tsx examples/taxi/rider.ts ben
 */

import { runClient } from "../support/run_client.ts";

await runClient("/subscribe/", 9091, async (client, terminal) => {
  terminal.close();
  for await (const message of client) terminal.print(String(message));
});
