/** The body of a close frame (RFC 6455 §5.5.1): read and write it. Knows no frame. */

import { concat, decodeUtf8, EMPTY, encodeUtf8 } from "../bytes.ts";
import { isCloseCode, NO_STATUS } from "../close_code.ts";
import { type CloseFrameInfo, CorruptedFrameError } from "../errors.ts";

/**
 * What `payload` says; an empty one says 1005. The reason is copied out of it.
 * @throws {CorruptedFrameError} when it may not travel
 */
export function readClosePayload(payload: Uint8Array): CloseFrameInfo {
  if (payload.length === 0) return { code: NO_STATUS, reason: "" };
  // §5.5.1: if there is a body, its first two bytes are the code
  if (payload.length === 1) throw new CorruptedFrameError("Close frame with a body of one byte", 1002, "§5.5.1");
  const code = (payload[0]! << 8) | payload[1]!;
  if (!isCloseCode(code)) throw new CorruptedFrameError(`Close frame with code ${code}`, 1002, "§7.4");
  try {
    return { code, reason: payload.length === 2 ? "" : decodeUtf8(payload.subarray(2)) };
  } catch (cause) {
    throw new CorruptedFrameError("Close frame with a reason that is not UTF-8", 1007, "§5.5.1", { cause });
  }
}

/** The payload that says `code` and `reason`, already checked; without a code it is empty, in bytes of its own. */
export function writeClosePayload(code: number | undefined, reason: string): Uint8Array {
  if (code === undefined) return EMPTY;
  return concat(Uint8Array.of(code >>> 8, code), encodeUtf8(reason));
}
