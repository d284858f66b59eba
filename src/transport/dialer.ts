/** How a client reaches a server: the runtime's share of dialing. Types only. */

import type { ByteTransport } from "./byte_transport.ts";
import type { ClientTls } from "./tls.ts";

/** Where to. */
export interface DialTarget {
  /** Without brackets round an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
  /** How to speak TLS, if `secure`; absent: as the platform does. */
  readonly tls?: ClientTls | undefined;
  /** The path of a Unix socket, instead of the host and port. */
  readonly socketPath?: string;
  /** It is a proxy: errors say so. */
  readonly isProxy?: boolean;
  /**
   * A pipe that leads there already, from the same `Dial` and paused: TLS is put on it. From then on it is the new pipe's,
   * and its listener hears nothing more.
   */
  readonly pipe?: ByteTransport;
}

/**
 * Opens a pipe to `target`. Rejects with a `ConnectionError` (an `SslError` for TLS), the system's error as its cause;
 * with the signal's reason when it aborts, and then nothing stays open.
 */
export type Dial = (target: DialTarget, signal: AbortSignal) => Promise<ByteTransport>;
