/** The slice of Deno that is used, as types: so that all of it compiles, and is tested with fakes, on any runtime. */

import { UnsupportedError } from "../../errors.ts";
import type { PlatformSocket } from "../web/web_socket.ts";

/** What `Deno.serve` hands to its handler beside the request: the part of it that is used. */
export interface DenoServeInfo {
  /** Cannot be read any more once the request was upgraded. */
  readonly remoteAddr: object;
}

/** The server's end of a WebSocket. */
export interface DenoWebSocket extends PlatformSocket {
  onopen: ((event: object) => void) | null;
}

export interface DenoServer {
  readonly addr: { readonly hostname: string; readonly port: number };
  shutdown(): Promise<void>;
}

export interface DenoServeOptions {
  readonly port: number;
  readonly hostname: string;
  /** Both in PEM: speaks TLS. */
  readonly cert?: string;
  readonly key?: string;
  onListen(): void;
  onError(error: unknown): Response;
}

export interface DenoApi {
  serve(
    options: DenoServeOptions,
    handler: (request: Request, info: DenoServeInfo) => Response | Promise<Response>,
  ): DenoServer;
  upgradeWebSocket(
    request: Request,
    options: { readonly idleTimeout: number },
  ): { readonly socket: DenoWebSocket; readonly response: Response };
}

/**
 * Deno itself.
 *
 * @throws {UnsupportedError} where it is not
 */
export function denoApi(): DenoApi {
  const api = (globalThis as { Deno?: DenoApi }).Deno;
  if (api === undefined) throw new UnsupportedError("Cannot serve on Deno: this is another runtime", "deno", "unknown");
  return api;
}
