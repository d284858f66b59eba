/**
 * The codec seam: raw deflate (RFC 1951) of one message at a time, as RFC 7692 §7.2 wants it. Synchronous, so that the
 * engine stays so, and without memory of its own: the window is an argument.
 */

/** Compresses and inflates whole messages. Keeps and changes nothing that it is given. */
export interface DeflateCodec {
  /**
   * Compresses `message` as if `window` had come before it, and ends on a byte boundary; the last 00 00 ff ff is cut off
   * (§7.2.1), so that an empty message is the one byte 00 (§7.2.3.6). The result is the caller's, and may be a view of a
   * larger buffer. The window is help and no duty: a codec that ignores it makes valid, larger output.
   * @param window what the last 2^windowBits bytes of the messages before were, or less of it; empty without takeover
   * @param windowBits 9 to 15: no reference reaches back further than 2^windowBits bytes
   * @param level 0 (stored) to 9 (smallest)
   */
  deflate(message: Uint8Array, window: Uint8Array, windowBits: number, level: number): Uint8Array;

  /**
   * Inflates `payload`, which comes without its 00 00 ff ff, as if `window` had come before it (§7.2.2). The result is the
   * caller's, and may be a view of a larger buffer: who hands it on, or keeps it, copies it.
   * @param window the last bytes of the messages before, 32 KiB at most; empty without takeover
   * @param limit the most that may come out; `Infinity` for as much as the runtime can hold
   * @throws {RangeError} once the output would pass `limit`
   * @throws {Error} on a payload that is malformed, cut short or followed by more than a message
   */
  inflate(payload: Uint8Array, window: Uint8Array, limit: number): Uint8Array;
}
