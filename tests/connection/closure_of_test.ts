import { describe, expect, it } from "vitest";

import { closureOf, type Ending } from "../../src/connection/closure_of.ts";
import { ConnectionError, CorruptedFrameError } from "../../src/errors.ts";

const NOTHING: Ending = { received: undefined, sent: undefined, first: undefined, error: undefined, cause: undefined };
const BYE = { code: 4000, reason: "bye" };
const ECHO = { code: 4000, reason: "" };

describe("closureOf", () => {
  it("§7.1.4: is clean when a close frame went each way, with the peer's code and reason", () => {
    expect(closureOf({ ...NOTHING, received: BYE, sent: ECHO, first: "remote" }))
      .toEqual({ code: 4000, reason: "bye", clean: true, received: BYE, sent: ECHO, first: "remote" });
  });

  it("§7.1.5: is 1006 when none came, whatever was sent", () => {
    expect(closureOf(NOTHING)).toEqual({ code: 1006, reason: "", clean: false });
    expect(closureOf({ ...NOTHING, sent: BYE, first: "local" }))
      .toEqual({ code: 1006, reason: "", clean: false, sent: BYE, first: "local" });
  });

  it("has our own code when it was sent for a rule that the peer broke", () => {
    const error = new CorruptedFrameError("Frame without a mask", 1002, "§5.1");
    const sent = { code: 1002, reason: error.message };
    expect(closureOf({ ...NOTHING, sent, error, first: "local" })).toMatchObject({ code: 1002, clean: false, error });
    expect(closureOf({ ...NOTHING, sent: BYE, error, first: "local" })).toMatchObject({ code: 1006 });
  });

  it("passes on what the transport said, unless it ended cleanly or something else was to blame", () => {
    const cause = new Error("reset");
    const { error } = closureOf({ ...NOTHING, cause });
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error?.cause).toBe(cause);
    expect(closureOf({ ...NOTHING, received: BYE, sent: ECHO, cause }).error).toBeUndefined();
    const dropped = new ConnectionError("The peer did not answer a ping in time");
    expect(closureOf({ ...NOTHING, error: dropped, cause }).error).toBe(dropped);
  });
});
