/** The options a host is handed, with limits that no test meets by accident. */

import type { ListenOptions } from "../../src/transport/upgrade.ts";

export function listenOptions(errors: unknown[], changes: Partial<ListenOptions> = {}): ListenOptions {
  return {
    target: 0,
    hostname: "127.0.0.1",
    timeoutMs: 10_000,
    server: undefined,
    maxUriLength: 4_096,
    maxHeaderSize: 8_192,
    maxEntityBodySize: Infinity,
    claims: () => true,
    compression: undefined,
    largestMessage: () => 16_777_216,
    onError: (error) => errors.push(error),
    ...changes,
  };
}
