/**
 * The door: one pending upgrade, and what a runtime contributes to a listener. Types only. Above it nobody knows how a
 * 101 is written; below it nobody knows what a route is.
 */

import type { BufferBudget } from "./buffer_budget.ts";
import type { MessageSocket } from "./message_socket.ts";
import type { PeerCertificate, ServerTls, TlsRefusal } from "./tls.ts";

/** A copy of the request: stays readable after the upgrade, on every runtime. */
export interface UpgradeRequest {
  readonly method: string;
  /** Absolute, such as `ws://example.com/chat?room=1`; its scheme is `http` or `https`. */
  readonly url: string;
  readonly headers: Headers;
  /** One of them, by its name in lower case, where that can be told without making all of them. */
  header?(name: string): string | null;
  /** The peer's IP address, when the runtime tells it. */
  readonly remoteAddress: string | undefined;
  /** The connection itself is encrypted. */
  readonly secure: boolean;
  /** The certificate that the peer has shown, and that was verified; where the runtime tells it. */
  readonly peerCertificate?: PeerCertificate | undefined;
  /** Aborted when the peer leaves before the upgrade is decided. */
  readonly signal: AbortSignal;
  /** Whether it is known to have left, where that can be told without a look at `signal`. */
  readonly hasLeft?: boolean;
}

/**
 * What a socket may cost and how long it may take. Each number's public option is named beside it. On a runtime's own
 * socket only `maxMessageSize` holds, once the message is whole; the rest is the runtime's.
 */
export interface SocketLimits {
  /** Bytes of one message, assembled or inflated, inclusive: `maxMessageSize`. */
  readonly maxMessageSize: number;
  /** Bytes of one frame, both ways; undefined: incoming bounded by the message, outgoing not split: `maxFrameSize`. */
  readonly maxFrameSize: number | undefined;
  /**
   * Bytes of one message that is handed on in parts, inclusive, Infinity for any: `maxStreamedMessageSize`. Undefined:
   * messages are whole when they are handed on.
   */
  readonly streamedSize?: number | undefined;
  /** Frames of one message, inclusive: `maxFragments`. */
  readonly maxFragments: number;
  /** Automatic pongs that wait for a slow peer, the newest kept: `maxPendingPongs`. */
  readonly maxPendingPongs: number;
  /** Incoming pings and pongs within a second, inclusive: `maxControlFramesPerSecond`. */
  readonly maxControlFramesPerSecond: number;
  /** Bytes that the peer's compressed messages may come to within a second: `maxInflatedBytesPerSecond`. */
  readonly maxInflatedBytesPerSecond: number;
  /** Milliseconds a started message may stay unfinished, or the next part of one may take, Infinity for ever: `messageTimeout`. */
  readonly messageMs: number;
  /** Milliseconds, and bytes, that are read and dropped after a close frame before the connection is cut: `closeLinger`. */
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

/** The defaults, each inclusive. */
export const DEFAULT_LIMITS: SocketLimits = {
  maxMessageSize: 16_777_216,
  maxFrameSize: undefined,
  maxFragments: 131_072,
  maxPendingPongs: 16,
  maxControlFramesPerSecond: 1_000,
  maxInflatedBytesPerSecond: 268_435_456,
  messageMs: 60_000,
  lingerMs: 2_000,
  lingerBytes: 1_048_576,
};

/** How one side would compress (RFC 7692). Each field's public option is named beside it. */
export interface CompressionSettings {
  /** Bytes from which on a message is compressed: `threshold`. */
  readonly threshold: number;
  /** zlib's, 0 to 9: `level`. */
  readonly level: number;
  /** The most history that compressing for each direction may use, 9 to 15: `serverMaxWindowBits`, `clientMaxWindowBits`. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
  /** Each message starts anew: `serverNoContextTakeover`, `clientNoContextTakeover`. */
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** Bytes of history that all connections of this process may keep together: `maxTotalWindows`. */
  readonly maxTotalWindows: number;
}

/** The terms of an upgrade. */
export interface Acceptance {
  /** The sub-protocol, one of those the client offered. */
  readonly protocol?: string | undefined;
  /** Headers to add to the 101. */
  readonly headers?: Headers | undefined;
  readonly limits: SocketLimits;
  /** How to compress, if the client wants to; undefined: not at all. */
  readonly compression?: CompressionSettings | undefined;
  /** Milliseconds until a silent peer is to be cut, for a runtime that pings by itself; Infinity for never. */
  readonly keepAliveMs: number;
  /** Bytes that may wait for a slow peer, for a runtime that takes any number without a word: `maxBufferedAmount`. */
  readonly maxBufferedAmount?: number;
  /** Where all connections of a listener count what they keep; undefined: nowhere. */
  readonly buffers?: BufferBudget | undefined;
}

/** One pending upgrade. Exactly one of `accept` and `reject` is called, once. */
export interface Upgrade {
  readonly request: UpgradeRequest;
  /**
   * At once where the runtime can. Fails with a `ConnectionError` when the peer left before the socket opened; with any
   * other error when it could not be accepted, which the peer was told with 500.
   */
  accept(acceptance: Acceptance): MessageSocket | Promise<MessageSocket>;
  /** Answers with `response`, and lets go of the connection. Resolves also when the peer has left. */
  reject(response: Response): Promise<void>;
}

/**
 * Decides one upgrade: has called `accept` or `reject` when it resolves, or when it returns undefined. Must neither reject
 * nor throw.
 */
export type UpgradeHandler = (upgrade: Upgrade) => Promise<unknown> | undefined;

/**
 * The option `fetch` of a listener: answers a request that is no upgrade.
 *
 * @category Listener
 */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** How to listen. Validated already. */
export interface ListenOptions {
  /** A port (0: a free one), or the server of the runtime that exists already. */
  readonly target: number | object;
  /** The address to bind: `host`. */
  readonly hostname: string;
  /** Milliseconds for a request and its answer, Infinity for ever: `timeout`. */
  readonly timeoutMs: number;
  /** The `Server` response header. */
  readonly server: string | undefined;
  readonly maxUriLength: number;
  readonly maxHeaderSize: number;
  /** Infinity for no limit. */
  readonly maxEntityBodySize: number;
  /** Undefined: without TLS. */
  readonly tls?: ServerTls | undefined;
  /** Whether an upgrade to this path is ours. On a shared server others may take the rest. */
  claims(pathname: string): boolean;
  /** How to compress, undefined for not at all: for a runtime that has to know before it listens. */
  readonly compression: CompressionSettings | undefined;
  /** The largest `maxMessageSize` of what is served now: for a runtime that has one limit for all of it. */
  largestMessage(): number;
  /** Answers what is not an upgrade. Absent on a shared server: its own handler does. */
  readonly fetch?: FetchHandler;
  /** A failure that concerns no connection in particular. */
  onError(error: unknown): void;
  /** Hears of each request that the host has refused by itself. */
  onRefused?(status: number): void;
}

/** A host at work. */
export interface Listening {
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
  /** The largest `maxMessageSize` that a service may have from now on, where the runtime has one limit for all. */
  readonly largestMessage?: number;
  /** New connections get these keys and certificates from now on. Absent where the runtime cannot, or there is no TLS. */
  setTls?(tls: ServerTls): void;
  /**
   * Refuses new upgrades at once, with 503 where the runtime cannot stop accepting alone. Resolves when the port is free
   * and every pending upgrade is decided; on some runtimes only once the sockets have closed, so do not wait for it before
   * closing them. Open sockets live on.
   */
  stop(): Promise<void>;
}

/** What a runtime contributes to a listener. Rejects with the cause when the port cannot be bound. */
export type Host = (options: ListenOptions, onUpgrade: UpgradeHandler) => Promise<Listening>;

/** What a place cannot do, each with the sentence that its user is told. */
export interface Limitations {
  /** As the place calls itself. */
  readonly runtime: string;
  /** Options of a connection, by name. */
  readonly options: ReadonlyMap<string, string>;
  /** Options of compression, by name; undefined: it has them all. */
  readonly compression?: ReadonlyMap<string, string>;
  /** Handlers of a service, by name. */
  readonly handlers?: ReadonlyMap<string, string>;
  /** The largest `maxMessageSize`; undefined: there is none. */
  readonly largestMessage?: number;
  /** Fields of a listener's `secureSocket`. */
  readonly secureSocket?: readonly TlsRefusal[];
}

/** A host that hands over the runtime's own sockets. */
export interface NativeHost {
  readonly host: Host;
  readonly limitations: Limitations;
}
