import { describe, expect, it } from "vitest";

import { MessageDeadline } from "../../src/connection/message_deadline.ts";

describe("MessageDeadline", () => {
  it("is over when the same message has been under way for that long, inclusive", () => {
    const deadline = new MessageDeadline(100);
    expect([1_000, 1_099, 1_100, 1_150].map((now) => deadline.isOver(now, true, 7))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it("starts anew with another message, and after a time without any", () => {
    const deadline = new MessageDeadline(100);
    deadline.isOver(0, true, 1);
    expect(deadline.isOver(500, true, 2)).toBe(false);
    expect(deadline.isOver(590, true, 2)).toBe(false);
    expect(deadline.isOver(595, false, 2)).toBe(false);
    expect(deadline.isOver(700, true, 2)).toBe(false);
    expect(deadline.isOver(800, true, 2)).toBe(true);
  });

  it("is never over when nothing is under way", () => {
    const deadline = new MessageDeadline(100);
    expect([0, 1_000, 2_000].map((now) => deadline.isOver(now, false, 0))).toEqual([false, false, false]);
  });
});
