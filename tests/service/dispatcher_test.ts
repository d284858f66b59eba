import { describe, expect, it } from "vitest";
import { ConnectionClosureError, CorruptedFrameError } from "../../src/errors.ts";
import { closeFrame, NORMAL_CLOSURE } from "../../src/service/close_frame.ts";
import type { Service } from "../../src/service/service.ts";
import type { FakeSocket } from "../support/fake_socket.ts";
import { deferred, serve } from "./serve.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("S2: one message at a time, in order", () => {
  it("onOpen ends before the first message is handled, also when it takes time", async () => {
    const open = deferred();
    const log: string[] = [];
    const { receive, clock, socket } = serve({
      async onOpen() {
        await open.promise;
        log.push("opened");
        return "welcome";
      },
      onTextMessage: (_caller, text) => void log.push(text),
    });
    receive("one", "two");
    await clock.settle();
    expect(log).toEqual([]);
    open.resolve();
    await clock.settle();
    expect(log).toEqual(["opened", "one", "two"]);
    expect(socket.sent).toEqual(["welcome"]);
  });

  it("a synchronous onOpen is answered before the first message", () => {
    const { receive, socket } = serve({ onOpen: () => "welcome", onTextMessage: (_caller, text) => text });
    receive("one");
    expect(socket.sent).toEqual(["welcome", "one"]);
  });

  it("an answer that takes time holds back the next message, and nothing is reordered", async () => {
    const waits = [deferred<string>(), deferred<string>()];
    const log: string[] = [];
    let next = 0;
    const { receive, clock, socket } = serve({
      onMessage(_caller, message) {
        log.push(`${message}`);
        return waits[next++]?.promise ?? `sync ${message}`;
      },
    });
    receive("one", "two", "three", "four");
    waits[1]!.resolve("second");
    await clock.settle();
    expect(log).toEqual(["one"]);
    waits[0]!.resolve("first");
    await clock.settle();
    expect(log).toEqual(["one", "two", "three", "four"]);
    expect(socket.sent).toEqual(["first", "second", "sync three", "sync four"]);
    receive("five");
    expect(socket.sent.at(-1)).toBe("sync five");
  });

  it("a slow peer holds back the next handler until there is room", async () => {
    const { receive, clock, socket } = serve({ onTextMessage: (_caller, text) => text });
    socket.writable = false;
    receive("one", "two", "three");
    await clock.settle();
    expect(socket.sent).toEqual(["one"]);
    socket.drain();
    await clock.settle();
    expect(socket.sent).toEqual(["one", "two", "three"]);
  });

  it("messages that wait pause the socket at the mark, and let it go on below", async () => {
    const first = deferred();
    const { receive, clock, socket } = serve(
      { onTextMessage: (_caller, text) => text === "0" ? first.promise : undefined },
      { readAhead: { messages: 4 } },
    );
    receive("0", "1", "2", "3");
    expect(socket.calls).toEqual([]);
    receive("4");
    expect(socket.calls).toEqual(["pause"]);
    first.resolve();
    await clock.settle();
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  it("connections run side by side", async () => {
    const stuck = deferred();
    const service: Service = { onTextMessage: (_caller, text) => text === "stuck" ? stuck.promise : text };
    const [one, two] = [serve(service), serve(service)];
    one.receive("stuck");
    two.receive("free");
    expect(two.socket.sent).toEqual(["free"]);
    stuck.resolve();
    await one.clock.settle();
  });

  it("handlers are methods", () => {
    class Counter implements Service {
      #count = 0;
      onTextMessage(): number {
        return ++this.#count;
      }
    }
    const shared = new Counter();
    const [one, two] = [serve(shared), serve(shared)];
    one.receive("a");
    two.receive("a");
    expect([one.socket.sent, two.socket.sent]).toEqual([["1"], ["2"]]);
  });

  it("an answer at once costs no turn: neither a promise nor a timer stands between message and reply", () => {
    const { receive, socket } = serve({ onMessage: (_caller, message) => message });
    receive("text", bytes(1, 2));
    expect(socket.sent).toEqual(["text", bytes(1, 2)]);
  });
});

describe("S3: while a handler is busy", () => {
  it("pings are answered by onPing, pongs and the peer's close are noticed, and the signal is aborted", async () => {
    const busy = deferred();
    const log: string[] = [];
    const { socket, clock, receive, caller } = serve({
      onTextMessage: () => busy.promise,
      onPing: (_caller, data) => data,
      onPong: (_caller, data) => void log.push(`pong ${data[0]}`),
      onClose: (_caller, code) => void log.push(`close ${code}`),
    });
    const { signal } = caller;
    receive("one");
    expect(socket.sink!.ping(bytes(7))).toBe(true);
    socket.sink!.pong(bytes(8));
    expect(socket.calls).toEqual(["pong 07"]);
    expect(log).toEqual(["pong 8"]);
    expect(signal.aborted).toBe(false);
    socket.sink!.closing!(1001, "bye");
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBeInstanceOf(ConnectionClosureError);
    expect(log).toEqual(["pong 8"]);
    busy.resolve();
    await clock.settle();
    expect(log).toEqual(["pong 8", "close 1001"]);
  });
});

describe("S4: what a handler returns", () => {
  it.each<[string, unknown, unknown]>([
    ["a string", "hi", "hi"],
    ["an empty string", "", ""],
    ["bytes", bytes(1, 2), bytes(1, 2)],
    ["an ArrayBuffer", bytes(3).buffer, bytes(3)],
    ["a number", 4.5, "4.5"],
    ["a boolean", false, "false"],
    ["null", null, "null"],
    ["an object", { a: [1] }, '{"a":[1]}'],
    ["an array", [1, "2"], '[1,"2"]'],
  ])("%s is sent", async (_name, value, message) => {
    const { socket, receive, clock, errors } = serve({
      onTextMessage: (_caller, text) => (text === "sync" ? value : Promise.resolve(value)) as string,
    });
    receive("sync", "async");
    await clock.settle();
    expect(socket.sent).toEqual([message, message]);
    expect(errors).toEqual([]);
  });

  it("undefined sends nothing, now or later", async () => {
    const { socket, receive, clock } = serve({
      onTextMessage: (_caller, text) => text === "sync" ? undefined : Promise.resolve(),
    });
    receive("sync", "async");
    await clock.settle();
    expect(socket.calls).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["a Map", new Map()],
    ["a Set", new Set()],
    ["another view", new Uint16Array(1)],
    ["a function", () => {}],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["NaN", NaN],
    ["an instance of a class", new (class Foo {})()],
  ])("%s is a TypeError, and closes with 1011", async (_name, value) => {
    for (const answer of [value, Promise.resolve(value)]) {
      const { socket, receive, clock, errors } = serve({ onTextMessage: () => answer as string });
      receive("x");
      await clock.settle();
      expect(socket.calls).toEqual(["close 1011 internal error"]);
      expect(errors).toEqual([expect.stringMatching(/^report: TypeError: Cannot send /)]);
    }
  });

  it("a close frame closes, from every handler", async () => {
    const frame = closeFrame(4000, "enough");
    const always = (): typeof frame => frame;
    const open = serve({ onOpen: always });
    expect(open.socket.calls).toEqual(["close 4000 enough"]);
    for (const service of [{ onTextMessage: always }, { onMessage: async () => await always() }] as Service[]) {
      const { socket, receive, clock } = serve(service);
      receive("x", "y");
      await clock.settle();
      expect(socket.calls).toEqual(["close 4000 enough"]);
    }
    const { socket, clock } = serve({ onPing: always, onPong: async () => await always() });
    socket.sink!.ping(bytes(1));
    expect(socket.calls).toEqual(["close 4000 enough"]);
    const other = serve({ onPong: async () => await always() });
    other.socket.sink!.pong(bytes(1));
    await other.clock.settle();
    await clock.settle();
    expect(other.socket.calls).toEqual(["close 4000 enough"]);
  });
});

describe("S7: a handler that fails", () => {
  const failure = new Error("boom");
  const fail: Record<string, () => unknown> = {
    throws: () => {
      throw failure;
    },
    rejects: () => Promise.reject(failure),
    "returns an Error": () => failure,
    "resolves with an Error": () => Promise.resolve(failure),
  };

  it.each(Object.keys(fail))("%s: onError, then close 1011", async (how) => {
    const heard: unknown[] = [];
    const { socket, receive, clock, errors } = serve({
      onTextMessage: () => fail[how]!() as string,
      onError(_caller, error) {
        heard.push(error, ...socket.calls);
      },
    });
    receive("x", "y");
    await clock.settle();
    expect(heard).toEqual([failure]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
    expect(errors).toEqual([]);
  });

  it.each(Object.keys(fail))("%s without onError: the listener hears it, then close 1011", async (how) => {
    const { socket, receive, clock, errors } = serve({ onTextMessage: () => fail[how]!() as string });
    receive("x", "y");
    await clock.settle();
    expect(errors).toEqual(["report: Error: boom"]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });

  it.each<[string, Service["onError"]]>([
    ["returns", () => closeFrame(4001, "sorry")],
    ["resolves with", () => Promise.resolve(closeFrame(4001, "sorry"))],
    ["sends", (caller) => void caller.close(4001, "sorry")],
  ])("onError %s another close frame: no 1011", async (_how, onError) => {
    const { socket, receive, clock, errors } = serve({ onTextMessage: fail.throws as () => string, onError: onError! });
    receive("x");
    await clock.settle();
    expect(socket.calls).toEqual(["close 4001 sorry"]);
    expect(errors).toEqual([]);
  });

  it("what onError returns is sent before the 1011", async () => {
    const { socket, receive, clock } = serve({
      onTextMessage: fail.throws as () => string,
      onError: () => ({ error: true }),
    });
    receive("x");
    await clock.settle();
    expect(socket.calls).toEqual(['send {"error":true}', "close 1011 internal error"]);
  });

  it.each<[string, () => unknown]>([
    ["throws", () => {
      throw new Error("worse");
    }],
    ["rejects", () => Promise.reject(new Error("worse"))],
    ["returns an Error", () => new Error("worse")],
    ["resolves with an Error", () => Promise.resolve(new Error("worse"))],
  ])("onError that %s: the listener hears it, then close 1011", async (_how, onError) => {
    const { socket, receive, clock, errors } = serve({
      onTextMessage: fail.throws as () => string,
      onError: onError as () => string,
    });
    receive("x");
    await clock.settle();
    expect(errors).toEqual(["report: Error: worse"]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });

  it("while onError takes its time no message is handled, and none after it", async () => {
    const asked = deferred();
    let handled = 0;
    const { receive, clock, tally } = serve({
      onTextMessage: () => {
        handled++;
        throw failure;
      },
      onError: () => asked.promise,
    });
    receive("x", "y");
    await clock.settle();
    asked.resolve();
    await clock.settle();
    receive("z");
    expect(handled).toBe(1);
    expect(tally.dropped).toBe(2);
  });

  it.each<[string, Service, (socket: FakeSocket) => void]>([
    ["onOpen", { onOpen: fail.throws as () => string }, () => {}],
    ["onOpen, later", { onOpen: fail.rejects as () => Promise<string> }, () => {}],
    ["onBinaryMessage", { onBinaryMessage: fail.throws as () => string }, (socket) => socket.sink!.message(bytes(1))],
    ["onPing", { onPing: fail.throws as () => string }, (socket) => void socket.sink!.ping(bytes(1))],
    ["onPing, later", { onPing: fail.rejects as () => Promise<string> }, (socket) => void socket.sink!.ping(bytes(1))],
    ["onPong", { onPong: fail["returns an Error"] as () => string }, (socket) => socket.sink!.pong(bytes(1))],
  ])("%s is a handler like any other", async (_name, service, provoke) => {
    const { socket, clock, errors } = serve(service);
    provoke(socket);
    await clock.settle();
    expect(errors).toEqual(["report: Error: boom"]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });

  it("a value that was thrown and is no Error is heard as it is", async () => {
    const heard: unknown[] = [];
    const { receive, clock } = serve({
      onTextMessage: () => Promise.reject("just text"),
      onError: (_caller, error) => void heard.push(error),
    });
    receive("x");
    await clock.settle();
    expect(heard).toEqual(["just text"]);
  });
});

describe("S7: a value that can no longer be sent", () => {
  it.each([true, false])("the peer left: onError if there is one (%s), else it is counted", async (hears) => {
    const busy = deferred<string>();
    const heard: unknown[] = [];
    const { socket, receive, clock, errors, tally } = serve({
      onTextMessage: () => busy.promise,
      ...(hears && { onError: (_caller, error) => void heard.push(error) }),
    });
    receive("x");
    socket.closeByPeer(1000);
    busy.resolve("too late");
    await clock.settle();
    expect(socket.calls).toEqual([]);
    expect(errors).toEqual([]);
    expect(heard).toEqual(hears ? [expect.any(ConnectionClosureError)] : []);
    expect(tally.unsent).toBe(hears ? 0 : 1);
  });

  it("the messages that came before that are still handled", async () => {
    for (const leave of ["closing", "lost"]) {
      const busy = deferred();
      const log: string[] = [];
      const { socket, receive, clock, tally } = serve({
        async onTextMessage(_caller, text) {
          await busy.promise;
          log.push(text);
          return text;
        },
      });
      receive("one", "two", "three");
      if (leave === "lost") socket.end();
      else socket.sink!.closing!(1000, "");
      busy.resolve();
      await clock.settle();
      expect([log, tally.unsent, tally.dropped]).toEqual([["one", "two", "three"], 3, 0]);
    }
  });

  it("the connection was lost: the same", async () => {
    const busy = deferred<string>();
    const { socket, receive, clock, errors, tally } = serve({ onTextMessage: () => busy.promise });
    receive("x");
    socket.end();
    busy.resolve("too late");
    await clock.settle();
    expect(errors).toEqual([]);
    expect(tally.unsent).toBe(1);
  });

  it("after our own close it is an error like any other", () => {
    const { socket, receive, errors, tally } = serve({
      onTextMessage(caller) {
        void caller.close();
        return "too late";
      },
    });
    receive("x");
    expect(socket.calls).toEqual(["close 1000"]);
    expect(errors).toEqual([
      expect.stringMatching(/^report: ConnectionClosureError: Cannot send a message: we closed/),
    ]);
    expect(tally.unsent).toBe(0);
  });

  it("a slow peer that its own policy gave up on: not our failure, and what waits is let go", async () => {
    const { socket, receive, clock, errors, tally } = serve(
      { onTextMessage: (_caller, text) => text, onPong: () => "pong!" },
      { bufferPolicy: "close", maxBufferedAmount: 4, readAhead: { messages: 1 } },
    );
    socket.writable = false;
    receive("four", "waits");
    socket.sink!.pong(bytes(1));
    await clock.settle();
    expect(socket.calls).toEqual(["send four", "pause", "resume", "close 1013 too slow"]);
    expect(errors).toEqual([]);
    expect([tally.unsent, tally.dropped]).toEqual([1, 1]);
  });
});

describe("S8: missing handlers", () => {
  it("messages that nobody takes are dropped and counted", () => {
    const text = serve({ onTextMessage: (_caller, text) => text });
    text.receive(bytes(1), "x", bytes(2));
    expect([text.socket.sent, text.tally.unhandled]).toEqual([["x"], 2]);
    const binary = serve({ onBinaryMessage: (_caller, data) => data });
    binary.receive("x", bytes(1));
    expect([binary.socket.sent, binary.tally.unhandled]).toEqual([[bytes(1)], 1]);
    const none = serve({});
    none.receive("x", bytes(1));
    expect([none.socket.calls, none.tally.unhandled]).toEqual([[], 2]);
  });

  it("P1: without onPing the socket answers; with it the service does, by bytes or by itself", async () => {
    expect(serve({}).socket.sink!.ping(bytes(1))).toBe(false);
    const { socket, clock } = serve({
      onPing: (caller, data) => {
        if (data[0] === 1) return data.buffer as ArrayBuffer;
        if (data[0] === 2) return Promise.resolve(Uint8Array.of(9));
        if (data[0] === 3) caller.pong(bytes(7));
      },
    });
    for (const value of [1, 2, 3, 4]) expect(socket.sink!.ping(bytes(value))).toBe(true);
    await clock.settle();
    expect(socket.calls).toEqual(["pong 01", "pong 07", "pong 09"]);
  });

  it("P1: a pong of more than 125 bytes is a RangeError, and closes with 1011", () => {
    const { socket, errors } = serve({ onPing: () => new Uint8Array(126) });
    socket.sink!.ping(bytes(1));
    expect(errors).toEqual([expect.stringMatching(/^report: RangeError: /)]);
    expect(socket.calls).toEqual(["close 1011 internal error"]);
  });

  it("22: pings that come while 16 calls of onPing are unfinished are passed over", async () => {
    const slow = deferred<Uint8Array>();
    let asked = 0;
    const { socket, clock } = serve({
      onPing() {
        asked++;
        return slow.promise;
      },
    });
    for (let i = 0; i < 100; i++) socket.sink!.ping(bytes(i));
    expect(asked).toBe(16);
    slow.resolve(bytes(1));
    await clock.settle();
    expect(socket.calls).toHaveLength(16);
    socket.sink!.ping(bytes(1));
    expect(asked).toBe(17);
  });
});

describe("our own close", () => {
  it("drops and counts what waits, and what still comes", async () => {
    const busy = deferred();
    const log: string[] = [];
    const { caller, receive, clock, socket, tally } = serve({
      onTextMessage(_caller, text) {
        log.push(text);
        return busy.promise;
      },
    }, { readAhead: { messages: 2 } });
    receive("one", "two", "three");
    void caller.close(1000);
    // A paused socket would never read the peer's close frame.
    expect(socket.calls).toEqual(["pause", "resume", "close 1000"]);
    receive("four");
    busy.resolve();
    await clock.settle();
    expect(log).toEqual(["one"]);
    expect(tally.dropped).toBe(3);
  });

  it("terminate does so, too", async () => {
    const busy = deferred();
    const log: string[] = [];
    const { caller, receive, clock, socket, tally } = serve({
      onTextMessage(_caller, text) {
        log.push(text);
        return busy.promise;
      },
    });
    receive("one", "two");
    caller.terminate();
    busy.resolve();
    await clock.settle();
    expect([log, socket.calls, tally.dropped]).toEqual([["one"], ["destroy"], 1]);
  });

  it("the second close frame is not sent", async () => {
    const { receive, clock, socket, errors } = serve({
      onTextMessage(caller) {
        void caller.close(4000);
        return NORMAL_CLOSURE;
      },
    });
    receive("x");
    await clock.settle();
    expect([socket.calls, errors]).toEqual([["close 4000"], []]);
  });
});

describe("S7: failures of the peer", () => {
  const error = new CorruptedFrameError("RSV1 is set", 1002, "§5.2");

  it("onError hears them behind the messages that came, before onClose; nothing is sent any more", async () => {
    const busy = deferred();
    const log: unknown[] = [];
    const { socket, receive, clock, errors } = serve({
      async onTextMessage(_caller, text) {
        await busy.promise;
        log.push(text);
      },
      async onError(_caller, heard) {
        log.push(heard);
        await Promise.resolve();
        log.push("heard");
        return "nobody reads this";
      },
      onClose: (_caller, code) => void log.push(code),
    });
    receive("one", "two");
    socket.end({ code: 1002, error, sent: { code: 1002, reason: "" }, first: "local" });
    busy.resolve();
    await clock.settle();
    expect(log).toEqual(["one", "two", error, "heard", 1002]);
    expect([socket.calls, errors]).toEqual([[], []]);
  });

  it("without onError the listener is told, which may take it or not", () => {
    const { socket, errors } = serve({});
    socket.end({ code: 1002, error });
    expect(errors).toEqual(["notice: CorruptedFrameError: RSV1 is set"]);
  });

  it("an onError that fails then is told to the listener, and onClose still runs", async () => {
    const log: unknown[] = [];
    const { socket, clock, errors } = serve({
      onError: () => Promise.reject(new Error("worse")),
      onClose: (_caller, code) => void log.push(code),
    });
    socket.end({ error });
    await clock.settle();
    expect([errors, log]).toEqual([["report: Error: worse"], [1006]]);
  });
});
