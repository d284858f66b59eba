import { describe, expect, it } from "vitest";
import { PartedMessages } from "../../src/streams/parted_messages.ts";
import { openInbox } from "../support/open_inbox.ts";
import { partsOf } from "../support/stream_parts.ts";

function start(begun: () => void = () => {}) {
  const open = openInbox();
  const words: unknown[] = [];
  const parted = new PartedMessages(open.endpoint, { begun, whole: (message) => words.push(message) });
  return { ...open, parted, words };
}

describe("messages in parts", () => {
  it("are whole when nobody has taken them", () => {
    const { parted, words, endpoint } = start();
    parted.part("a", false);
    expect(parted.waiting?.kind).toBe("text");
    parted.part("", false);
    parted.part("b", true);
    parted.part(Uint8Array.of(1), true);
    expect([words, parted.waiting]).toEqual([["ab", Uint8Array.of(1)], undefined]);
    expect(endpoint.queue.low).toBe(true);
  });

  it("may be taken when they begin, and while they wait", async () => {
    const streams: ReadableStream<unknown>[] = [];
    const { parted, words } = start(() => {
      if (streams.length === 0) streams.push(parted.take()!.stream());
    });
    parted.part("a", false);
    expect(parted.waiting).toBeUndefined();
    parted.part("b", true);
    parted.part("c", false);
    streams.push(parted.take()!.stream());
    expect(parted.take()).toBeUndefined();
    parted.part("d", true);
    expect(await Promise.all(streams.map(partsOf))).toEqual([["a", "b"], ["c", "d"]]);
    expect(words).toEqual([]);
  });

  it("that are cut fail for who has taken them, and are nothing otherwise", async () => {
    const { parted, words, endpoint } = start();
    parted.part("a", false);
    const stream = parted.take()!.stream();
    parted.cut(new RangeError("cut"));
    expect(await partsOf(stream)).toEqual(["a", "RangeError"]);
    parted.part("b", false);
    parted.cut(new RangeError("cut"));
    parted.cut(new RangeError("cut"));
    expect([parted.waiting, endpoint.queue.low]).toEqual([undefined, true]);
    parted.part("c", true);
    expect(words).toEqual(["c"]);
  });

  it("that were dropped, or of which something was lost, are never told", () => {
    const { parted, words, endpoint } = start();
    parted.part("a", false);
    parted.waiting!.drop();
    expect(parted.waiting).toBeUndefined();
    parted.part("b", true);
    void endpoint.close(1000);
    parted.part("c", false);
    parted.part("x".repeat(2_000_000), false);
    parted.part("d", false);
    parted.part("e", true);
    expect([words, endpoint.overflowed]).toEqual([[], true]);
  });
});
