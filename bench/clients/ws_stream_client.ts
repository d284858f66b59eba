/** The client of `ws`, read with `for await` through the stream it has for that, which also holds a fast peer back. */

import { once } from "node:events";
import { createWebSocketStream, WebSocket } from "ws";
import { measureFlooded } from "./flooded.ts";

await measureFlooded(async (url, heard) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const messages = createWebSocketStream(socket, { readableObjectMode: true });
  (async () => {
    for await (const message of messages) heard(message as string | Uint8Array);
  })();
  await once(socket, "open");
});
