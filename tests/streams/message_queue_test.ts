import { describe, expect, it } from "vitest";
import { MessageQueue } from "../../src/streams/message_queue.ts";
import { BufferBudget, OWN_BYTES } from "../../src/transport/buffer_budget.ts";

describe("MessageQueue", () => {
  it("is full at the number of messages, and low at half of it", () => {
    const queue = new MessageQueue({ messages: 4, bytes: 1_000 });
    for (let i = 0; i < 3; i++) queue.push("");
    expect([queue.full, queue.low]).toEqual([false, false]);
    queue.push("");
    expect([queue.full, queue.low]).toEqual([true, false]);
    queue.shift();
    expect([queue.full, queue.low]).toEqual([false, false]);
    queue.shift();
    expect([queue.full, queue.low]).toEqual([false, true]);
  });

  it("is full at the bytes, and low at half of them", () => {
    const queue = new MessageQueue({ messages: 1_000, bytes: 10 });
    queue.push(new Uint8Array(5));
    queue.push("1234");
    expect(queue.full).toBe(false);
    queue.push("5");
    expect(queue.full).toBe(true);
    expect(queue.shift()).toEqual(new Uint8Array(5));
    expect([queue.full, queue.low]).toEqual([false, true]);
  });

  it("can hold one message, however large, with the smallest marks", () => {
    const queue = new MessageQueue({ messages: 1, bytes: 1 });
    queue.push("long");
    expect([queue.full, queue.low]).toEqual([true, false]);
    expect(queue.peek()).toBe("long");
    queue.shift();
    expect([queue.full, queue.low, queue.length]).toEqual([false, true, 0]);
  });

  it("counts what waits elsewhere as if it waited here, until it is counted out", () => {
    const queue = new MessageQueue({ messages: 3, bytes: 10 });
    queue.push("a");
    queue.countIn("b");
    expect([queue.full, queue.low, queue.length]).toEqual([false, false, 1]);
    queue.countIn(new Uint8Array(8));
    expect([queue.full, queue.length]).toEqual([true, 1]);
    queue.countOut(new Uint8Array(8));
    queue.countOut("b");
    expect([queue.full, queue.low, queue.shift(), queue.shift()]).toEqual([false, true, "a", undefined]);
  });

  it("forgets everything when it is cleared", () => {
    const queue = new MessageQueue({ messages: 2, bytes: 2 });
    queue.push("ab");
    queue.clear();
    expect([queue.full, queue.low, queue.length, queue.shift()]).toEqual([false, true, 0, undefined]);
  });

  it("shares its marks with the queues beside it, and nothing else", () => {
    const first = new MessageQueue({ messages: 4, bytes: 100 });
    const second = first.beside();
    const third = second.beside();
    first.push("a");
    second.push("bc");
    third.push("d");
    expect([first.full, second.full, third.full]).toEqual([false, false, false]);
    third.push("x".repeat(96));
    expect([first, second, third].map(({ full, low, length }) => [full, low, length])).toEqual([
      [true, false, 1],
      [true, false, 1],
      [true, false, 2],
    ]);
    third.clear();
    expect([first.low, second.low, third.low, third.length]).toEqual([true, true, true, 0]);
    expect([first.shift(), second.peek(), second.shift(), third.shift()]).toEqual(["a", "bc", "bc", undefined]);
    second.push("x".repeat(100));
    expect([first.full, first.length]).toEqual([true, 0]);
  });
});

describe("queues of many sources", () => {
  const MARKS = { messages: 1_000, bytes: 1_000_000 };

  it("count together, whatever is done with what waits", () => {
    const buffers = new BufferBudget(1_000);
    const [a, b] = [new MessageQueue(MARKS, undefined, buffers), new MessageQueue(MARKS, undefined, buffers)];
    a.push("12345");
    a.beside().push("67");
    b.countIn("890");
    expect(buffers.used).toBe(10);
    b.countOut("890");
    a.shift();
    expect(buffers.used).toBe(2);
    a.push("x");
    a.clear();
    expect(buffers.used).toBe(2);
    b.push("late");
    b.giveUp();
    expect(buffers.used).toBe(2);
    expect(b.shift()).toBe("late");
    expect([buffers.used, b.length]).toEqual([2, 0]);
  });

  it("are full early when all together have too much, those with more than their own", () => {
    const buffers = new BufferBudget(OWN_BYTES * 2);
    const [large, small] = [new MessageQueue(MARKS, undefined, buffers), new MessageQueue(MARKS, undefined, buffers)];
    small.push(new Uint8Array(OWN_BYTES));
    large.push(new Uint8Array(1));
    large.push(new Uint8Array(OWN_BYTES - 1));
    expect([large.full, large.crowded]).toEqual([false, false]);
    large.push(new Uint8Array(1));
    expect([large.full, large.crowded, large.low]).toEqual([true, true, false]);
    expect([small.full, small.crowded, small.low]).toEqual([false, false, true]);
    large.shift();
    expect([large.full, large.low]).toEqual([false, true]);
  });
});
