import { describe, expect, it } from "vitest";
import { ConnectionClosureError } from "../../src/errors.ts";
import { messageReadable, messageWritable } from "../../src/streams/message_streams.ts";
import type { EndpointOptions } from "../../src/streams/endpoint.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { openInbox } from "../support/open_inbox.ts";

function start(options: Partial<EndpointOptions> = {}) {
  const parts = openInbox(options);
  const { inbox, endpoint } = parts;
  return {
    ...parts,
    read: () => messageReadable(inbox, endpoint),
    write: () => messageWritable(inbox, endpoint, (message) => endpoint.write(message)),
  };
}

/** Streams start, and go on, in promise reactions. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function collect(readable: ReadableStream<Message>): Promise<Message[]> {
  const messages: Message[] = [];
  const reader = readable.getReader();
  for (let result = await reader.read(); !result.done; result = await reader.read()) messages.push(result.value);
  return messages;
}

describe("readable (C3)", () => {
  it("reads what waits and what comes, and closes at the clean end", async () => {
    const { socket, read } = start();
    socket.sink!.message("a");
    const all = collect(read());
    await Promise.resolve();
    socket.sink!.message(new Uint8Array([1]));
    socket.sink!.message("c");
    socket.closeByPeer(1001);
    expect(await all).toEqual(["a", new Uint8Array([1]), "c"]);
  });

  it("is closed without a read when nothing is left, also when it is made afterwards", async () => {
    const { socket, read, inbox } = start();
    const reader = read().getReader();
    socket.closeByPeer(1000);
    await reader.closed;
    expect(inbox.locked).toBe(false);
    await read().getReader().closed;
  });

  it("fails at any other end, after the messages that came before", async () => {
    const { socket, read } = start();
    const reader = read().getReader();
    socket.sink!.message("a");
    socket.sink!.message("b");
    socket.end();
    expect(await reader.read()).toEqual({ value: "a", done: false });
    expect(await reader.read()).toEqual({ value: "b", done: false });
    await expect(reader.read()).rejects.toBeInstanceOf(ConnectionClosureError);
    const other = start();
    const pending = other.read().getReader().read();
    await Promise.resolve();
    other.socket.closeByPeer(1011);
    await expect(pending).rejects.toMatchObject({ closure: { code: 1011 } });
  });

  it("keeps nothing itself: readAhead bounds what waits, by messages and by bytes", async () => {
    const { socket, read } = start({ readAhead: { messages: 1_024, bytes: 100 } });
    const reader = read().getReader();
    await Promise.resolve();
    socket.sink!.message(new Uint8Array(100));
    expect(socket.calls).toEqual(["pause"]);
    await reader.read();
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("serves several pending reads in order", async () => {
    const { socket, read } = start();
    const reader = read().getReader();
    const reads = [reader.read(), reader.read(), reader.read()];
    for (const text of ["a", "b", "c"]) {
      await Promise.resolve();
      socket.sink!.message(text);
    }
    expect((await Promise.all(reads)).map(({ value }) => value)).toEqual(["a", "b", "c"]);
  });

  it("locks everybody else out", () => {
    const { read, inbox } = start();
    read();
    expect(() => read()).toThrow("the readable stream is reading already");
    expect(() => inbox.lock({ take: () => false, ended: () => {} }, "an iterator")).toThrow(TypeError);
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "close 1000"],
    ["an error", new Error("x"), "close 1000"],
    ["a code and a reason", { closeCode: 3001, reason: "done" }, "close 3001 done"],
    ["a code that may not travel", { closeCode: 1006, reason: "x" }, "close 1000"],
    ["a reason that is too long", { closeCode: 3001, reason: "é".repeat(100) }, `close 3001 ${"é".repeat(61)}`],
  ])("closes when it is cancelled with %s", async (_, reason, call) => {
    const { socket, read, inbox } = start();
    await read().cancel(reason);
    expect(socket.calls).toEqual([call]);
    expect(inbox.locked).toBe(false);
    socket.sink!.message("too late");
    socket.closeByPeer(1000);
  });

  it("can be cancelled while a read waits", async () => {
    const { socket, read } = start();
    const reader = read().getReader();
    const pending = reader.read();
    await Promise.resolve();
    await reader.cancel();
    expect(await pending).toEqual({ value: undefined, done: true });
    socket.sink!.message("too late");
    socket.end();
  });
});

describe("writable (C3)", () => {
  it("sends strings as text and bytes as binary, and nothing else", async () => {
    const { socket, write } = start();
    const writer = write().getWriter();
    await writer.write("a");
    await writer.write(new Uint8Array([1, 2]).subarray(1));
    await writer.write(new Uint8Array([3]).buffer);
    await writer.write(new DataView(new Uint8Array([4, 5]).buffer, 1));
    expect(socket.sent).toEqual(["a", new Uint8Array([2]), new Uint8Array([3]), new Uint8Array([5])]);
    await expect(writer.write({} as string)).rejects.toThrow(TypeError);
    expect(socket.sent).toHaveLength(4);
  });

  it("keeps the peer's pace (F2)", async () => {
    const { socket, write } = start();
    const writer = write().getWriter();
    socket.writable = false;
    const first = writer.write("a");
    const second = writer.write("b");
    await turn();
    expect([socket.sent, writer.desiredSize]).toEqual([["a"], -1]);
    socket.drain();
    await Promise.all([first, second]);
    expect(socket.sent).toEqual(["a", "b"]);
  });

  it("closes with 1000 behind what was written, and waits for the answer", async () => {
    const { socket, write } = start();
    const writer = write().getWriter();
    void writer.write("a");
    const closed = writer.close();
    await turn();
    expect(socket.calls).toEqual(["send a", "close 1000"]);
    socket.end({ code: 1000, clean: true });
    await closed;
  });

  it("fails to close when the answer never came", async () => {
    const { clock, socket, write } = start();
    const closed = write().close();
    await turn();
    clock.advance(60_000);
    expect(socket.calls).toEqual(["close 1000", "destroy"]);
    socket.end();
    await expect(closed).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("keeps the reader's pace while it closes, so that an echo is read to its end", async () => {
    const { socket, read, write } = start({ readAhead: { messages: 2, bytes: 100 } });
    const readable = read();
    const closed = write().close();
    await turn();
    for (const text of ["a", "b", "c"]) socket.sink!.message(text);
    expect(socket.calls).toEqual(["close 1000", "pause"]);
    socket.end({ code: 1000, clean: true });
    await closed;
    expect(await collect(readable)).toEqual(["a", "b", "c"]);
  });

  it.each<[string, unknown, string]>([
    ["nothing: what was written is not all", undefined, "close 1011"],
    ["a code and a reason", { closeCode: 4000, reason: "stop" }, "close 4000 stop"],
  ])("closes when it is aborted with %s", async (_, reason, call) => {
    const { socket, write } = start();
    await write().abort(reason);
    expect(socket.calls).toEqual([call]);
  });

  it("can be aborted while a write waits for a peer that never reads", async () => {
    const { socket, write } = start();
    socket.writable = false;
    const writer = write().getWriter();
    void writer.write("a").catch(() => {});
    await turn();
    await writer.abort();
    expect(socket.calls).toEqual(["send a", "close 1011"]);
    await expect(writer.closed).rejects.toBeUndefined();
  });

  it("fails with the connection (P5)", async () => {
    const { socket, write } = start();
    const writer = write().getWriter();
    socket.writable = false;
    const pending = writer.write("a");
    await turn();
    socket.closeByPeer(1001);
    await expect(pending).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(writer.closed).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("fails with a clean end too, when nothing is being written", async () => {
    const { socket, write } = start();
    const writer = write().getWriter();
    socket.closeByPeer(1000);
    await expect(writer.closed).rejects.toBeInstanceOf(ConnectionClosureError);
  });
});

describe("the pair", () => {
  it("pipes from one connection to another", async () => {
    const from = start();
    const to = start();
    const piped = from.read().pipeTo(to.write());
    for (const text of ["a", "b", "c"]) from.socket.sink!.message(text);
    from.socket.closeByPeer(1000);
    for (let turns = 0; turns < 50 && !to.socket.calls.includes("close 1000"); turns++) {
      await turn();
    }
    expect(to.socket.calls).toEqual(["send a", "send b", "send c", "close 1000"]);
    to.socket.end({ code: 1000, clean: true });
    await piped;
  });
});
