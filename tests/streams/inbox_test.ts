import { describe, expect, it } from "vitest";
import type { Closure } from "../../src/errors.ts";
import { isCleanEnd, type MessageTaker } from "../../src/streams/inbox.ts";
import { openInbox } from "../support/open_inbox.ts";

class Taker implements MessageTaker {
  readonly taken: unknown[] = [];
  wants = 0;
  hasEnded = false;
  take(message: unknown): boolean {
    if (this.wants === 0) return false;
    this.wants--;
    this.taken.push(message);
    return true;
  }
  ended(): void {
    this.hasEnded = true;
  }
}

describe("Inbox", () => {
  it("hands a message to whoever waits, and keeps it when nobody does", () => {
    const { socket, inbox } = openInbox();
    const taker = new Taker();
    socket.sink!.message("a");
    inbox.lock(taker, "a taker");
    taker.wants = 1;
    socket.sink!.message("b");
    socket.sink!.message("c");
    expect(taker.taken).toEqual(["b"]);
    expect([inbox.peek(), inbox.next(), inbox.next(), inbox.next()]).toEqual(["a", "a", "c", undefined]);
  });

  it("has one reader at a time (C3)", () => {
    const { inbox } = openInbox();
    const first = new Taker();
    inbox.lock(first, "the first");
    inbox.lock(first, "the first");
    expect(() => inbox.lock(new Taker(), "the second")).toThrow(
      new TypeError("Cannot read with the second: the first is reading already"),
    );
    inbox.unlock(new Taker());
    expect(inbox.locked).toBe(true);
    inbox.unlock(first);
    expect(inbox.locked).toBe(false);
    inbox.lock(new Taker(), "the second");
  });

  it("resumes the socket as it is emptied", () => {
    const { socket, inbox } = openInbox({ readAhead: { messages: 2, bytes: 100 } });
    socket.sink!.message("a");
    socket.sink!.message("b");
    expect(socket.calls).toEqual(["pause"]);
    inbox.next();
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("is over only after the last message (P5)", () => {
    const { socket, inbox } = openInbox();
    const taker = new Taker();
    inbox.lock(taker, "a taker");
    socket.sink!.message("a");
    socket.closeByPeer(1000);
    expect([taker.hasEnded, inbox.isOver]).toEqual([true, false]);
    inbox.next();
    expect([inbox.isOver, inbox.failure("Cannot read")]).toEqual([true, undefined]);
    expect(inbox.closedError("Cannot read").closure.code).toBe(1000);
  });

  it("delivers nothing behind a message that was dropped, though somebody waits again", () => {
    const { socket, inbox, endpoint } = openInbox({ readAhead: { messages: 1, bytes: 100 } });
    const taker = new Taker();
    inbox.lock(taker, "a taker");
    void endpoint.close();
    socket.sink!.message("a");
    socket.sink!.message("dropped");
    expect(inbox.next()).toBe("a");
    taker.wants = 1;
    socket.sink!.message("c");
    expect([taker.taken, inbox.next(), endpoint.overflowed]).toEqual([[], undefined, true]);
  });

  it("fails when messages were dropped, however clean the end", () => {
    const { socket, inbox, endpoint } = openInbox({ readAhead: { messages: 1, bytes: 100 } });
    void endpoint.close();
    socket.sink!.message("a");
    socket.sink!.message("dropped");
    socket.end({ code: 1000, clean: true });
    inbox.next();
    expect(inbox.failure("Cannot read further")?.closure.clean).toBe(true);
  });
});

describe("isCleanEnd (C2)", () => {
  const closure = (code: number, clean: boolean): Closure => ({ code, reason: "", clean });
  it.each([1000, 1001, 1005])("takes a clean %d", (code) => {
    expect([isCleanEnd(closure(code, true)), isCleanEnd(closure(code, false))]).toEqual([true, false]);
  });
  it.each([1002, 1006, 1009, 1011, 3000, 4999])("takes no %d", (code) => {
    expect(isCleanEnd(closure(code, true))).toBe(false);
  });
});
