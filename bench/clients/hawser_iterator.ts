/** Hawser's client, read with `for await`. */

import { Client } from "../../src/adapters/default.ts";
import { measureFlooded } from "./flooded.ts";

await measureFlooded(async (url, heard) => {
  const client = await Client.connect(url);
  (async () => {
    for await (const message of client) heard(message);
  })();
});
