/**
 * TLS in front of an HTTP server that does not listen itself: `node:tls` hands it the connections whose handshake is done. On
 * Bun an https server tells no certificate of a client, takes no other one of its own, and waits for a handshake for ever;
 * this way it is the same on all three runtimes. Knows no request but how long one may take.
 */

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import type { Clock } from "../../transport/clock.ts";
import type { ServerTls } from "../../transport/tls.ts";
import { certificateOn } from "./peer_certificate.ts";
import { contextOf } from "./secure_context.ts";

/** The longest that a timer waits, in milliseconds. */
const FOR_EVER = 2_147_483_647;

/** How long a request may take to come, and what becomes of a connection where it takes longer. */
export interface RequestWatch {
  readonly clock: Clock;
  /** Infinity: for ever. */
  readonly timeoutMs: number;
  late(socket: Socket): void;
}

export class TlsFront {
  /** What listens. */
  readonly server: TlsServer;
  readonly #http: Server;
  readonly #watch: RequestWatch;
  readonly #verifyClient: ServerTls["verifyClient"];
  /**
   * Connections that are not through with their handshake, by their other ends: nothing else tells which of them an encrypted
   * one was.
   */
  readonly #handshaking = new Map<string, Socket>();
  readonly #deadlines = new WeakMap<object, () => void>();
  #stopped = false;

  constructor(http: Server, tls: ServerTls, watch: RequestWatch) {
    this.#http = http;
    this.#watch = watch;
    this.#verifyClient = tls.verifyClient;
    this.server = createServer({
      ...contextOf(tls),
      ALPNProtocols: ["http/1.1"],
      // As the sockets of an HTTP server.
      allowHalfOpen: true,
      requestCert: tls.verifyClient !== undefined,
      rejectUnauthorized: tls.verifyClient === "require",
      handshakeTimeout: Math.min(tls.handshakeMs, FOR_EVER),
    });
    this.server.on("connection", (socket: Socket) => this.#accepted(socket));
    this.server.on("secureConnection", (socket) => this.#connected(socket));
    // Strangers come with anything: it concerns nobody.
    this.server.on("tlsClientError", (_error, socket) => socket.destroy());
    // An HTTP server begins with this to count its connections, and to see which are idle.
    http.emit("listening");
    http.on("request", (message, response) => this.#requested(message, response));
    http.on("upgrade", (_message: IncomingMessage, socket: Socket) => this.#cancel(socket));
  }

  /** New connections get `tls`; those that are open stay as they are. */
  setTls(tls: ServerTls): void {
    this.server.setSecureContext(contextOf(tls));
  }

  /** Takes no more connections, and drops those that have not come to a request. */
  stop(): void {
    this.#stopped = true;
    this.server.close();
    for (const socket of this.#handshaking.values()) socket.destroy();
    this.#handshaking.clear();
  }

  #accepted(socket: Socket): void {
    const end = endOf(socket);
    this.#handshaking.set(end, socket);
    socket.once("close", () => this.#handshaking.delete(end));
  }

  #connected(socket: TLSSocket): void {
    this.#handshaking.delete(endOf(socket));
    if (this.#stopped || !this.#lets(socket)) {
      socket.destroy();
      return;
    }
    this.#http.emit("connection", socket);
    socket.once("close", () => this.#cancel(socket));
    this.#expect(socket);
  }

  /** Whether a client may go on: a certificate that cannot be verified is refused also where none is needed. */
  #lets(socket: TLSSocket): boolean {
    return this.#verifyClient === undefined || socket.authorized ||
      (this.#verifyClient === "optional" && certificateOn(socket) === undefined);
  }

  // ── Bun 1.4 counts no time for the requests of connections that were handed to its HTTP server ──

  #requested(message: IncomingMessage, response: ServerResponse): void {
    const { socket } = message;
    if (message.complete) this.#cancel(socket);
    else message.once("end", () => this.#cancel(socket));
    response.once("close", () => this.#expect(socket));
  }

  #expect(socket: Socket): void {
    const { clock, timeoutMs, late } = this.#watch;
    this.#cancel(socket);
    if (timeoutMs === Infinity || socket.destroyed) return;
    this.#deadlines.set(socket, clock.after(timeoutMs, () => late(socket)));
  }

  #cancel(socket: Socket): void {
    this.#deadlines.get(socket)?.();
  }
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
