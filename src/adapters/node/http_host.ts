/**
 * `node:http` as a host of upgrades: on a port of its own, or on a server that somebody else runs. Serves Node, Deno and
 * Bun. Judges the handshake; what the upgrade is for is decided above.
 */

import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { ConnectionError } from "../../errors.ts";
import { hasProduct } from "../../handshake/header_grammar.ts";
import { requestUrl } from "../../handshake/request_target.ts";
import { isRefusal, judgeRequest, type Refusal, serializeRefusal } from "../../handshake/server_handshake.ts";
import type { Host, Listening, ListenOptions, UpgradeHandler } from "../../transport/upgrade.ts";
import { endWith, PendingUpgrade, type UpgradeTools } from "./pending_upgrade.ts";
import { answerPlainRequest, headersOf, refuse } from "./plain_request.ts";

/** What the host itself needs of its runtime. */
export type HostTools = Omit<UpgradeTools, "server">;

/** Makes the host. Its `target` is a port, or a `node:http` or `node:https` server. */
export function httpHost(tools: HostTools): Host {
  return (options, onUpgrade) => {
    const host = new HttpHost(options, onUpgrade, tools);
    return typeof options.target === "number" ? host.listen(options.target) : host.join(options.target as Server);
  };
}

/** The parser's own limit on the number of headers; at it, some may be missing. */
const MAX_HEADERS = 1_000;
/** What the parser is given beyond the limits, so that we and not it decide what is too long. */
const PARSER_SLACK = 1_024;

class HttpHost {
  readonly #options: ListenOptions;
  readonly #onUpgrade: UpgradeHandler;
  readonly #tools: UpgradeTools;
  readonly #pending = new Set<Promise<void>>();
  #shared = false;

  constructor(options: ListenOptions, onUpgrade: UpgradeHandler, tools: HostTools) {
    this.#options = options;
    this.#onUpgrade = onUpgrade;
    this.#tools = { ...tools, server: options.server };
  }

  async listen(port: number): Promise<Listening> {
    const { hostname, maxUriLength, maxHeaderSize, timeoutMs } = this.#options;
    const timeout = timeoutMs === Infinity ? 0 : Math.ceil(timeoutMs);
    const server = createServer({
      maxHeaderSize: maxUriLength + maxHeaderSize + PARSER_SLACK,
      headersTimeout: timeout,
      requestTimeout: timeout,
      // How late a slow request is noticed.
      connectionsCheckingInterval: timeout === 0 ? 30_000 : Math.min(30_000, Math.max(20, timeout / 8)),
      // Two of them are refused below, none here: the answer is the same.
      requireHostHeader: false,
    });
    server.maxHeadersCount = MAX_HEADERS;
    server.on("request", (message, response) => this.#request(message, response));
    server.on("upgrade", (message, socket, head) => this.#upgrade(server, message, socket, head));
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#clientError(error, socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        const where = `${hostname}:${port}`;
        reject(new ConnectionError(`Cannot listen on ${where}: ${cause.message}`, { cause }));
      });
      server.listen(port, hostname, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (error) => this.#options.onError(error));
    return this.#listening(server, async () => {
      server.close();
      server.closeIdleConnections?.();
    });
  }

  join(server: Server): Promise<Listening> {
    this.#shared = true;
    const listener = (message: IncomingMessage, socket: Duplex, head: Uint8Array): void =>
      this.#upgrade(server, message, socket, head);
    server.on("upgrade", listener);
    return Promise.resolve(
      this.#listening(server, async () => {
        server.off("upgrade", listener);
      }),
    );
  }

  #listening(server: Server, stop: () => Promise<void>): Listening {
    const pending = this.#pending;
    const address = (): AddressInfo | undefined => {
      const bound = server.address();
      return typeof bound === "object" && bound !== null ? bound : undefined;
    };
    const { hostname } = this.#options;
    return {
      hostname,
      get port(): number {
        return address()?.port ?? 0;
      },
      // A TLS server has a method that a plain one has not; `instanceof` fails across runtimes.
      secure: "setSecureContext" in server,
      async stop(): Promise<void> {
        await stop();
        await Promise.allSettled(pending);
      },
    };
  }

  #request(message: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#tooLong(message);
    if (refusal !== undefined) return refuse(response, refusal.status, refusal.message);
    const { fetch } = this.#options;
    if (fetch === undefined) return refuse(response, 426, "This port speaks the WebSocket protocol");
    void answerPlainRequest(message, response, fetch, this.#options);
  }

  #upgrade(server: Server, message: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const url = requestUrl(message.url ?? "", message.headers.host ?? "", "encrypted" in socket);
    if (this.#shared && !this.#options.claims(url?.pathname ?? "")) {
      // Others may want it; if there are none, nobody else will answer.
      if (server.listenerCount("upgrade") > 1) return;
    }
    if (!hasProduct(message.headers.upgrade ?? "", "websocket") && message.method === "GET") {
      return this.#otherUpgrade(server, message, socket);
    }
    let headers: Headers;
    let refusal = this.#tooLong(message);
    try {
      headers = headersOf(message);
    } catch {
      headers = new Headers();
      refusal ??= { status: 400, headers: [], message: "The headers are ill-formed" };
    }
    const { httpVersion, method = "" } = message;
    const verdict = refusal ?? judgeRequest({ method, httpVersion, headers });
    if (isRefusal(verdict)) return this.#refuse(socket, verdict);
    if (url === undefined) {
      return this.#refuse(socket, { status: 400, headers: [], message: "The request target is ill-formed" });
    }
    const upgrade = new PendingUpgrade(message, url, headers, verdict, socket, head, this.#tools);
    const decided = this.#onUpgrade(upgrade);
    this.#pending.add(decided);
    void decided.finally(() => this.#pending.delete(decided));
  }

  /** An upgrade to something else (`h2c` …) is an ordinary request that nobody has to grant (RFC 7230 §6.7). */
  #otherUpgrade(server: Server, message: IncomingMessage, socket: Duplex): void {
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    socket.on("error", () => socket.destroy());
    response.on("finish", () => socket.end());
    response.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
    if (this.#shared) server.emit("request", message, response);
    else this.#request(message, response);
  }

  #tooLong(message: IncomingMessage): Refusal | undefined {
    const { maxUriLength, maxHeaderSize } = this.#options;
    const { url = "", rawHeaders } = message;
    if (url.length > maxUriLength) return uriTooLong(maxUriLength);
    // Where the parser stops keeping headers, any of them may be missing.
    let size = rawHeaders.length >= 2 * MAX_HEADERS ? Infinity : 0;
    for (let i = 0; i < rawHeaders.length; i += 2) size += rawHeaders[i]!.length + rawHeaders[i + 1]!.length + 4;
    return size > maxHeaderSize ? headersTooLarge(maxHeaderSize) : undefined;
  }

  #clientError(error: NodeJS.ErrnoException & { rawPacket?: Uint8Array }, socket: Duplex): void {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    this.#refuse(socket, this.#clientRefusal(error.code, error.rawPacket));
  }

  #clientRefusal(code: string | undefined, packet: Uint8Array | undefined): Refusal {
    const { maxUriLength, maxHeaderSize } = this.#options;
    switch (code) {
      case "HPE_HEADER_OVERFLOW":
        // The parser does not tell which part was too long: a packet without a line end was all request line.
        return packet?.includes(0x0a) === false ? uriTooLong(maxUriLength) : headersTooLarge(maxHeaderSize);
      case "ERR_HTTP_REQUEST_TIMEOUT":
        return { status: 408, headers: [], message: "The request took too long" };
      default:
        return { status: 400, headers: [], message: "The request is ill-formed" };
    }
  }

  #refuse(socket: Duplex, refusal: Refusal): void {
    const { server } = this.#options;
    const headers: Refusal["headers"] = server === undefined
      ? refusal.headers
      : [["Server", server], ...refusal.headers];
    endWith(socket, serializeRefusal({ ...refusal, headers }), this.#tools.clock);
  }
}

function uriTooLong(limit: number): Refusal {
  return { status: 414, headers: [], message: `A request target has at most ${limit} characters` };
}

function headersTooLarge(limit: number): Refusal {
  return { status: 431, headers: [], message: `The headers have at most ${limit} bytes` };
}
