/** `Deno.serve` as a host of upgrades: on a port of its own, or as the handler of a server that somebody else runs. */

import { ConnectionError } from "../../errors.ts";
import type { Clock } from "../../transport/clock.ts";
import type { Host, Listening, ListenOptions, UpgradeHandler } from "../../transport/upgrade.ts";
import type { Fallback } from "../native/door.ts";
import { NativeHandler } from "../native/native_handler.ts";
import { within } from "../native/traffic.ts";
import { DrainPoll } from "../web/drain_poll.ts";
import type { DenoApi, DenoServeInfo, DenoServer } from "./deno_api.ts";
import { type DenoTools, DenoUpgrade } from "./deno_upgrade.ts";

/** Makes the host. Its `target` is a port. */
export function denoHost(api: () => DenoApi, clock: Clock): Host {
  return (options, onUpgrade) =>
    new Promise((resolve) => {
      const tools = denoTools(api(), clock, options.tls !== undefined);
      const handler = new DenoHandler(tools, options, onUpgrade, options.fetch, false);
      resolve(listen(tools, handler, options));
    });
}

/** @param secure whether the server has TLS */
export function denoTools(deno: DenoApi, clock: Clock, secure: boolean): DenoTools {
  return { deno, clock, drainPoll: new DrainPoll(clock), secure };
}

/** A handler for `Deno.serve`. */
export class DenoHandler extends NativeHandler<DenoServeInfo> {
  readonly #tools: DenoTools;

  /** @param leavesUnclaimed `fallback` gets upgrades to paths that nobody attached too */
  constructor(
    tools: DenoTools,
    options: ListenOptions,
    onUpgrade: UpgradeHandler,
    fallback: Fallback<DenoServeInfo> | undefined,
    leavesUnclaimed: boolean,
  ) {
    super(options, onUpgrade, fallback, leavesUnclaimed);
    this.#tools = tools;
  }

  protected override upgrade(request: Request, info: DenoServeInfo): DenoUpgrade {
    return new DenoUpgrade(request, info, this.door, this.#tools, this.traffic);
  }
}

/** Milliseconds a shutdown may take: it waits for ever for an upgrade whose client left at the wrong moment. */
const SHUTDOWN_MS = 2_000;

function listen({ deno, clock }: DenoTools, handler: DenoHandler, options: ListenOptions): Listening {
  const { hostname, target, tls, onError } = options;
  const port = target as number;
  let server: DenoServer;
  try {
    server = deno.serve(
      {
        port,
        hostname,
        ...tls?.identity,
        // Its default writes to the console.
        onListen() {},
        onError(error) {
          onError(error);
          return new Response(null, { status: 500 });
        },
      },
      (request, info) => handler.handle(request, info),
    );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectionError(`Cannot listen on ${hostname}:${port}: ${why}`, { cause });
  }
  return {
    hostname,
    port: server.addr.port,
    secure: tls !== undefined,
    async stop() {
      // A shutdown sends a close frame of its own to every socket that is open.
      await handler.stop();
      await within(SHUTDOWN_MS, clock, server.shutdown());
    },
  };
}
