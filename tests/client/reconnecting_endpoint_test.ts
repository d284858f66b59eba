import { describe, expect, it, vi } from "vitest";
import { Client, type ClientConfiguration } from "../../src/client/client.ts";
import type { ReconnectInfo, RetryConfig } from "../../src/client/retry_options.ts";
import {
  type Closure,
  ConnectionClosureError,
  ConnectionError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  ReadTimedOutError,
  SslError,
  WriteTimedOutError,
} from "../../src/errors.ts";
import { Attempts } from "../support/attempts.ts";
import { FakeSocket } from "../support/fake_socket.ts";

const EXACT = { jitter: false } as const;
const REFUSED = new ConnectionError("Cannot connect to example.com:80: ECONNREFUSED");

/** A client that has begun to connect. */
function dial(retryConfig: RetryConfig<Client> = EXACT, config: ClientConfiguration = {}) {
  const attempts = new Attempts();
  const client = new Client(attempts.runtime, "ws://example.com", { ...config, retryConfig });
  return { attempts, clock: attempts.clock, client };
}

/** One whose first connection is open. */
async function open(retryConfig?: RetryConfig<Client>, config?: ClientConfiguration) {
  const dialled = dial(retryConfig, config);
  const socket = await dialled.attempts.last.open();
  await dialled.client.opened;
  return { ...dialled, socket };
}

type Dialled = ReturnType<typeof dial>;

/** What a promise says by now, or that it says nothing. */
async function now({ clock }: Pick<Dialled, "clock">, promise: Promise<unknown>): Promise<unknown> {
  let said: unknown = "pending";
  promise.then((value) => said = value, (error) => said = error);
  await clock.settle();
  return said;
}

/** Loses the connection, waits, and opens the next one. */
async function reconnect({ attempts, clock }: Dialled, socket: FakeSocket, next?: FakeSocket): Promise<FakeSocket> {
  socket.end();
  await clock.pass(30_000);
  return attempts.last.open(next);
}

/** Milliseconds until the next attempt. */
async function waitOf({ attempts, clock }: Dialled): Promise<number> {
  const before = attempts.all.length;
  const start = clock.now();
  while (attempts.all.length === before) {
    if (clock.now() - start > 10_000_000) throw new Error("There is no other attempt");
    await clock.pass(125);
  }
  return clock.now() - start;
}

function refusal(status: number, headers: Record<string, string> = {}): InvalidHandshakeError {
  const response = { status, headers: new Headers(headers), body: () => Promise.resolve("") };
  return new InvalidHandshakeError(`Refused with ${status}`, response);
}

describe("attempts (C9)", () => {
  it("opened stays pending until one succeeds", async () => {
    const it = dial();
    await it.attempts.last.fail(REFUSED);
    expect(await now(it, it.client.opened)).toBe("pending");
    expect([it.client.isOpen(), it.clock.timers]).toEqual([false, 1]);
    await it.clock.pass(1_000);
    await it.attempts.last.open();
    await it.client.opened;
    expect([it.client.isOpen(), it.clock.timers]).toEqual([true, 0]);
  });

  it("come after exactly the waits of the formula, whether they fail or what they open is lost at once", async () => {
    const it = dial({ jitter: false, interval: 0.5, backOffFactor: 3, maxWaitInterval: 10 });
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      if (i % 2 === 0) await it.attempts.last.fail(REFUSED);
      else (await it.attempts.last.open()).end();
      waits.push(await waitOf(it));
    }
    expect(waits).toEqual([500, 1_500, 4_500, 10_000, 10_000]);
  });

  it("draw their jitter from the runtime's random bytes", async () => {
    const it = dial({});
    it.attempts.random = [0x80, 0, 0, 0];
    await it.attempts.last.fail(REFUSED);
    expect(await waitOf(it)).toBe(625);
    it.attempts.random = [0, 0, 0, 0];
    await it.attempts.last.fail(REFUSED);
    await it.clock.pass(0);
    expect(it.attempts.all).toHaveLength(3);
  });

  it("are counted anew only after minUptime", async () => {
    const it = await open({ jitter: false, minUptime: 2 });
    it.socket.end();
    expect(await waitOf(it)).toBe(1_000);
    const second = await it.attempts.last.open();
    await it.clock.pass(1_999);
    second.end();
    expect(await waitOf(it)).toBe(2_000);
    const third = await it.attempts.last.open();
    await it.clock.pass(2_000);
    third.end();
    expect(await waitOf(it)).toBe(1_000);
  });

  it("are not counted anew by the time that onReconnect takes", async () => {
    const it = await open({ jitter: false, minUptime: 2, onReconnect: () => new Promise(() => {}) });
    it.socket.end();
    await waitOf(it);
    const second = await it.attempts.last.open();
    await it.clock.pass(60_000);
    second.end();
    expect(await waitOf(it)).toBe(2_000);
  });

  it("end after maxCount of them, with the last error", async () => {
    const it = dial({ jitter: false, maxCount: 3 });
    for (let i = 0; i < 3; i++) {
      await it.attempts.last.fail(new ConnectionError(`failure ${i}`));
      await waitOf(it);
    }
    const last = new ConnectionError("the last failure");
    await it.attempts.last.fail(last);
    await expect(it.client.opened).rejects.toBe(last);
    expect((await it.client.closed).error).toBe(last);
    expect([it.attempts.all.length, it.clock.timers, it.client.isOpen()]).toEqual([4, 0, false]);
    await expect(it.client.readMessage()).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(it.client.writeTextMessage("a")).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it("wait for as long as the server asks for", async () => {
    const it = dial();
    await it.attempts.last.fail(refusal(503, { "Retry-After": "10" }));
    expect(await waitOf(it)).toBe(10_000);
    await it.attempts.last.fail(refusal(429, { "Retry-After": "999999999" }));
    expect(await waitOf(it)).toBe(3_600_000);
  });

  it("have no time limit but handshakeTimeout's, and nothing of one is left", async () => {
    const it = await open();
    const [next] = [await reconnect(it, it.socket)];
    next.end();
    await it.clock.pass(2_000);
    it.client.terminate();
    await it.client.closed;
    expect(it.clock.timers).toBe(0);
  });
});

describe("retryOn (C9)", () => {
  const lost: Closure = { code: 1006, reason: "", clean: false };

  it.each<[string, (socket: FakeSocket) => void, boolean]>([
    ["a loss", (socket) => socket.end(), true],
    ["1001", (socket) => socket.closeByPeer(1001), true],
    ["1012", (socket) => socket.closeByPeer(1012), true],
    ["1013", (socket) => socket.closeByPeer(1013), true],
    ["1000", (socket) => socket.closeByPeer(1000), false],
    ["1008", (socket) => socket.closeByPeer(1008), false],
    ["1011", (socket) => socket.closeByPeer(1011), false],
  ])("by default, after %s", async (_, end, again) => {
    const it = await open();
    end(it.socket);
    await it.clock.pass(1_000);
    expect(it.attempts.all).toHaveLength(again ? 2 : 1);
    expect(it.clock.timers).toBe(0);
    if (!again) expect((await it.client.closed).clean).toBe(true);
  });

  it.each<[string, unknown, boolean]>([
    ["a refused connection", REFUSED, true],
    ["a late handshake", new HandshakeTimedOutError("late"), true],
    ["429", refusal(429), true],
    ["500", refusal(500), true],
    ["401", refusal(401), false],
    ["a TLS failure", new SslError("self signed"), false],
    ["a mistake", new TypeError("ill-formed header"), false],
  ])("by default, when connecting fails with %s", async (_, error, again) => {
    const it = dial();
    await it.attempts.last.fail(error);
    await it.clock.pass(1_000);
    expect(it.attempts.all).toHaveLength(again ? 2 : 1);
    if (!again) await expect(it.client.opened).rejects.toBe(error);
  });

  it("decides, and is told how it ended and what would be done without it", async () => {
    const asked: [Closure, boolean][] = [];
    const retryOn = (error: ConnectionClosureError, byDefault: boolean): boolean => {
      expect(error).toBeInstanceOf(ConnectionClosureError);
      asked.push([error.closure, byDefault]);
      return error.closure.code === 4000 || error.cause === REFUSED;
    };
    const it = await open({ jitter: false, retryOn });
    it.socket.closeByPeer(4000, "later");
    await it.clock.pass(1_000);
    await it.attempts.last.fail(REFUSED);
    await it.clock.pass(2_000);
    await it.attempts.last.open().then((socket) => socket.end());
    expect(asked).toMatchObject([
      [{ code: 4000, reason: "later", clean: true, first: "remote" }, false],
      [{ code: 1006, clean: false, error: REFUSED }, true],
      [lost, true],
    ]);
    expect(await it.client.closed).toMatchObject(lost);
  });

  it("is asked when this side closed for a reason of its own, and not when the user ends it", async () => {
    const asked: [number, boolean][] = [];
    const retryOn = ({ closure }: ConnectionClosureError, byDefault: boolean): boolean => {
      asked.push([closure.sent!.code, byDefault]);
      return true;
    };
    const it = await open({ jitter: false, retryOn }, { idleTimeout: 10 });
    await it.clock.pass(20_000);
    expect(it.socket.calls).toContain("close 1001 idle timeout");
    const frame = { code: 1001, reason: "idle timeout" };
    it.socket.end({ ...frame, clean: true, sent: frame, received: { code: 1001, reason: "" }, first: "local" });
    expect(asked).toEqual([[1001, false]]);
    await it.clock.pass(1_000);
    const second = await it.attempts.last.open();
    const closed = it.client.close();
    second.end({ sent: { code: 1000, reason: "" }, first: "local" });
    await closed;
    expect([asked.length, it.clock.timers]).toEqual([1, 0]);
  });

  it.each<[string, () => unknown, unknown]>([
    ["throws", () => {
      throw new Error("a mistake");
    }, new Error("a mistake")],
    ["does not return a boolean", () => Promise.resolve(true), expect.any(TypeError)],
    ["does not return anything", () => {}, expect.any(TypeError)],
  ])("that %s is reported, and the end", async (_, retryOn, reported) => {
    const it = await open({ retryOn: retryOn as () => boolean });
    it.socket.end();
    expect(await it.client.closed).toMatchObject(lost);
    expect(it.attempts.reported).toEqual([reported]);
  });

  it("that returns a promise which rejects ends no process", async () => {
    const it = await open({ retryOn: (() => Promise.reject(new Error("async"))) as unknown as () => boolean });
    it.socket.end();
    await it.client.closed;
    expect(it.attempts.reported).toEqual([expect.any(TypeError), new Error("async")]);
  });

  it("may close the client, and that holds", async () => {
    let it: Dialled | undefined = undefined;
    const opened = it = await open({
      retryOn: () => {
        void (it as unknown as Dialled).client.close();
        return true;
      },
    });
    opened.socket.end();
    expect(await it.client.closed).toMatchObject(lost);
    expect([it.clock.timers, it.attempts.all.length]).toEqual([0, 1]);
  });
});

describe("reading over connections (C9)", () => {
  it("a loop goes on, and what came before the loss is read first, in order", async () => {
    const it = await open();
    for (const text of ["a", "b", "c"]) it.socket.sink!.message(text);
    const seen: unknown[] = [];
    const next = await reconnect(it, it.socket);
    next.sink!.message("d");
    const loop = (async () => {
      for await (const message of it.client) seen.push(message);
    })();
    await it.clock.settle();
    const third = await reconnect(it, next);
    third.sink!.message("e");
    third.closeByPeer(1000);
    await loop;
    expect(seen).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("a pending read is served by the next connection, and its time limit holds over the wait", async () => {
    const it = await open(EXACT, { readTimeout: 2.5 });
    const read = it.client.readTextMessage();
    it.socket.end();
    await it.clock.pass(1_000);
    (await it.attempts.last.open()).sink!.message("here");
    expect(await read).toBe("here");
    const late = it.client.readMessage();
    late.catch(() => {});
    await it.clock.pass(2_500);
    await expect(late).rejects.toBeInstanceOf(ReadTimedOutError);
  });

  it("readable goes on, and fails with the last closure at the real end", async () => {
    const it = await open();
    const reader = it.client.readable.getReader();
    const first = reader.read();
    const next = await reconnect(it, it.socket);
    next.sink!.message("a");
    expect(await first).toEqual({ value: "a", done: false });
    const second = reader.read();
    next.closeByPeer(1011, "broken");
    await expect(second).rejects.toMatchObject({ closure: { code: 1011 } });
  });

  it("can begin before the first connection is there", async () => {
    const it = dial();
    const read = it.client.readMessage();
    const write = it.client.writeTextMessage("first");
    await it.attempts.last.fail(REFUSED);
    await it.clock.pass(1_000);
    const socket = await it.attempts.last.open();
    await write;
    socket.sink!.message("answer");
    expect([await read, socket.sent]).toEqual(["answer", ["first"]]);
  });

  it("ends a loop for good when it ends with 1000, and when the user leaves it", async () => {
    const it = await open();
    const next = await reconnect(it, it.socket);
    next.sink!.message("a");
    for await (const message of it.client) {
      expect(message).toBe("a");
      break;
    }
    expect(next.calls).toEqual(["close 1000"]);
    next.end({ sent: { code: 1000, reason: "" }, first: "local" });
    await it.client.closed;
    expect([it.attempts.all.length, it.clock.timers]).toEqual([2, 0]);
  });

  it("holds a new connection back while the queue is full, and the queue does not grow from one to the next", async () => {
    const it = await open(EXACT, { readAhead: { messages: 2 } });
    it.socket.sink!.message("a");
    it.socket.sink!.message("b");
    expect(it.socket.calls).toEqual(["pause"]);
    let socket = it.socket;
    for (let i = 0; i < 20; i++) {
      socket = await reconnect(it, socket);
      expect(socket.calls).toEqual(["pause"]);
      // A paused connection hands out what it had at its end.
      for (let j = 0; j < 10; j++) socket.sink!.message("too much");
    }
    socket = await reconnect(it, socket);
    expect([await it.client.readMessage(), await it.client.readMessage()]).toEqual(["a", "b"]);
    expect(socket.calls).toEqual(["pause", "resume"]);
    socket.sink!.message("c");
    expect(await it.client.readMessage()).toBe("c");
  });
});

describe("what a client knows (C11)", () => {
  it("is of the new connection; its name stays", async () => {
    const it = await open();
    it.attempts.random = [...Array(16).keys()];
    const id = it.client.getConnectionId();
    expect(it.client.getHttpResponse()?.headers.get("x-attempt")).toBe("1");
    const next = new FakeSocket();
    next.protocol = "v2";
    it.attempts.random = [0xff, 0xff, 0xff, 0xff];
    const opened = await reconnect(it, it.socket, next);
    expect(it.client.getHttpResponse()?.headers.get("x-attempt")).toBe("2");
    expect(it.client.getNegotiatedSubProtocol()).toBe("v2");
    expect([it.client.getConnectionId(), it.client.isOpen()]).toEqual([id, true]);
    opened.end();
    expect(it.client.isOpen()).toBe(false);
  });

  it("latency is measured anew", async () => {
    const it = await open(EXACT, { pingInterval: 10 });
    const pings: Uint8Array[] = [];
    it.socket.ping = (payload) => void pings.push(payload);
    await it.clock.pass(10_000);
    it.clock.advance(500);
    it.socket.sink!.pong(pings[0]!);
    expect(it.client.latency).toBe(0.5);
    await reconnect(it, it.socket);
    expect(it.client.latency).toBeUndefined();
  });

  it("answers no ping of one connection on the next", async () => {
    let answer!: (bytes: Uint8Array) => void;
    const onPing = (): Promise<Uint8Array> => new Promise((resolve) => answer = resolve);
    const it = await open(EXACT, { pingPongHandler: { onPing } });
    it.socket.sink!.ping(Uint8Array.of(1));
    const next = await reconnect(it, it.socket);
    answer(Uint8Array.of(1));
    await it.clock.settle();
    next.sink!.ping(Uint8Array.of(2));
    answer(Uint8Array.of(2));
    await it.clock.settle();
    expect(next.calls).toEqual(["pong 02"]);
  });

  it("pings only over a connection", async () => {
    const it = await open();
    it.client.ping(Uint8Array.of(1));
    it.socket.end();
    expect(() => it.client.ping()).toThrow("Cannot send a ping: there is no connection at the moment");
    expect(() => it.client.pong()).toThrow(ConnectionError);
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    it.client.ping(Uint8Array.of(2));
    expect([it.socket.calls, next.calls]).toEqual([["ping 01"], ["ping 02"]]);
    it.client.terminate();
    next.end();
    expect(() => it.client.ping()).toThrow(ConnectionClosureError);
  });
});

describe("the outbox (C9)", () => {
  it("keeps what is written meanwhile, in order, and sends it before what is written later", async () => {
    const it = await open();
    it.socket.bufferedAmount = 7;
    it.socket.end();
    const bytes = Uint8Array.of(1, 2);
    const writes = [
      it.client.writeTextMessage("a"),
      it.client.writeBinaryMessage(bytes),
      it.client.writeMessage({ c: 3 }, { compress: false }),
    ];
    bytes.fill(9);
    expect(await now(it, Promise.race(writes))).toBe("pending");
    expect(it.client.bufferedAmount).toBe(10);
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await Promise.all(writes);
    await it.client.writeTextMessage("d");
    expect(next.sent).toEqual(["a", Uint8Array.of(1, 2), '{"c":3}', "d"]);
    expect(next.compressed).toEqual([true, true, false, true]);
    expect([it.socket.sent, it.client.bufferedAmount]).toEqual([[], 0]);
  });

  it("refuses what it has no room for at once, counts empty messages too, and takes what fits again", async () => {
    const it = await open({ ...EXACT, outbox: 1_000 });
    it.socket.end();
    let kept = 0;
    let failure: unknown;
    while (failure === undefined && kept < 100) {
      const write = it.client.writeTextMessage("");
      failure = await now(it, write).then((said) => said === "pending" ? void kept++ : said);
    }
    expect(kept).toBe(15);
    expect(failure).toBeInstanceOf(ConnectionError);
    expect((failure as Error).message).toBe(
      "Cannot send a message: there is no connection, and no room beside 0 bytes that wait",
    );
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    expect(next.sent).toHaveLength(15);
    next.end();
    const exact = it.client.writeBinaryMessage(new Uint8Array(936));
    expect(await now(it, exact)).toBe("pending");
    await expect(it.client.writeTextMessage("")).rejects.toThrow("no room beside 936 bytes that wait");
    await it.clock.pass(2_000);
    await it.attempts.last.open();
    await exact;
  });

  it("sends no request that nobody waits for any more, nor its cancel; those that were sent are cancelled", async () => {
    const words = { dispatcherStreamId: "id", dispatcherKey: "type", dispatcherCancel: "cancel" };
    const opened = await open(EXACT, words);
    const { client, socket, clock } = opened;
    const requests: Promise<unknown>[] = [];
    const ask = (id: string, timeout: number): void => {
      requests.push(client.request({ id }, undefined, { timeout }).catch((error: Error) => error.name));
    };
    ask("sent", 0.5);
    await clock.pass(1_000);
    expect(socket.sent.splice(0)).toEqual(['{"id":"sent"}', '{"type":"cancel","id":"sent"}']);

    socket.end();
    await clock.settle();
    ask("late", 0.5);
    ask("again", 0.5);
    ask("kept", 0);
    const stream = client.requestStream({ id: "left" });
    await stream.return();
    void client.writeTextMessage("between");
    await clock.pass(700);
    // An id that is used again is the second one's.
    ask("again", 0);
    await clock.pass(30_000);
    const next = await opened.attempts.last.open();
    await clock.settle();
    expect(next.sent).toEqual(['{"id":"kept"}', "between", '{"id":"again"}']);
    next.sink!.message('{"id":"again"}');
    next.sink!.message('{"id":"kept"}');
    await clock.settle();
    expect(await Promise.all(requests)).toEqual([
      "ReadTimedOutError",
      "ReadTimedOutError",
      "ReadTimedOutError",
      { id: "kept" },
      { id: "again" },
    ]);
    // What was never sent has no late reply: this is another message.
    next.sink!.message('{"id":"late"}');
    expect(await client.readMessage()).toBe('{"id":"late"}');
  });

  it("of size 0 keeps nothing", async () => {
    const it = await open({ ...EXACT, outbox: 0 });
    it.socket.end();
    await expect(it.client.writeTextMessage("a")).rejects.toThrow(ConnectionError);
  });

  it("drops a message whose writeTimeout is over, and only that one", async () => {
    const it = await open(EXACT, { writeTimeout: 1.5 });
    it.socket.end();
    const late = it.client.writeTextMessage("late");
    late.catch(() => {});
    await it.clock.pass(1_000);
    await it.attempts.last.fail(REFUSED);
    const good = it.client.writeTextMessage("good");
    await it.clock.pass(500);
    await expect(late).rejects.toBeInstanceOf(WriteTimedOutError);
    await it.clock.pass(400);
    await it.clock.pass(1_100);
    await expect(good).rejects.toBeInstanceOf(WriteTimedOutError);
    const best = it.client.writeTextMessage("best");
    const next = await it.attempts.last.open();
    await best;
    expect(next.sent).toEqual(["best"]);
    expect(it.clock.timers).toBe(0);
  });

  it("sends no message late when nothing else is written", async () => {
    const it = await open({ jitter: false, interval: 2 }, { writeTimeout: 1 });
    it.socket.end();
    const late = it.client.writeTextMessage("late");
    late.catch(() => {});
    await it.clock.pass(2_000);
    const next = await it.attempts.last.open();
    await expect(late).rejects.toBeInstanceOf(WriteTimedOutError);
    expect([next.sent, it.client.bufferedAmount]).toEqual([[], 0]);
  });

  it("makes room for others once a writeTimeout is over", async () => {
    const it = await open({ jitter: false, interval: 60, maxWaitInterval: 60, outbox: 164 }, { writeTimeout: 1 });
    it.socket.end();
    const late = it.client.writeBinaryMessage(new Uint8Array(100));
    late.catch(() => {});
    await it.clock.pass(1_000);
    await expect(late).rejects.toBeInstanceOf(WriteTimedOutError);
    expect(await now(it, it.client.writeBinaryMessage(new Uint8Array(100)))).toBe("pending");
  });

  it("takes over what no socket was handed, and not what was: that rejects, and is uncertain", async () => {
    const infos: ReconnectInfo[] = [];
    const it = await open({ ...EXACT, onReconnect: (_, info) => void infos.push(info) }, { maxBufferedAmount: 100 });
    it.socket.writable = false;
    const handed = it.client.writeBinaryMessage(new Uint8Array(98));
    const held = [it.client.writeTextMessage("abcdef"), it.client.writeTextMessage("g")];
    expect(it.socket.sent).toHaveLength(1);
    it.socket.end();
    await expect(handed).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(await now(it, Promise.race(held))).toBe("pending");
    const later = it.client.writeTextMessage("h");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await Promise.all([...held, later]);
    expect(next.sent).toEqual(["abcdef", "g", "h"]);
    const closure = { code: 1006, reason: "", clean: false };
    expect(infos).toEqual([{ attempt: 1, closure, uncertain: { messages: 1, bytes: 98 } }]);
  });

  it("takes over what was held when the peer closes, before the connection is gone", async () => {
    const it = await open(EXACT, { maxBufferedAmount: 10 });
    it.socket.writable = false;
    it.client.writeTextMessage("12345").catch(() => {});
    const held = it.client.writeTextMessage("abcdef");
    it.socket.sink!.closing!(1012, "");
    const meanwhile = it.client.writeTextMessage("g");
    expect(it.client.isOpen()).toBe(false);
    it.socket.closeByPeer(1012);
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await Promise.all([held, meanwhile]);
    expect(next.sent).toEqual(["abcdef", "g"]);
  });

  it("rejects of what was held that which it has no room for", async () => {
    const it = await open({ ...EXACT, outbox: 80 }, { maxBufferedAmount: 100 });
    it.socket.writable = false;
    it.client.writeBinaryMessage(new Uint8Array(100)).catch(() => {});
    const [first, second] = [it.client.writeTextMessage("first"), it.client.writeTextMessage("second")];
    it.socket.end();
    await expect(second).rejects.toThrow("no room beside 5 bytes that wait");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await first;
    expect(next.sent).toEqual(["first"]);
  });

  it("goes out at the peer's pace, in order with what is written meanwhile, and survives two losses while it does", async () => {
    const it = await open(EXACT, { bufferPolicy: "close" });
    it.socket.end();
    const texts = Array.from({ length: 6 }, (_, i) => `m${i}`);
    const writes = texts.map((text) => it.client.writeTextMessage(text));
    writes.forEach((write) => write.catch(() => {}));
    const slow = new FakeSocket();
    slow.writable = false;
    await it.clock.pass(1_000);
    await it.attempts.last.open(slow);
    expect(slow.sent).toEqual(["m0"]);
    const meanwhile = it.client.writeTextMessage("m6");
    const slower = new FakeSocket();
    slower.writable = false;
    slow.end();
    await it.clock.pass(2_000);
    await it.attempts.last.open(slower);
    slower.drain();
    slower.writable = false;
    expect(slower.sent).toEqual(["m1", "m2", "m3", "m4", "m5", "m6"]);
    slower.end();
    await it.clock.pass(4_000);
    const last = await it.attempts.last.open();
    await it.client.writeTextMessage("m7");
    expect(last.sent).toEqual(["m7"]);
    const settled = await Promise.allSettled([...writes, meanwhile]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", ...Array(6).fill("fulfilled")]);
  });

  it("rejects what waits when there will be no other connection, and ends no process for writes that nobody awaits", async () => {
    const it = await open({ ...EXACT, maxCount: 1 });
    it.socket.end();
    const write = it.client.writeTextMessage("a");
    void it.client.writeTextMessage("nobody awaits this one");
    await it.clock.pass(1_000);
    await it.attempts.last.fail(refusal(401));
    await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
    // An unhandled rejection fails the run.
    await it.clock.settle();
  });

  it("holds writable back", async () => {
    const it = await open();
    const writer = it.client.writable.getWriter();
    it.socket.end();
    const write = writer.write("a");
    expect(await now(it, write)).toBe("pending");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await write;
    expect(next.sent).toEqual(["a"]);
    const closing = writer.close();
    await it.clock.settle();
    expect(next.calls.at(-1)).toBe("close 1000");
    const frame = { code: 1000, reason: "" };
    next.end({ ...frame, clean: true, sent: frame, received: frame, first: "local" });
    await closing;
  });
});

describe("what is uncertain (C9)", () => {
  it("is everything since the connection opened, or since the last ping that was answered", async () => {
    const infos: ReconnectInfo[] = [];
    const it = await open({ ...EXACT, onReconnect: (_, info) => void infos.push(info) }, { pingInterval: 10 });
    const pings: Uint8Array[] = [];
    it.socket.ping = (payload) => void pings.push(payload);
    await it.client.writeTextMessage("arrived");
    await it.clock.pass(10_000);
    await it.client.writeTextMessage("1234");
    it.socket.sink!.pong(pings[0]!);
    await it.clock.pass(10_000);
    expect(pings).toHaveLength(2);
    await it.client.writeBinaryMessage(new Uint8Array(3));
    const next = await reconnect(it, it.socket);
    await next.sink!.message("not what counts");
    await it.client.writeTextMessage("x");
    await reconnect(it, next);
    expect(infos.map(({ uncertain }) => uncertain)).toEqual([{ messages: 2, bytes: 7 }, { messages: 1, bytes: 1 }]);
  });

  it("counts what went out of the outbox", async () => {
    const infos: ReconnectInfo[] = [];
    const it = await open({ ...EXACT, onReconnect: (_, info) => void infos.push(info) });
    it.socket.end();
    void it.client.writeTextMessage("ab");
    await it.clock.pass(1_000);
    await reconnect(it, await it.attempts.last.open());
    expect(infos.map(({ attempt, uncertain }) => [attempt, uncertain])).toEqual([
      [1, { messages: 0, bytes: 0 }],
      [2, { messages: 1, bytes: 2 }],
    ]);
  });
});

describe("onReconnect (C9)", () => {
  it("is called for each connection but the first, before anything of it is read, and writes ahead of the outbox", async () => {
    const said: unknown[] = [];
    const onReconnect = (client: Client, { attempt }: ReconnectInfo): void => {
      said.push(["reconnected", attempt, client.isOpen()]);
      void client.writeTextMessage("subscribe");
    };
    const it = await open({ ...EXACT, onReconnect });
    expect(said).toEqual([]);
    const loop = (async () => {
      for await (const message of it.client) said.push(message);
    })();
    loop.catch(() => {});
    it.socket.end();
    void it.client.writeTextMessage("waited");
    await it.clock.pass(1_000);
    await it.attempts.last.fail(REFUSED);
    await it.clock.pass(2_000);
    const next = new FakeSocket();
    const opening = it.attempts.last.open(next);
    await opening;
    next.sink!.message("news");
    await it.clock.settle();
    expect(said).toEqual([["reconnected", 2, true], "news"]);
    expect(next.sent).toEqual(["subscribe", "waited"]);
  });

  it("may take its time: what it writes goes first, and messages can be read meanwhile", async () => {
    const onReconnect = async (client: Client): Promise<void> => {
      await client.writeTextMessage("hello");
      expect(await client.readTextMessage()).toBe("welcome");
      await client.writeTextMessage("subscribe");
    };
    const it = await open({ ...EXACT, onReconnect });
    it.socket.end();
    const write = it.client.writeTextMessage("waited");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    expect([next.sent, await now(it, write), it.clock.timers]).toEqual([["hello"], "pending", 1]);
    next.sink!.message("welcome");
    await write;
    expect(next.sent).toEqual(["hello", "subscribe", "waited"]);
    expect([it.clock.timers, it.attempts.reported]).toEqual([0, []]);
  });

  it.each<[string, () => void | Promise<void>]>([
    ["throws", () => {
      throw new Error("no token");
    }],
    ["rejects", () => Promise.reject(new Error("no token"))],
  ])("that %s is reported; the connection is dropped, and was an attempt in vain", async (_, fail) => {
    const asked: unknown[] = [];
    let fails = true;
    const it = await open({
      jitter: false,
      onReconnect: () => fails ? fail() : undefined,
      retryOn: ({ closure }, byDefault) => {
        asked.push((closure.error?.cause as Error | undefined)?.message);
        return byDefault;
      },
    });
    it.socket.end();
    const write = it.client.writeTextMessage("waited");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    expect([next.calls, it.attempts.reported]).toEqual([["destroy"], [new Error("no token")]]);
    next.end({ error: next.destroyedWith! });
    fails = false;
    expect(await waitOf(it)).toBe(2_000);
    const third = await it.attempts.last.open();
    await write;
    expect([third.sent, asked]).toEqual([["waited"], [undefined, "no token"]]);
  });

  it("that takes longer than handshakeTimeout is given up", async () => {
    const it = await open({ ...EXACT, onReconnect: () => new Promise(() => {}) }, { handshakeTimeout: 5 });
    it.socket.end();
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    await it.clock.pass(4_999);
    expect(next.calls).toEqual([]);
    await it.clock.pass(1);
    expect(next.calls).toEqual(["destroy"]);
    expect(it.attempts.reported).toEqual([expect.any(HandshakeTimedOutError)]);
    expect(next.destroyedWith?.cause).toBe(it.attempts.reported[0]);
  });

  it("is not blamed for a connection that is lost while it runs, and what it had written is not sent on the next", async () => {
    let slow = true;
    const onReconnect = async (client: Client): Promise<void> => {
      void client.writeTextMessage("12345");
      if (slow) await client.writeTextMessage("abcdef");
    };
    const it = await open({ ...EXACT, onReconnect }, { maxBufferedAmount: 10 });
    it.socket.end();
    const write = it.client.writeTextMessage("waited");
    const next = new FakeSocket();
    next.writable = false;
    await it.clock.pass(1_000);
    await it.attempts.last.open(next);
    slow = false;
    next.end();
    await it.clock.pass(2_000);
    const third = await it.attempts.last.open();
    await write;
    expect([third.sent, it.attempts.reported]).toEqual([["12345", "waited"], []]);
    expect(it.clock.timers).toBe(0);
  });

  it("that fails after its connection was lost is reported, and drops no other one", async () => {
    let fail!: (error: Error) => void;
    let runs = 0;
    const onReconnect = (): void | Promise<void> =>
      runs++ === 0 ? new Promise((_, reject) => fail = reject) : undefined;
    const it = await open({ ...EXACT, onReconnect });
    const next = await reconnect(it, it.socket);
    const third = await reconnect(it, next);
    fail(new Error("late"));
    await it.clock.settle();
    expect([it.attempts.reported, third.calls, it.client.isOpen()]).toEqual([[new Error("late")], [], true]);
  });
});

describe("ending it (C9)", () => {
  type Act = (it: Dialled, controller: AbortController) => void;
  const acts: [string, Act, unknown][] = [
    ["close", ({ client }) => void client.close(), expect.any(ConnectionError)],
    ["terminate", ({ client }) => client.terminate(), expect.any(ConnectionError)],
    ["the signal", (_, controller) => controller.abort("enough"), "enough"],
  ];

  function controlled() {
    const controller = new AbortController();
    const it = dial(EXACT, { signal: controller.signal });
    return { ...it, controller };
  }

  it.each(acts)("%s while the first attempt is on its way", async (_, act, reason) => {
    const it = controlled();
    act(it, it.controller);
    await expect(it.client.opened).rejects.toEqual(reason);
    expect((await it.client.closed).code).toBe(1006);
    expect([it.attempts.last.signal.aborted, it.clock.timers]).toEqual([true, 0]);
  });

  it.each(acts)("%s while it waits, and it ends at once with the last closure", async (_, act, reason) => {
    const it = controlled();
    await it.attempts.last.fail(REFUSED);
    const read = it.client.readMessage();
    const write = it.client.writeTextMessage("a");
    act(it, it.controller);
    expect(it.clock.timers).toBe(0);
    await expect(it.client.opened).rejects.toEqual(reason);
    expect(await it.client.closed).toMatchObject({ code: 1006, error: REFUSED });
    await expect(read).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
  });

  it.each(acts)(
    "%s while it connects anew: the last closure, and an answer that comes too late opens nothing",
    async (_, act) => {
      const it = controlled();
      const socket = await it.attempts.last.open();
      socket.closeByPeer(1012, "restart");
      await it.clock.pass(1_000);
      const attempt = it.attempts.last;
      act(it, it.controller);
      expect(await it.client.closed).toMatchObject({ code: 1012, reason: "restart" });
      expect([attempt.signal.aborted, it.clock.timers, it.client.isOpen()]).toEqual([true, 0, false]);
      await it.client.opened;
    },
  );

  it("an answer that comes in the same moment is let go", async () => {
    const it = dial();
    const socket = new FakeSocket();
    const opening = it.attempts.last.open(socket);
    it.client.terminate();
    await opening;
    expect([socket.calls, it.client.isOpen()]).toEqual([["destroy"], false]);
  });

  it("close while onReconnect runs: what it wrote goes out, what waited is rejected", async () => {
    const it = await open({
      ...EXACT,
      onReconnect: (client) => {
        void client.writeTextMessage("hello");
        return new Promise(() => {});
      },
    });
    it.socket.end();
    const write = it.client.writeTextMessage("waited");
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    const closed = it.client.close(1000, "bye");
    const frame = { code: 1000, reason: "bye" };
    next.end({ ...frame, clean: true, sent: frame, received: frame, first: "local" });
    expect(await closed).toMatchObject({ code: 1000, clean: true });
    expect(next.calls).toEqual(["send hello", "close 1000 bye"]);
    await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(it.clock.timers).toBe(0);
  });

  it("close while onReconnect runs: its failure cuts the closing handshake not short", async () => {
    let fail!: (error: Error) => void;
    const it = await open({ ...EXACT, onReconnect: () => new Promise((_, reject) => fail = reject) });
    it.socket.end();
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    void it.client.close();
    fail(new Error("late"));
    await it.clock.settle();
    expect([next.calls, it.attempts.reported]).toEqual([["close 1000"], [new Error("late")]]);
    next.end({ sent: { code: 1000, reason: "" }, first: "local" });
    await it.client.closed;
  });

  it("close while the outbox goes out: all of it is sent before the close frame", async () => {
    const it = await open();
    it.socket.end();
    const writes = ["a", "b", "c"].map((text) => it.client.writeTextMessage(text));
    const next = new FakeSocket();
    next.writable = false;
    await it.clock.pass(1_000);
    await it.attempts.last.open(next);
    expect(next.sent).toEqual(["a"]);
    void it.client.close();
    expect(next.calls).toEqual(["send a", "send b", "send c", "close 1000"]);
    await Promise.all(writes);
    next.end({ sent: { code: 1000, reason: "" }, first: "local" });
    await it.client.closed;
    expect([it.attempts.all.length, it.clock.timers]).toEqual([2, 0]);
  });

  it("terminate and the signal while the outbox goes out: what was not handed over is rejected", async () => {
    const it = await open();
    it.socket.end();
    const writes = ["a", "b"].map((text) => it.client.writeTextMessage(text));
    const next = new FakeSocket();
    next.writable = false;
    await it.clock.pass(1_000);
    await it.attempts.last.open(next);
    it.client.terminate();
    next.end();
    await it.client.closed;
    for (const write of writes) await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(next.sent).toEqual(["a"]);
  });

  it("the signal drops an open connection, and there is no other one", async () => {
    const it = controlled();
    const socket = await it.attempts.last.open();
    it.controller.abort("enough");
    socket.end({ error: socket.destroyedWith! });
    expect((await it.client.closed).error?.cause).toBe("enough");
    expect([it.attempts.all.length, it.clock.timers]).toEqual([1, 0]);
  });

  it("a signal that is aborted already lets no attempt begin", async () => {
    const it = dial(EXACT, { signal: AbortSignal.abort("early") });
    await expect(it.client.opened).rejects.toBe("early");
    expect((await it.client.closed).error?.cause).toBe("early");
    expect(it.attempts.all).toEqual([]);
  });

  it("a second close gets the first one's promise; a wrong code is refused, and ends nothing", async () => {
    const it = await open();
    expect(() => it.client.close(1006)).toThrow(RangeError);
    it.socket.end();
    await it.clock.pass(1_000);
    const next = await it.attempts.last.open();
    const first = it.client.close();
    expect(it.client.close(4000)).toBe(first);
    next.end({ sent: { code: 1000, reason: "" }, first: "local" });
    await first;
    expect(it.client.close()).toBe(first);
  });

  it("reads after the end what came before it (P5)", async () => {
    const it = await open();
    it.socket.sink!.message("a");
    it.socket.closeByPeer(1000);
    expect(await it.client.readMessage()).toBe("a");
    await expect(it.client.readMessage()).rejects.toMatchObject({ closure: { code: 1000 } });
  });
});

describe("many connections (C9)", () => {
  it("200 of them leave nothing behind: no timer, no listener of the signal, no message", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const it = await open({ ...EXACT, onReconnect: () => Promise.resolve() }, {
      signal,
      pingInterval: 10,
      idleTimeout: 90,
    });
    let socket = it.socket;
    for (let i = 0; i < 200; i++) {
      socket.sink!.message(`from ${i}`);
      socket.end();
      const write = it.client.writeTextMessage(`to ${i}`);
      // Only the wait for the next attempt.
      expect(it.clock.timers).toBe(1);
      await it.clock.pass(30_000);
      socket = await it.attempts.last.open();
      await write;
      expect(await it.client.readMessage()).toBe(`from ${i}`);
      expect(socket.sent).toEqual([`to ${i}`]);
      // Only the coarse timer of all deadlines.
      expect(it.clock.timers).toBe(1);
    }
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 0]);
    it.client.terminate();
    socket.end();
    await it.client.closed;
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
    expect([it.clock.timers, it.client.bufferedAmount, it.attempts.all.length]).toEqual([0, 0, 201]);
  });
});
