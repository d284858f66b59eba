/** `Deno`, as far as it is used, played by a test: its server hands over requests, and ends as told. */

import type { DenoApi, DenoServeInfo, DenoServeOptions, DenoServer } from "../../src/adapters/deno/deno_api.ts";
import { FakePlatformSocket } from "./fake_platform_socket.ts";

type Handler = Parameters<DenoApi["serve"]>[1];

export const INFO: DenoServeInfo = { remoteAddr: { transport: "tcp", hostname: "192.0.2.7", port: 4711 } };

export class FakeDeno implements DenoApi {
  /** Of each upgrade. */
  readonly sockets: FakePlatformSocket[] = [];
  readonly idleTimeouts: number[] = [];
  /** What `upgradeWebSocket` returned, for who wants to see that it was returned. */
  readonly responses: Response[] = [];
  served: DenoServeOptions | undefined;
  handler!: Handler;
  /** What `serve` and `upgradeWebSocket` throw, if they do. */
  failure: Error | undefined;
  /** How a shutdown ends: at once, unless a test says otherwise. */
  shutdown: () => Promise<void> = () => Promise.resolve();
  shutdowns = 0;

  serve(options: DenoServeOptions, handler: Handler): DenoServer {
    if (this.failure !== undefined) throw this.failure;
    this.served = options;
    this.handler = handler;
    const addr = { hostname: options.hostname, port: options.port === 0 ? 4_242 : options.port };
    return { addr, shutdown: () => (this.shutdowns++, this.shutdown()) };
  }

  upgradeWebSocket(
    _request: Request,
    { idleTimeout }: { readonly idleTimeout: number },
  ): { socket: FakePlatformSocket; response: Response } {
    if (this.failure !== undefined) throw this.failure;
    const socket = new FakePlatformSocket();
    // No other runtime makes a response of a 101.
    const response = new Response(null, { headers: { "x-switches": "101" } });
    this.sockets.push(socket);
    this.responses.push(response);
    this.idleTimeouts.push(idleTimeout);
    return { socket, response };
  }
}
