import { describe, expect, it } from "vitest";
import { IncomingMessage, kindOf, tooLarge } from "../../src/streams/incoming_message.ts";
import type { EndpointOptions } from "../../src/streams/endpoint.ts";
import { openInbox } from "../support/open_inbox.ts";
import { partsOf } from "../support/stream_parts.ts";

function start(options: Partial<EndpointOptions> = {}, kind: "text" | "binary" = "text") {
  const open = openInbox({ readAhead: { messages: 4, bytes: 100 }, ...options });
  const message = new IncomingMessage(kind, open.endpoint);
  let over = 0;
  message.onOver = () => void over++;
  const push = (...parts: (string | Uint8Array)[]): void => parts.forEach((part) => message.push(part));
  return { ...open, message, push, over: () => over };
}

const CUT = new RangeError("cut");

describe("a message as a stream", () => {
  it("tells its kind, and gives what came before and what comes after it was asked for", async () => {
    const { message, push, over } = start();
    push("a", "", "b");
    const stream = message.stream();
    expect(stream.kind).toBe("text");
    const read = partsOf(stream);
    await Promise.resolve();
    push("c", "");
    message.end();
    expect(await read).toEqual(["a", "b", "c"]);
    expect(over()).toBe(1);
  });

  it("ends when the end comes alone, and an empty one at once", async () => {
    const { message, push } = start({}, "binary");
    push(Uint8Array.of(1));
    const read = partsOf(message.stream());
    await new Promise(setImmediate);
    message.end();
    expect(await read).toEqual([Uint8Array.of(1)]);
    const empty = start();
    empty.message.end();
    expect(await partsOf(empty.message.stream())).toEqual([]);
    expect(empty.over()).toBe(1);
    const whole = IncomingMessage.of("", empty.endpoint).stream();
    expect([whole.kind, await partsOf(whole)]).toEqual(["text", []]);
  });

  it("holds the peer back while nobody reads, and lets it go on", async () => {
    const { socket, message, push, endpoint } = start();
    const reader = message.stream().getReader();
    push("a", "b", "c");
    expect(socket.calls).toEqual([]);
    push("d");
    expect(socket.calls).toEqual(["pause"]);
    await reader.read();
    expect(socket.calls).toEqual(["pause"]);
    await reader.read();
    expect(socket.calls).toEqual(["pause", "resume"]);
    expect([endpoint.queue.low, endpoint.queue.full]).toEqual([true, false]);
    push("x".repeat(100));
    expect(socket.calls.at(-1)).toBe("pause");
  });

  it("gives what came and then fails when it is cut, and never ends as if it were whole", async () => {
    const { message, push, over } = start();
    push("a", "b");
    message.fail(CUT);
    message.fail(new Error("too late"));
    push("c");
    expect(await partsOf(message.stream())).toEqual(["a", "b", "c", "RangeError"]);
    expect(over()).toBe(1);
    const waiting = start();
    const read = partsOf(waiting.message.stream());
    await new Promise(setImmediate);
    waiting.message.fail(CUT);
    expect(await read).toEqual(["RangeError"]);
    const whole = start();
    whole.push("a");
    whole.message.end();
    whole.message.fail(CUT);
    expect(await partsOf(whole.message.stream())).toEqual(["a"]);
  });

  it("that is cancelled drops what came and what comes, and lets the peer go on", async () => {
    const { socket, message, push, over, endpoint } = start();
    const stream = message.stream();
    push("a", "b", "c", "d");
    await stream.cancel();
    expect([socket.calls, over(), message.isOver]).toEqual([["pause", "resume"], 1, true]);
    push("e".repeat(1_000));
    message.end();
    expect([socket.calls.length, endpoint.queue.low, over()]).toEqual([2, true, 1]);
    const ended = start();
    const other = ended.message.stream();
    ended.push("a");
    ended.message.end();
    await other.cancel();
    expect(ended.over()).toBe(1);
  });

  it("that is left tells whoever still reads it", async () => {
    const { message, push, over } = start();
    const reader = message.stream().getReader();
    push("a");
    message.drop(CUT);
    await expect(reader.read()).rejects.toBe(CUT);
    message.drop(new Error("again"));
    expect([over(), message.failure]).toEqual([1, CUT]);
  });

  it("fails when parts of it find no room after we closed", async () => {
    const { endpoint, message, push } = start();
    void endpoint.close(1000);
    push("a", "b", "c", "d", "e", "f");
    expect(endpoint.overflowed).toBe(true);
    expect(await partsOf(message.stream())).toEqual(["a", "b", "c", "d", "ConnectionClosureError"]);
  });
});

describe("a message that is put together", () => {
  const LIMITS = { maxMessageSize: 10 };

  it("is what its parts come to", () => {
    const { message, push } = start();
    push("a", "b");
    message.end();
    expect(message.join()).toBe("ab");
    const bytes = start({}, "binary");
    bytes.push(Uint8Array.of(1), Uint8Array.of(2, 3));
    expect(bytes.message.join()).toEqual(Uint8Array.of(1, 2, 3));
    expect(bytes.endpoint.queue.low).toBe(true);
  });

  it("counts for readAhead until somebody wants it whole", () => {
    const { socket, message, push, endpoint } = start({ readAhead: { messages: 2, bytes: 100 } });
    push("a", "b");
    message.collect(LIMITS);
    message.collect(LIMITS);
    push("c");
    expect([socket.calls, endpoint.queue.full]).toEqual([["pause", "resume"], false]);
    expect(message.join()).toBe("abc");
  });

  it("is within limits, inclusive, and in bytes", () => {
    const fits = start();
    fits.push("é".repeat(4));
    fits.message.collect(LIMITS);
    fits.push("é");
    expect(fits.socket.calls).toEqual([]);
    for (const parts of [["é".repeat(5), "a"], [..."abcdefghijk"]]) {
      const { socket, message, push, endpoint } = start({ readAhead: { messages: 9, bytes: 100 } });
      push(parts[0]!);
      message.collect(LIMITS);
      push(...parts.slice(1));
      expect(socket.calls).toEqual([expect.stringMatching(/^close 1009 Message of 11 bytes: 10 is the most/)]);
      expect([message.isOver, endpoint.overflowed]).toEqual([true, true]);
      push("z");
      expect(socket.calls.length).toBe(1);
    }
    const late = start();
    late.push("x".repeat(11));
    late.message.collect(LIMITS);
    expect(late.socket.calls).toEqual(["close 1009 Message of 11 bytes: 10 is the most"]);
  });

  it("counts again when it is read in parts after all", async () => {
    const { socket, message, push, endpoint } = start({ readAhead: { messages: 2, bytes: 3 } });
    message.collect(LIMITS);
    push("a", "b", "c");
    expect(endpoint.queue.full).toBe(false);
    const stream = message.stream();
    expect([endpoint.queue.full, socket.calls]).toEqual([true, ["pause"]]);
    push("d".repeat(20));
    message.end();
    expect(await partsOf(stream)).toEqual(["abc", "d".repeat(20)]);
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("may come in any number of pieces", () => {
    const count = 200_000;
    const [text, bytes] = [start(), start({}, "binary")];
    for (const { message } of [text, bytes]) message.collect({ maxMessageSize: count });
    for (let i = 0; i < count; i++) {
      text.push(i % 1_000 === 0 ? "y" : "x");
      bytes.push(Uint8Array.of(i % 100));
    }
    expect(text.message.join()).toBe(`y${"x".repeat(999)}`.repeat(200));
    const joined = bytes.message.join() as Uint8Array;
    expect([joined.length, joined.every((byte, i) => byte === i % 100)]).toEqual([count, true]);
    expect([text.socket.calls, bytes.socket.calls]).toEqual([[], []]);
    // Those that wait untaken, as many as readAhead lets.
    const waiting = start({ readAhead: { messages: 1e6, bytes: 1e6 } }, "binary");
    for (let i = 0; i < count; i++) waiting.push(Uint8Array.of(1));
    expect(waiting.message.join().length).toBe(count);
  });
});

it("the kind of a message, and the violation of one that is too large", () => {
  expect([kindOf(""), kindOf(new Uint8Array(0))]).toEqual(["text", "binary"]);
  expect(tooLarge(2, 1)).toMatchObject({ size: 2, limit: 1, closeCode: 1009 });
});
