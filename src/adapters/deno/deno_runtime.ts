/** Deno: its `node:` modules for the engine, `Deno.serve` as the native host. */

import type { Runtime } from "../../transport/runtime.ts";
import type { TlsRefusal } from "../../transport/tls.ts";
import { nodeRuntime } from "../node/node_runtime.ts";
import { tlsFiles } from "../node/tls_files.ts";
import { denoApi } from "./deno_api.ts";
import { denoHost } from "./deno_host.ts";
import { DENO_LIMITATIONS } from "./deno_upgrade.ts";

/** Deno 2.9 takes both without a word. */
const CIPHERS: TlsRefusal = { option: "ciphers", reason: "Deno does not choose among cipher suites" };
const NO_SESSIONS: TlsRefusal = {
  option: "shareSession",
  applies: (value) => value === false,
  reason: "Deno resumes the sessions of TLS 1.2",
};

/** Deno 2.9 keeps the keys of its tickets: seen with OpenSSL's client, in TLS 1.2 and 1.3. */
const OLD_SESSIONS = '"mutualSsl.cert" is another one, and Deno resumes the sessions of those it has let in before';

export const denoRuntime: Runtime = {
  ...nodeRuntime,
  name: "deno",
  tls: { ...tlsFiles, keepsSessions: OLD_SESSIONS, refusals: { listener: [CIPHERS, NO_SESSIONS], client: [CIPHERS] } },
  nativeHost: { host: denoHost(denoApi, nodeRuntime.clock), limitations: DENO_LIMITATIONS },
};
