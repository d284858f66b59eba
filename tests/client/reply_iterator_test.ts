import { describe, expect, it } from "vitest";
import { ReplyIterator } from "../../src/client/reply_iterator.ts";
import { PayloadBindingError, ReadTimedOutError } from "../../src/errors.ts";
import { openInbox } from "../support/open_inbox.ts";

const END = { value: undefined, done: true };
const value = (item: unknown) => ({ value: item, done: false });

function begin({ readMs = Infinity, messages = 4, bind = (text: string): unknown => text } = {}) {
  const parts = openInbox({ readAhead: { messages, bytes: 1_000 } });
  const replies = new ReplyIterator(bind, { clock: parts.clock, readMs });
  let over = false;
  replies.begin(() => over = true);
  const reply = (...texts: string[]): void => texts.forEach((text) => replies.reply(text, {}, parts.endpoint));
  return { ...parts, replies, reply, over: () => over };
}

describe("ReplyIterator (D5)", () => {
  it("hands out what waits and what comes, in order, to one loop or to several calls", async () => {
    const { replies, reply } = begin();
    reply("a", "b");
    expect([await replies.next(), await replies.next()]).toEqual([value("a"), value("b")]);
    const calls = [replies.next(), replies.next()];
    reply("c", "d", "e");
    expect(await Promise.all(calls)).toEqual([value("c"), value("d")]);
    expect(await replies.next()).toEqual(value("e"));
    expect(replies[Symbol.asyncIterator]()).toBe(replies);
  });

  it("ends behind the replies that wait, also for those who wait already", async () => {
    const { replies, reply, endpoint, over } = begin();
    reply("a");
    replies.completed({}, endpoint);
    expect([await replies.next(), over(), await replies.next(), over(), await replies.next()]).toEqual(
      [value("a"), false, END, true, END],
    );
    const waiting = begin();
    const calls = [waiting.replies.next(), waiting.replies.next()];
    waiting.replies.completed({}, waiting.endpoint);
    expect([await Promise.all(calls), waiting.over()]).toEqual([[END, END], true]);
  });

  it("fails once, behind the replies that wait, and is at its end then", async () => {
    const { replies, reply, over } = begin();
    reply("a");
    replies.ended(new Error("lost"));
    expect(await replies.next()).toEqual(value("a"));
    await expect(replies.next()).rejects.toThrow("lost");
    expect([await replies.next(), over()]).toEqual([END, true]);
    const waiting = begin();
    const calls = Promise.allSettled([waiting.replies.next(), waiting.replies.next()]);
    waiting.replies.ended(new Error("lost"));
    expect(await calls).toEqual([
      { status: "rejected", reason: new Error("lost") },
      { status: "fulfilled", value: END },
    ]);
  });

  it("drops what waits when it is given up, and tells why once, whether or not somebody waits", async () => {
    const { replies, reply, over, socket } = begin();
    reply("a", "b", "c", "d");
    expect(socket.calls).toEqual(["pause"]);
    replies.abort("reason");
    expect([socket.calls, over()]).toEqual([["pause", "resume"], true]);
    await expect(replies.next()).rejects.toBe("reason");
    expect(await replies.next()).toEqual(END);
    replies.abort("again");
    expect(await replies.next()).toEqual(END);
    const waiting = begin();
    const call = waiting.replies.next();
    waiting.replies.abort("reason");
    await expect(call).rejects.toBe("reason");
  });

  it("can be given up behind its last reply, as long as that was not read", async () => {
    const { replies, reply, endpoint } = begin();
    reply("a");
    replies.completed({}, endpoint);
    replies.abort("reason");
    await expect(replies.next()).rejects.toBe("reason");
  });

  it("is left by return and by await using, which free its queue at once", async () => {
    const { replies, reply, over, socket } = begin({ messages: 2 });
    reply("a", "b");
    expect(await replies.return()).toEqual(END);
    expect([socket.calls, over(), await replies.next()]).toEqual([["pause", "resume"], true, END]);
    expect(await replies.return()).toEqual(END);
    const used = begin();
    const call = used.replies.next();
    await used.replies[Symbol.asyncDispose]();
    expect([await call, used.over()]).toEqual([END, true]);
  });

  it("ends with a reply that cannot be bound, whether it waited or was waited for", async () => {
    const bind = (text: string): unknown => {
      if (text === "bad") throw new PayloadBindingError("bad");
      return text === "late" ? Promise.reject(new PayloadBindingError("late")) : text;
    };
    for (const text of ["bad", "late"]) {
      const kept = begin({ bind });
      kept.reply("a", text, "b");
      expect(await kept.replies.next()).toEqual(value("a"));
      await expect(kept.replies.next()).rejects.toThrow(text);
      expect([kept.over(), await kept.replies.next(), kept.endpoint.queue.low]).toEqual([true, END, true]);
      const waiting = begin({ bind });
      const calls = Promise.allSettled([waiting.replies.next(), waiting.replies.next()]);
      waiting.reply(text);
      expect((await calls).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
      expect([waiting.over(), await waiting.replies.next()]).toEqual([true, END]);
    }
  });

  it("waits for a binding that takes its time", async () => {
    const { replies, reply } = begin({ bind: (text) => Promise.resolve(text.length) });
    reply("abc");
    expect(await replies.next()).toEqual(value(3));
    const call = replies.next();
    reply("ab");
    expect(await call).toEqual(value(2));
  });

  it("times out while somebody waits, anew for each reply, and never while nobody does", async () => {
    const { replies, reply, clock, over } = begin({ readMs: 1_000 });
    clock.advance(5_000);
    const first = replies.next();
    clock.advance(900);
    reply("a");
    expect([await first, clock.timers]).toEqual([value("a"), 0]);
    clock.advance(5_000);
    const second = replies.next();
    clock.advance(1_000);
    await expect(second).rejects.toThrow(new ReadTimedOutError("Cannot get a reply: none came within 1 s"));
    expect([clock.timers, over(), await replies.next()]).toEqual([0, true, END]);
  });

  it("does not look complete when a reply was dropped behind our close frame", async () => {
    const { replies, reply, endpoint } = begin({ messages: 1 });
    reply("a");
    void endpoint.close();
    reply("dropped");
    expect(await replies.next()).toEqual(value("a"));
    const call = replies.next();
    reply("behind it");
    replies.completed({}, endpoint);
    await expect(call).rejects.toMatchObject({ name: "ConnectionClosureError" });
  });

  it("can be left before it began, and fail before it began", async () => {
    const { clock } = openInbox();
    const left = new ReplyIterator((text) => text, { clock, readMs: 1_000 });
    expect(await left.return()).toEqual(END);
    const failed = new ReplyIterator((text) => text, { clock, readMs: 1_000 });
    failed.abort("early");
    await expect(failed.next()).rejects.toBe("early");
  });
});
