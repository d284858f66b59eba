/** How a client comes to an open WebSocket, whoever speaks the frames. Types only. */

import type { HeaderLines } from "../handshake/http_head.ts";
import type { WriteOptions } from "../streams/compression_options.ts";
import type { PlainPacing } from "../streams/connection_options.ts";
import type { EndpointOptions } from "../streams/endpoint.ts";
import type { Inbox } from "../streams/inbox.ts";
import type { EndpointReader, MessageEndpoint } from "../streams/message_endpoint.ts";
import type { PlainEndpoint } from "../streams/plain_endpoint.ts";
import type { StreamReads } from "../streams/stream_reads.ts";
import type { writeInParts } from "../streams/streamed_write.ts";
import type { MessageSocket } from "../transport/message_socket.ts";
import type { Runtime } from "../transport/runtime.ts";
import type { ClientTls } from "../transport/tls.ts";
import type { CompressionSettings, SocketLimits } from "../transport/upgrade.ts";
import type { CommonSettings } from "./common_options.ts";
import type { CookieSource } from "./cookies.ts";
import type { ClientOptions } from "./options.ts";
import type { ProxyRoute } from "./proxy_route.ts";
import type { Target } from "./target.ts";

/** What to ask for, and how long it may take. */
export interface ConnectSettings {
  readonly protocols: readonly string[];
  /** To be made for each connection, where it is a function. */
  readonly headers: HeaderLines | ((signal: AbortSignal) => Promise<HeaderLines>);
  readonly origin: string | undefined;
  readonly cookies: CookieSource | undefined;
  /** How many redirects are followed. */
  readonly maxRedirects: number;
  /** Milliseconds for everything until the connection is open, Infinity for ever. */
  readonly handshakeMs: number;
  readonly limits: SocketLimits;
  /** How to compress, undefined for not at all. */
  readonly compression: CompressionSettings | undefined;
  /** Which proxy leads to a target; absent: none. */
  readonly route?: ProxyRoute;
  /** How to speak TLS; absent: as the platform does. */
  readonly tls?: ClientTls | undefined;
}

/** The server's answer that opened the connection. */
export interface HttpResponse {
  /** The HTTP status: 101. */
  readonly status: number;
  /** Its headers, repeated ones joined by `", "`; `headers.getSetCookie()` has each `Set-Cookie` by itself. */
  readonly headers: Headers;
  /** Whose answer it is, as a `ws:`, `wss:` or `ws+unix:` URL: behind redirects another than the client was given. */
  readonly url: string;
}

/** An open connection, not started yet. */
export interface Opened {
  readonly socket: MessageSocket;
  /** Undefined where the runtime does not show it. */
  readonly response: HttpResponse | undefined;
}

/**
 * Connects to `target`. Rejects with a `ConnectionError`, a `ProxyError`, an `InvalidHandshakeError`, a `HandshakeTimedOutError`,
 * or the signal's reason when it aborts, and then nothing stays open.
 */
export type Connect = (target: Target, settings: ConnectSettings, signal: AbortSignal) => Promise<Opened>;

/** The part of a client that whoever answers its pings needs. */
export interface Pinged {
  pong(data: Uint8Array | ArrayBuffer): void;
}

/** What an endpoint of a client that reconnects has besides. */
export type EndpointExtras = Pick<EndpointOptions, "queue" | "onPing" | "onAnswer">;

/** A client's URL and options, checked, and what the place where it runs makes of them. */
export interface ClientPlan<Client> {
  /** The URL as it was given, in its normal form. */
  readonly href: string;
  readonly secure: boolean;
  readonly settings: CommonSettings<Client> & { readonly pacing: Pick<PlainPacing, "readAhead"> };
  /** As `Connect`. */
  connect(signal: AbortSignal): Promise<Opened>;
  /** Reads messages as streams. Absent: they are read whole. */
  readonly streamReads?: ((endpoint: MessageEndpoint, inbox: Inbox) => StreamReads) | undefined;
  /** The endpoint of the open `socket`, with what there is of pings; not started yet. */
  endpoint(client: Client, socket: MessageSocket, reader: EndpointReader, more?: EndpointExtras): PlainEndpoint;
}

/** What a client needs of the place where it runs. */
export interface ClientRuntime extends Pick<Runtime, "name" | "clock" | "fillRandom" | "report"> {
  /** Sends a stream as one message. Absent where a message is sent whole only. */
  readonly writeInParts?: typeof writeInParts;
  /**
   * @throws {TypeError} when the URL or an option cannot be used
   * @throws {RangeError} when a number is out of range
   * @throws {UnsupportedError} for what cannot be had there
   */
  plan<Client extends Pinged>(url: string | URL, config?: ClientOptions<Client>): ClientPlan<Client>;
  /**
   * Whether a message may be compressed.
   *
   * @throws {TypeError} for an unknown name, or a value of the wrong kind
   * @throws {UnsupportedError} where nobody can say what is compressed
   */
  checkWrite(options: WriteOptions | undefined): boolean;
  /**
   * Refuses to close with a code that may travel elsewhere; absent where all may.
   *
   * @throws {UnsupportedError} when it may not
   */
  checkCode?(code: number): void;
}
