/**
 * An HTTP proxy for CONNECT on a free port, played for a test: it keeps what it is asked and what passes in the clear,
 * demands credentials, or answers what it is told to. Every host name leads to this machine, so that only it can know.
 */

import { Buffer } from "node:buffer";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { Sockets } from "./on_sockets.ts";

export interface ConnectProxyOptions {
  /** `user:password`; without it everybody may. */
  readonly credentials?: string;
  /** Speaks TLS with its clients. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Instead of a tunnel: gets the client's socket, and the request. */
  readonly answer?: (socket: Socket, request: string) => unknown;
}

export interface ConnectProxy {
  readonly port: number;
  /** `http:` or `https:`, without credentials. */
  readonly url: string;
  /** The heads of the requests, in order. */
  readonly requests: string[];
  /** How many tunnels were opened. */
  readonly tunnels: number;
  /** All that clients sent through the tunnels, as Latin-1. */
  readonly passed: string;
  /** Resolves once every client that has come is gone. */
  idle(): Promise<void>;
}

/** Starts one, until the test is over. */
export async function connectProxy(
  whenOver: Sockets["whenOver"],
  options: ConnectProxyOptions = {},
): Promise<ConnectProxy> {
  const requests: string[] = [];
  const state = { tunnels: 0, passed: "" };
  const clients = new Set<Promise<void>>();

  const open = (client: Socket, request: string, rest: Buffer): void => {
    const port = Number(/^CONNECT \S+:(\d+) HTTP\/1\.1\r\n/.exec(request)?.[1]);
    const server = connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true }, () => {
      state.tunnels++;
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      server.write(rest);
      server.pipe(client);
      client.on("data", (chunk) => state.passed += chunk.toString("latin1"));
      client.pipe(server);
    });
    server.on("error", () => client.destroy());
    server.on("close", () => client.destroy());
    client.on("close", () => server.destroy());
  };

  const serve = (client: Socket): void => {
    whenOver(() => client.destroy());
    clients.add(new Promise((resolve) => client.on("close", () => resolve())));
    client.on("error", () => {});
    let head = "";
    client.on("data", function collect(chunk: Buffer) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return;
      client.off("data", collect);
      const request = head.slice(0, end + 4);
      requests.push(request);
      const isAllowed = allows(request, options.credentials);
      if (isAllowed && !options.answer) return open(client, request, Buffer.from(head.slice(end + 4), "latin1"));
      // No tunnel: it goes when the client does.
      client.on("end", () => client.destroy()).resume();
      if (isAllowed) return void options.answer?.(client, request);
      client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\n' +
          "Content-Length: 9\r\n\r\nwho asks?",
      );
    });
  };

  const server = options.tls === undefined
    ? createServer({ allowHalfOpen: true }, serve)
    : createTlsServer({ allowHalfOpen: true, ...options.tls }, serve);
  server.on("tlsClientError", () => {}); // A client that does not like the certificate.
  server.listen(0, "127.0.0.1");
  whenOver(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    requests,
    get tunnels() {
      return state.tunnels;
    },
    get passed() {
      return state.passed;
    },
    async idle() {
      await Promise.all(clients);
    },
  };
}

/** TLS in front of a port of this machine, until the test is over: the port that speaks it. */
export async function tlsBefore(
  whenOver: Sockets["whenOver"],
  port: number,
  tls: TlsOptions,
): Promise<number> {
  const server = createTlsServer({ allowHalfOpen: true, ...tls }, (client) => {
    const behind = connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true });
    for (const [socket, other] of [[client, behind], [behind, client]] as const) {
      whenOver(() => socket.destroy());
      socket.on("error", () => {});
      socket.on("close", () => other.destroy());
      socket.pipe(other);
    }
  });
  server.on("tlsClientError", () => {}); // A client that does not like the certificate.
  server.listen(0, "127.0.0.1");
  whenOver(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

function allows(request: string, credentials: string | undefined): boolean {
  if (credentials === undefined) return true;
  const [, given] = /^Proxy-Authorization: (.*)\r$/m.exec(request) ?? [];
  return given === `Basic ${Buffer.from(credentials).toString("base64")}`;
}
