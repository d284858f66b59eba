/**
 * `hawser/deno`: the services of a router inside a `Deno.serve` that exists already, on `Deno.upgradeWebSocket`.
 * What those sockets cannot do is refused with an `UnsupportedError`.
 *
 * @module
 */

import { wrongKind } from "../../option_check.ts";
import { guestOf, type GuestOptions } from "../../service/guest.ts";
import { Router as AnyRouter } from "../../service/router.ts";
import { denoApi, type DenoServeInfo } from "./deno_api.ts";
import { DenoHandler, denoTools } from "./deno_host.ts";
import { denoRuntime } from "./deno_runtime.ts";
import { DENO_LIMITATIONS } from "./deno_upgrade.ts";

export type { GuestOptions } from "../../service/guest.ts";
export type { DenoServeInfo } from "./deno_api.ts";

/** Options of a `Router`: those of a `Listener` that do not belong to its port, and what answers everything else. */
export interface RouterOptions extends GuestOptions {
  /** Whether the server has TLS, which Deno does not tell: what `isSecure()` says, and the scheme of URLs. Default false. */
  readonly secure?: boolean;
  /** Answers ordinary requests, and upgrades to paths that nobody attached. Default: 426 and 404. */
  readonly fetch?: (request: Request, info: DenoServeInfo) => Response | Promise<Response>;
}

/**
 * Services by path, for the handler of a `Deno.serve`: the `Router` of `hawser`, with its `attach`, `detach`, `match`,
 * `claims` and `largestMessage`, and what answers requests. Its methods work unbound.
 *
 * Connections live on until the server is shut down, which closes them with 1001 itself. To end them in good order, use a
 * `Listener` with `host: "native"`.
 *
 * @example
 * ```ts deno
 * import { Client } from "hawser";
 * import { Router } from "hawser/deno";
 *
 * const router = new Router({ fetch: () => new Response("A page") });
 * router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, router.fetch);
 *
 * const client = await Client.connect(`ws://127.0.0.1:${server.addr.port}/echo`);
 * await client.writeTextMessage("hello");
 * console.log(await client.readTextMessage()); // hello
 * await client.close();
 * await server.shutdown();
 * ```
 */
export class Router extends AnyRouter {
  readonly #handler: DenoHandler;

  /**
   * Empty at first.
   *
   * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
   * @throws {RangeError} for an option that is out of range
   * @throws {UnsupportedError} for an option that Deno's sockets cannot keep
   */
  constructor(options: RouterOptions = {}) {
    super(() => DENO_LIMITATIONS);
    const { fetch, secure = false, ...rest } = options;
    if (typeof secure !== "boolean") throw wrongKind("secure", "a boolean");
    const { options: listening, pipeline } = guestOf(this, denoRuntime, rest, DENO_LIMITATIONS);
    const tools = denoTools(denoApi(), denoRuntime.clock, secure);
    this.#handler = new DenoHandler(tools, listening, pipeline.handle, fetch, true);
  }

  /** Answers a request of `Deno.serve`: give it the request itself, no copy, and the info that came with it. */
  readonly fetch = (request: Request, info: DenoServeInfo): Response | Promise<Response> =>
    this.#handler.handle(request, info);
}
