import { describe, expect, it } from "vitest";
import { closeMillis, MAX_SECONDS, toMillis } from "../src/seconds.ts";

describe("seconds become milliseconds", () => {
  it.each([[0, 0], [0.5, 500], [60, 60_000], [MAX_SECONDS, 2_147_483_000]])("%d → %d", (seconds, millis) => {
    expect(toMillis(seconds)).toBe(millis);
    expect(closeMillis("x", seconds)).toBe(millis);
  });

  it("the longest still fits a timer", () => expect(MAX_SECONDS * 1_000).toBeLessThan(2 ** 31));

  it.each([-0.1, -2, NaN, Infinity, MAX_SECONDS + 1])("%j is none", (value) => {
    expect(toMillis(value)).toBeUndefined();
    expect(() => closeMillis("timeout", value)).toThrow(RangeError);
    expect(() => closeMillis("timeout", value)).toThrow(`Cannot use the option "timeout": ${value} is neither -1 nor`);
  });

  it.each(["5", null, undefined, 5n])("%s is not even a number", (value) => {
    expect(toMillis(value)).toBeUndefined();
    expect(() => closeMillis("timeout", value)).toThrow(
      new TypeError('Cannot use the option "timeout": it is not a number of seconds'),
    );
  });

  it("-1 waits for ever, but only for a close frame", () => {
    expect(closeMillis("x", -1)).toBe(Infinity);
    expect(toMillis(-1)).toBeUndefined();
  });
});
