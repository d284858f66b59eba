import { describe, expect, it } from "vitest";
import { ConnectionClosureError, PayloadBindingError, ReadTimedOutError } from "../../src/errors.ts";
import { MessageReads } from "../../src/streams/message_reads.ts";
import { openInbox } from "../support/open_inbox.ts";

function start(readMs = Infinity) {
  const parts = openInbox();
  return { ...parts, reads: new MessageReads(parts.inbox, { clock: parts.clock, readMs }) };
}

const BYTES = new Uint8Array([1, 2]);

describe("MessageReads (C4)", () => {
  it("reads what waits and what comes", async () => {
    const { socket, reads } = start();
    socket.sink!.message("a");
    expect(await reads.readText()).toBe("a");
    const binary = reads.readBinary();
    socket.sink!.message(BYTES);
    expect(await binary).toEqual(BYTES);
    const any = reads.read();
    socket.sink!.message("");
    expect(await any).toBe("");
  });

  it("serves several pending reads in order", async () => {
    const { socket, reads } = start();
    const all = [reads.readText(), reads.readBinary(), reads.read()];
    socket.sink!.message("a");
    socket.sink!.message(BYTES);
    socket.sink!.message("c");
    expect(await Promise.all(all)).toEqual(["a", BYTES, "c"]);
  });

  it("refuses a message of the other kind, which stays readable", async () => {
    const { socket, reads } = start();
    socket.sink!.message(BYTES);
    await expect(reads.readText()).rejects.toThrow(
      new PayloadBindingError("Cannot read a text message: the next one is binary"),
    );
    expect(await reads.readBinary()).toEqual(BYTES);
    socket.sink!.message("a");
    await expect(reads.readBinary()).rejects.toThrow("Cannot read a binary message: the next one is text");
    expect(await reads.readText()).toBe("a");
  });

  it("refuses every pending read of the other kind, and gives the message to the first that takes it", async () => {
    const { socket, reads, inbox } = start();
    const all = [reads.readText(), reads.readText(), reads.readBinary(), reads.readText()];
    socket.sink!.message(BYTES);
    socket.sink!.message("d");
    const results = await Promise.allSettled(all);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "fulfilled"]);
    expect(inbox.locked).toBe(false);
  });

  it("keeps a message that no pending read takes", async () => {
    const { socket, reads } = start();
    const refused = reads.readText();
    socket.sink!.message(BYTES);
    await expect(refused).rejects.toBeInstanceOf(PayloadBindingError);
    expect(await reads.read()).toEqual(BYTES);
  });

  it("holds the inbox only while it waits", async () => {
    const { socket, reads, inbox } = start();
    const pending = reads.read();
    expect(inbox.locked).toBe(true);
    socket.sink!.message("a");
    await pending;
    expect(inbox.locked).toBe(false);
    inbox.lock({ take: () => false, ended: () => {} }, "somebody else");
    await expect(reads.read()).rejects.toThrow(TypeError);
  });

  it("reads what came before the end after it, then says how it ended; pending reads hear it at once (P5)", async () => {
    const { socket, reads, inbox } = start();
    socket.sink!.message("a");
    socket.closeByPeer(1000, "bye");
    expect(await reads.readText()).toBe("a");
    await expect(reads.readText()).rejects.toThrow('Cannot read a message: the peer closed with 1000 "bye"');
    expect(inbox.locked).toBe(false);
    const other = start();
    const pending = [other.reads.read(), other.reads.readText()];
    other.socket.end();
    for (const read of pending) await expect(read).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("gives up after the read limit, each read on its own, and loses no message (C7)", async () => {
    const { clock, socket, reads } = start(1_000);
    const first = reads.read();
    clock.advance(600);
    const second = reads.read();
    clock.advance(400);
    await expect(first).rejects.toThrow(new ReadTimedOutError("Cannot read a message: none came within 1 s"));
    clock.advance(599);
    socket.sink!.message("in time");
    expect(await second).toBe("in time");
    expect(clock.timers).toBe(0);
    for (let i = 0; i < 3; i++) {
      const late = reads.read();
      clock.advance(1_000);
      await expect(late).rejects.toBeInstanceOf(ReadTimedOutError);
    }
    socket.sink!.message("late");
    expect(await reads.read()).toBe("late");
  });

  it("leaves no timer at the end", async () => {
    const { clock, socket, reads } = start(1_000);
    const pending = reads.read();
    socket.end();
    await expect(pending).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(clock.timers).toBe(0);
  });
});
