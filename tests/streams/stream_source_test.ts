import { describe, expect, it } from "vitest";
import { isStreamed, streamSource } from "../../src/streams/stream_source.ts";

describe("a source", () => {
  it("is a stream or an async iterable, and no array, iterator or object", () => {
    async function* generator() {}
    expect([new ReadableStream(), generator(), { [Symbol.asyncIterator]: () => ({}) }].map(isStreamed)).toEqual(
      [true, true, true],
    );
    expect([[], new Map(), {}, [].values(), { [Symbol.asyncIterator]: 1 }].map(isStreamed)).toEqual(
      Array(5).fill(false),
    );
  });

  it("gives the elements of a stream, and cancels it with the reason", async () => {
    let reason: unknown;
    const stream = new ReadableStream<string>({
      start: (controller) => controller.enqueue("a"),
      cancel: (why) => void (reason = why),
    });
    const source = streamSource(stream);
    expect(await source.next()).toEqual({ done: false, value: "a" });
    expect(() => streamSource(stream)).toThrow(TypeError);
    await source.stop("enough");
    expect(reason).toBe("enough");
  });

  it("gives the elements of an async iterable, and lets go of it", async () => {
    let left = false;
    async function* generator() {
      try {
        yield "a";
        yield "b";
      } finally {
        left = true;
      }
    }
    const source = streamSource(generator());
    expect(await source.next()).toEqual({ done: false, value: "a" });
    await source.stop();
    expect(left).toBe(true);
    const bare = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }) };
    expect(streamSource(bare as AsyncIterable<unknown>).stop()).toBeUndefined();
  });
});
