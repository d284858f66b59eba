import { describe, expect, it } from "vitest";

import { MessageDeadline } from "../../src/connection/message_deadline.ts";

describe("MessageDeadline", () => {
  it("is over when the same message has been under way for that long, inclusive", () => {
    const deadline = new MessageDeadline(100);
    deadline.progress = 7;
    expect([1_000, 1_099, 1_100, 1_150].map((now) => deadline.isOver(now, true))).toEqual([false, false, true, true]);
  });

  it("starts anew with another message, and after a time without any", () => {
    const deadline = new MessageDeadline(100);
    deadline.isOver(0, true);
    deadline.progress++;
    expect(deadline.isOver(500, true)).toBe(false);
    expect(deadline.isOver(590, true)).toBe(false);
    expect(deadline.isOver(595, false)).toBe(false);
    expect(deadline.isOver(700, true)).toBe(false);
    expect(deadline.isOver(800, true)).toBe(true);
  });

  it("is never over when nothing is under way", () => {
    const deadline = new MessageDeadline(100);
    expect([0, 1_000, 2_000].map((now) => deadline.isOver(now, false))).toEqual([false, false, false]);
  });
});
