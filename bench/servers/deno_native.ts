/** Deno's own WebSocket. */

import { announce, job } from "./announce.ts";

interface DenoRuntime {
  serve(
    options: { port: number; hostname: string; onListen: (address: { port: number }) => void },
    handler: (request: Request) => Response,
  ): void;
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: WebSocket; response: Response };
}

const { Deno } = globalThis as typeof globalThis & { Deno: DenoRuntime };

const sockets = new Set<WebSocket>();

Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => announce(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  if (job === "fanout") {
    socket.onopen = () => sockets.add(socket);
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => sockets.forEach((other) => other.send(data));
  } else {
    socket.onmessage = ({ data }) => socket.send(data);
  }
  // The load leaves without a close frame.
  socket.onerror = () => {};
  return response;
});
