/** The client of `ws`, the ordinary way. */

import type { Buffer } from "node:buffer";
import { once } from "node:events";
import { WebSocket } from "ws";
import { measureFlooded } from "./flooded.ts";

await measureFlooded(async (url, heard) => {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  // As its users do it: text arrives as bytes too.
  socket.on("message", (data: Buffer, isBinary) => heard(isBinary ? data : data.toString()));
  await once(socket, "open");
});
