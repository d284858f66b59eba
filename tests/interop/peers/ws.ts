/**
 * `ws`: `server`, `deflating-server` (which its servers do not do by themselves, with the options in JSON that may
 * follow), or `client`, told URLs to go to, each with the options of its compression behind it, or with none.
 */

import type { Buffer } from "node:buffer";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocket, WebSocketServer } from "ws";
import { answer, hear, opened, tell } from "./parrot.ts";

const [role, options = "true"] = process.argv.slice(2);

function serve(socket: WebSocket): void {
  const closed = opened(socket.extensions);
  const wire = {
    send: (message: string | Uint8Array) => socket.send(message),
    fragments(parts: readonly (string | Uint8Array)[]) {
      parts.forEach((part, i) => socket.send(part, { fin: i === parts.length - 1 }));
    },
    close: (code?: number, reason?: string) => socket.close(code, reason),
  };
  socket.on("message", (data: Buffer, isBinary) => answer(wire, isBinary ? data : data.toString()));
  socket.on("error", (error) => console.error(error));
  socket.on("close", (code, reason) => closed(code, reason.toString()));
}

if (role === "client") {
  hear((line) => {
    const [url, deflate] = line.split(" ");
    const socket = new WebSocket(url!, deflate === undefined ? {} : { perMessageDeflate: JSON.parse(deflate) });
    socket.on("error", (error) => console.error(error));
    socket.on("open", () => serve(socket));
  });
} else {
  const deflate = role === "deflating-server" ? { perMessageDeflate: JSON.parse(options) } : {};
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...deflate });
  server.on("connection", serve);
  server.on("listening", () => tell({ port: (server.address() as AddressInfo).port }));
  hear();
}
