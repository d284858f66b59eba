/**
 * An HTTP server over TLS: `node:https`, where that can be told all there is to tell. On Bun 1.4 it takes no other certificate,
 * tells none of a client, and waits for a handshake for ever: there `node:tls` stands before an HTTP server that does not
 * listen itself. Knows no request but how long one may take.
 */

import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps, Server as HttpsServer } from "node:https";
import type { Server as NetServer, Socket } from "node:net";
import {
  createSecureContext,
  createServer as createTls,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import type { Clock } from "../../transport/clock.ts";
import type { ServerTls, TlsIdentity } from "../../transport/tls.ts";
import { certificateOn } from "./peer_certificate.ts";
import { contextOf } from "./secure_context.ts";

/** The longest that a timer waits, in milliseconds. */
const FOR_EVER = 2_147_483_647;

/** OpenSSL's number. */
const NO_RENEGOTIATION = 0x4000_0000;

/** Whether `node:https` is all that it has to be: this method is the one that can be looked for. */
const HAS_HTTPS = "setSecureContext" in HttpsServer.prototype;

/** How long a request may take to come, and what becomes of a connection where it takes longer. */
export interface RequestWatch {
  readonly clock: Clock;
  /** Infinity: for ever. */
  readonly timeoutMs: number;
  late(socket: Socket): void;
}

export class TlsFront {
  /** What has the requests and upgrades. */
  readonly http: Server;
  readonly #server: TlsServer;
  readonly #verifyClient: ServerTls["verifyClient"];
  /**
   * Connections that are not through with their handshake, by their other ends: nothing else tells which of them an encrypted
   * one was.
   */
  readonly #handshaking = new Map<string, Socket>();
  /** By the host names that they are for. */
  #hosts: ReadonlyMap<string, SecureContext>;
  #stopped = false;

  constructor(options: ServerOptions, tls: ServerTls, watch: RequestWatch) {
    this.#verifyClient = tls.verifyClient;
    this.#hosts = contextsOf(tls);
    const secure = {
      ...listenerContext(tls),
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void): void => {
        done(null, this.#contextOf(name));
      },
      ALPNProtocols: ["http/1.1"],
      // As the sockets of an HTTP server.
      allowHalfOpen: true,
      requestCert: tls.verifyClient !== undefined,
      rejectUnauthorized: tls.verifyClient === "require",
      handshakeTimeout: Math.min(tls.handshakeMs, FOR_EVER),
    };
    if (HAS_HTTPS) {
      const https = createHttps({ ...options, ...secure });
      // Its own would have us answer in the clear.
      https.removeAllListeners("tlsClientError");
      // Before it is the HTTP server's.
      https.prependListener("secureConnection", (socket) => void this.#lets(socket));
      this.#server = https;
      this.http = https;
    } else {
      const http = createHttp(options);
      const watched = new WatchedRequests(http, watch);
      this.#server = createTls(secure, (socket) => {
        if (!this.#lets(socket)) return;
        http.emit("connection", socket);
        watched.connected(socket);
      });
      this.http = http;
    }
    this.#server.on("connection", (socket: Socket) => this.#accepted(socket));
    // Strangers come with anything: it concerns nobody.
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** What listens. */
  get listener(): NetServer {
    return this.#server;
  }

  /** New connections get `tls`; those that are open stay as they are. */
  setTls(tls: ServerTls): void {
    this.#hosts = contextsOf(tls);
    this.#server.setSecureContext(listenerContext(tls));
  }

  /** Takes no more connections, and drops those that are not through with their handshake. */
  stop(): void {
    this.#stopped = true;
    this.#server.close();
    for (const socket of this.#handshaking.values()) socket.destroy();
    this.#handshaking.clear();
  }

  /** Undefined: the server's own. */
  #contextOf(asked: string): SecureContext | undefined {
    const name = asked.toLowerCase();
    return this.#hosts.get(name) ?? this.#hosts.get(name.replace(/^[^.]+/, "*"));
  }

  #accepted(socket: Socket): void {
    const end = endOf(socket);
    this.#handshaking.set(end, socket);
    socket.once("close", () => this.#handshaking.delete(end));
  }

  /** Whether a connection may go on; else it is dropped. */
  #lets(socket: TLSSocket): boolean {
    this.#handshaking.delete(endOf(socket));
    if (!this.#stopped && this.#isVerified(socket)) return true;
    socket.destroy();
    return false;
  }

  /** A certificate that cannot be verified is refused also where none is needed. */
  #isVerified(socket: TLSSocket): boolean {
    return this.#verifyClient === undefined || socket.authorized ||
      (this.#verifyClient === "optional" && certificateOn(socket) === undefined);
  }
}

/** Bun 1.4 counts no time for the requests of connections that were handed to its HTTP server. */
class WatchedRequests {
  readonly #watch: RequestWatch;
  readonly #cancels = new WeakMap<Socket, () => void>();
  /** Those that are not answered yet. */
  readonly #messages = new WeakMap<Socket, IncomingMessage>();

  constructor(http: Server, watch: RequestWatch) {
    this.#watch = watch;
    http.on("request", (message: IncomingMessage, response: ServerResponse) => this.#requested(message, response));
    http.on("upgrade", (_message: IncomingMessage, socket: Socket) => this.#cancel(socket));
  }

  connected(socket: Socket): void {
    socket.once("close", () => this.#cancel(socket));
    this.#expect(socket);
  }

  #requested(message: IncomingMessage, response: ServerResponse): void {
    const { socket } = message;
    this.#messages.set(socket, message);
    response.once("close", () => {
      this.#messages.delete(socket);
      this.#expect(socket, socket.bytesRead);
    });
  }

  /** @param answered how much had come when the last request was answered: without more none is late, and nobody is told so */
  #expect(socket: Socket, answered?: number): void {
    const { clock, timeoutMs, late } = this.#watch;
    this.#cancel(socket);
    if (timeoutMs !== Infinity && !socket.destroyed) {
      this.#cancels.set(
        socket,
        clock.after(timeoutMs, () => {
          if (socket.bytesRead === answered) return void socket.destroy();
          // One that is whole waits for its answer, and ends only when somebody has read it: nobody has to.
          if (this.#messages.get(socket)?.complete !== true) late(socket);
        }),
      );
    }
  }

  #cancel(socket: Socket): void {
    this.#cancels.get(socket)?.();
  }
}

/** TLS 1.2 would let a client show another certificate later (RFC 5246 §7.4.1.1), which Node hands on though it has not verified it. */
function listenerContext(tls: ServerTls): SecureContextOptions {
  const context = contextOf(tls);
  return { ...context, secureOptions: (context.secureOptions ?? 0) | NO_RENEGOTIATION };
}

function contextsOf(tls: ServerTls): ReadonlyMap<string, SecureContext> {
  const contextOf = (identity: TlsIdentity): SecureContext =>
    createSecureContext(listenerContext({ ...tls, identity }));
  return new Map([...tls.hosts].map(([name, identity]) => [name, contextOf(identity)]));
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
