/** The slice of Bun that is used, as types: so that all of it compiles, and is tested with fakes, on any runtime. */

import { UnsupportedError } from "../../errors.ts";

/** The server's end of a WebSocket: the part of Bun's own type that is used. */
export interface BunServerSocket {
  /** What was handed to `upgrade`. */
  data: unknown;
  /** 1: open. */
  readonly readyState: number;
  /** What binary messages come as. */
  binaryType?: string;
  /** Bytes taken, −1: taken, but they wait for the peer, 0: nothing was sent. */
  send(data: string | Uint8Array, compress?: boolean): number;
  /** Sends a ping of at most 125 bytes. */
  ping(data: Uint8Array): number;
  /** Sends a pong of at most 125 bytes. */
  pong(data: Uint8Array): number;
  /** Sends a close frame and ends the connection, without waiting for the answer. */
  close(code?: number, reason?: string): void;
  /** Ends the connection without a close frame. */
  terminate(): void;
  /** Bytes that wait for the peer. */
  getBufferedAmount(): number;
  /** Reads no more; what was read already still comes. */
  pause(): void;
  /** Reads again. */
  resume(): void;
}

/**
 * What `Bun.serve` hands to its handler beside the request, whatever the data of its sockets is: the part of Bun's own type
 * that is used.
 */
export interface BunServer {
  /** Answers with 101 and opens the socket, before it returns; false: it cannot. */
  upgrade(request: Request, options?: { readonly headers?: object; readonly data?: unknown }): boolean;
  /** Whose request it is. */
  requestIP(request: Request): { readonly address: string } | null;
}

/** A server that `Bun.serve` has started. */
export interface BunListening extends BunServer {
  readonly port: number | undefined;
  stop(force?: boolean): Promise<void>;
}

/** The handlers and options of `Bun.serve`'s `websocket`: the part of Bun's own type that is used. */
export interface BunWebSocketOptions {
  /** It is open. */
  readonly open: (socket: BunServerSocket) => void;
  /** A whole message. */
  readonly message: (socket: BunServerSocket, message: string | Uint8Array) => void;
  /** Some of what waited is with the operating system. */
  readonly drain: (socket: BunServerSocket) => void;
  /** A ping, which Bun has answered. */
  readonly ping: (socket: BunServerSocket, data: Uint8Array) => void;
  /** A pong. */
  readonly pong: (socket: BunServerSocket, data: Uint8Array) => void;
  /** It is closed. */
  readonly close: (socket: BunServerSocket, code: number, reason: string) => void;
  /** Bytes of a message, whole and inflated. */
  readonly maxPayloadLength: number;
  /** 0: none. At any other limit Bun loses what passes it. */
  readonly backpressureLimit: number;
  /** Seconds, 0 for never: ours counts. */
  readonly idleTimeout: number;
  /** False: ours are sent. */
  readonly sendPings: boolean;
  /** How messages are compressed. */
  readonly perMessageDeflate: false | { readonly compress: "shared"; readonly decompress: "shared" };
}

/** `Bun.serve`'s `tls`. */
export interface BunTls {
  /** Both in PEM. */
  readonly key: string;
  readonly cert: string;
  /** Who may have signed a client's certificate, in PEM. */
  readonly ca?: readonly string[];
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
  readonly ciphers?: string;
  /** OpenSSL's `SSL_OP_…`. */
  readonly secureOptions: number;
}

export interface BunServeOptions {
  readonly port: number;
  readonly hostname: string;
  /** Seconds, at most 255, 0 for never. */
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  readonly fetch: (request: Request, server: BunServer) => Response | undefined | Promise<Response | undefined>;
  readonly error: (error: unknown) => Response;
  readonly websocket: BunWebSocketOptions;
  readonly tls?: BunTls;
}

export interface BunApi {
  serve(options: BunServeOptions): BunListening;
}

/**
 * Bun itself.
 *
 * @throws {UnsupportedError} where it is not
 */
export function bunApi(): BunApi {
  const api = (globalThis as { Bun?: BunApi }).Bun;
  if (api === undefined) throw new UnsupportedError("Cannot serve on Bun: this is another runtime", "bun", "unknown");
  return api;
}
