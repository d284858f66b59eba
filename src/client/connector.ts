/** How a client comes to an open WebSocket, whoever speaks the frames. Types only. */

import type { MessageSocket } from "../transport/message_socket.ts";
import type { Runtime } from "../transport/runtime.ts";
import type { CompressionSettings, Limitations, SocketLimits } from "../transport/upgrade.ts";
import type { Target } from "./target.ts";

/** What to ask for, and how long it may take. */
export interface ConnectSettings {
  readonly protocols: readonly string[];
  readonly headers: readonly (readonly [string, string])[];
  readonly origin: string | undefined;
  /** Milliseconds for everything until the connection is open, Infinity for ever. */
  readonly handshakeMs: number;
  readonly limits: SocketLimits;
  /** How to compress, undefined for not at all. */
  readonly compression: CompressionSettings | undefined;
}

/** The server's answer that opened the connection. */
export interface HttpResponse {
  /** 101. */
  readonly status: number;
  /** Its headers, repeated ones joined by `", "`. */
  readonly headers: Headers;
}

/** An open connection, not started yet. */
export interface Opened {
  readonly socket: MessageSocket;
  /** Undefined where the runtime does not show it. */
  readonly response: HttpResponse | undefined;
}

/**
 * Connects to `target`. Rejects with a `ConnectionError`, an `InvalidHandshakeError`, a `HandshakeTimedOutError`, or the
 * signal's reason when it aborts, and then nothing stays open.
 */
export type Connect = (target: Target, settings: ConnectSettings, signal: AbortSignal) => Promise<Opened>;

/** What a client needs of the place where it runs. */
export interface ClientRuntime extends Pick<Runtime, "name" | "clock" | "deadlines" | "fillRandom" | "report"> {
  readonly connect: Connect;
  /** What cannot be had there; absent when all of it can. */
  readonly limitations?: Limitations;
  /**
   * Refuses to close with a code that may travel elsewhere; absent where all may.
   *
   * @throws {UnsupportedError} when it may not
   */
  checkCode?(code: number): void;
}
