/** Bun: its `node:` modules for the engine, `Bun.serve` as the native host. */

import type { Runtime } from "../../transport/runtime.ts";
import { nodeRuntime } from "../node/node_runtime.ts";
import { tlsFiles } from "../node/tls_files.ts";
import { bunApi } from "./bun_api.ts";
import { bunHost } from "./bun_host.ts";
import { BUN_CIPHERS, BUN_LIMITATIONS } from "./bun_upgrade.ts";

export const bunRuntime: Runtime = {
  ...nodeRuntime,
  name: "bun",
  tls: { ...tlsFiles, refusals: { listener: [BUN_CIPHERS], client: [BUN_CIPHERS] } },
  nativeHost: { host: bunHost(bunApi, nodeRuntime.clock), limitations: BUN_LIMITATIONS },
};
