/** Bun's own WebSocket. */

import { announce, compressed, job } from "./announce.ts";

interface BunSocket {
  send(message: string | Uint8Array, compress: boolean): number;
  subscribe(topic: string): void;
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, message: string | Uint8Array): number;
}
interface BunRuntime {
  serve(options: {
    port: number;
    hostname: string;
    fetch: (request: Request, server: BunServer) => Response | undefined;
    websocket: {
      idleTimeout: number;
      perMessageDeflate: boolean;
      open: (socket: BunSocket) => void;
      message: (socket: BunSocket, message: string | Uint8Array) => void;
    };
  }): BunServer;
}

const { Bun } = globalThis as typeof globalThis & { Bun: BunRuntime };

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response("upgrade", { status: 426 }),
  websocket: {
    idleTimeout: 0,
    perMessageDeflate: compressed,
    open(socket) {
      if (job === "fanout") socket.subscribe("all");
    },
    message(socket, message) {
      if (job === "echo") socket.send(message, compressed);
      else server.publish("all", message);
    },
  },
});
announce(server.port);
