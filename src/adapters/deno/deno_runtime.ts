/** Deno: its `node:` modules for the engine, `Deno.serve` as the native host. */

import type { Runtime } from "../../transport/runtime.ts";
import { nodeRuntime } from "../node/node_runtime.ts";
import { denoApi } from "./deno_api.ts";
import { denoHost } from "./deno_host.ts";
import { DENO_LIMITATIONS } from "./deno_upgrade.ts";

export const denoRuntime: Runtime = {
  ...nodeRuntime,
  name: "deno",
  nativeHost: { host: denoHost(denoApi, nodeRuntime.clock), limitations: DENO_LIMITATIONS },
};
