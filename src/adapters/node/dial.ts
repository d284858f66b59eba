/** Opens a connection over TCP, TLS or a Unix socket, through `node:net` and `node:tls`. Knows no byte it carries. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ConnectionError, SslError } from "../../errors.ts";
import { writeAuthority } from "../../handshake/authority.ts";
import type { ByteTransport } from "../../transport/byte_transport.ts";
import type { Dial, DialTarget } from "../../transport/dialer.ts";
import type { ClientTls } from "../../transport/tls.ts";
import { NetTransport } from "./net_transport.ts";
import { systemClock } from "./system_clock.ts";
import { contextOf } from "./secure_context.ts";
import { tlsReason } from "./tls_reason.ts";

export const dial: Dial = (target, signal) =>
  new Promise<ByteTransport>((resolve, reject) => {
    signal.throwIfAborted();
    const socket = open(target);
    let connected = target.pipe !== undefined;

    let cancelTimeout: (() => void) | undefined;
    const settle = (): void => {
      cancelTimeout?.();
      signal.removeEventListener("abort", aborted);
      socket.off("close", closed);
      // The transport listens from here on; after a failure nobody is left to tell.
      socket.on("error", ignore);
      socket.off("error", failed);
    };
    const fail = (reason: unknown): void => {
      settle();
      socket.destroy();
      reject(reason);
    };
    const failed = (cause: Error): void => fail(refusal(target, connected, cause));
    const closed = (): void => failed(new Error("The connection was closed"));
    const aborted = (): void => fail(signal.reason);
    const opened = (): void => {
      settle();
      if (target.secure) keepSessions(socket as TLSSocket, target);
      resolve(new NetTransport(socket));
    };

    socket.on("error", failed);
    socket.once("close", closed);
    const began = (): void => {
      connected = true;
      const ms = target.tls?.handshakeMs ?? Infinity;
      const message = `the handshake was not done within ${ms / 1_000} s`;
      const late = (): void => failed(Object.assign(new Error(message), { code: "ETIMEDOUT" }));
      if (ms < Infinity) cancelTimeout = systemClock.after(ms, late);
    };
    if (connected) began();
    else socket.once("connect", began);
    socket.once(target.secure ? "secureConnect" : "connect", opened);
    signal.addEventListener("abort", aborted);
  });

/** Half open, as the other side's sockets are: the peer's end does not cut off what we still have to say. */
function open({ hostname, port, secure, socketPath, pipe, tls }: DialTarget): Socket {
  if (socketPath !== undefined) return connectTcp({ path: socketPath, allowHalfOpen: true });
  const where = { host: hostname, port, allowHalfOpen: true };
  if (!secure) return connectTcp(where);
  // RFC 6066 §3: an address is no server name, and a name has no dot behind it. The certificate has to be the host's all the same.
  const servername = tls?.serverName ?? (isIP(hostname) === 0 ? hostname.replace(/\.$/, "") : "");
  const session = tls && SESSIONS.get(tls)?.get(writeAuthority(hostname, port));
  return connectTls({
    ...where,
    servername,
    ALPNProtocols: ["http/1.1"],
    ...(tls && contextOf(tls)),
    ...(tls?.verify === false && { rejectUnauthorized: false }),
    ...(tls?.verifyHostName === false && { checkServerIdentity: () => undefined }),
    ...(session && { session }),
    ...(pipe && { socket: socketOf(pipe) }),
  });
}

/** The last session with each server, to be resumed by the next connection of the same client. */
const SESSIONS = new WeakMap<ClientTls, Map<string, Buffer>>();

/** Keeps the sessions of a server that has been verified. TLS 1.3 begins them later than 1.2, and more than one. */
function keepSessions(socket: TLSSocket, { hostname, port, tls }: DialTarget): void {
  if (tls?.shareSession !== true) return;
  const kept = SESSIONS.get(tls) ?? new Map<string, Buffer>();
  SESSIONS.set(tls, kept);
  const keep = (session: Buffer): void => void kept.set(writeAuthority(hostname, port), session);
  socket.on("session", keep);
  if (socket.getProtocol() !== "TLSv1.2") return;
  const session = socket.getSession();
  if (session !== undefined) keep(session);
}

function socketOf(pipe: ByteTransport): Socket {
  if (pipe instanceof NetTransport) return pipe.release();
  throw new TypeError("Cannot put TLS on a pipe that was not opened here");
}

function refusal(target: DialTarget, connected: boolean, cause: Error): Error {
  const name = nameOf(target);
  return connected
    ? new SslError(`Cannot open TLS to ${name}: ${tlsReason(cause)}`, { cause })
    : new ConnectionError(`Cannot connect to ${name}: ${reasonOf(cause)}`, { cause });
}

/** The system's code says it shortest; with several addresses there is no message at all. */
function reasonOf(cause: Error & { code?: unknown }): string {
  return typeof cause.code === "string" ? cause.code : cause.message;
}

function nameOf({ hostname, port, socketPath, isProxy }: DialTarget): string {
  if (socketPath !== undefined) return JSON.stringify(socketPath);
  return `${isProxy ? "the proxy " : ""}${writeAuthority(hostname, port)}`;
}

function ignore(): void {}
