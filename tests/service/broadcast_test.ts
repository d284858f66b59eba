import { describe, expect, it } from "vitest";
import { broadcast, type BroadcastResult } from "../../src/service/broadcast.ts";
import type { UpgradeServiceOptions } from "../../src/service/options.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { serve, type Served } from "./serve.ts";

function room(size: number, options: UpgradeServiceOptions = {}): Served[] {
  return Array.from({ length: size }, () => serve({}, options));
}

function callers(served: Served[]): Served["caller"][] {
  return served.map(({ caller }) => caller);
}

/** Slow, with `size` bytes waiting. */
function fill({ socket, caller }: Served, size: number): void {
  socket.writable = false;
  void caller.writeTextMessage("x".repeat(size)).catch(() => {});
}

/** As an answer. */
function numbers({ sent, dropped, closed }: BroadcastResult): object {
  return { sent, dropped, closed };
}

describe("S12: broadcast", () => {
  it("sends to everybody, or to all but some, and counts", () => {
    const served = room(4);
    const all = callers(served);
    expect(broadcast(all, "one")).toEqual({ sent: 4, dropped: 0, closed: 0 });
    expect(broadcast(all, "two", { except: all[0]! })).toEqual({ sent: 3, dropped: 0, closed: 0 });
    expect(broadcast(new Set(all), "three", { except: all.slice(1) })).toEqual({ sent: 1, dropped: 0, closed: 0 });
    expect(served.map(({ socket }) => socket.sent)).toEqual([
      ["one", "three"],
      ["one", "two"],
      ["one", "two"],
      ["one", "two"],
    ]);
  });

  it("makes the message once", () => {
    let made = 0;
    const message = { toJSON: () => ({ made: ++made }) };
    const served = room(3);
    broadcast(callers(served), message);
    expect(served.map(({ socket }) => socket.sent)).toEqual(Array(3).fill(['{"made":1}']));
    const data = Uint8Array.of(1, 2);
    broadcast(callers(served), data.buffer);
    data.fill(0);
    expect(served[2]!.socket.sent.at(-1)).toEqual(Uint8Array.of(1, 2));
  });

  it("what cannot be sent, and a policy that is none, is a TypeError before anything is sent", () => {
    const served = room(1);
    expect(() => broadcast(callers(served), new Map())).toThrow(TypeError);
    expect(() => broadcast(callers(served), "x", { policy: "lose" as never })).toThrow(TypeError);
    expect(() => broadcast(callers(served), "x", { polcy: "drop" } as never)).toThrow(/"polcy".*"policy"/);
    expect(served[0]!.socket.calls).toEqual([]);
  });

  it("closed callers are counted, and do not matter to the others", () => {
    const served = room(3);
    served[0]!.socket.closeByPeer(1000);
    served[1]!.caller.terminate();
    expect(broadcast(callers(served), "x")).toEqual({ sent: 1, dropped: 0, closed: 2 });
  });

  it.each(
    [
      ["wait", { sent: 2, dropped: 0, closed: 0 }],
      ["drop", { sent: 1, dropped: 1, closed: 0 }],
      ["close", { sent: 1, dropped: 0, closed: 1 }],
    ] as const,
  )("a receiver's own policy, %s, holds", (bufferPolicy, result) => {
    const served = room(2, { bufferPolicy, maxBufferedAmount: 10 });
    fill(served[0]!, 8);
    expect(broadcast(callers(served), "four")).toEqual(result);
  });

  it.each(
    [
      ["drop", { sent: 1, dropped: 1, closed: 0 }, ["send xxxxxxxx"]],
      ["close", { sent: 1, dropped: 0, closed: 1 }, ["send xxxxxxxx", "close 1013 too slow"]],
    ] as const,
  )("the broadcast's policy, %s, takes its place", (policy, result, calls) => {
    const served = room(2, { maxBufferedAmount: 10 });
    fill(served[0]!, 8);
    expect(broadcast(callers(served), "four", { policy })).toEqual(result);
    expect(served[0]!.socket.calls).toEqual(calls);
  });

  it("one that is closing counts as closed, whatever still waits for it", () => {
    const [slow] = room(1, { maxBufferedAmount: 10 });
    fill(slow!, 8);
    void slow!.caller.close();
    expect(broadcast([slow!.caller], "four", { policy: "drop" })).toEqual({ sent: 0, dropped: 0, closed: 1 });
  });

  it("the size of text is that of its bytes", () => {
    const [slow] = room(1, { maxBufferedAmount: 10 });
    fill(slow!, 8);
    expect(broadcast([slow!.caller], "xx", { policy: "drop" }).sent).toBe(1);
    expect(broadcast([slow!.caller], "ä€", { policy: "drop" }).dropped).toBe(1);
  });
});

describe("S11: nobody waits for a slow or dead peer", () => {
  it("thousands of messages to one that never reads: bounded, dropped and counted, no rejection", async () => {
    const served = room(2, { maxBufferedAmount: 1_000 });
    const total = { sent: 0, dropped: 0, closed: 0 };
    served[0]!.socket.writable = false;
    for (let i = 0; i < 3_000; i++) {
      const { sent, dropped, closed } = broadcast(callers(served), "x");
      total.sent += sent;
      total.dropped += dropped;
      total.closed += closed;
    }
    expect(served[1]!.socket.sent).toHaveLength(3_000);
    expect(served[0]!.caller.bufferedAmount).toBeLessThanOrEqual(2_000);
    // What waits costs a little more than its bytes.
    expect(total.sent).toBeGreaterThanOrEqual(3_000 + 1_000);
    expect(total.dropped).toBeGreaterThanOrEqual(1_000);
    expect([total.sent + total.dropped, total.closed]).toEqual([6_000, 0]);
    served[0]!.socket.end();
    await served[0]!.clock.settle();
  });

  it("from inside a handler, to a peer that left during the loop", () => {
    const dead = new FakeSocket();
    const served = [serve({}, {}, dead), ...room(1)];
    const everybody = callers(served);
    const speaker = serve({ onTextMessage: (_caller, text) => numbers(broadcast(everybody, text)) });
    speaker.receive("one");
    dead.end();
    speaker.receive("two");
    expect(speaker.socket.sent).toEqual(['{"sent":2,"dropped":0,"closed":0}', '{"sent":1,"dropped":0,"closed":1}']);
  });

  it("what it says is no answer: a handler that returns it by accident has failed", async () => {
    const served = serve({ onTextMessage: (_caller, text) => broadcast([], text) as unknown as object });
    served.receive("one");
    await served.clock.settle();
    expect(served.socket.sent).toEqual([]);
    expect(served.socket.calls.at(-1)).toBe("close 1011 internal error");
    expect(served.errors.map(String)).toEqual([expect.stringContaining("Cannot send a BroadcastResult as a message")]);
  });
});
