/** A router as a guest on a server that somebody else runs (features R2): its pipeline, and what a host has to know. */

import { BufferBudget } from "../transport/buffer_budget.ts";
import type { Runtime } from "../transport/runtime.ts";
import type { Limitations, ListenOptions } from "../transport/upgrade.ts";
import { checkHostedListener, checkListener, type ListenerConfiguration } from "./options.ts";
import { reporterOf } from "./reporter.ts";
import type { Router } from "./router.ts";
import { UpgradePipeline } from "./upgrade_pipeline.ts";

/**
 * Options of a router on somebody's server: those of a `Listener` that do not belong to its port.
 *
 * @category Listener
 */
export type GuestOptions = Pick<
  ListenerConfiguration,
  | "timeout"
  | "server"
  | "requestLimits"
  | "webSocketCompressionEnabled"
  | "trustedProxies"
  | "maxConnections"
  | "maxConnectionsPerAddress"
  | "maxTotalBuffered"
  | "auth"
  | "onError"
>;

/** A router at work. */
export interface Guest {
  readonly pipeline: UpgradePipeline;
  readonly options: ListenOptions;
}

/**
 * @param limitations of the sockets it will get
 * @throws {TypeError} for an unknown option, one of the wrong kind, and what this version does not do
 * @throws {RangeError} for an option that is out of range
 * @throws {UnsupportedError} for an option that the host cannot keep
 */
export function guestOf(router: Router, runtime: Runtime, options: GuestOptions, limitations?: Limitations): Guest {
  const server = {};
  const { timeoutMs, compression, trusts, places, auth, ...settings } = checkListener(server, options);
  if (limitations !== undefined) checkHostedListener(options, limitations);
  const errors = reporterOf(settings.onError, (error) => runtime.report(error));
  const buffers = new BufferBudget(settings.maxTotalBuffered);
  const parts = { router, runtime, timeoutMs, compression, trusts, places, buffers, auth, errors, limitations };
  const pipeline = new UpgradePipeline(parts);
  const { hostname, maxUriLength, maxHeaderSize, maxEntityBodySize } = settings;
  return {
    pipeline,
    options: {
      target: server,
      hostname,
      timeoutMs,
      server: settings.server,
      maxUriLength,
      maxHeaderSize,
      maxEntityBodySize,
      claims: router.claims,
      compression,
      largestMessage: router.largestMessage,
      onError: errors.report,
    },
  };
}
