import { describe, expect, it } from "vitest";
import { replyTimedOut, SingleReply } from "../../src/client/single_reply.ts";
import { ReadTimedOutError, RequestError } from "../../src/errors.ts";
import { ManualClock } from "../support/manual_clock.ts";

function begin(bind: (text: string) => unknown = (text) => text.length, readMs = 1_000) {
  const clock = new ManualClock();
  const single = new SingleReply(bind, { clock, readMs });
  let over = 0;
  single.begin(() => over++);
  return { clock, single, over: () => over };
}

describe("SingleReply (D5)", () => {
  it("resolves with the bound reply, and plans nothing any more", async () => {
    const { clock, single, over } = begin();
    expect([single.isStream, clock.timers]).toEqual([false, 1]);
    single.reply("four", {});
    expect(await single.promise).toBe(4);
    expect([clock.timers, over()]).toEqual([0, 1]);
  });

  it("rejects when the reply cannot be bound, at once or later", async () => {
    const thrown = begin(() => {
      throw new Error("at once");
    });
    thrown.single.reply("", {});
    await expect(thrown.single.promise).rejects.toThrow("at once");
    const rejected = begin(() => Promise.reject(new Error("later")));
    rejected.single.reply("", {});
    await expect(rejected.single.promise).rejects.toThrow("later");
    expect([thrown.clock.timers, rejected.clock.timers]).toEqual([0, 0]);
  });

  it("rejects when there will be no reply: it took too long, was completed, ended, or given up", async () => {
    const late = begin();
    late.clock.advance(1_000);
    await expect(late.single.promise).rejects.toEqual(replyTimedOut(1_000));
    const completed = begin();
    completed.single.completed({ type: "complete" });
    await expect(completed.single.promise).rejects.toMatchObject({ name: "RequestError", reply: { type: "complete" } });
    const ended = begin();
    ended.single.ended(new RequestError("no", {}));
    await expect(ended.single.promise).rejects.toThrow("no");
    const aborted = begin();
    aborted.single.abort("reason");
    await expect(aborted.single.promise).rejects.toBe("reason");
    for (const { clock, over } of [late, completed, ended, aborted]) expect([clock.timers, over()]).toEqual([0, 1]);
  });

  it("waits for ever without a limit, and can be given up before it began", async () => {
    expect(begin(undefined, Infinity).clock.timers).toBe(0);
    const single = new SingleReply(() => 1, { clock: new ManualClock(), readMs: 1_000 });
    single.abort("early");
    await expect(single.promise).rejects.toBe("early");
    expect(replyTimedOut(500)).toEqual(new ReadTimedOutError("Cannot get a reply: none came within 0.5 s"));
  });
});
