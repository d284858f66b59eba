import { describe, expect, it } from "vitest";
import { ConnectionClosureError, ConnectionError, UnsupportedError, WriteTimedOutError } from "../../src/errors.ts";
import { type MessageParts, writeInParts } from "../../src/streams/streamed_write.ts";
import { type OpenInbox, openInbox } from "../support/open_inbox.ts";

function start(options: { writeMs?: number } = {}) {
  const open: OpenInbox = openInbox();
  const reported: unknown[] = [];
  const write = (
    parts: MessageParts | AsyncIterable<unknown>,
    endpoint: Partial<OpenInbox["endpoint"]> = open.endpoint,
  ) =>
    writeInParts(endpoint as OpenInbox["endpoint"], parts as MessageParts, {
      clock: open.clock,
      writeMs: Infinity,
      runtime: "here",
      report: (error) => reported.push(error),
      close: (code, reason) => void open.endpoint.close(code, reason),
      ...options,
    });
  return { ...open, reported, write };
}

/** A source that a test feeds, and what became of it. */
function fed() {
  let controller!: ReadableStreamDefaultController<unknown>;
  const told: unknown[] = [];
  const stream = new ReadableStream<unknown>({
    start: (its) => void (controller = its),
    cancel: (reason) => void told.push(reason),
  }, { highWaterMark: 0 }) as ReadableStream<string>;
  return { stream, controller, told };
}

async function* of(...elements: unknown[]): AsyncGenerator<unknown> {
  yield* elements;
}

/** Until nothing happens any more without the clock or the peer. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  let said: unknown = "pending";
  promise.then(() => said = "done", (error) => said = error);
  await settled();
  return said;
}

describe("what is sent", () => {
  it("is each element as it comes, and an empty last part", async () => {
    const { socket, write } = start();
    const { stream, controller } = fed();
    const written = write(stream);
    controller.enqueue("a");
    await settled();
    expect(socket.calls).toEqual(["part a"]);
    controller.enqueue("b");
    controller.close();
    await written;
    expect(socket.calls).toEqual(["part a", "part b", "last part"]);
  });

  it("may be bytes of either kind, from an async iterable, without the empty ones", async () => {
    const { socket, write } = start();
    await write(of(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3).buffer));
    expect(socket.calls).toEqual(["part 01", "part 02 03", "last part"]);
  });

  it("is an empty message for a stream without parts, of the kind that its empty ones are of", async () => {
    const { socket, write } = start();
    const kinds: unknown[] = [];
    socket.sendPart = (part, fin) => (kinds.push(part, fin), true);
    await write(of());
    await write(of(""));
    await write(of(new Uint8Array(0)));
    expect(kinds).toEqual([new Uint8Array(0), true, "", true, new Uint8Array(0), true]);
  });

  it("never has half a surrogate pair at its end, but for one that has no other half", async () => {
    const { socket, write } = start();
    await write(of("a\ud834", "\udd1eb\ud834", "", "\udd1e", "\ud834", "x\ud834"));
    expect(socket.calls).toEqual(["part a", "part 𝄞b", "part 𝄞", "part \ud834x", "last part \ud834"]);
  });

  it("waits for a slow peer before it asks for more", async () => {
    const { socket, write } = start();
    let asked = 0;
    const written = write((async function* () {
      for (; asked < 3; asked++) yield `${asked}`;
    })());
    socket.writable = false;
    await settled();
    expect([asked, socket.calls]).toEqual([0, ["part 0"]]);
    socket.drain();
    expect(await outcome(written)).toBe("done");
    expect(socket.calls).toEqual(["part 0", "part 1", "part 2", "last part"]);
  });

  it("waits for its turn before it asks for any", async () => {
    const { socket, write } = start();
    const first = fed();
    const one = write(first.stream);
    let asked = false;
    const two = write((async function* () {
      asked = true;
      yield "b";
    })());
    await settled();
    expect(asked).toBe(false);
    first.controller.enqueue("a");
    first.controller.close();
    await Promise.all([one, two]);
    expect(socket.calls).toEqual(["part a", "last part", "part b", "last part"]);
  });

  it("is accepted when there is room behind the last part", async () => {
    const { socket, write } = start();
    const { stream, controller } = fed();
    const written = write(stream);
    socket.writable = false;
    controller.close();
    expect(await outcome(written)).toBe("pending");
    socket.drain();
    expect(await outcome(written)).toBe("done");
  });
});

describe("what goes wrong", () => {
  it("before the first part is sent leaves the connection as it is", async () => {
    const { socket, endpoint, write } = start();
    const failure = new Error("no");
    await expect(write(new ReadableStream<string>({ pull: () => Promise.reject(failure) }))).rejects.toBe(failure);
    await expect(write(of(7))).rejects.toThrow(TypeError);
    await expect(write(of("", Uint8Array.of(1)))).rejects.toThrow("behind text parts comes a binary one");
    await endpoint.write("next");
    expect([socket.calls, endpoint.state]).toEqual([["send next"], "open"]);
  });

  it("in the middle of the message closes with 1011, and tells what it was", async () => {
    const { socket, write, reported } = start();
    const failure = new Error("disk");
    const written = write((async function* () {
      yield "a";
      throw failure;
    })());
    await expect(written).rejects.toBe(failure);
    expect(socket.calls).toEqual(["part a", "close 1011 streaming failed: disk"]);
    expect(reported).toEqual([]);
  });

  it("with an element that is none lets go of the source", async () => {
    const { socket, write } = start();
    const { stream, controller, told } = fed();
    const written = write(stream);
    controller.enqueue(Uint8Array.of(1));
    controller.enqueue("a");
    await expect(written).rejects.toThrow("behind binary parts comes a text one");
    expect(told).toEqual([expect.any(TypeError)]);
    expect(socket.calls[1]).toMatch(/^close 1011 streaming failed: Cannot write/);
  });

  it("when the connection ends: the source is told, whether it has its turn or not", async () => {
    const { socket, write } = start();
    const [one, two] = [fed(), fed()];
    const writes = [write(one.stream), write(two.stream)];
    one.controller.enqueue("a");
    await settled();
    socket.end();
    for (const written of writes) await expect(written).rejects.toThrow(ConnectionClosureError);
    expect([one.told, two.told]).toEqual([[expect.any(ConnectionClosureError)], [expect.any(ConnectionClosureError)]]);
  });

  it("when we close: nothing follows the parts but the close frame", async () => {
    const { socket, endpoint, write } = start();
    const { stream, controller, told } = fed();
    const written = write(stream);
    controller.enqueue("a");
    await settled();
    const behind = endpoint.write("b");
    void endpoint.close(1000);
    await expect(written).rejects.toThrow(ConnectionClosureError);
    await expect(behind).rejects.toThrow(ConnectionClosureError);
    expect(told.length).toBe(1);
    expect(socket.calls).toEqual(["part a", "close 1000"]);
  });

  it("when the peer is too slow for a part, or the turn does not come", async () => {
    const { socket, clock, endpoint, write } = start({ writeMs: 1_000 });
    const [one, two] = [fed(), fed()];
    const writes = [write(one.stream), write(two.stream)];
    one.controller.enqueue("a");
    await settled();
    clock.advance(999);
    expect(await outcome(writes[1]!)).toBe("pending");
    clock.advance(1);
    await expect(writes[1]).rejects.toThrow(WriteTimedOutError);
    expect([two.told.length, endpoint.state]).toEqual([1, "open"]);
    // The source may take its time, the peer may not.
    clock.advance(10_000);
    socket.writable = false;
    one.controller.enqueue("b");
    await settled();
    clock.advance(1_000);
    await expect(writes[0]).rejects.toThrow(WriteTimedOutError);
    expect(one.told.length).toBe(1);
    expect(socket.calls.at(-1)).toMatch(/^close 1011 streaming failed: /);
  });

  it("is reported when it is the source that fails to stop", async () => {
    const { socket, write, reported } = start();
    const failure = new Error("stuck");
    const stream = new ReadableStream<string>({ cancel: () => Promise.reject(failure) });
    const written = write(stream);
    socket.end();
    await expect(written).rejects.toThrow(ConnectionClosureError);
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: "a" }),
        return: () => {
          throw failure;
        },
      }),
    };
    await expect(write(iterable)).rejects.toThrow(ConnectionClosureError);
    await settled();
    expect(reported).toEqual([failure, failure]);
  });

  it("when there is no connection, or never will be again", async () => {
    const { endpoint, socket, write } = start();
    const { stream, told } = fed();
    await expect(write(stream, { state: "connecting", writes: undefined } as never)).rejects.toThrow(ConnectionError);
    expect(told.length).toBe(1);
    socket.end();
    await expect(write(of("a"), endpoint)).rejects.toThrow(ConnectionClosureError);
  });

  it("where messages are sent whole only: nothing is touched", () => {
    const { socket, write } = start();
    Object.assign(socket, { sendPart: undefined });
    const { stream } = fed();
    expect(() => write(stream)).toThrow(UnsupportedError);
    expect(stream.locked).toBe(false);
  });

  it("when somebody reads the stream already", () => {
    const { write } = start();
    const { stream } = fed();
    stream.getReader();
    expect(() => write(stream)).toThrow(TypeError);
  });
});
