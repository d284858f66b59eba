/** Opens a connection over TCP, TLS or a Unix socket, through `node:net` and `node:tls`. Knows no byte it carries. */

import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConnectionError, SslError } from "../../errors.ts";
import { writeAuthority } from "../../handshake/authority.ts";
import type { ByteTransport } from "../../transport/byte_transport.ts";
import type { Dial, DialTarget } from "../../transport/dialer.ts";
import { NetTransport } from "./net_transport.ts";

export const dial: Dial = (target, signal) =>
  new Promise<ByteTransport>((resolve, reject) => {
    signal.throwIfAborted();
    const socket = open(target);
    let connected = target.pipe !== undefined;

    const settle = (): void => {
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
      resolve(new NetTransport(socket));
    };

    socket.on("error", failed);
    socket.once("close", closed);
    socket.once("connect", () => connected = true);
    socket.once(target.secure ? "secureConnect" : "connect", opened);
    signal.addEventListener("abort", aborted);
  });

/** Half open, as the other side's sockets are: the peer's end does not cut off what we still have to say. */
function open({ hostname, port, secure, socketPath, pipe }: DialTarget): Socket {
  if (socketPath !== undefined) return connectTcp({ path: socketPath, allowHalfOpen: true });
  const where = { host: hostname, port, allowHalfOpen: true };
  if (!secure) return connectTcp(where);
  // RFC 6066 §3: an address is no server name.
  const servername = isIP(hostname) === 0 ? hostname : "";
  const options = { ...where, servername, ALPNProtocols: ["http/1.1"] };
  // The certificate has to be the host's all the same.
  return connectTls(pipe === undefined ? options : { ...options, socket: socketOf(pipe) });
}

function socketOf(pipe: ByteTransport): Socket {
  if (pipe instanceof NetTransport) return pipe.release();
  throw new TypeError("Cannot put TLS on a pipe that was not opened here");
}

function refusal(target: DialTarget, connected: boolean, cause: Error): Error {
  const name = nameOf(target);
  return connected
    ? new SslError(`Cannot open TLS to ${name}: ${cause.message}`, { cause })
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
