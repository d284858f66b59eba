/**
 * `node:http` as a host of upgrades: on a port of its own, or on a server that somebody else runs. Serves Node, Deno and
 * Bun. Judges the handshake; what the upgrade is for is decided above.
 */

import { createServer, type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http";
import { Server as TlsServer } from "node:https";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ConnectionError } from "../../errors.ts";
import { hasProduct } from "../../handshake/header_grammar.ts";
import { pathOf, requestUrl } from "../../handshake/request_target.ts";
import {
  headersTooLarge,
  ILL_FORMED_TARGET,
  ONLY_WEBSOCKET,
  type Refusal,
  uriTooLong,
} from "../../handshake/refusal.ts";
import { isRefusal, judgeRequest } from "../../handshake/server_handshake.ts";
import type { ServerTls } from "../../transport/tls.ts";
import type { Host, Listening, ListenOptions, UpgradeHandler } from "../../transport/upgrade.ts";
import { HeaderLines } from "./header_lines.ts";
import { endWith, ignore } from "./last_answer.ts";
import { isEncrypted, PendingUpgrade, refuseSocket, type UpgradeTools } from "./pending_upgrade.ts";
import { answerPlainRequest, refuse } from "./plain_request.ts";
import { TlsFront } from "./tls_front.ts";

/** What the host itself needs of its runtime. */
export type HostTools = Omit<UpgradeTools, "server" | "timeoutMs">;

/** A listener of a server's `upgrade` event. Called without a `this`, it is the only one. */
export type UpgradeListener = (this: Server | void, message: IncomingMessage, socket: Duplex, head: Uint8Array) => void;

/** Makes the host. Its `target` is a port, or a `node:http` or `node:https` server. */
export function httpHost(tools: HostTools): Host {
  return (options, onUpgrade) => {
    const host = new HttpHost(options, onUpgrade, tools);
    return typeof options.target === "number" ? host.listen(options.target) : host.join(options.target as Server);
  };
}

/** A listener for servers that nobody has to name: what `httpHost` would put on each. */
export function upgradeListener(tools: HostTools, options: ListenOptions, onUpgrade: UpgradeHandler): UpgradeListener {
  return new HttpHost(options, onUpgrade, tools).shared;
}

/** The parser's own limit on the number of headers; at it, some may be missing. */
const MAX_HEADERS = 1_000;
/**
 * How far a head may pass the limits before the parser stops reading it. Only a head that is read to its end tells which
 * limit it passed.
 */
const PARSER_SLACK = 16_384;

/** Our listeners among those of a shared server, and whose they are. */
const HOSTS = new WeakMap<object, HttpHost>();

class HttpHost {
  /** The listener on a server that is not ours. */
  readonly shared: UpgradeListener;
  readonly #options: ListenOptions;
  readonly #onUpgrade: UpgradeHandler;
  readonly #tools: UpgradeTools;
  readonly #pending = new Set<Promise<unknown>>();
  /** Ordinary requests that are being answered. */
  #answering = 0;
  /** Set once we have stopped. */
  #whenAnswered: (() => void) | undefined;

  constructor(options: ListenOptions, onUpgrade: UpgradeHandler, tools: HostTools) {
    this.#options = options;
    this.#onUpgrade = onUpgrade;
    this.#tools = { ...tools, server: options.server, timeoutMs: options.timeoutMs };
    const upgrade = (server: Server | void, message: IncomingMessage, socket: Socket, head: Uint8Array): void =>
      this.#share(server, message, socket, head);
    this.shared = function (message, socket, head) {
      upgrade(this, message, socket as Socket, head);
    };
    HOSTS.set(this.shared, this);
  }

  async listen(port: number): Promise<Listening> {
    const { hostname, maxUriLength, maxHeaderSize, timeoutMs, tls, onError } = this.#options;
    const timeout = timeoutMs === Infinity ? 0 : Math.ceil(timeoutMs);
    const settings: ServerOptions = {
      maxHeaderSize: maxUriLength + maxHeaderSize + PARSER_SLACK,
      headersTimeout: timeout,
      requestTimeout: timeout,
      // How late a slow request is noticed.
      connectionsCheckingInterval: timeout === 0 ? 30_000 : Math.min(30_000, Math.max(20, Math.ceil(timeout / 8))),
      // Who has none is refused below: the answer is the same everywhere.
      requireHostHeader: false,
    };
    const { clock } = this.#tools;
    const late = (socket: Socket): void => this.#clientError(TIMED_OUT, socket);
    const front = tls && new TlsFront(settings, tls, { clock, timeoutMs, late });
    const server = front?.http ?? createServer(settings);
    server.maxHeadersCount = MAX_HEADERS;
    const answer = (message: IncomingMessage, response: ServerResponse): void => this.#request(message, response);
    server.on("request", answer);
    server.on("checkExpectation", (_message, response) => this.#refuse(response, UNKNOWN_EXPECTATION));
    server.on("upgrade", (message, socket, head) => {
      this.#afterAnswers(socket as Socket, () => this.#upgrade(message, socket as Socket, head, answer));
    });
    server.on("clientError", (error: ClientError, socket) => this.#clientError(error, socket as Socket));
    const listener = front?.listener ?? server;
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(new ConnectionError(`Cannot listen on ${hostname}:${port}: ${cause.message}`, { cause }));
      listener.once("error", failed);
      listener.listen(port, hostname, () => {
        listener.off("error", failed);
        resolve();
      });
    });
    listener.on("error", onError);
    return this.#listening(listener, tls !== undefined, () => {
      front?.stop();
      server.close();
      // What is idle ends now, and half a request is nobody's when the last answer is out.
      this.#whenAnswered = () => this.#answering === 0 ? server.closeAllConnections() : server.closeIdleConnections();
      this.#whenAnswered();
    }, front);
  }

  join(server: Server): Promise<Listening> {
    server.on("upgrade", this.shared);
    // Of whatever class it is, a TLS server has this method, but for Bun's.
    const secure = "setSecureContext" in server || server instanceof TlsServer;
    return Promise.resolve(this.#listening(server, secure, () => void server.off("upgrade", this.shared)));
  }

  #listening(server: NetServer, secure: boolean, stop: () => void, front?: TlsFront): Listening {
    const pending = this.#pending;
    const { hostname } = this.#options;
    return {
      hostname,
      get port(): number {
        const bound = server.address();
        return typeof bound === "object" && bound !== null ? (bound satisfies AddressInfo).port : 0;
      },
      secure,
      ...(front && { setTls: (tls: ServerTls) => front.setTls(tls) }),
      async stop(): Promise<void> {
        stop();
        await Promise.allSettled(pending);
      },
    };
  }

  // ── ordinary requests, on a port of our own ──

  #request(message: IncomingMessage, response: ServerResponse): void {
    this.#answering++;
    response.once("close", () => {
      this.#answering--;
      this.#whenAnswered?.();
    });
    const headers = new HeaderLines(message.rawHeaders);
    const refusal = this.#tooLong(message.url ?? "", headers) ?? halfUpgrade(message, headers);
    if (refusal !== undefined) return this.#refuse(response, refusal);
    const { fetch } = this.#options;
    if (fetch === undefined) return this.#refuse(response, ONLY_WEBSOCKET);
    if (this.#whenAnswered !== undefined) response.shouldKeepAlive = false;
    void answerPlainRequest(message, response, fetch, this.#options, this.#tools.clock);
  }

  #refuse(response: ServerResponse, refusal: Refusal): void {
    this.#options.onRefused?.(refusal.status);
    refuse(response, refusal, this.#options.server, this.#tools.clock);
  }

  #refuseSocket(socket: Socket, refusal: Refusal): void {
    this.#options.onRefused?.(refusal.status);
    refuseSocket(socket, refusal, this.#tools);
  }

  // ── upgrades ──

  /** Takes from a shared server what is ours. */
  #share(server: Server | void, message: IncomingMessage, socket: Socket, head: Uint8Array): void {
    const listeners = server?.listeners("upgrade") ?? [this.shared];
    const ours = listeners.map((listener) => HOSTS.get(listener)).filter((host) => host !== undefined);
    const isForeign = !hasProduct(message.headers.upgrade ?? "", "websocket");
    const url = requestUrl(message.url ?? "", message.headers.host ?? "", isEncrypted(socket));
    const claimed = isForeign
      ? undefined
      : ours.find((host) => host.#options.claims(url === undefined ? "" : pathOf(url) ?? ""));
    // What none of us claims is left to the others; if there are none, the first of us answers.
    const taker = claimed ?? (ours.length === listeners.length ? ours[0] : undefined);
    if (taker !== this) return;
    this.#afterAnswers(socket, () => {
      this.#upgrade(message, socket, head, (message, response) => {
        if (server?.emit("request", message, response) !== true) this.#refuse(response, ONLY_WEBSOCKET);
      });
    });
  }

  /**
   * Runs `run` when every earlier request of the connection is answered: `node:http` hands a pipelined upgrade over at
   * once, and a 101 that overtook would be taken for an answer to what came before.
   */
  #afterAnswers(socket: Socket, run: () => void): void {
    // No type declares it; Node, Deno and Bun have it.
    const { _httpMessage: earlier } = socket as { _httpMessage?: ServerResponse | null };
    if (!earlier) return run();
    const { timeoutMs } = this.#options;
    const cancel = timeoutMs === Infinity ? undefined : this.#tools.clock.after(timeoutMs, () => socket.destroy());
    // Nobody else listens while it waits.
    socket.on("error", ignore);
    earlier.once("close", () => {
      cancel?.();
      if (socket.destroyed) return;
      socket.off("error", ignore);
      this.#afterAnswers(socket, run);
    });
  }

  #upgrade(message: IncomingMessage, socket: Socket, head: Uint8Array, answer: Answer): void {
    const lines = new HeaderLines(message.rawHeaders);
    const { httpVersion, method = "", url: target = "" } = message;
    const refusal = this.#tooLong(target, lines);
    if (refusal !== undefined) return this.#refuseSocket(socket, refusal);
    if (!hasProduct(lines.get("upgrade") ?? "", "websocket")) {
      return this.#foreignUpgrade(message, lines, socket, answer);
    }
    const verdict = judgeRequest({ method, httpVersion, headers: lines });
    if (isRefusal(verdict)) return this.#refuseSocket(socket, verdict);
    const url = requestUrl(target, verdict.host, isEncrypted(socket));
    if (url === undefined) return this.#refuseSocket(socket, ILL_FORMED_TARGET);
    const pending = new PendingUpgrade(url, lines, verdict, socket, head, this.#tools);
    const decided = this.#onUpgrade(pending);
    if (decided === undefined) return;
    pending.watchLater();
    this.#pending.add(decided);
    const forget = (): void => void this.#pending.delete(decided);
    decided.then(forget, forget);
  }

  /** An upgrade to something else (`h2c` …) is an ordinary request that nobody has to grant (RFC 7230 §6.7). */
  #foreignUpgrade(message: IncomingMessage, lines: HeaderLines, socket: Socket, answer: Answer): void {
    // The parser has left the body on the socket, where no handler would find it.
    const hasBody = lines.get("transfer-encoding") !== null || Number(lines.get("content-length") ?? 0) !== 0;
    if (hasBody) return this.#refuseSocket(socket, FOREIGN_WITH_BODY);
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => {
      response.detachSocket(socket);
      endWith(socket, new Uint8Array(0), this.#tools.clock);
    });
    socket.on("error", () => socket.destroy());
    answer(message, response);
  }

  #tooLong(target: string, lines: HeaderLines): Refusal | undefined {
    const { maxUriLength, maxHeaderSize } = this.#options;
    if (target.length > maxUriLength) return uriTooLong(maxUriLength);
    // Where the parser stops keeping headers, any of them may be missing.
    return lines.count >= MAX_HEADERS || lines.size > maxHeaderSize ? headersTooLarge(maxHeaderSize) : undefined;
  }

  // ── what the parser refuses, on a port of our own ──

  #clientError(error: ClientError, socket: Socket): void {
    // Once we have refused, the parser fails again at each packet that follows.
    if (socket.writableEnded) return;
    const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse | null };
    if (error.code === "ECONNRESET" || !socket.writable || answer?.headersSent) {
      socket.destroy();
      return;
    }
    this.#refuseSocket(socket, this.#refusalOf(error));
  }

  #refusalOf({ code, rawPacket }: ClientError): Refusal {
    const { maxUriLength, maxHeaderSize } = this.#options;
    switch (code) {
      case "HPE_HEADER_OVERFLOW":
        return isLongTarget(rawPacket, maxUriLength) ? uriTooLong(maxUriLength) : headersTooLarge(maxHeaderSize);
      case "ERR_HTTP_REQUEST_TIMEOUT":
        return { status: 408, headers: [], message: "The request took too long" };
      default:
        return { status: 400, headers: [], message: "The request is ill-formed" };
    }
  }
}

/** What is wrong with an upgrade that the parser takes for an ordinary request, because `Connection` does not name it. */
function halfUpgrade({ method = "", httpVersion }: IncomingMessage, headers: HeaderLines): Refusal | undefined {
  if (!hasProduct(headers.get("upgrade") ?? "", "websocket")) return undefined;
  const verdict = judgeRequest({ method, httpVersion, headers });
  return isRefusal(verdict) ? verdict : undefined;
}

type Answer = (message: IncomingMessage, response: ServerResponse) => void;
type ClientError = NodeJS.ErrnoException & { rawPacket?: Uint8Array };

const FOREIGN_WITH_BODY: Refusal = {
  status: 501,
  headers: [],
  message: "An upgrade to another protocol has no body here",
};
/** As the HTTP server itself calls it. */
const TIMED_OUT: ClientError = Object.assign(new Error("The request took too long"), {
  code: "ERR_HTTP_REQUEST_TIMEOUT",
});
const UNKNOWN_EXPECTATION: Refusal = { status: 417, headers: [], message: "This server meets no such expectation" };

/**
 * Whether the packet that was too much for the parser is a request line that passes the limit. One that is spread over
 * several packets cannot be told from a header any more: then it is the head as a whole that is too large.
 */
function isLongTarget(packet: Uint8Array | undefined, maxUriLength: number): boolean {
  if (packet === undefined || !/^[A-Z]+ \S/.test(String.fromCharCode(...packet.subarray(0, 16)))) return false;
  const end = packet.indexOf(0x0a);
  return end === -1 || end > maxUriLength + "OPTIONS  HTTP/1.1\r".length;
}
