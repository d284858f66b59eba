import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { bind } from "../../src/service/bind.ts";
import type { Caller } from "../../src/service/caller.ts";
import { closeFrame } from "../../src/service/close_frame.ts";
import type { UpgradeServiceOptions } from "../../src/service/options.ts";
import type { MessageContext, Service } from "../../src/service/service.ts";
import { Ring } from "../../src/streams/ring.ts";
import { FakeSocket } from "../support/fake_socket.ts";
import { deferred, serve, type Served } from "./serve.ts";

type Fields = { event: string; id?: string | number; n?: number };

const OPTIONS: UpgradeServiceOptions = {
  dispatcherKey: "event",
  dispatcherStreamId: "id",
  dispatcherCancel: "stop",
  dispatcherComplete: "done",
};

function lines(service: object, options: UpgradeServiceOptions = {}, socket?: FakeSocket): Served {
  return serve(service as Service, { ...OPTIONS, ...options }, socket);
}

function message(event: string, id?: string | number, n?: number): string {
  return JSON.stringify({ event, id, n } satisfies Record<keyof Fields, unknown>);
}

/** A service whose handler `onWork` takes until the test lets it go, by the message's `n`. */
function workers(): { service: object; log: string[]; end: (n: number, value?: unknown) => void } {
  const log: string[] = [];
  const ends = new Map<number, (value: unknown) => void>();
  const service = {
    onWork(_caller: Caller, { id, n = 0 }: Fields) {
      log.push(`${id}:${n}`);
      return new Promise((resolve) => ends.set(n, resolve));
    },
  };
  return { service, log, end: (n, value) => ends.get(n)!(value) };
}

/** A service whose handler `onList` returns a stream that yields what the test says. */
function lists(): { service: object; log: string[]; feed: Map<unknown, ReadableStreamDefaultController<unknown>> } {
  const log: string[] = [];
  const feed = new Map<unknown, ReadableStreamDefaultController<unknown>>();
  const service = {
    onList: (_caller: Caller, { id }: Fields) =>
      new ReadableStream({
        start: (controller) => void feed.set(id, controller),
        cancel: () => void log.push(`cancelled ${id}`),
      }),
    onPing: () => "pong",
    onEcho: (_caller: Caller, { n }: Fields) => ({ n }),
  };
  return { service, log, feed };
}

describe("D5: requests of different ids side by side, those of the same in order", () => {
  it("each answered when it is done, with its id", async () => {
    const { service, log, end } = workers();
    const { receive, socket, clock } = lines(service);
    receive(message("work", "a", 1), message("work", "b", 2), message("work", "a", 3), message("work", 1, 4));
    expect(log).toEqual(["a:1", "b:2", "1:4"]);
    end(2, { n: 2 });
    await clock.settle();
    expect(socket.sent).toEqual(['{"n":2,"id":"b"}']);
    end(1, { n: 1, id: "mine" });
    await clock.settle();
    expect(log).toEqual(["a:1", "b:2", "1:4", "a:3"]);
    end(3, "text");
    end(4, [1]);
    await clock.settle();
    expect(socket.sent.slice(1).toSorted()).toEqual(["[1]", "text", '{"n":1,"id":"mine"}'].toSorted());
  });

  it("a string and a number are different ids", () => {
    const { service, log } = workers();
    lines(service).receive(message("work", "1", 1), message("work", 1, 2));
    expect(log).toEqual(["1:1", "1:2"]);
  });

  it("those without an id are in order among themselves, and hold up nobody else", async () => {
    const { service, log, end } = workers();
    const { receive, clock } = lines(service);
    receive(message("work", undefined, 1), message("work", undefined, 2), message("work", "a", 3));
    expect(log).toEqual(["undefined:1", "a:3"]);
    end(1);
    await clock.settle();
    expect(log).toEqual(["undefined:1", "a:3", "undefined:2"]);
  });

  it("the next one of an id begins when the stream of the one before has ended", async () => {
    const { service, feed } = lists();
    const { receive, socket, clock } = lines(service);
    receive(message("list", "a"), message("echo", "a", 1), message("echo", "b", 2));
    feed.get("a")!.enqueue({ x: 1 });
    await clock.settle();
    expect(socket.sent).toEqual(['{"n":2,"id":"b"}', '{"x":1,"id":"a"}']);
    feed.get("a")!.close();
    await clock.settle();
    expect(socket.sent.slice(2)).toEqual(['{"event":"done","id":"a"}', '{"n":1,"id":"a"}']);
  });

  it("the user's object is never changed", () => {
    const value = Object.freeze({ n: 1 });
    const { receive, socket } = lines({ onWork: () => value });
    receive(message("work", "a"), message("work", "b"));
    expect(socket.sent).toEqual(['{"n":1,"id":"a"}', '{"n":1,"id":"b"}']);
  });

  it("what error handlers answer has the id, too", async () => {
    const Work = z.object({ n: z.number() });
    const own = lines({ onWork: bind(Work, () => {}), onWorkError: () => ({ error: 1 }) });
    own.receive(message("work", "a"));
    expect(own.socket.sent).toEqual(['{"error":1,"id":"a"}']);
    const all = lines({ onWork: bind(Work, () => {}), onError: async () => await Promise.resolve({ error: 2 }) });
    all.receive(message("work", "b"));
    await all.clock.settle();
    expect(all.socket.calls).toEqual(['send {"error":2,"id":"b"}']);
    const failing = lines({
      onWork() {
        throw new Error("bug");
      },
      onError: () => ({ error: 3 }),
    });
    failing.receive(message("work", "c"));
    expect(failing.socket.calls).toEqual(['send {"error":3,"id":"c"}', "close 1011 internal error"]);
  });

  it("an error handler that takes time holds up its own id only", async () => {
    const wait = deferred<unknown>();
    const Work = z.object({ n: z.number() });
    const { receive, socket, clock } = lines({
      onWork: bind(Work, (_caller, { n }) => ({ n })),
      onWorkError: () => wait.promise,
    });
    receive(message("work", "a"), message("work", "a", 1), message("work", "b", 2));
    await clock.settle();
    expect(socket.sent).toEqual(['{"n":2,"id":"b"}']);
    wait.resolve({ error: true });
    await clock.settle();
    expect(socket.sent.slice(1)).toEqual(['{"error":true,"id":"a"}', '{"n":1,"id":"a"}']);
  });

  it("handlers get the id, and a signal of their own", () => {
    const contexts: MessageContext[] = [];
    const { receive, socket, caller } = lines({
      onWork: (_caller: Caller, _fields: unknown, context: MessageContext) => {
        contexts.push(context);
        return new Promise(() => {});
      },
    });
    receive(message("work", "a"), message("work", 2));
    expect(contexts.map(({ id }) => id)).toEqual(["a", 2]);
    const signals = contexts.map(({ signal }) => signal);
    expect(new Set([...signals, caller.signal]).size).toBe(3);
    socket.end();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(signals[0]!.reason).toBe(caller.signal.reason);
  });

  it("the signal of one that has ended stays as it is", async () => {
    const signals: AbortSignal[] = [];
    const { receive, socket, clock } = lines({
      async onWork(_caller: Caller, _fields: unknown, { signal }: MessageContext) {
        await Promise.resolve();
        signals.push(signal);
      },
    });
    receive(message("work", "a"));
    await clock.settle();
    socket.end();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  it("binary messages have ids as well, and those of onBinaryMessage none", () => {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    const { service, log } = workers();
    lines(service).receive(encode(message("work", "a", 1)), encode(message("work", "b", 2)));
    expect(log).toEqual(["a:1", "b:2"]);
    const binary: unknown[] = [];
    lines({ ...service, onBinaryMessage: (_caller: Caller, data: Uint8Array) => void binary.push(data.length) })
      .receive(encode(message("work", "a", 1)));
    expect(binary).toEqual([message("work", "a", 1).length]);
  });

  it("onOpen ends before the first of them; its stream is one of them", async () => {
    const open = deferred();
    const { service, feed } = lists();
    const log: string[] = [];
    const { receive, socket, clock } = lines({
      ...service,
      async onOpen() {
        await open.promise;
        log.push("opened");
        return new ReadableStream({ start: (controller) => void feed.set("open", controller) });
      },
    });
    receive(message("echo", "a", 1), message("echo", undefined, 2));
    await clock.settle();
    expect(socket.sent).toEqual([]);
    open.resolve();
    await clock.settle();
    expect(log).toEqual(["opened"]);
    expect(socket.sent).toEqual(['{"n":1,"id":"a"}']);
    feed.get("open")!.enqueue("tick");
    feed.get("open")!.close();
    await clock.settle();
    expect(socket.sent.slice(1)).toEqual(["tick", '{"n":2}']);
  });
});

describe("D5: dispatcherComplete", () => {
  it("follows a stream that ended by itself, an empty one too, and nothing else", async () => {
    const { receive, socket, clock } = lines({
      *onList(_caller: Caller, { n = 0 }: Fields) {
        for (let i = 0; i < n; i++) yield { i };
      },
      onText: () => "text",
    });
    receive(message("list", "a", 1), message("list", "b", 0), message("list", undefined, 1), message("text", "c"));
    await clock.settle();
    expect(socket.sent.toSorted()).toEqual(
      ['{"event":"done","id":"a"}', '{"event":"done","id":"b"}', '{"i":0,"id":"a"}', '{"i":0}', "text"].toSorted(),
    );
    const closing = lines({
      *onList() {
        yield closeFrame(4000);
      },
    });
    closing.receive(message("list", "a"));
    await closing.clock.settle();
    expect(closing.socket.calls).toEqual(["close 4000"]);
    const failing = lines({
      *onList() {
        yield* [];
        throw new Error("bug");
      },
      onError: () => Promise.resolve(),
    });
    failing.receive(message("list", "a"));
    await failing.clock.settle();
    expect(failing.socket.calls).toEqual(["close 1011 streaming failed: bug"]);
  });

  it("is not sent unless it is asked for, and waits for a slow peer", async () => {
    const { service, feed } = lists();
    const quiet = serve(service as Service, { dispatcherKey: "event", dispatcherStreamId: "id" });
    quiet.receive(message("list", "a"));
    feed.get("a")!.close();
    await quiet.clock.settle();
    expect(quiet.socket.sent).toEqual([]);
    const { receive, socket, clock } = lines(service);
    receive(message("list", "a"), message("echo", "a", 1));
    socket.writable = false;
    feed.get("a")!.close();
    await clock.settle();
    expect(socket.sent).toEqual(['{"event":"done","id":"a"}']);
    socket.drain();
    await clock.settle();
    expect(socket.sent).toHaveLength(2);
  });
});

describe("D5: dispatcherCancel", () => {
  it("stops the stream of its id and what waits behind it, at once, and nothing more is sent for it", async () => {
    const { service, log, feed } = lists();
    const { receive, socket, clock, endpoint } = withEndpoint(lines(service));
    receive(message("list", "a"), message("echo", "a", 1), message("list", "b"));
    feed.get("a")!.enqueue("one");
    await clock.settle();
    receive(message("stop", "a"));
    expect(log).toEqual(["cancelled a"]);
    await clock.settle();
    feed.get("b")!.enqueue("two");
    await clock.settle();
    expect(socket.sent).toEqual(["one", "two"]);
    expect(endpoint.queue.full).toBe(false);
    receive(message("echo", "a", 2));
    expect(socket.sent.at(-1)).toBe('{"n":2,"id":"a"}');
  });

  it("aborts the handler's signal; what it still comes to is dropped, and a stream let go", async () => {
    const results = [deferred<unknown>(), deferred<unknown>(), deferred<unknown>()];
    const signals: AbortSignal[] = [];
    const { log, service, feed } = lists();
    const { receive, socket, clock, errors } = lines({
      ...service,
      onWork: (_caller: Caller, { n = 0 }: Fields, { signal }: MessageContext) => {
        signals.push(signal);
        return results[n]!.promise;
      },
    });
    receive(message("work", "a", 0), message("work", "b", 1), message("work", "c", 2));
    for (const id of ["a", "b", "c"]) receive(message("stop", id));
    expect(signals.map(({ aborted, reason }) => [aborted, (reason as Error).name])).toEqual(
      Array(3).fill([true, "AbortError"]),
    );
    results[0]!.resolve({ n: 1 });
    results[1]!.resolve((service as { onList: (...args: unknown[]) => unknown }).onList(undefined, { id: "late" }));
    results[2]!.reject(signals[2]!.reason);
    await clock.settle();
    expect(feed.has("late")).toBe(true);
    expect(log).toEqual(["cancelled late"]);
    expect(socket.calls).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("what else fails in a cancelled handler is reported, and does not close", async () => {
    const result = deferred<unknown>();
    const { receive, socket, clock, errors } = lines({ onWork: () => result.promise });
    receive(message("work", "a"), message("stop", "a"));
    result.reject(new Error("cleaning up failed"));
    await clock.settle();
    expect(errors).toEqual(["report: Error: cleaning up failed"]);
    expect(socket.calls).toEqual([]);
  });

  it("goes to its own handler then, without waiting in the line, and to no other", async () => {
    const { service, feed } = lists();
    const unmatched: unknown[] = [];
    const { receive, socket, clock, tally } = lines({
      ...service,
      onStop: () => ({ stopped: true }),
      onMessage: (_caller: Caller, text: string) => void unmatched.push(text),
    });
    receive(message("list", "a"), message("echo", "a", 1), message("stop", "a"));
    await clock.settle();
    expect(feed.has("a")).toBe(true);
    expect(socket.sent).toEqual(['{"stopped":true,"id":"a"}']);
    const without = lines({ onMessage: (_caller: Caller, text: string) => void unmatched.push(text) });
    without.receive(message("stop", "a"), message("stop"));
    expect(unmatched).toEqual([message("stop")]);
    expect([tally.unhandled, without.tally.unhandled]).toEqual([0, 0]);
  });

  it("each of them is answered, and what follows is in order though it does not wait for them", async () => {
    const { service, log, end } = workers();
    const stops = [deferred<object>(), deferred<object>()];
    let stopped = 0;
    const { receive, socket, clock } = lines({ ...service, onStop: () => stops[stopped++]!.promise });
    receive(message("stop", "a"), message("stop", "a"), message("work", "a", 1), message("work", "a", 2));
    stops[0]!.resolve({ first: true });
    stops[1]!.resolve({ second: true });
    await clock.settle();
    expect(socket.sent).toEqual(['{"first":true,"id":"a"}', '{"second":true,"id":"a"}']);
    receive(message("work", "a", 3));
    expect(log).toEqual(["a:1"]);
    end(1);
    await clock.settle();
    expect(log).toEqual(["a:1", "a:2"]);
  });

  it("an id that was cancelled may be used again at once, while the old handler has not ended", async () => {
    const { service, log, end } = workers();
    const { receive, socket, clock } = lines(service);
    receive(message("work", "a", 1), message("stop", "a"), message("work", "a", 2), message("work", "a", 3));
    expect(log).toEqual(["a:1", "a:2"]);
    end(1, "old");
    await clock.settle();
    expect(log).toEqual(["a:1", "a:2"]);
    end(2, "new");
    await clock.settle();
    expect(socket.sent).toEqual(["new"]);
    expect(log).toEqual(["a:1", "a:2", "a:3"]);
  });
});

describe("S5: concurrent", () => {
  const CONCURRENT: UpgradeServiceOptions = { concurrent: true };

  it("messages are handled while a stream runs, and wait for a handler that has not ended", async () => {
    const wait = deferred<unknown>();
    const { feed } = lists();
    const log: string[] = [];
    const service: Service = {
      onTextMessage: (_caller, text) => {
        log.push(text);
        if (text === "wait") return wait.promise as Promise<string>;
        if (text !== "list") return text;
        return new ReadableStream({ start: (controller) => void feed.set("list", controller) });
      },
    };
    const { receive, socket, clock } = serve(service, CONCURRENT);
    receive("list", "a", "wait", "b");
    expect(log).toEqual(["list", "a", "wait"]);
    feed.get("list")!.enqueue("1");
    await clock.settle();
    wait.resolve("waited");
    await clock.settle();
    feed.get("list")!.enqueue("2");
    await clock.settle();
    expect(socket.sent).toEqual(["a", "1", "waited", "b", "2"]);
  });

  it("the end of the stream is not the end of the handler that came behind it", async () => {
    const { feed } = lists();
    const log: string[] = [];
    const { receive, clock } = serve({
      onTextMessage: (_caller, text) => {
        log.push(text);
        if (text !== "list") return new Promise<void>(() => {});
        return Promise.resolve(new ReadableStream({ start: (controller) => void feed.set("list", controller) }));
      },
    }, CONCURRENT);
    receive("list", "a", "b");
    await clock.settle();
    feed.get("list")!.close();
    await clock.settle();
    expect(log).toEqual(["list", "a"]);
  });

  it("also when the stream comes late, and while onOpen's runs", async () => {
    const { feed } = lists();
    const stream = (name: string): ReadableStream<unknown> =>
      new ReadableStream({ start: (controller) => void feed.set(name, controller) });
    const late = deferred<unknown>();
    const { receive, socket, clock } = serve({
      onOpen: () => stream("open"),
      onTextMessage: (_caller, text) => text === "late" ? late.promise as Promise<object> : text,
    }, CONCURRENT);
    receive("late", "a");
    await clock.settle();
    expect(socket.sent).toEqual([]);
    late.resolve(stream("late"));
    await clock.settle();
    expect(socket.sent).toEqual(["a"]);
    feed.get("open")!.enqueue("o");
    feed.get("late")!.enqueue("l");
    await clock.settle();
    expect(socket.sent.toSorted()).toEqual(["a", "l", "o"]);
  });

  it("not those that have the stream's id", async () => {
    const { service, feed } = lists();
    const { receive, socket, clock } = lines(service, CONCURRENT);
    receive(message("list", "a"), message("echo", "a", 1), message("list"), message("echo", undefined, 2));
    await clock.settle();
    expect(socket.sent).toEqual(['{"n":2}']);
    feed.get("a")!.close();
    await clock.settle();
    expect(socket.sent.at(-1)).toBe('{"n":1,"id":"a"}');
  });
});

describe("limits", () => {
  it("no more than maxConcurrentRequests at once; others wait, whatever their id", async () => {
    const { service, log, end } = workers();
    const { receive, clock } = lines(service, { maxConcurrentRequests: 2 });
    receive(...[1, 2, 3, 4].map((n) => message("work", n, n)), message("work", 3, 5));
    expect(log).toEqual(["1:1", "2:2"]);
    end(2);
    await clock.settle();
    expect(log).toEqual(["1:1", "2:2", "3:3"]);
    end(1);
    await clock.settle();
    expect(log).toEqual(["1:1", "2:2", "3:3", "4:4"]);
    end(3);
    await clock.settle();
    expect(log.at(-1)).toBe("3:5");
  });

  it("64 by default, and a stream counts as long as it runs", async () => {
    const { service, feed } = lists();
    const { receive, socket, clock } = lines(service);
    for (let id = 0; id < 64; id++) receive(message("list", id));
    receive(message("echo", "x", 1));
    expect(feed.size).toBe(64);
    expect(socket.sent).toEqual([]);
    feed.get(5)!.close();
    await clock.settle();
    expect(socket.sent.toSorted()).toEqual(['{"event":"done","id":5}', '{"n":1,"id":"x"}']);
  });

  it("a cancel gets through when all are taken, and makes room", async () => {
    const { service, log } = lists();
    const { receive, socket, clock } = lines({ ...service, onStop: () => "stopped" }, { maxConcurrentRequests: 1 });
    receive(message("list", "a"), message("echo", "b", 1), message("stop", "a"));
    expect(log).toEqual(["cancelled a"]);
    await clock.settle();
    expect(socket.sent).toEqual(['{"n":1,"id":"b"}', "stopped"]);
  });

  it("what waits counts for readAhead: the socket is paused, and resumed below", async () => {
    const { service, end } = workers();
    const { receive, socket, clock } = lines(service, { readAhead: { messages: 4 } });
    receive(...[1, 2, 3, 4].map((n) => message("work", "a", n)));
    expect(socket.calls).toEqual([]);
    receive(message("work", "a", 5));
    expect(socket.calls).toEqual(["pause"]);
    end(1);
    await clock.settle();
    expect(socket.calls).toEqual(["pause"]);
    end(2);
    await clock.settle();
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("bytes, too; and a cancel gives back what it drops", () => {
    const { service } = workers();
    const { receive, socket } = lines(service, { readAhead: { bytes: 100 } });
    const long = JSON.stringify({ event: "work", id: "a", pad: "x".repeat(60) });
    receive(message("work", "a", 1), long);
    expect(socket.calls).toEqual([]);
    receive(long);
    expect(socket.calls).toEqual(["pause"]);
    receive(message("stop", "a"));
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("where the socket cannot pause, too much ends in 1008", () => {
    const { service } = workers();
    const socket = new FakeSocket();
    Object.assign(socket, { pause: undefined, resume: undefined });
    const { receive, tally } = lines(service, { readAhead: { messages: 2 } }, socket);
    receive(...[1, 2, 3].map((n) => message("work", "a", n)));
    expect(socket.calls).toEqual(["close 1008 read-ahead exceeded"]);
    expect(tally.dropped).toBe(0);
    receive(message("work", "b", 4));
    expect(tally.dropped).toBe(1);
  });
});

describe("the end of the connection", () => {
  it("ours: streams are let go, what waits is dropped and counted, onClose is last", async () => {
    const { service, log, feed } = lists();
    const { end, service: working } = workers();
    const { receive, socket, clock, tally, caller, ended } = lines({
      ...service,
      ...working,
      onClose: () => void log.push("closed"),
    }, { maxConcurrentRequests: 3 });
    receive(
      message("list", "a"),
      message("echo", "a", 1),
      message("work", "b", 7),
      message("list"),
      message("echo", "c"),
    );
    await clock.settle();
    expect(feed.size).toBe(2);
    void caller.close(4000);
    expect(log.toSorted()).toEqual(["cancelled a", "cancelled undefined"]);
    expect(tally.dropped).toBe(2);
    socket.closeByPeer(4000);
    await clock.settle();
    expect(log).not.toContain("closed");
    end(7);
    await clock.settle();
    expect(log.at(-1)).toBe("closed");
    expect(ended).toHaveLength(1);
    expect(socket.sent).toEqual([]);
  });

  it("the peer's: what came before it is still handled, then onClose", async () => {
    const { service, log, end } = workers();
    const { receive, socket, clock, tally, ended } = lines({ ...service, onClose: () => void log.push("closed") });
    receive(message("work", "a", 1), message("work", "a", 2), message("work", "b", 3));
    socket.closeByPeer(1000);
    await clock.settle();
    for (const n of [3, 1, 2]) {
      expect(log).not.toContain("closed");
      end(n);
      await clock.settle();
    }
    expect(log).toEqual(["a:1", "b:3", "a:2", "closed"]);
    expect([tally.dropped, ended.length]).toEqual([0, 1]);
  });

  it("a failure in one line begins nothing more while onError is asked, and ends the others", async () => {
    const answer = deferred<unknown>();
    const { service, log, feed } = lists();
    const { receive, socket, clock, tally } = lines({
      ...service,
      onFail: () => Promise.reject(new Error("bug")),
      onError: () => answer.promise,
    });
    receive(message("list", "a"), message("fail", "b"), message("echo", "b", 1));
    await clock.settle();
    receive(message("echo", "c", 2));
    await clock.settle();
    expect(feed.size).toBe(1);
    expect(socket.sent).toEqual([]);
    answer.resolve({ failed: true });
    await clock.settle();
    expect(socket.calls).toEqual(['send {"failed":true,"id":"b"}', "close 1011 internal error"]);
    expect(log).toEqual(["cancelled a"]);
    expect(tally.dropped).toBe(2);
  });
});

it("while onError is asked, nothing that waits begins, whatever else ends", async () => {
  const answer = deferred<unknown>();
  const { service, log, end } = workers();
  const { receive, socket, clock } = lines({
    ...service,
    onFail: () => Promise.reject(new Error("bug")),
    onError: () => answer.promise,
  });
  receive(message("work", "c", 1), message("work", "c", 2), message("fail", "b"));
  await clock.settle();
  end(1);
  await clock.settle();
  expect(log).toEqual(["c:1"]);
  answer.resolve(closeFrame(4000));
  await clock.settle();
  expect(log).toEqual(["c:1"]);
  expect(socket.calls).toEqual(["close 4000"]);
});

describe("D5: many answers at once, and a slow peer", () => {
  const TIGHT: UpgradeServiceOptions = { maxBufferedAmount: 100 };
  const text = "x".repeat(60);

  it("are all sent in the end, in turn, and nobody fails", async () => {
    const { receive, socket, clock, errors } = lines({ onWork: (_caller: Caller, { n }: Fields) => text + n }, TIGHT);
    socket.writable = false;
    for (let n = 0; n < 9; n++) receive(message("work", n, n));
    await clock.settle();
    expect([errors, socket.sent.length]).toEqual([[], 1]);
    for (let drains = 0; drains < 9; drains++) {
      socket.drain();
      socket.writable = false;
      await clock.settle();
    }
    expect(socket.sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => text + n));
    expect([errors, socket.calls.some((call) => call.startsWith("close"))]).toEqual([[], false]);
  });

  it("so are the elements of streams, each of which has its turn, with their ends", async () => {
    const { receive, socket, clock, errors } = lines({
      *onList(_caller: Caller, { id }: Fields) {
        for (let n = 0; n < 3; n++) yield `${text}${id}${n}`;
      },
    }, TIGHT);
    socket.writable = false;
    for (const id of ["a", "b", "c", "d"]) receive(message("list", id));
    for (let drains = 0; drains < 20; drains++) {
      socket.drain();
      socket.writable = false;
      await clock.settle();
    }
    const sent = socket.sent.map((each) => String(each).replace(text, ""));
    expect(sent.slice(0, 4)).toEqual(["a0", "b0", "c0", "d0"]);
    expect(sent.filter((each) => each.startsWith("{")).length).toBe(4);
    expect([errors, sent.length]).toEqual([[], 16]);
  });

  it("bytes are copied while they wait, and what was cancelled meanwhile is not sent", async () => {
    const data = new Uint8Array(60);
    const { receive, socket, clock } = lines({ onWork: () => data }, TIGHT);
    socket.writable = false;
    for (const id of ["a", "b", "c", "d"]) receive(message("work", id));
    data.fill(1);
    receive(message("stop", "c"));
    for (let drains = 0; drains < 4; drains++) {
      socket.drain();
      await clock.settle();
    }
    expect(socket.sent).toEqual([new Uint8Array(60), new Uint8Array(60), new Uint8Array(60)]);
  });

  it("those that still wait when the connection ends are counted, and hold up nothing", async () => {
    const { receive, socket, clock, tally, ended } = lines({ onWork: () => text }, TIGHT);
    socket.writable = false;
    for (let n = 0; n < 9; n++) receive(message("work", n, n));
    await clock.settle();
    socket.closeByPeer(1000);
    await clock.settle();
    expect([ended.length, tally.unsent]).toEqual([1, 9]);
  });
});

describe("D5: a peer that cancels", () => {
  it("fills no memory with what it has asked for while there was no room", () => {
    const push = vi.spyOn(Ring.prototype, "push");
    const { service, log } = workers();
    const { receive } = lines(service, { maxConcurrentRequests: 1 });
    receive(message("work", "first", 0), message("work", "second", 1));
    for (let n = 2; n < 200; n++) receive(message("work", n, n), message("stop", n));
    const longest = Math.max(...push.mock.contexts.map((ring) => (ring as Ring<unknown>).length));
    push.mockRestore();
    expect(longest).toBeLessThan(4);
    expect(log).toEqual(["first:0"]);
  });

  it("still has its other requests begun, in order", async () => {
    const { service, log, end } = workers();
    const { receive, clock } = lines(service, { maxConcurrentRequests: 1 });
    receive(message("work", "first", 0));
    for (let n = 1; n < 9; n++) receive(message("work", n, n));
    for (const n of [1, 2, 4, 5, 6, 8]) receive(message("stop", n));
    for (const n of [0, 3, 7]) {
      end(n);
      await clock.settle();
    }
    expect(log).toEqual(["first:0", "3:3", "7:7"]);
  });

  it("gets nothing of what onError comes to afterwards; a stream is let go", async () => {
    const answer = deferred<unknown>();
    const { receive, socket, clock } = lines({
      onWork: bind(z.object({ n: z.string() }), () => {}),
      onError: () => answer.promise,
    });
    receive(message("work", "a", 1), message("stop", "a"));
    let isLetGo = false;
    answer.resolve(new ReadableStream({ cancel: () => void (isLetGo = true) }));
    await clock.settle();
    expect([socket.calls, isLetGo]).toEqual([[], true]);
  });
});

function withEndpoint(served: Served): Served & { endpoint: Served["session"]["endpoint"] } {
  return { ...served, endpoint: served.session.endpoint };
}
