import { describe, expect, it } from "vitest";
import { closeFrame } from "../../src/service/close_frame.ts";
import type { Service } from "../../src/service/service.ts";
import { deferred, serve, type Served } from "./serve.ts";

/** A service whose one text handler returns what `make` makes. */
function streaming(make: (signal: AbortSignal) => unknown, others: Service = {}): Served {
  return serve({ onTextMessage: (caller) => make(caller.signal) as string, ...others });
}

describe("S4: a returned stream", () => {
  const values = ["text", Uint8Array.of(1), { a: 1 }, undefined, 2, null];
  const expected = ["text", Uint8Array.of(1), '{"a":1}', "2", "null"];

  it.each<[string, () => unknown]>([
    ["a generator", function* () {
      yield* values;
    }],
    ["an async generator", async function* () {
      yield* values;
    }],
    ["an iterator of an array", () => values.values()],
    ["an async iterable", () => ({
      [Symbol.asyncIterator]: () => {
        const iterator = values.values();
        return { next: () => Promise.resolve(iterator.next()) };
      },
    })],
    ["a ReadableStream", () =>
      new ReadableStream({
        start(controller) {
          for (const value of values) controller.enqueue(value);
          controller.close();
        },
      })],
    ["a promise of a generator", () =>
      Promise.resolve(
        (function* () {
          yield* values;
        })(),
      )],
  ])("%s: each element is a message, in order; then the next message is handled", async (_name, make) => {
    const { socket, receive, clock, errors } = streaming(make);
    receive("one", "two");
    await clock.settle();
    expect(socket.sent).toEqual([...expected, ...expected]);
    expect([socket.calls.length, errors]).toEqual([expected.length * 2, []]);
  });

  it("goes at the peer's pace", async () => {
    let made = 0;
    const { socket, receive, clock } = streaming(function* () {
      while (made < 5) yield `${++made}`;
    });
    socket.writable = false;
    receive("x");
    await clock.settle();
    expect([made, socket.sent]).toEqual([1, ["1"]]);
    socket.sink!.drained();
    await clock.settle();
    expect(made).toBe(2);
    socket.drain();
    await clock.settle();
    expect(socket.sent).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("S5: other messages wait, control frames do not", async () => {
    const next = deferred();
    const log: string[] = [];
    const { socket, receive, clock } = serve({
      async *onTextMessage(_caller, text) {
        log.push(text);
        yield `${text}1`;
        await next.promise;
        yield `${text}2`;
      },
      onPing: (_caller, data) => data,
    } as Service);
    receive("a", "b");
    await clock.settle();
    socket.sink!.ping(Uint8Array.of(5));
    expect([log, socket.calls]).toEqual([["a"], ["send a1", "pong 05"]]);
    next.resolve();
    await clock.settle();
    expect(socket.sent).toEqual(["a1", "a2", "b1", "b2"]);
  });

  it("a close frame in it closes, and ends it", async () => {
    let cleaned = false;
    const { socket, receive, clock } = streaming(function* () {
      try {
        yield "one";
        yield closeFrame(4000, "done");
        yield "never";
      } finally {
        cleaned = true;
      }
    });
    receive("x");
    await clock.settle();
    expect([socket.calls, cleaned]).toEqual([["send one", "close 4000 done"], true]);
  });

  it("one that never pauses lets the others have their turn after 1024 elements, or as many KiB", async () => {
    const count = (element: string): number => {
      const { socket, receive, clock } = streaming(function* () {
        for (;;) yield element;
      });
      receive("x");
      const inOneTurn = socket.sent.length;
      clock.runTurn();
      expect(socket.sent.length).toBe(2 * inOneTurn);
      socket.end();
      return inOneTurn;
    };
    expect(count("x")).toBe(1_024);
    expect(count("x".repeat(65_536))).toBe(16);
    const skips = streaming(function* () {
      for (;;) yield undefined;
    });
    skips.receive("x");
    skips.socket.end();
    await Promise.resolve();
  });
});

describe("S4: the peer leaves during a stream", () => {
  it("a generator that waits for room is returned", async () => {
    let cleaned = 0;
    const { socket, receive, clock, ended, errors, tally } = streaming(function* () {
      try {
        for (;;) yield "x";
      } finally {
        cleaned++;
      }
    });
    socket.writable = false;
    receive("x");
    socket.closeByPeer(1000);
    await clock.settle();
    expect([cleaned, ended.length, errors, tally.unsent]).toEqual([1, 1, [], 0]);
  });

  it("nobody waits for a next() that never comes", async () => {
    let returned = 0;
    const { socket, receive, clock, ended } = streaming(() => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => {
          returned++;
          return new Promise(() => {});
        },
      }),
    }));
    receive("x");
    socket.end();
    await clock.settle();
    expect([returned, ended.length]).toEqual([1, 1]);
  });

  it("an async generator that listens to the signal may fail with it; that is told to nobody", async () => {
    const heard: unknown[] = [];
    const { socket, receive, clock, errors } = streaming(async function* (signal) {
      yield "one";
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }, { onError: (_caller, error) => void heard.push(error) });
    receive("x");
    await clock.settle();
    socket.closeByPeer(1001);
    await clock.settle();
    expect([heard, errors]).toEqual([[], []]);
  });

  it("a ReadableStream is cancelled", async () => {
    let cancelled = 0;
    const { socket, receive, clock, ended } = streaming(() =>
      new ReadableStream({
        start: (controller) => controller.enqueue("one"),
        cancel: () => void cancelled++,
      })
    );
    receive("x");
    await clock.settle();
    socket.closeByPeer(1001);
    await clock.settle();
    expect([socket.sent, cancelled, ended.length]).toEqual([["one"], 1, 1]);
  });

  it("a stream that comes when the peer has left is stopped, too", async () => {
    const late = deferred<unknown>();
    let returned = 0;
    const { socket, receive, clock, tally } = streaming(() => late.promise);
    receive("x");
    socket.closeByPeer(1000);
    late.resolve({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: () => returned++ }) });
    await clock.settle();
    expect([returned, tally.unsent]).toEqual([1, 1]);
  });

  it("a generator that closes by itself is returned after its step, and not inside it", async () => {
    const log: string[] = [];
    const { receive, clock, errors } = serve({
      *onTextMessage(caller) {
        try {
          yield "one";
          void caller.close();
          log.push("closed");
          yield "two";
        } finally {
          log.push("cleaned");
        }
      },
    } as Service);
    receive("x");
    await clock.settle();
    expect([log, errors]).toEqual([["closed", "cleaned"], []]);
  });

  it("a step that closes and then rejects is told to nobody, and leaves no rejection behind", async () => {
    let returned = 0;
    const { receive, clock, errors } = serve({
      onTextMessage: (caller) => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            void caller.close();
            return Promise.reject(new Error("unheard"));
          },
          return: () => Promise.resolve({ done: true, value: returned++ }),
        }),
      }),
    });
    receive("x");
    await clock.settle();
    expect([returned, errors]).toEqual([1, []]);
  });

  it("a clean-up that fails is told to the listener", async () => {
    const { socket, receive, clock, errors } = streaming(async function* () {
      try {
        yield "one";
        yield "two";
      } finally {
        await Promise.reject(new Error("still open"));
      }
    });
    socket.writable = false;
    receive("x");
    await clock.settle();
    socket.end();
    await clock.settle();
    expect(errors).toEqual(["report: Error: still open"]);
  });
});

describe("S6: a stream that fails", () => {
  it.each<[string, () => unknown]>([
    ["throws", function* () {
      yield "one";
      throw new Error("panic from next");
    }],
    ["rejects", async function* () {
      yield "one";
      throw new Error("panic from next");
    }],
    ["errors", () =>
      new ReadableStream({
        pull(controller) {
          if (sentOne(controller)) controller.error(new Error("panic from next"));
        },
      }, { highWaterMark: 0 })],
    ["yields an Error", function* () {
      yield "one";
      yield new Error("panic from next");
    }],
  ])("%s: onError hears it once, close 1011 with a reason", async (_how, make) => {
    const heard: unknown[] = [];
    const { socket, receive, clock, errors } = streaming(make, { onError: (_caller, error) => void heard.push(error) });
    receive("x", "y");
    await clock.settle();
    expect(heard).toEqual([new Error("panic from next")]);
    expect(socket.calls).toEqual(["send one", "close 1011 streaming failed: panic from next"]);
    expect(errors).toEqual([]);
  });

  it("an element that cannot be sent ends it, and it is returned", async () => {
    let cleaned = false;
    const { socket, receive, clock, errors } = streaming(function* () {
      try {
        yield new Map();
      } finally {
        cleaned = true;
      }
    });
    receive("x");
    await clock.settle();
    expect(errors).toEqual([expect.stringMatching(/^report: TypeError: Cannot send a Map/)]);
    expect(socket.calls).toEqual([expect.stringMatching(/^close 1011 streaming failed: Cannot send a Map/)]);
    expect(cleaned).toBe(true);
  });

  it("the reason is cut to what a close frame carries; what is no Error has none", async () => {
    for (const [thrown, reason] of [["ä".repeat(200), "ä".repeat(52)], [{ secret: 1 }, "unknown error"]]) {
      const { socket, receive, clock } = streaming(() => throwing(thrown));
      receive("x");
      await clock.settle();
      expect(socket.calls).toEqual([`close 1011 streaming failed: ${reason}`]);
    }
  });

  it("onError may choose another close frame", async () => {
    const { socket, receive, clock } = streaming(() => throwing(new Error("x")), {
      onError: () => closeFrame(4002, "later"),
    });
    receive("x");
    await clock.settle();
    expect(socket.calls).toEqual(["close 4002 later"]);
  });

  it("a stream that somebody else reads is an error of the handler", async () => {
    const { socket, receive, clock, errors } = streaming(() => {
      const stream = new ReadableStream();
      stream.getReader();
      return stream;
    });
    receive("x");
    await clock.settle();
    expect(errors).toEqual([expect.stringMatching(/^report: TypeError/)]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });
});

/** An iterator whose first step throws. */
function throwing(error: unknown): IterableIterator<string> {
  return {
    [Symbol.iterator]() {
      return this;
    },
    next() {
      throw error;
    },
  };
}

const started = new WeakSet<object>();

/** The first time it sends "one"; then it says true. */
function sentOne(controller: ReadableStreamDefaultController): boolean {
  if (started.has(controller)) return true;
  started.add(controller);
  controller.enqueue("one");
  return false;
}
