import { describe, expect, it } from "vitest";
import { BoundIterator } from "../../src/client/bound_iterator.ts";
import { ConnectionClosureError } from "../../src/errors.ts";
import { MessageIterator } from "../../src/streams/message_iterator.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { openInbox } from "../support/open_inbox.ts";

function start() {
  const parts = openInbox();
  let left = 0;
  const iterate = <T>(bind: (message: Message) => T | Promise<T>): BoundIterator<T> =>
    new BoundIterator(
      new MessageIterator(parts.inbox, { clock: parts.clock, readMs: Infinity }, () => left++),
      bind,
    );
  return { ...parts, iterate, left: () => left };
}

function length(message: Message): number {
  if (message === "bad") throw new Error("It is bad");
  return message.length;
}

const later = (message: Message): Promise<number> => Promise.resolve(message).then(length);

describe.each([["at once", length], ["later", later]])("BoundIterator (B1, B3), %s", (_when, bind) => {
  it("binds each message, and ends where they end", async () => {
    const { socket, iterate, inbox } = start();
    for (const text of ["a", "bb", "ccc"]) socket.sink!.message(text);
    socket.closeByPeer(1000);
    const seen: number[] = [];
    for await (const value of iterate(bind)) seen.push(value);
    expect(seen).toEqual([1, 2, 3]);
    expect(inbox.locked).toBe(false);
  });

  it("fails where they fail", async () => {
    const { socket, iterate } = start();
    socket.closeByPeer(1011);
    await expect(iterate(bind).next()).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("a message that cannot be bound ends it and is gone; a new one goes on behind it", async () => {
    const { socket, iterate, inbox, left, endpoint } = start();
    for (const text of ["a", "bad", "bb"]) socket.sink!.message(text);
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const value of iterate(bind)) seen.push(value);
    };
    await expect(loop()).rejects.toThrow("It is bad");
    expect([seen, inbox.locked, left(), endpoint.state]).toEqual([[1], false, 0, "open"]);
    expect(await iterate(bind).next()).toEqual({ value: 2, done: false });
  });

  it("is left at the end of the block of await using", async () => {
    const { iterate, inbox, left } = start();
    {
      await using iterator = iterate(bind);
      expect([iterator[Symbol.asyncIterator]() === iterator, inbox.locked]).toEqual([true, true]);
    }
    expect([inbox.locked, left()]).toEqual([false, 1]);
  });

  it("says no more once it has failed, and takes nothing", async () => {
    const { socket, iterate, inbox } = start();
    for (const text of ["bad", "a"]) socket.sink!.message(text);
    const iterator = iterate(bind);
    await expect(iterator.next()).rejects.toThrow("It is bad");
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(inbox.peek()).toBe("a");
    await iterator.return();
  });

  it("ends the calls that wait behind a failure", async () => {
    const { socket, iterate } = start();
    const iterator = iterate(bind);
    const calls = [iterator.next(), iterator.next()];
    socket.sink!.message("bad");
    await expect(calls[0]).rejects.toThrow("It is bad");
    expect(await calls[1]).toEqual({ value: undefined, done: true });
  });

  it("leaving it leaves the messages", async () => {
    const { socket, iterate, inbox, left } = start();
    socket.sink!.message("a");
    for await (const _ of iterate(bind)) break;
    expect([left(), inbox.locked]).toEqual([1, false]);
    const iterator = iterate(bind);
    expect(await iterator.return()).toEqual({ value: undefined, done: true });
    expect(iterator[Symbol.asyncIterator]()).toBe(iterator);
  });
});
