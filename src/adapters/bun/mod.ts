/**
 * `hawser/bun`: the services of a router inside a `Bun.serve` that exists already. What its sockets cannot do is
 * refused with an `UnsupportedError`.
 *
 * @module
 */

import { guestOf, type GuestOptions } from "../../service/guest.ts";
import { Router as AnyRouter } from "../../service/router.ts";
import type { BunServer, BunWebSocketOptions } from "./bun_api.ts";
import { BunHandler } from "./bun_host.ts";
import { bunRuntime } from "./bun_runtime.ts";
import { BUN_LIMITATIONS } from "./bun_upgrade.ts";

export type { GuestOptions } from "../../service/guest.ts";
export type { BunServer, BunServerSocket, BunWebSocketOptions } from "./bun_api.ts";

/** Options of a `Router`: those of a `Listener` that do not belong to its port, and what answers everything else. */
export interface RouterOptions extends GuestOptions {
  /**
   * Answers ordinary requests, and upgrades to paths that nobody attached; with nothing, if it upgraded one by itself.
   * Default: 426 and 404.
   */
  readonly fetch?: (request: Request, server: BunServer) => Response | undefined | Promise<Response | undefined>;
}

/**
 * Services by path, for a `Bun.serve`: the `Router` of `hawser`, with its `attach`, `detach`, `match`, `claims` and
 * `largestMessage`, and what answers requests. Its methods work unbound.
 *
 * Connections live on until the server is stopped by force, which closes them with 1001 itself. To end them in good order,
 * use a `Listener` with `host: "native"`.
 *
 * @example
 * ```ts bun
 * import { Client } from "hawser";
 * import { Router } from "hawser/bun";
 *
 * const router = new Router({ fetch: () => new Response("A page") });
 * router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * const server = Bun.serve({ port: 0, fetch: router.fetch, websocket: router.websocket });
 *
 * const client = await Client.connect(`ws://127.0.0.1:${server.port}/echo`);
 * await client.writeTextMessage("hello");
 * console.log(await client.readTextMessage()); // hello
 * await client.close();
 * await server.stop(true);
 * ```
 */
export class Router extends AnyRouter {
  readonly #handler: BunHandler;
  /** What `websocket` told Bun; nothing before it was read. */
  #largestMessage: number | undefined;

  /**
   * Empty at first.
   *
   * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
   * @throws {RangeError} for an option that is out of range
   * @throws {UnsupportedError} for an option that Bun's sockets cannot keep
   */
  constructor(options: RouterOptions = {}) {
    super(() => {
      const largestMessage = this.#largestMessage;
      return largestMessage === undefined ? BUN_LIMITATIONS : { ...BUN_LIMITATIONS, largestMessage };
    });
    const { fetch, ...rest } = options;
    const { options: listening, pipeline } = guestOf(this, bunRuntime, rest, BUN_LIMITATIONS);
    this.#handler = new BunHandler(bunRuntime.clock, listening, pipeline.handle, fetch, true);
  }

  /** Answers a request of `Bun.serve`: give it the request itself, no copy, and the server that came with it. */
  readonly fetch = (
    request: Request,
    server: BunServer,
  ): Response | undefined | Promise<Response | undefined> => this.#handler.handle(request, server);

  /**
   * The `websocket` of `Bun.serve`. Bun has one limit on messages for all of a server: from here on no service may be
   * attached whose `maxMessageSize` is larger than that of those attached already (16 MiB when there are none).
   */
  get websocket(): BunWebSocketOptions {
    const options = this.#handler.webSocketOptions();
    this.#largestMessage = options.maxPayloadLength;
    return options;
  }
}
