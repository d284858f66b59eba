import { describe, expect, it } from "vitest";
import { ConnectionClosureError, ReadTimedOutError } from "../../src/errors.ts";
import { MessageIterator } from "../../src/streams/message_iterator.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { openInbox } from "../support/open_inbox.ts";

function start(readMs = Infinity) {
  const parts = openInbox();
  let left = 0;
  const iterate = (): MessageIterator => new MessageIterator(parts.inbox, { clock: parts.clock, readMs }, () => left++);
  return { ...parts, iterate, left: () => left };
}

const value = (message: Message) => ({ value: message, done: false });
const END = { value: undefined, done: true };

describe("MessageIterator (C2)", () => {
  it("hands out what waits and what comes, in order", async () => {
    const { socket, iterate } = start();
    socket.sink!.message("a");
    const iterator = iterate();
    expect(await iterator.next()).toEqual(value("a"));
    const later = iterator.next();
    socket.sink!.message(new Uint8Array([1]));
    socket.sink!.message("c");
    expect(await later).toEqual(value(new Uint8Array([1])));
    expect(await iterator.next()).toEqual(value("c"));
  });

  it("await using leaves it", async () => {
    const { iterate, left } = start();
    {
      await using iterator = iterate();
      void iterator.next();
      expect(left()).toBe(0);
    }
    expect(left()).toBe(1);
  });

  it("serves several pending calls in order", async () => {
    const { socket, iterate } = start();
    const iterator = iterate();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    for (const text of ["a", "b", "c"]) socket.sink!.message(text);
    expect(await Promise.all(calls)).toEqual([value("a"), value("b"), value("c")]);
  });

  it.each([1000, 1001, 1005])("ends on a clean %d, after the messages that came before", async (code) => {
    const { socket, iterate } = start();
    socket.sink!.message("last");
    socket.closeByPeer(code);
    const seen: Message[] = [];
    for await (const message of iterate()) seen.push(message);
    expect(seen).toEqual(["last"]);
  });

  it.each([1002, 1011, 3000])("throws on a clean %d, after the messages that came before", async (code) => {
    const { socket, iterate } = start();
    const seen: Message[] = [];
    const loop = (async () => {
      for await (const message of iterate()) seen.push(message);
    })();
    socket.sink!.message("last");
    socket.closeByPeer(code, "why");
    const error = await loop.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect((error as ConnectionClosureError).closure).toMatchObject({ code, reason: "why" });
    expect(seen).toEqual(["last"]);
  });

  it("throws on an end without a close frame, once, and is done then; so is every other pending call (P5)", async () => {
    const { socket, iterate, inbox } = start();
    const iterator = iterate();
    const calls = [iterator.next(), iterator.next()];
    socket.end();
    await expect(calls[0]).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(await calls[1]).toEqual(END);
    expect(await iterator.next()).toEqual(END);
    expect(inbox.locked).toBe(false);
  });

  it.each<[string, (iterator: MessageIterator) => Promise<unknown>]>([
    ["break", async (iterator) => {
      for await (const _ of iterator) break;
    }],
    ["a throw", async (iterator) => {
      for await (const _ of iterator) throw new Error("mine");
    }],
    ["return", async (iterator) => {
      for await (const message of iterator) return message;
    }],
  ])("is left by %s, and lets others read then", async (_, loop) => {
    const { socket, iterate, inbox, left } = start();
    socket.sink!.message("a");
    socket.sink!.message("b");
    await loop(iterate()).catch((error: Error) => expect(error.message).toBe("mine"));
    expect([left(), inbox.locked, inbox.peek()]).toEqual([1, false, "b"]);
  });

  it("settles pending calls when it is left, once", async () => {
    const { iterate, left } = start();
    const iterator = iterate();
    const pending = iterator.next();
    expect(await iterator.return()).toEqual(END);
    expect(await pending).toEqual(END);
    await iterator.return();
    expect(left()).toBe(1);
  });

  it("is the only reader while it lasts", async () => {
    const { iterate, socket } = start();
    const iterator = iterate();
    expect(() => iterate()).toThrow("an iterator is reading already");
    socket.closeByPeer(1000);
    await iterator.next();
    iterate();
  });

  it("released, it has ended without leaving, and somebody else reads", async () => {
    const { iterate, socket, left } = start();
    const iterator = iterate();
    const waiting = iterator.next();
    iterator.release();
    iterator.release();
    expect([await waiting, await iterator.next()]).toEqual([END, END]);
    socket.sink!.message("a");
    expect(await iterate().next()).toEqual(value("a"));
    iterator.release();
    expect(() => iterate()).toThrow(TypeError);
    expect(left()).toBe(0);
  });

  it("gives up after the read limit, and the next loop gets every message (C7)", async () => {
    const { clock, socket, iterate, left } = start(1_000);
    const iterator = iterate();
    const first = iterator.next();
    clock.advance(999);
    socket.sink!.message("in time");
    expect(await first).toEqual(value("in time"));
    expect(clock.timers).toBe(0);
    const late = iterator.next();
    const behind = iterator.next();
    clock.advance(1_000);
    await expect(late).rejects.toThrow(new ReadTimedOutError("Cannot read a message: none came within 1 s"));
    expect(await behind).toEqual(END);
    socket.sink!.message("late");
    expect(await iterate().next()).toEqual(value("late"));
    expect([left(), clock.timers]).toEqual([0, 0]);
  });
});
