import { describe, expect, it, vi } from "vitest";
import { text } from "../../src/binding/binder.ts";
import type { StandardSchema } from "../../src/binding/schema.ts";
import { Client, type ClientConfiguration } from "../../src/client/client.ts";
import { clientRuntime } from "../../src/client/connect.ts";
import { checkRequests } from "../../src/client/request_options.ts";
import { MAX_ABANDONED, Requests } from "../../src/client/requests.ts";
import {
  ConnectionClosureError,
  ConnectionError,
  PayloadBindingError,
  ReadTimedOutError,
  RequestError,
  WriteTimedOutError,
} from "../../src/errors.ts";
import { frame, readFrames } from "../support/frames.ts";
import { fromHex } from "../support/hex.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type OpenRequests, openRequests, WORDS } from "../support/open_requests.ts";
import { ScriptedServer, switching } from "../support/scripted_server.ts";

const END = { value: undefined, done: true };
const value = (item: unknown) => ({ value: item, done: false });
const CANCEL = (id: unknown) => ({ type: "cancel", id });

/** Takes objects whose `n` is a number. */
const Numbered: StandardSchema<{ n: number }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (given) =>
      typeof (given as { n: unknown }).n === "number"
        ? { value: given as { n: number } }
        : { issues: [{ message: "Not a number", path: ["n"] }] },
  },
};

/** What has come to the ordinary readers since the last call. */
function read({ inbox }: OpenRequests): unknown[] {
  const messages: unknown[] = [];
  for (let message = inbox.next(); message !== undefined; message = inbox.next()) messages.push(message);
  return messages;
}

/** What a promise says by now, or that it says nothing. */
async function now({ clock }: OpenRequests, promise: Promise<unknown>): Promise<unknown> {
  let said: unknown = "pending";
  promise.then((result) => said = result, (error) => said = error);
  await clock.settle();
  return said;
}

describe("the id of a request (D5)", () => {
  it("is put into a copy, as a string that no pending request has", async () => {
    const { requests, sent, receive } = openRequests();
    const message = { type: "add", id: undefined };
    const replies = [requests.request({ id: "1" }), requests.request(message), requests.request({})];
    expect(sent()).toEqual([{ id: "1" }, { type: "add", id: "2" }, { id: "3" }]);
    expect(message).toEqual({ type: "add", id: undefined });
    receive({ id: "3", n: 3 }, { id: "2", n: 2 }, { id: "1", n: 1 });
    expect(await Promise.all(replies)).toEqual([{ id: "1", n: 1 }, { id: "2", n: 2 }, { id: "3", n: 3 }]);
  });

  it("may be the caller's own, and is told apart by its type", async () => {
    const { requests, receive } = openRequests();
    const replies = [requests.request({ id: 1 }), requests.request({ id: "1" }), requests.request({ id: 0.5 })];
    receive({ id: "1", n: "text" }, { id: 0.5 }, { id: 1, n: "number" });
    expect(await Promise.all(replies)).toEqual([{ id: 1, n: "number" }, { id: "1", n: "text" }, { id: 0.5 }]);
  });

  it("is refused while it is pending, and free again behind the last reply", async () => {
    const { requests, receive } = openRequests();
    const reply = requests.request({ id: "a" });
    const replies = requests.stream({ id: "b" });
    expect(() => requests.request({ id: "a" })).toThrow(
      new TypeError('Cannot send a request: one with the "id" "a" is pending already'),
    );
    expect(() => requests.stream({ id: "b" })).toThrow(TypeError);
    receive({ id: "a" }, { id: "b" });
    await reply;
    void requests.request({ id: "a" });
    expect(() => requests.stream({ id: "b" })).toThrow(TypeError);
    receive({ id: "b", type: "complete" });
    requests.stream({ id: "b" });
    await replies.return();
  });

  it.each([null, true, NaN, Infinity, {}, ["1"]])("is not %j", (id) => {
    const { requests, sent } = openRequests();
    expect(() => requests.request({ id })).toThrow(
      new TypeError('Cannot send a request: its "id" is neither a string nor a finite number'),
    );
    expect(sent()).toEqual([]);
  });

  it("stands in a field of any name, also one that every object seems to have", async () => {
    const { requests, sent, receive } = openRequests({ dispatcherStreamId: "constructor" });
    const reply = requests.request({ a: 1 });
    expect(sent()).toEqual([{ a: 1, constructor: "1" }]);
    receive({ a: 2 }, { a: 2, constructor: "1" });
    expect(await reply).toEqual({ a: 2, constructor: "1" });
    const odd = openRequests({ dispatcherStreamId: "__proto__" });
    const other = odd.requests.request({});
    expect(odd.socket.sent).toEqual(['{"__proto__":"1"}']);
    odd.receive('{"__proto__":"1","n":1}');
    expect(await other).toHaveProperty("n", 1);
  });
});

describe("a request (D5)", () => {
  it("is refused at once when it cannot be sent as it is", () => {
    const { requests, sent } = openRequests();
    const cycle: Record<string, unknown> = {};
    cycle["cycle"] = cycle;
    for (const message of [null, undefined, "text", [], new Map(), new Uint8Array(1), new Date(), cycle, { a: 1n }]) {
      expect(() => requests.request(message as object)).toThrow(TypeError);
      expect(() => requests.stream(message as object)).toThrow(TypeError);
    }
    expect(() => requests.request({}, {} as never)).toThrow("the schema has no");
    expect(() => requests.request({}, undefined, { timeout: -1 })).toThrow(RangeError);
    expect(() => requests.stream({}, undefined, { signal: {} as AbortSignal })).toThrow(TypeError);
    expect(sent()).toEqual([]);
  });

  it("resolves with the reply that has its id, bound by what was asked for", async () => {
    const { requests, receive } = openRequests();
    const replies = [requests.request({}), requests.request({}, Numbered), requests.request({}, text)];
    receive({ id: "1" }, { id: "2", n: 5 }, ' {"id": "3"}');
    expect(await Promise.all(replies)).toEqual([{ id: "1" }, { id: "2", n: 5 }, ' {"id": "3"}']);
  });

  it("goes together with 1 000 others, answered in any order", async () => {
    const { requests, sent, receive, clock } = openRequests();
    const replies = Array.from({ length: 1_000 }, (_, n) => requests.request({ n }, Numbered));
    const messages = sent() as { id: string; n: number }[];
    // 7 and 1 000 have no common factor: each is answered once.
    for (let i = 0; i < 1_000; i++) receive({ id: messages[i * 7 % 1_000]!.id, n: messages[i * 7 % 1_000]!.n * 2 });
    expect((await Promise.all(replies)).map(({ n }) => n)).toEqual(messages.map(({ n }) => n * 2));
    expect(clock.timers).toBe(0);
  });

  it("alone fails with its binding, and others go on", async () => {
    const { requests, receive, clock, endpoint } = openRequests();
    const replies = [requests.request({}, Numbered), requests.request({}, Numbered)];
    receive({ id: "1", n: "one" });
    const error = await replies[0]!.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(PayloadBindingError);
    expect((error as PayloadBindingError).issues).toEqual([{ message: "Not a number", path: ["n"] }]);
    receive({ id: "2", n: 2 });
    expect(await replies[1]).toEqual({ id: "2", n: 2 });
    expect([clock.timers, endpoint.state]).toEqual([0, "open"]);
  });

  it("alone fails with the server's error, which carries the reply; and when it is completed without one", async () => {
    const { requests, receive } = openRequests();
    const replies = [requests.request({}), requests.request({}), requests.request({})];
    receive({ id: "1", type: "error", why: "no" }, { id: "2", type: "complete" }, { id: "3", type: "fine" });
    expect(await Promise.allSettled(replies)).toEqual([
      {
        status: "rejected",
        reason: new RequestError("Cannot get a reply: the server answered with an error", {
          id: "1",
          type: "error",
          why: "no",
        }),
      },
      {
        status: "rejected",
        reason: new RequestError("Cannot get a reply: the server completed the request without one", {
          id: "2",
          type: "complete",
        }),
      },
      { status: "fulfilled", value: { id: "3", type: "fine" } },
    ]);
  });

  it("takes every reply for one when there are no words for others", async () => {
    const { requests, receive } = openRequests({ dispatcherStreamId: "id" });
    const reply = requests.request({});
    receive({ id: "1", type: "error" });
    expect(await reply).toEqual({ id: "1", type: "error" });
  });

  it("fails after its own time, the client's, or never", async () => {
    const parts = openRequests({ ...WORDS, requestTimeout: 2 });
    const { requests, clock } = parts;
    const short = requests.request({}, undefined, { timeout: 0.5 });
    const usual = requests.request({});
    const endless = requests.request({}, undefined, { timeout: 0 });
    expect(clock.timers).toBe(2);
    clock.advance(500);
    expect(await now(parts, short)).toEqual(new ReadTimedOutError("Cannot get a reply: none came within 0.5 s"));
    expect(await now(parts, usual)).toBe("pending");
    clock.advance(1_500);
    expect(await now(parts, usual)).toBeInstanceOf(ReadTimedOutError);
    clock.advance(3_600_000);
    expect([await now(parts, endless), clock.timers]).toEqual(["pending", 0]);
  });

  it("fails with the signal's reason, before it is sent and while it waits, and leaves nothing on the signal", async () => {
    const { requests, sent, receive, clock } = openRequests();
    const controller = new AbortController();
    const { signal } = controller;
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const answered = requests.request({}, undefined, { signal });
    receive({ id: "1" });
    await answered;
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
    const reply = requests.request({}, undefined, { signal });
    controller.abort("enough");
    await expect(reply).rejects.toBe("enough");
    expect([added.mock.calls.length, removed.mock.calls.length, clock.timers]).toEqual([2, 2, 0]);
    expect(sent()).toEqual([{ id: "1" }, { id: "2" }, CANCEL("2")]);
    await expect(requests.request({}, undefined, { signal })).rejects.toBe("enough");
    expect([sent(), added.mock.calls.length]).toEqual([[], 2]);
  });

  it("fails as its write does, and leaves nothing", async () => {
    const { requests, socket, endpoint, clock, receive, inbox } = openRequests();
    socket.writable = false;
    const sent = requests.request({ id: "sent" });
    const held = requests.request({ id: "held", x: "x".repeat(990) });
    const refused = requests.request({ id: "refused", x: "x".repeat(990) });
    await expect(refused).rejects.toThrow(ConnectionError);
    expect(clock.timers).toBe(2);
    socket.drain();
    receive({ id: "held" }, { id: "sent" });
    expect(await Promise.all([sent, held])).toEqual([{ id: "sent" }, { id: "held" }]);
    // It was never sent, so it is not waited for either.
    receive({ id: "refused" });
    expect(inbox.next()).toBe('{"id":"refused"}');
    socket.closeByPeer(1000);
    await expect(requests.request({})).rejects.toBeInstanceOf(ConnectionClosureError);
    const stream = requests.stream({});
    await expect(stream.next()).rejects.toBeInstanceOf(ConnectionClosureError);
    expect([clock.timers, endpoint.state]).toEqual([0, "closed"]);
  });

  it("fails when the connection ends, whoever ends it and however; a later end finds nothing", async () => {
    for (const end of ["lost", "by the peer", "by us"] as const) {
      const { requests, socket, endpoint, clock } = openRequests();
      const replies = [requests.request({}), requests.request({}), requests.stream({}).next()];
      if (end === "lost") socket.end();
      else if (end === "by the peer") socket.closeByPeer(1000);
      else {
        void endpoint.close();
        socket.end({ code: 1000, clean: true });
      }
      for (const reply of replies) {
        await expect(reply, end).rejects.toThrow(/^Cannot get a reply: /);
        await expect(reply).rejects.toBeInstanceOf(ConnectionClosureError);
      }
      expect(clock.timers).toBe(0);
      requests.ended(new Error("never heard"));
    }
  });

  it("can be answered while we close", async () => {
    const { requests, endpoint, receive } = openRequests();
    const reply = requests.request({});
    void endpoint.close();
    receive({ id: "1" });
    expect(await reply).toEqual({ id: "1" });
  });

  it("is one too many beyond the limit, streams included; one that ends makes room", async () => {
    const { requests, sent, receive } = openRequests({ ...WORDS, maxPendingRequests: 2 });
    const first = requests.request({});
    const second = requests.stream({});
    const message = "Cannot send a request: 2 are pending already";
    await expect(requests.request({})).rejects.toEqual(new ConnectionError(message));
    await expect(requests.stream({}).next()).rejects.toEqual(new ConnectionError(message));
    expect(sent()).toHaveLength(2);
    receive({ id: "1" });
    await first;
    const third = requests.request({ id: "third" });
    await second.return();
    const fourth = requests.request({ id: "fourth" });
    receive({ id: "third" }, { id: "fourth" });
    await Promise.all([third, fourth]);
  });
});

describe("other messages (D5)", () => {
  it("go to the ordinary readers unchanged: no JSON, no id, an id that nobody waits for, binary", () => {
    const parts = openRequests();
    void parts.requests.request({});
    const others = [
      "text",
      "{not JSON",
      "[1]",
      '"1"',
      "1",
      "",
      "{}",
      '{"id":1}',
      '{ "id" : "2" }',
      '{"id":["1"]}',
      '{"id":null}',
      new TextEncoder().encode('{"id":"1"}'),
    ];
    parts.receive(...others);
    expect(read(parts)).toEqual(others);
  });

  it("are not looked into while nothing is pending", async () => {
    const parts = openRequests();
    const reply = parts.requests.request({});
    parts.receive({ id: "1" });
    await reply;
    const parse = vi.spyOn(JSON, "parse");
    parts.receive('{"id":"1"}');
    expect(parse).not.toHaveBeenCalled();
    void parts.requests.request({});
    parts.receive('{"id":"3"}', "text");
    expect(parse).toHaveBeenCalledTimes(1);
    parse.mockRestore();
    expect(read(parts)).toEqual(['{"id":"1"}', '{"id":"3"}', "text"]);
  });
});

describe("a request that a stream answers (D5)", () => {
  const END = (id: string): object => ({ id, type: "complete" });

  it("takes the first reply; the end goes to nobody, once, and the rest to the ordinary readers", async () => {
    const parts = openRequests();
    const { requests, receive } = parts;
    const reply = requests.request({ id: "a" });
    receive({ id: "a", n: 1 }, { id: "a", n: 2 }, "complete", { type: "complete" }, END("b"), END("a"), END("a"));
    expect(await reply).toEqual({ id: "a", n: 1 });
    expect(read(parts)).toEqual([
      '{"id":"a","n":2}',
      "complete",
      '{"type":"complete"}',
      JSON.stringify(END("b")),
      JSON.stringify(END("a")),
    ]);
  });

  it("is forgotten with its connection, when its id is used again, and behind too many others", async () => {
    const parts = openRequests();
    const { requests, receive } = parts;
    const ask = async (id: string): Promise<void> => {
      const reply = requests.request({ id });
      receive({ id });
      await reply;
    };
    await ask("lost");
    requests.ended(new Error("lost"));
    receive(END("lost"));
    await ask("again");
    const again = requests.request({ id: "again" });
    receive(END("again"));
    await expect(again).rejects.toBeInstanceOf(RequestError);
    receive(END("again"));
    for (let i = 0; i <= MAX_ABANDONED; i++) await ask(`${i}`);
    receive(END("0"), END("1"));
    expect(read(parts)).toEqual([END("lost"), END("again"), END("0")].map((end) => JSON.stringify(end)));
  });
});

describe("a request that waits to be sent (D5)", () => {
  /** Requests whose writes wait until they are settled. */
  function waiting() {
    const parts = openRequests();
    const sent: unknown[] = [];
    const writes: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const requests = new Requests(checkRequests(WORDS), parts.clock, (text) => {
      sent.push(JSON.parse(text));
      return new Promise((resolve, reject) => writes.push({ resolve, reject }));
    });
    return { ...parts, requests, sent, writes };
  }

  it("outlives the connection, and is answered over the next, whose end it does not outlive", async () => {
    const { requests, clock, endpoint, sent, writes } = waiting();
    const single = requests.request({ id: "single" });
    const stream = requests.stream({ id: "stream" });
    const over = requests.request({ id: "over" });
    requests.ended(new Error("lost"));
    await clock.settle();
    for (const { resolve } of writes) resolve();
    await clock.settle();
    requests.take('{"id":"single"}', endpoint);
    requests.take('{"id":"stream"}', endpoint);
    expect(await Promise.all([single, stream.next()])).toMatchObject([{ id: "single" }, { value: { id: "stream" } }]);
    requests.ended(new Error("lost again"));
    await expect(over).rejects.toThrow("lost again");
    await expect(stream.next()).rejects.toThrow("lost again");
    expect(sent).toEqual([{ id: "single" }, { id: "stream" }, { id: "over" }]);
    expect(clock.timers).toBe(0);
  });

  it("fails with its write when there is no other connection, and the server is told nothing", async () => {
    const { requests, clock, sent, writes } = waiting();
    const replies = [requests.request({ id: "a" }), requests.stream({ id: "b" }).next()].map((reply) =>
      expect(reply).rejects.toThrow("never sent")
    );
    requests.ended(new Error("lost"));
    for (const { reject } of writes) reject(new ConnectionError("never sent"));
    await Promise.all(replies);
    await clock.settle();
    expect([sent.length, clock.timers]).toEqual([2, 0]);
  });

  it("ends with the connection that took it in its last moment", async () => {
    const { requests, clock, sent, writes } = waiting();
    const taken = expect(requests.request({ id: "taken" })).rejects.toThrow("lost");
    const again = requests.request({ id: "again" });
    writes[0]!.resolve();
    writes[1]!.reject(new ConnectionError("not taken"));
    requests.ended(new Error("lost"));
    await expect(again).rejects.toThrow("not taken");
    const newer = requests.request({ id: "again" });
    await clock.settle();
    await taken;
    writes[2]!.resolve();
    await clock.settle();
    const { endpoint } = openRequests();
    expect(requests.take('{"id":"again"}', endpoint)).toBe(true);
    expect(await newer).toEqual({ id: "again" });
    expect(sent.length).toBe(3);
  });

  it("leaves its id to the next one, which has nothing to do with its write", async () => {
    const parts = openRequests();
    let isOpen = false;
    const requests = new Requests(
      checkRequests(WORDS),
      parts.clock,
      () => isOpen ? undefined : new Promise<void>(() => {}),
    );
    await requests.stream({ id: "a" }).return();
    isOpen = true;
    const next = expect(requests.request({ id: "a" })).rejects.toThrow("lost");
    requests.ended(new Error("lost"));
    await next;
  });
});

describe("a request that was given up (D5)", () => {
  it("tells the server if there is a word for it, and drops the late reply, once", async () => {
    const parts = openRequests();
    const { requests, clock, sent, receive } = parts;
    const late = requests.request({});
    clock.advance(30_000);
    await expect(late).rejects.toBeInstanceOf(ReadTimedOutError);
    expect(sent()).toEqual([{ id: "1" }, CANCEL("1")]);
    receive({ id: "1", n: 1 }, { id: "1", n: 2 });
    expect(read(parts)).toEqual(['{"id":"1","n":2}']);
    const silent = openRequests({ dispatcherStreamId: "id" });
    const reply = silent.requests.request({});
    silent.clock.advance(30_000);
    await expect(reply).rejects.toThrow();
    expect(silent.sent()).toEqual([{ id: "1" }]);
  });

  it("of a stream: drops all that comes, to the last", async () => {
    for (const last of ["complete", "error"]) {
      const parts = openRequests();
      await parts.requests.stream({}).return();
      parts.receive({ id: "1" }, { id: "1" }, { id: "1", type: last }, { id: "1", n: "mine" });
      expect(read(parts)).toEqual(['{"id":"1","n":"mine"}']);
    }
  });

  it("is forgotten when too many were given up since, the oldest first", async () => {
    const parts = openRequests();
    for (let i = 0; i <= MAX_ABANDONED; i++) await parts.requests.stream({}).return();
    parts.receive({ id: "1" }, { id: "2" }, { id: String(MAX_ABANDONED + 1) });
    expect(read(parts)).toEqual(['{"id":"1"}']);
  });

  it("is forgotten with its connection, and when its id is used again", async () => {
    const parts = openRequests();
    const { requests, receive } = parts;
    await requests.stream({ id: "a" }).return();
    const reply = requests.request({ id: "a" });
    const other = requests.request({ id: "b" });
    receive({ id: "a", n: 1 }, { id: "a", n: 2 }, { id: "b" });
    expect(await Promise.all([reply, other])).toEqual([{ id: "a", n: 1 }, { id: "b" }]);
    await requests.stream({ id: "c" }).return();
    await parts.clock.settle();
    requests.ended(new Error("lost"));
    receive({ id: "c" });
    expect(read(parts)).toEqual(['{"id":"a","n":2}', '{"id":"c"}']);
  });

  it("before the end of a connection, but not sent yet, may be answered over the next", async () => {
    const parts = openRequests();
    const writes: (() => void)[] = [];
    const send = (): Promise<void> => new Promise((resolve) => writes.push(resolve));
    const requests = new Requests(checkRequests(WORDS), parts.clock, send);
    await requests.stream({ id: "left" }).return();
    await requests.stream({ id: "went" }).return();
    writes[2]!();
    requests.ended(new Error("lost"));
    await Promise.resolve();
    await parts.clock.settle();
    const take = (id: string): boolean => requests.take(JSON.stringify({ id }), parts.endpoint);
    expect([take("left"), take("went")]).toEqual([true, false]);
  });

  it("does not lend its id to a fresh one", async () => {
    const { requests, sent, receive } = openRequests();
    await requests.stream({ id: "1" }).return();
    await requests.stream({ id: "2" }).return();
    const answered = requests.request({ id: "3" });
    receive({ id: "3" });
    await answered;
    void requests.request({});
    expect(sent().at(-1)).toEqual({ id: "4" });
  });

  it("may have been sent although its write took too long, unlike one whose write failed otherwise", async () => {
    const sent: unknown[] = [];
    const errors = new Map<string, Error>([
      ['{"id":"a"}', new WriteTimedOutError("late")],
      ['{"id":"b"}', new ConnectionError("full")],
    ]);
    const send = (text: string): Promise<void> => {
      sent.push(JSON.parse(text));
      return errors.has(text) ? Promise.reject(errors.get(text)) : Promise.resolve();
    };
    const requests = new Requests(checkRequests(WORDS), new ManualClock(), send);
    await expect(requests.request({ id: "a" })).rejects.toThrow("late");
    await expect(requests.stream({ id: "b" }).next()).rejects.toThrow("full");
    expect(sent).toEqual([{ id: "a" }, CANCEL("a"), { id: "b" }]);
    const { endpoint } = openRequests();
    expect([requests.take('{"id":"a"}', endpoint), requests.take('{"id":"b"}', endpoint)]).toEqual([true, false]);
  });
});

describe("a stream of replies (D5)", () => {
  it("is asked for at once, and delivers its own up to the last, which it does not", async () => {
    const { requests, sent, receive } = openRequests();
    const one = requests.stream({ type: "a" }, Numbered);
    const other = requests.stream({ type: "b" }, text);
    expect(sent()).toEqual([{ type: "a", id: "1" }, { type: "b", id: "2" }]);
    const waiting = other.next();
    receive({ id: "1", n: 1 }, { id: "2" }, { id: "1", n: 2 }, { id: "1", type: "complete" });
    const seen: number[] = [];
    for await (const { n } of one) seen.push(n);
    expect([seen, await waiting]).toEqual([[1, 2], value('{"id":"2"}')]);
    expect(sent()).toEqual([]);
    await other.return();
  });

  it("fails behind its elements with the server's error, and does not tell the server", async () => {
    const { requests, receive, sent } = openRequests();
    const replies = requests.stream({});
    receive({ id: "1", n: 1 }, { id: "1", type: "error", why: "no" });
    expect(await replies.next()).toEqual(value({ id: "1", n: 1 }));
    await expect(replies.next()).rejects.toMatchObject({ name: "RequestError", reply: { why: "no" } });
    expect([await replies.next(), sent()]).toEqual([END, [{ id: "1" }]]);
  });

  it("is cancelled when it is left, given up, too slow, or cannot be bound, and only then", async () => {
    for (const how of ["break", "return", "dispose", "abort", "timeout", "binding"] as const) {
      const parts = openRequests();
      const { requests, receive, sent, clock } = parts;
      const controller = new AbortController();
      const replies = requests.stream({}, Numbered, { signal: controller.signal });
      receive({ id: "1", n: 1 });
      if (how === "break") { for await (const { n } of replies) if (n === 1) break; }
      if (how === "return") await replies.return();
      if (how === "dispose") await replies[Symbol.asyncDispose]();
      if (how === "abort") controller.abort(new Error("reason"));
      if (how === "timeout") {
        await replies.next();
        const next = replies.next();
        clock.advance(30_000);
        await expect(next).rejects.toBeInstanceOf(ReadTimedOutError);
      }
      if (how === "binding") {
        await replies.next();
        receive({ id: "1", n: "one" });
        await expect(replies.next()).rejects.toBeInstanceOf(PayloadBindingError);
      }
      expect(sent(), how).toEqual([{ id: "1" }, CANCEL("1")]);
      receive({ id: "1", n: 2 });
      expect([read(parts), clock.timers], how).toEqual([[], 0]);
      if (how === "abort") await expect(replies.next()).rejects.toThrow("reason");
      expect(await replies.next(), how).toEqual(END);
      await replies.return();
      expect(sent(), how).toEqual([]);
    }
  });

  it("is not cancelled when the signal is aborted behind its end", async () => {
    const { requests, receive, sent } = openRequests();
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, "removeEventListener");
    const replies = requests.stream({}, undefined, { signal: controller.signal });
    receive({ id: "1", type: "complete" });
    expect([await replies.next(), removed.mock.calls.length]).toEqual([END, 1]);
    controller.abort();
    expect([await replies.next(), sent()]).toEqual([END, [{ id: "1" }]]);
  });

  it("leaves without waiting for a slow peer, and after the end without a word", async () => {
    const { requests, socket } = openRequests();
    const replies = requests.stream({});
    socket.writable = false;
    const slow = requests.request({ x: "x".repeat(1_000) });
    expect(await replies.return()).toEqual(END);
    const other = requests.stream({});
    socket.end();
    const { length } = socket.sent;
    expect(await other.return()).toEqual(END);
    expect(socket.sent).toHaveLength(length);
    await expect(slow).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("keeps what came before the connection ended", async () => {
    const { requests, socket, receive } = openRequests();
    const replies = requests.stream({});
    receive({ id: "1", n: 1 });
    socket.closeByPeer(1000);
    expect(await replies.next()).toEqual(value({ id: "1", n: 1 }));
    await expect(replies.next()).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(await replies.next()).toEqual(END);
  });
});

describe("the pace of streams (D5, F1)", () => {
  const SMALL = { readAhead: { messages: 4, bytes: 1_000 } };

  it("is that of all readers together: what waits anywhere pauses the socket, and each who reads frees it", async () => {
    const parts = openRequests(WORDS, SMALL);
    const { requests, socket, receive } = parts;
    const one = requests.stream({});
    const other = requests.stream({});
    receive({ id: "1", n: 1 }, { id: "2", n: 1 }, "ordinary");
    expect(socket.calls.slice(2)).toEqual([]);
    receive({ id: "2", n: 2 });
    expect(socket.calls.slice(2)).toEqual(["pause"]);
    await one.next();
    // Three still wait, but this reader has nothing left.
    expect(socket.calls.slice(2)).toEqual(["pause", "resume"]);
    receive({ id: "1", n: 2 });
    expect(socket.calls.slice(2)).toEqual(["pause", "resume", "pause"]);
    await other.next();
    expect(socket.calls.slice(2)).toEqual(["pause", "resume", "pause"]);
    expect(read(parts)).toEqual(["ordinary"]);
    expect(socket.calls.slice(2)).toEqual(["pause", "resume", "pause", "resume"]);
    expect([await one.next(), await other.next()]).toEqual([
      value({ id: "1", n: 2 }),
      value({ id: "2", n: 2 }),
    ]);
  });

  it("does not pause for a reader that waits, nor for a single reply", async () => {
    const { requests, socket, receive } = openRequests(WORDS, { readAhead: { messages: 1, bytes: 1_000 } });
    const replies = requests.stream({});
    const reply = requests.request({});
    for (let n = 0; n < 10; n++) {
      const next = replies.next();
      receive({ id: "1", n });
      expect(await next).toEqual(value({ id: "1", n }));
    }
    receive({ id: "2" });
    await reply;
    expect(socket.calls).not.toContain("pause");
  });

  it("is freed by whoever leaves", async () => {
    const { requests, socket, receive } = openRequests(WORDS, SMALL);
    const replies = requests.stream({});
    for (let n = 0; n < 4; n++) receive({ id: "1", n });
    expect(socket.calls.at(-1)).toBe("pause");
    await replies.return();
    expect(socket.calls.slice(1)).toEqual(["pause", "resume", 'send {"type":"cancel","id":"1"}']);
    // What comes late is not kept.
    for (let n = 0; n < 10; n++) receive({ id: "1", n });
    expect(socket.calls.at(-1)).not.toBe("pause");
  });

  it("closes where the socket cannot pause, and what came before can be read", async () => {
    const { requests, socket, receive } = openRequests(WORDS, SMALL);
    Object.defineProperty(socket, "pause", { value: undefined });
    const replies = requests.stream({});
    for (let n = 0; n < 6; n++) receive({ id: "1", n });
    receive({ id: "1", type: "complete" });
    expect(socket.calls).toContain("close 1008 read-ahead exceeded");
    for (let n = 0; n < 4; n++) expect(await replies.next()).toEqual(value({ id: "1", n }));
    await expect(replies.next()).rejects.toBeInstanceOf(ConnectionClosureError);
  });
});

describe("a client's requests (D5)", () => {
  async function open(config: ClientConfiguration = WORDS) {
    const server = new ScriptedServer();
    const client = new Client(clientRuntime(server.runtime), "ws://example.com/", config);
    await server.settle();
    server.write(switching());
    await client.opened;
    const send = (...messages: unknown[]): void => {
      for (const message of messages) {
        const payload = typeof message === "string" ? message : JSON.stringify(message);
        server.writeBytes(frame({ opcode: 1, payload }));
      }
    };
    const sent = async (): Promise<unknown[]> => {
      await server.settle();
      return readFrames(fromHex(server.takeReceived())).map(({ opcode, payload }) =>
        opcode === 1 ? JSON.parse(new TextDecoder().decode(payload)) : opcode
      );
    };
    return { server, client, send, sent };
  }

  it("need dispatcherStreamId, and say so at once", async () => {
    const { client, sent } = await open({});
    const error = new TypeError('Cannot send a request: the option "dispatcherStreamId" is not set');
    expect(() => client.request({})).toThrow(error);
    expect(() => client.requestStream({})).toThrow(error);
    expect(await sent()).toEqual([]);
  });

  it("are answered beside the ordinary reader, and end with the connection", async () => {
    const { client, server, send, sent } = await open();
    const read = client.readTextMessage();
    const reply = client.request({ type: "one" });
    const replies = client.requestStream({ type: "many" });
    expect(await sent()).toEqual([{ type: "one", id: "1" }, { type: "many", id: "2" }]);
    send({ id: "2", n: 1 }, "ordinary", { id: "1" }, { id: "2", n: 2 }, { id: "2", type: "complete" });
    expect([await reply, await read]).toEqual([{ id: "1" }, "ordinary"]);
    const seen: unknown[] = [];
    for await (const each of replies) seen.push(each);
    expect(seen).toEqual([{ id: "2", n: 1 }, { id: "2", n: 2 }]);
    const lost = [client.request({}), client.requestStream({}).next(), client.readMessage()];
    server.lose();
    for (const each of lost) await expect(each).rejects.toBeInstanceOf(ConnectionClosureError);
    await client.closed;
    expect(server.clock.timers).toBe(0);
  });

  it("reject before the client is open, as writes do", async () => {
    const server = new ScriptedServer();
    const client = new Client(clientRuntime(server.runtime), "ws://example.com/", WORDS);
    await expect(client.request({})).rejects.toThrow("the connection is not open yet");
    await expect(client.requestStream({}).next()).rejects.toThrow(TypeError);
    expect(server.clock.timers).toBe(1);
    client.terminate();
    await client.closed;
  });

  it("have writeTimeout; one that it ended may still be answered, which nobody hears", async () => {
    const { client, server, send, sent } = await open({ ...WORDS, writeTimeout: 1, maxBufferedAmount: 1 });
    server.far.pause();
    const first = client.request({ x: "x".repeat(60_000) }, undefined, { timeout: 0 });
    const second = client.request({}, undefined, { timeout: 0 });
    const failed = expect(second).rejects.toBeInstanceOf(WriteTimedOutError);
    const both = expect(first).rejects.toBeInstanceOf(WriteTimedOutError);
    await server.clock.pass(1_000);
    await Promise.all([failed, both]);
    server.far.resume();
    const ids = (await sent()).map((message) => (message as { id: string }).id);
    expect(ids).toContain("1");
    const read = client.readTextMessage();
    send({ id: "1" }, { id: "2" }, "ordinary");
    expect(await read).toBe("ordinary");
  });
});
