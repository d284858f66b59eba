/** `ws`, the ordinary way. Whether it finds `bufferutil` is decided by WS_NO_BUFFER_UTIL in its environment. */

import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { announce, compressed, job } from "./announce.ts";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: compressed });

server.on("connection", (socket) => {
  socket.on("error", () => {});
  if (job === "echo") {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  } else {
    socket.on("message", (data, isBinary) => {
      for (const client of server.clients) client.send(data, { binary: isBinary });
    });
  }
});
server.on("listening", () => announce((server.address() as AddressInfo).port));
