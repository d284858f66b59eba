import { describe, expect, it } from "vitest";
import type { Service } from "../../src/service/service.ts";
import type { MessageStream } from "../../src/streams/incoming_message.ts";
import { partsOf } from "../support/stream_parts.ts";
import { deferred, serve } from "./serve.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A service that keeps what it reads, and lets a test decide when a handler ends. */
function start(more: Partial<Service> = {}, options: Parameters<typeof serve>[1] = {}) {
  const heard: unknown[][] = [];
  const served = serve({
    onMessageStream: async (_caller, message) => void heard.push([message.kind, ...await partsOf(message)]),
    ...more,
  }, options);
  const part = (part: string | Uint8Array, fin = false): void => served.socket.sink!.messagePart!(part, fin);
  return { ...served, heard, part };
}

describe("onMessageStream", () => {
  it("gets messages while they come, and whole ones, in order and one at a time", async () => {
    const { part, receive, heard } = start();
    part("a");
    await settled();
    part("b", true);
    receive("whole");
    part(Uint8Array.of(1));
    part(Uint8Array.of(2), true);
    await settled();
    expect(heard).toEqual([["text", "a", "b"], ["text", "whole"], ["binary", Uint8Array.of(1, 2)]]);
  });

  it("is called when a message begins, unless another one is handled", async () => {
    const calls: MessageStream[] = [];
    const [first, second] = [deferred<undefined>(), deferred<undefined>()];
    const { part } = start({
      onMessageStream: (_caller, message) => calls.push(message) === 1 ? first.promise : second.promise,
    });
    part("a");
    expect(calls.length).toBe(1);
    part("b", true);
    part("c");
    await settled();
    expect(calls.length).toBe(1);
    first.resolve(undefined);
    await settled();
    expect(calls.length).toBe(2);
    const read = partsOf(calls[1]!);
    part("d", true);
    expect(await read).toEqual(["c", "d"]);
  });

  it("waits for onOpen", async () => {
    const opening = deferred<undefined>();
    const { part, heard } = start({ onOpen: () => opening.promise });
    part("a");
    await settled();
    expect(heard).toEqual([]);
    opening.resolve(undefined);
    await settled();
    part("b", true);
    await settled();
    expect(heard).toEqual([["text", "a", "b"]]);
  });

  it("sends what it returns, the stream itself as messages", async () => {
    const { part, socket } = start({ onMessageStream: (_caller, message) => message });
    part("a");
    await settled();
    part("b", true);
    await settled();
    expect(socket.calls).toEqual(["send a", "send b"]);
  });

  it("leaves what it has not read: the rest is dropped, and the next message comes", async () => {
    const kept: MessageStream[] = [];
    const { part, socket } = start({
      onMessageStream: (_caller, message) => {
        kept.push(message);
        return "got it";
      },
    }, { readAhead: { messages: 2 } });
    part("a");
    const reader = kept[0]!.getReader();
    await expect(reader.read()).rejects.toThrow("the handler has ended");
    for (let i = 0; i < 10; i++) part("x");
    part("y", true);
    part("b", true);
    expect(socket.calls).toEqual(["send got it", "send got it"]);
  });

  it("that reads slowly holds the peer back", async () => {
    const go = deferred<undefined>();
    let read: unknown;
    const { part, socket } = start({
      onMessageStream: async (_caller, message) => {
        await go.promise;
        read = await partsOf(message);
      },
    }, { readAhead: { messages: 2 } });
    part("a");
    part("b");
    expect(socket.calls).toEqual(["pause"]);
    go.resolve(undefined);
    await settled();
    expect(socket.calls).toEqual(["pause", "resume"]);
    part("c", true);
    await settled();
    expect(read).toEqual(["a", "b", "c"]);
  });

  it("hears of a message that is cut, and onError of it only if it is there", async () => {
    const told: string[] = [];
    const onMessageStream: Service["onMessageStream"] = async (_caller, message) => {
      for await (const part of message as ReadableStream<unknown>) told.push(`${part}`);
    };
    const onError: Service["onError"] = (_caller, error) => void told.push((error as Error).name);
    for (const service of [{ onMessageStream }, { onMessageStream, onError }]) {
      const { part, socket, errors, ended } = start(service);
      part("a");
      await settled();
      socket.closeByPeer(1000);
      await settled();
      expect([errors, ended.length]).toEqual([[], 1]);
    }
    expect(told).toEqual(["a", "a", "ConnectionClosureError"]);
  });

  it("that goes back as it comes is no failure either when it is cut", async () => {
    for (const end of ["closeByPeer", "end"] as const) {
      const { part, socket, errors, ended } = start({
        onMessageStream: (caller, message) => caller.writeMessage(message),
      });
      part("a");
      await settled();
      if (end === "end") socket.end();
      else socket.closeByPeer(1000);
      await settled();
      expect([errors, ended.length]).toEqual([[], 1]);
    }
  });

  it("that fails closes with 1011, as every handler", async () => {
    const { part, socket, errors } = start({
      onMessageStream: () => Promise.reject(new Error("oops")),
    });
    part("a");
    await settled();
    expect(socket.calls).toEqual(["close 1011 internal error"]);
    expect(errors).toEqual(["report: Error: oops"]);
  });

  it("is not called any more once we have closed, and what is read then fails", async () => {
    const { part, caller, heard, tally, socket } = start();
    part("a");
    await settled();
    void caller.close(1000);
    part("b", true);
    part("c", true);
    await settled();
    expect(heard).toEqual([["text", "a", "ConnectionClosureError"]]);
    expect(tally.dropped).toBe(2);
    socket.closeByPeer(1000);
    const busy = start({ onOpen: () => new Promise(() => {}) });
    busy.part("a");
    void busy.caller.close(1000);
    expect(busy.tally.dropped).toBe(1);
  });

  it("a message that never began to be handled is nothing, when it is cut", async () => {
    const opening = deferred<undefined>();
    const { part, heard, socket, ended } = start({ onOpen: () => opening.promise });
    part("a");
    socket.closeByPeer(1000);
    opening.resolve(undefined);
    await settled();
    expect([heard, ended.length]).toEqual([[], 1]);
  });
});

describe("beside other ways to take messages", () => {
  it("is refused", () => {
    const service = { onMessageStream: () => {} };
    for (const options of [{ dispatcherKey: "event" }, { concurrent: true }]) {
      expect(() => serve(service, options)).toThrow(
        /"onMessageStream" takes every message, .* option "(dispatcherKey|concurrent)"/,
      );
    }
  });
});
