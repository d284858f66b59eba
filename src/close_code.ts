/**
 * Which close frames may travel (RFC 6455 §7.4, and the codes registered since). Knows codes and reasons; reads and
 * writes no bytes.
 */

/** The longest reason: a control frame holds 125 bytes, and the code takes two (§5.5). */
export const MAX_REASON_BYTES = 123;

/** Stands for a close frame without a code; never travels (§7.4.1). */
export const NO_STATUS = 1005;
/** Stands for an end without a close frame; never travels (§7.4.1). */
export const ABNORMAL = 1006;

/** Whether a close frame may carry `code`: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
export function isCloseCode(code: number): boolean {
  return Number.isInteger(code) &&
    ((code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999));
}

/**
 * Refuses what no close frame may carry, before anything is sent.
 * @throws {RangeError} when the code may not travel, or the reason is longer than 123 bytes of UTF-8
 * @throws {TypeError} when the reason is not a string
 */
export function checkClose(code: number, reason: string): void {
  // What is no string would be turned into one that nobody meant.
  if (typeof reason !== "string") throw new TypeError("Cannot close: the reason is not a string");
  if (!isCloseCode(code)) {
    throw new RangeError(`Cannot close with code ${code}: it is none of 1000 to 1003, 1007 to 1014, 3000 to 4999`);
  }
  if (reason.length * 3 > MAX_REASON_BYTES && utf8Length(reason) > MAX_REASON_BYTES) {
    throw new RangeError(`Cannot close with a reason of ${utf8Length(reason)} bytes: ${MAX_REASON_BYTES} is the most`);
  }
}

/** `reason`, cut to what a close frame can carry, never inside a character. */
export function boundReason(reason: string): string {
  if (reason.length * 3 <= MAX_REASON_BYTES) return reason;
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
