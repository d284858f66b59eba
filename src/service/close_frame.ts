/**
 * Close frames as values (features P4; RFC 6455 §7.4): what a handler returns, or a stream yields, to close with. Knows
 * codes and reasons; sends nothing.
 */

import { checkClose } from "../close_code.ts";

/** The same in every copy of this library that one process has loaded; and nothing that a peer's JSON can hold. */
const BRAND = Symbol.for("hawser.CloseFrame");

/**
 * A close frame to answer with (RFC 6455 §7.4). Made by `closeFrame`, or one of the constants such as `GOING_AWAY`; an
 * object that only looks like one is sent as JSON.
 */
export interface CloseFrame {
  /** The status code: 1000 to 1003, 1007 to 1014, or 3000 to 4999. */
  readonly status: number;
  /** At most 123 bytes of UTF-8. */
  readonly reason: string;
  /** Tells it from an object that only looks like one, and is sent as JSON. */
  readonly "~hawser": symbol;
}

/**
 * Makes a close frame to return from a handler or to yield from a stream.
 *
 * @param status 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 §7.4)
 * @param reason At most 123 bytes of UTF-8. Default empty.
 * @throws {RangeError} when the status may not travel, or the reason is longer than 123 bytes of UTF-8
 * @throws {TypeError} when the reason is not a string
 */
export function closeFrame(status: number, reason = ""): CloseFrame {
  if (typeof reason !== "string") throw new TypeError("Cannot make a close frame: the reason is not a string");
  checkClose(status, reason);
  return Object.freeze({ status, reason, "~hawser": BRAND });
}

/** Whether `value` was made by `closeFrame`, in this copy of the library or another. */
export function isCloseFrame(value: unknown): value is CloseFrame {
  return typeof value === "object" && value !== null && (value as Partial<CloseFrame>)["~hawser"] === BRAND;
}

/** A close frame with 1000: done. It has no reason. */
export const NORMAL_CLOSURE: CloseFrame = closeFrame(1000);
/** A close frame with 1001: the server goes down, or the page is left. It has no reason. */
export const GOING_AWAY: CloseFrame = closeFrame(1001);
/** A close frame with 1002: the peer broke the protocol. Its reason says so. */
export const PROTOCOL_ERROR: CloseFrame = closeFrame(1002, "Connection closed due to protocol error");
/** A close frame with 1003: a kind of message that is not taken here. Its reason says so. */
export const UNSUPPORTED_DATA: CloseFrame = closeFrame(1003, "Endpoint received unsupported frame");
/** A close frame with 1007: the payload is not what its kind promises. Its reason says so. */
export const INVALID_PAYLOAD: CloseFrame = closeFrame(1007, "Payload does not match the expected format or encoding");
/** A close frame with 1008: the message is against the rules of this service. Its reason says so. */
export const POLICY_VIOLATION: CloseFrame = closeFrame(1008, "Received message violates its policy");
/** A close frame with 1009: the message is too big to be handled. Its reason says so. */
export const MESSAGE_TOO_BIG: CloseFrame = closeFrame(1009, "The received message exceeds the allowed size limit");
/** A close frame with 1011: something failed on this side. Its reason says so. */
export const INTERNAL_SERVER_ERROR: CloseFrame = closeFrame(1011, "Internal server error occurred");
