/** What a peer would compress, without reference to anything before it (RFC 7692 §7.2.1). */

import { constants, deflateRawSync } from "node:zlib";
import { bytesOf } from "./frames.ts";

/** The header of the opening handshake that offers and answers it. */
export const DEFLATE = "Sec-WebSocket-Extensions";

export function deflated(message: string | Uint8Array, level = 6): Uint8Array {
  return deflateRawSync(bytesOf(message), { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}
