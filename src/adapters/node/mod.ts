/**
 * `hawser/node`: the services of a router on `node:http` servers that somebody else runs, beside their pages and their
 * other upgrade listeners (features R2).
 *
 * @module
 */

import type { Caller } from "../../service/caller.ts";
import { checkListener, type ListenerConfiguration } from "../../service/options.ts";
import type { Router } from "../../service/router.ts";
import { UpgradePipeline } from "../../service/upgrade_pipeline.ts";
import { type UpgradeListener, upgradeListener } from "./http_host.ts";
import { nodeRuntime } from "./node_runtime.ts";

export { Router } from "../../service/router.ts";
export type { UpgradeListener } from "./http_host.ts";

/** Options of `upgrade`: those of a `Listener` that do not belong to its port. */
export type UpgradeOptions = Pick<
  ListenerConfiguration,
  "timeout" | "server" | "requestLimits" | "webSocketCompressionEnabled" | "trustedProxies" | "onError"
>;

/**
 * Makes a listener of a server's `upgrade` event that serves what is attached to `router`, now or later. An upgrade to any
 * other path is left to the server's other listeners; where there are none, it is answered with 404. An upgrade to
 * another protocol is left to them too; where there are none, the server's own request handler gets it.
 *
 * ```ts
 * import { createServer } from "node:http";
 *
 * const router = new Router();
 * router.attach("/echo", { get: () => ({ onMessage: (_caller, message) => message }) });
 * const server = createServer((_request, response) => response.end("A page"));
 * server.on("upgrade", upgrade(router));
 * ```
 *
 * Connections live on when the server is closed or the listener is taken off. To end them in good order, use a `Listener`
 * on the server.
 *
 * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
 * @throws {RangeError} for an option that is out of range
 */
export function upgrade(router: Router, options: UpgradeOptions = {}): UpgradeListener {
  const settings = checkListener({}, options);
  const { hostname, timeoutMs, compression, trusts, server, maxUriLength, maxHeaderSize, maxEntityBodySize, onError } =
    settings;
  const report = (error: unknown, caller?: Caller): void => {
    if (onError === undefined) return nodeRuntime.report(error);
    try {
      const returned: unknown = onError(error, caller);
      if (returned instanceof Promise) returned.catch(nodeRuntime.report);
    } catch (failure) {
      nodeRuntime.report(failure);
    }
  };
  const pipeline = new UpgradePipeline({
    router,
    runtime: nodeRuntime,
    timeoutMs,
    compression,
    trusts,
    errors: { report, notice: onError === undefined ? ignore : report },
  });
  const limits = { maxUriLength, maxHeaderSize, maxEntityBodySize };
  const target = { target: {}, hostname, claims: router.claims };
  return upgradeListener(
    nodeRuntime,
    { ...target, ...limits, timeoutMs, server, onError: report },
    pipeline.handle,
  );
}

function ignore(): void {}
