import { describe, expect, it } from "vitest";
import { ConnectionClosureError, ReadTimedOutError } from "../../src/errors.ts";
import type { EndpointOptions } from "../../src/streams/endpoint.ts";
import { Endpoint } from "../../src/streams/endpoint.ts";
import { Inbox } from "../../src/streams/inbox.ts";
import { MessageIterator } from "../../src/streams/message_iterator.ts";
import { MessageReads } from "../../src/streams/message_reads.ts";
import { StreamReads } from "../../src/streams/stream_reads.ts";
import { endpointOptions } from "../support/endpoint_options.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { partsOf } from "../support/stream_parts.ts";

function start(options: Partial<EndpointOptions> = {}, limits = { maxMessageSize: 10 }) {
  const clock = new ManualClock();
  const socket = new FakeSocket();
  const endpoint: Endpoint = new Endpoint(socket, {
    message: (message) => inbox.message(message),
    messagePart: (part, fin) => streams.part(part, fin),
    closed: () => {
      streams.cut(endpoint.closedError("Cannot read further"));
      inbox.closed();
    },
  }, endpointOptions(clock, { readAhead: { messages: 4, bytes: 100 }, ...options }));
  const inbox = new Inbox(endpoint);
  const readOptions = { clock, readMs: 1_000 };
  const streams = new StreamReads(endpoint, inbox, limits, readOptions);
  const reads = new MessageReads(inbox, readOptions);
  endpoint.start();
  const sink = socket.sink!;
  return { clock, socket, endpoint, inbox, streams, reads, sink, readOptions };
}

describe("a stream that is waited for", () => {
  it("is there when its message begins", async () => {
    const { streams, sink, inbox } = start();
    const read = streams.read();
    sink.messagePart!("a", false);
    const stream = await read;
    sink.messagePart!("b", true);
    expect(await partsOf(stream)).toEqual(["a", "b"]);
    expect(inbox.locked).toBe(false);
  });

  it("is a whole message too, one that waits first", async () => {
    const { streams, sink, endpoint } = start();
    sink.message("waits");
    sink.message(Uint8Array.of(1));
    const [one, two] = [await streams.read(), undefined];
    expect([one.kind, await partsOf(one), two]).toEqual(["text", ["waits"], undefined]);
    expect(await partsOf(await streams.read())).toEqual([Uint8Array.of(1)]);
    const third = streams.read();
    sink.message("c");
    expect(await partsOf(await third)).toEqual(["c"]);
    expect([endpoint.messagesReceived, endpoint.queue.length]).toEqual([3, 0]);
  });

  it("takes the message that has begun, behind those that wait", async () => {
    const { streams, sink } = start();
    sink.message("first");
    sink.messagePart!("a", false);
    expect(await partsOf(await streams.read())).toEqual(["first"]);
    const stream = await streams.read();
    sink.messagePart!("b", true);
    expect(await partsOf(stream)).toEqual(["a", "b"]);
  });

  it("is the only reader until it is over", async () => {
    const { streams, reads, sink, readOptions, inbox } = start();
    const read = streams.read();
    await expect(streams.read()).rejects.toThrow("the one before is neither read to its end nor cancelled");
    await expect(reads.read()).rejects.toThrow("a message stream is reading already");
    sink.messagePart!("a", false);
    const stream = await read;
    await expect(streams.read()).rejects.toThrow(TypeError);
    expect(() => new MessageIterator(inbox, readOptions, () => {})).toThrow(TypeError);
    await stream.cancel();
    sink.messagePart!("b", true);
    sink.message("c");
    expect(await reads.read()).toBe("c");
    const iterator = new MessageIterator(inbox, readOptions, () => {});
    await expect(streams.read()).rejects.toThrow("an iterator is reading already");
    iterator.release();
    void reads.read();
    await expect(streams.read()).rejects.toThrow("a read method is reading already");
  });

  it("comes in time, or not at all", async () => {
    const { streams, clock, sink, reads } = start();
    const late = streams.read();
    clock.advance(1_000);
    await expect(late).rejects.toThrow(ReadTimedOutError);
    const read = streams.read();
    clock.advance(999);
    sink.messagePart!("a", false);
    const stream = await read;
    clock.advance(10_000);
    sink.messagePart!("b", true);
    expect(await partsOf(stream)).toEqual(["a", "b"]);
    sink.message("c");
    expect(await reads.read()).toBe("c");
  });

  it("fails with its connection, and so does the next read", async () => {
    const { streams, socket, sink } = start();
    sink.messagePart!("a", false);
    const stream = await streams.read();
    socket.end();
    expect(await partsOf(stream)).toEqual(["a", "ConnectionClosureError"]);
    await expect(streams.read()).rejects.toThrow(ConnectionClosureError);
    await expect(streams.read()).rejects.toThrow(ConnectionClosureError);
    const other = start();
    const read = other.streams.read();
    other.socket.closeByPeer(1000);
    await expect(read).rejects.toThrow(ConnectionClosureError);
  });

  it("comes after the end, when its message came before", async () => {
    const { streams, socket, sink } = start();
    sink.message("a");
    sink.messagePart!("b", false);
    socket.end();
    expect(await partsOf(await streams.read())).toEqual(["a"]);
    await expect(streams.read()).rejects.toThrow(ConnectionClosureError);
  });
});

describe("whole messages beside streams", () => {
  it("are put together, as long as they take", async () => {
    const { reads, sink, socket } = start({ readAhead: { messages: 1, bytes: 100 } });
    const read = reads.readText();
    for (const part of ["a", "b", "c"]) sink.messagePart!(part, false);
    sink.messagePart!("d", true);
    expect(await read).toBe("abcd");
    expect(socket.calls).toEqual([]);
  });

  it("are held back at readAhead until somebody reads", async () => {
    const { reads, sink, socket, inbox, readOptions } = start({ readAhead: { messages: 2, bytes: 100 } });
    sink.messagePart!("a", false);
    sink.messagePart!("b", false);
    expect(socket.calls).toEqual(["pause"]);
    const read = reads.readText();
    expect(socket.calls).toEqual(["pause", "resume"]);
    sink.messagePart!("c", true);
    expect(await read).toBe("abc");
    const iterator = new MessageIterator(inbox, readOptions, () => {});
    for (const part of ["d", "e", "f"]) sink.messagePart!(part, part === "f");
    expect(await iterator.next()).toEqual({ value: "def", done: false });
    expect(socket.calls.length).toBe(2);
  });

  it("have their limits, whenever they are asked for", async () => {
    const whole = { maxMessageSize: 10 };
    const expected = "close 1009 Message of 12 bytes: 10 is the most";
    // While somebody waits, when somebody comes, and when it is all there already.
    const waiting = start({}, whole);
    const read = waiting.reads.read();
    waiting.sink.messagePart!("é".repeat(6), false);
    expect(waiting.socket.calls).toEqual([expected]);
    waiting.sink.messagePart!("more", true);
    waiting.sink.message("behind");
    waiting.socket.end();
    await expect(read).rejects.toMatchObject({ closure: { error: { code: "ERR_PAYLOAD_TOO_LARGE", size: 12 } } });
    const late = start({}, whole);
    late.sink.messagePart!("é".repeat(6), false);
    void late.reads.read();
    expect(late.socket.calls).toEqual([expected]);
    const there = start({}, whole);
    there.sink.messagePart!("é".repeat(6), true);
    there.sink.messagePart!("next", false);
    const iterator = new MessageIterator(there.inbox, there.readOptions, () => {});
    const next = iterator.next();
    expect(there.socket.calls).toEqual([expected]);
    there.socket.end();
    await expect(next).rejects.toThrow(ConnectionClosureError);
    const streamed = start({}, whole);
    streamed.sink.messagePart!("é".repeat(6), true);
    expect(await partsOf(await streamed.streams.read())).toEqual(["é".repeat(6)]);
  });

  it("that nobody puts together any more may be read in parts", async () => {
    const { streams, inbox, sink, readOptions } = start();
    const iterator = new MessageIterator(inbox, readOptions, () => {});
    sink.messagePart!("a", false);
    iterator.release();
    const stream = await streams.read();
    sink.messagePart!("b".repeat(20), true);
    expect(await partsOf(stream)).toEqual(["a", "b".repeat(20)]);
  });

  it("are not delivered behind one that was lost", async () => {
    const { streams, endpoint, sink, socket } = start();
    const read = streams.read();
    void endpoint.close(1000);
    sink.messagePart!("a", false);
    const stream = await read;
    for (let i = 0; i < 6; i++) sink.messagePart!("x", false);
    sink.messagePart!("y", true);
    expect((await partsOf(stream)).at(-1)).toBe("ConnectionClosureError");
    const next = streams.read();
    sink.messagePart!("z", true);
    sink.message("z");
    socket.end();
    await expect(next).rejects.toThrow(ConnectionClosureError);
  });
});
