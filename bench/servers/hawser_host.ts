/** Hawser's host below any service: each upgrade is accepted, and its socket handed on. */

import { nodeRuntime } from "../../src/adapters/node/node_runtime.ts";
import { checkCompression } from "../../src/streams/compression_options.ts";
import type { MessageSocket } from "../../src/transport/message_socket.ts";
import { DEFAULT_LIMITS, type ListenOptions } from "../../src/transport/upgrade.ts";
import { announce, compressed } from "./announce.ts";

const OPTIONS: ListenOptions = {
  target: 0,
  hostname: "127.0.0.1",
  timeoutMs: 120_000,
  server: undefined,
  maxUriLength: 4_096,
  maxHeaderSize: 8_192,
  maxEntityBodySize: Infinity,
  claims: () => true,
  compression: undefined,
  largestMessage: () => 16_777_216,
  onError: (error) => console.error(error),
};

const compression = compressed ? checkCompression({}) : undefined;

/** Listens, and hands every open socket to `onSocket`. */
export async function listen(onSocket: (socket: MessageSocket) => void): Promise<void> {
  const { port } = await nodeRuntime.host(OPTIONS, async (upgrade) => {
    onSocket(await upgrade.accept({ limits: DEFAULT_LIMITS, compression, keepAliveMs: Infinity }));
  });
  announce(port);
}
