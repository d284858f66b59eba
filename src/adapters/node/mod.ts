/**
 * `hawser/node`: the services of a router on `node:http` and `node:https` servers that somebody else runs, beside their
 * pages and their other upgrade listeners.
 *
 * @module
 */

import { guestOf, type GuestOptions } from "../../service/guest.ts";
import type { Router } from "../../service/router.ts";
import { type UpgradeListener, upgradeListener } from "./http_host.ts";
import { nodeRuntime } from "./node_runtime.ts";

export { Router } from "../../service/router.ts";
export type { UpgradeListener } from "./http_host.ts";

/** Options of `upgrade`: those of a `Listener` that do not belong to its port, by another name. */
export type UpgradeOptions = GuestOptions;

/**
 * Makes a listener of a server's `upgrade` event that serves what is attached to `router`, now or later. An upgrade to any
 * other path is left to the server's other listeners; where there are none, it is answered with 404. An upgrade to
 * another protocol is left to them too; where there are none, the server's own request handler gets it.
 *
 * Connections live on when the server is closed or the listener is taken off. To end them in good order, use a `Listener`
 * on the server.
 *
 * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
 * @throws {RangeError} for an option that is out of range
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { Client } from "hawser";
 * import { Router, upgrade } from "hawser/node";
 *
 * const router = new Router();
 * router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 *
 * const server = createServer((_request, response) => response.end("A page"));
 * server.on("upgrade", upgrade(router, { timeout: 10 })); // seconds
 * await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
 * const { port } = server.address() as { port: number };
 *
 * const client = await Client.connect(`ws://127.0.0.1:${port}/echo`);
 * await client.writeTextMessage("hello");
 * console.log(await client.readTextMessage()); // hello
 * await client.close();
 * await new Promise((resolve) => server.close(resolve));
 * ```
 */
export function upgrade(router: Router, options: UpgradeOptions = {}): UpgradeListener {
  const guest = guestOf(router, nodeRuntime, options);
  return upgradeListener(nodeRuntime, guest.options, guest.pipeline.handle);
}
