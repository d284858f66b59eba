import { describe, expect, it } from "vitest";
import * as frames from "../../src/service/close_frame.ts";

describe("P4: close frames as values", () => {
  it.each(
    [
      ["NORMAL_CLOSURE", 1000, ""],
      ["GOING_AWAY", 1001, ""],
      ["PROTOCOL_ERROR", 1002, "Connection closed due to protocol error"],
      ["UNSUPPORTED_DATA", 1003, "Endpoint received unsupported frame"],
      ["INVALID_PAYLOAD", 1007, "Payload does not match the expected format or encoding"],
      ["POLICY_VIOLATION", 1008, "Received message violates its policy"],
      ["MESSAGE_TOO_BIG", 1009, "The received message exceeds the allowed size limit"],
      ["INTERNAL_SERVER_ERROR", 1011, "Internal server error occurred"],
    ] as const,
  )("%s is %i %j", (name, status, reason) => {
    expect(frames[name]).toMatchObject({ status, reason });
    expect(frames.isCloseFrame(frames[name])).toBe(true);
  });

  it.each([1000, 1003, 1007, 1014, 3000, 4999])("closeFrame(%i) is made", (status) => {
    expect(frames.closeFrame(status, "why")).toMatchObject({ status, reason: "why" });
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, -1, 1000.5, NaN])("closeFrame(%d) is a RangeError", (status) => {
    expect(() => frames.closeFrame(status)).toThrow(RangeError);
  });

  it("a reason has 123 bytes of UTF-8 at most", () => {
    expect(frames.closeFrame(1000, "ä".repeat(61)).reason).toHaveLength(61);
    expect(() => frames.closeFrame(1000, "ä".repeat(62))).toThrow(RangeError);
    expect(() => frames.closeFrame(1000, 7 as never)).toThrow(TypeError);
  });

  it("one from another copy of the library counts, and what only looks like one does not", () => {
    const brand = Symbol.for("hawser.CloseFrame");
    expect(frames.isCloseFrame({ status: 1000, reason: "", "~hawser": brand })).toBe(true);
    // What a peer may have sent as JSON.
    expect(frames.isCloseFrame({ status: 1000, reason: "", "~hawser": "hawser.CloseFrame" })).toBe(false);
    expect(frames.isCloseFrame({ status: 1000, reason: "" })).toBe(false);
    expect(frames.isCloseFrame(null)).toBe(false);
    expect(frames.isCloseFrame("1000")).toBe(false);
  });

  it("cannot be changed", () => {
    expect(() => Object.assign(frames.NORMAL_CLOSURE, { status: 5555 })).toThrow(TypeError);
  });
});
