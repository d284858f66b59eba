/** Hawser's client, asked for each message with `readMessage`. */

import { Client } from "../../src/adapters/default.ts";
import { measureFlooded } from "./flooded.ts";

await measureFlooded(async (url, heard) => {
  const client = await Client.connect(url);
  (async () => {
    for (;;) heard(await client.readMessage());
  })();
});
