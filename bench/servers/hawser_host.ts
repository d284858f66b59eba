/** Hawser's host below any service: each upgrade is accepted, and its socket handed on. */

import { bunRuntime } from "../../src/adapters/bun/bun_runtime.ts";
import { denoRuntime } from "../../src/adapters/deno/deno_runtime.ts";
import { nodeRuntime } from "../../src/adapters/node/node_runtime.ts";
import { checkCompression } from "../../src/streams/compression_options.ts";
import type { MessageSocket } from "../../src/transport/message_socket.ts";
import type { Runtime } from "../../src/transport/runtime.ts";
import { DEFAULT_LIMITS, type ListenOptions } from "../../src/transport/upgrade.ts";
import process from "node:process";
import { announce, compressed } from "./announce.ts";

const compression = compressed ? checkCompression({}) : undefined;

const OPTIONS: ListenOptions = {
  target: 0,
  hostname: "127.0.0.1",
  timeoutMs: 120_000,
  server: undefined,
  maxUriLength: 4_096,
  maxHeaderSize: 8_192,
  maxEntityBodySize: Infinity,
  claims: () => true,
  compression,
  largestMessage: () => 16_777_216,
  onError: (error) => console.error(error),
};

/** What this process runs on. */
export const runtime: Runtime = "Deno" in globalThis ? denoRuntime : "Bun" in globalThis ? bunRuntime : nodeRuntime;

/** On the runtime's own server, instead of our engine. */
export const native = process.env["HAWSER_HOST"] === "native";

/** Listens, and hands every open socket to `onSocket`. */
export async function listen(onSocket: (socket: MessageSocket) => void): Promise<void> {
  const { port } = await (native ? runtime.nativeHost! : runtime).host(OPTIONS, async (upgrade) => {
    onSocket(await upgrade.accept({ limits: DEFAULT_LIMITS, compression, keepAliveMs: Infinity }));
  });
  announce(port);
}
