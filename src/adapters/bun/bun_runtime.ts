/** Bun: its `node:` modules for the engine, `Bun.serve` as the native host. */

import type { Runtime } from "../../transport/runtime.ts";
import { nodeRuntime } from "../node/node_runtime.ts";
import { bunApi } from "./bun_api.ts";
import { bunHost } from "./bun_host.ts";
import { BUN_LIMITATIONS } from "./bun_upgrade.ts";

export const bunRuntime: Runtime = {
  ...nodeRuntime,
  name: "bun",
  nativeHost: { host: bunHost(bunApi, nodeRuntime.clock), limitations: BUN_LIMITATIONS },
};
