/** `Bun.serve` as a host of upgrades: on a port of its own, or as the handlers of a server that somebody else runs. */

import { ConnectionError } from "../../errors.ts";
import type { Clock } from "../../transport/clock.ts";
import { TLS13_CIPHERS } from "../../transport/secure_options.ts";
import type { ServerTls } from "../../transport/tls.ts";
import type { Host, Listening, ListenOptions, UpgradeHandler } from "../../transport/upgrade.ts";
import type { Fallback } from "../native/door.ts";
import { NativeHandler } from "../native/native_handler.ts";
import { within } from "../native/traffic.ts";
import type { BunApi, BunListening, BunServer, BunServerSocket, BunTls, BunWebSocketOptions } from "./bun_api.ts";
import { BunSocket } from "./bun_socket.ts";
import { BunUpgrade } from "./bun_upgrade.ts";

/** Makes the host. Its `target` is a port. */
export function bunHost(api: () => BunApi, clock: Clock): Host {
  return (options, onUpgrade) =>
    new Promise((resolve) => {
      const handler = new BunHandler(clock, options, onUpgrade, options.fetch, false);
      resolve(listen(api(), clock, handler, options));
    });
}

/** What `Bun.serve` takes. */
export class BunHandler extends NativeHandler<BunServer, undefined> {
  readonly #clock: Clock;
  readonly #options: ListenOptions;

  /** @param leavesUnclaimed `fallback` gets upgrades to paths that nobody attached too */
  constructor(
    clock: Clock,
    options: ListenOptions,
    onUpgrade: UpgradeHandler,
    fallback: Fallback<BunServer, undefined> | undefined,
    leavesUnclaimed: boolean,
  ) {
    super(options, onUpgrade, fallback, leavesUnclaimed);
    this.#clock = clock;
    this.#options = options;
  }

  protected override upgrade(request: Request, server: BunServer): BunUpgrade {
    if (server === undefined) throw new TypeError('Cannot answer the request: "fetch" was called without the server');
    return new BunUpgrade(request, server, this.door, this.#clock, this.traffic);
  }

  /** The handlers and options of the sockets. Those of others on the same server are passed over. */
  webSocketOptions(): BunWebSocketOptions {
    return {
      open: (socket) => ours(socket)?.opened(socket),
      message: (socket, message) => ours(socket)?.received(message),
      drain: (socket) => ours(socket)?.drained(),
      ping: (socket, data) => ours(socket)?.pinged(data),
      pong: (socket, data) => ours(socket)?.ponged(data),
      close: (socket, code, reason) => ours(socket)?.ended(code, reason),
      maxPayloadLength: Math.min(this.#options.largestMessage(), MAX_PAYLOAD_LENGTH),
      backpressureLimit: 0,
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: this.#options.compression === undefined ? false : SHARED,
    };
  }
}

/** The most that Bun takes for it. */
const MAX_PAYLOAD_LENGTH = 2 ** 51 - 1;
/** One compressor for all connections, which costs no memory for each; a peer's history is not kept either. */
const SHARED = { compress: "shared", decompress: "shared" } as const;

function ours({ data }: BunServerSocket): BunSocket | undefined {
  return data instanceof BunSocket ? data : undefined;
}

/** How far a body may pass the limit before Bun itself fails it, in bytes. */
const BODY_SLACK = 1_048_576;
/** Milliseconds that ordinary requests have for their answers once it stops. */
const STOP_MS = 2_000;
/** The longest that Bun can wait for a request. */
const MAX_REQUEST_SECONDS = 255;

function listen(bun: BunApi, clock: Clock, handler: BunHandler, options: ListenOptions): Listening {
  const { hostname, target, timeoutMs, maxEntityBodySize, tls, onError } = options;
  const port = target as number;
  const websocket = handler.webSocketOptions();
  let server: BunListening;
  try {
    server = bun.serve({
      port,
      hostname,
      idleTimeout: timeoutMs === Infinity ? 0 : Math.min(MAX_REQUEST_SECONDS, Math.ceil(timeoutMs / 1_000)),
      // Somewhat more, so that it is us who refuse what is larger.
      maxRequestBodySize: Math.min(maxEntityBodySize + BODY_SLACK, Number.MAX_SAFE_INTEGER),
      fetch: (request, server) => handler.handle(request, server),
      error(error) {
        onError(error);
        return new Response(null, { status: 500 });
      },
      websocket,
      ...(tls && { tls: tlsOf(tls) }),
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectionError(`Cannot listen on ${hostname}:${port}: ${why}`, { cause });
  }
  return {
    hostname,
    port: server.port ?? port,
    secure: tls !== undefined,
    largestMessage: websocket.maxPayloadLength,
    async stop() {
      // The port is free at once; ordinary requests are answered to their end.
      const answered = server.stop();
      await handler.stop();
      await within(STOP_MS, clock, answered);
      await server.stop(true);
    },
  };
}

/** OpenSSL's numbers for what is switched off. */
const NO_TICKET = 0x4000;
const NO_TLS_1_2 = 0x0800_0000;
const NO_TLS_1_3 = 0x2000_0000;

function tlsOf(
  { identity, authorities, verifyClient, minVersion, maxVersion, ciphers, shareSession }: ServerTls,
): BunTls {
  // It knows no names of TLS 1.3, of which it has them all.
  const suites = ciphers?.split(":").filter((name) => !TLS13_CIPHERS.includes(name)).join(":");
  return {
    ...identity,
    ...(authorities && { ca: authorities }),
    ...(verifyClient && { requestCert: true, rejectUnauthorized: true }),
    ...(suites && { ciphers: suites }),
    // Its own options for versions are other numbers, and take no names.
    secureOptions: (shareSession ? 0 : NO_TICKET) | (minVersion === "TLSv1.3" ? NO_TLS_1_2 : 0) |
      (maxVersion === "TLSv1.2" ? NO_TLS_1_3 : 0),
  };
}
