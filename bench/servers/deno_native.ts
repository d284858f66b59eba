/** Deno's own WebSocket. */

import { announce } from "./announce.ts";

interface DenoRuntime {
  serve(
    options: { port: number; hostname: string; onListen: (address: { port: number }) => void },
    handler: (request: Request) => Response,
  ): void;
  upgradeWebSocket(request: Request, options: { idleTimeout: number }): { socket: WebSocket; response: Response };
}

const { Deno } = globalThis as typeof globalThis & { Deno: DenoRuntime };

Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => announce(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
