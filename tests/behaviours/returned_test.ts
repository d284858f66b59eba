/**
 * The rows S1 and S4 to S8 of the acceptance table, kind by kind: every value that a handler may return, every handler
 * that may return it, what is let go of when the peer leaves, and who hears of a failure in which order.
 */

import { describe, expect, it } from "vitest";
import {
  type Caller,
  closeFrame,
  ConnectionClosureError,
  type Listener,
  type Service,
  type UpgradeService,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, here, refuses } from "../support/host.ts";
import { deferred, expectRefused, onSockets } from "../support/on_sockets.ts";

const { listen, upgraded } = onSockets();

async function serve(
  service: Service,
  options?: UpgradeServiceOptions,
): Promise<{ peer: FramePeer; errors: unknown[]; listener: Listener }> {
  const errors: unknown[] = [];
  const listener = await listen(service, options, { onError: (error) => errors.push(error) });
  return { peer: await upgraded(listener.port), errors, listener };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("what is returned", () => {
  it.each<[string, () => unknown, number, string]>([
    ["zero", () => 0, 1, "0"],
    ["minus one half", () => -0.5, 1, "-0.5"],
    ["true", () => true, 1, "true"],
    ["an empty object", () => ({}), 1, "{}"],
    ["an object without a prototype", () => Object.assign(Object.create(null), { a: "é" }), 1, '{"a":"é"}'],
    ["an empty array", () => [], 1, "[]"],
    ["an array of numbers, which is no bytes", () => [1, 2, 255], 1, "[1,2,255]"],
    ["quotes in JSON", () => ({ a: 'he said "hi"\n' }), 1, '{"a":"he said \\"hi\\"\\n"}'],
    ["an empty Uint8Array", () => new Uint8Array(0), 2, ""],
    ["a part of a larger buffer", () => new Uint8Array([1, 97, 98, 2]).subarray(1, 3), 2, "ab"],
    ["an empty ArrayBuffer", () => new ArrayBuffer(0), 2, ""],
    ["a promise of null", () => Promise.resolve(null), 1, "null"],
    ["a thenable", () => ({ then: (resolve: (value: unknown) => void) => resolve("then") }), 1, "then"],
    ["a promise of a promise", () => Promise.resolve(Promise.resolve(Uint8Array.of(97))), 2, "a"],
    [
      "an object that only looks like a close frame",
      () => ({ status: 1000, reason: "" }),
      1,
      '{"status":1000,"reason":""}',
    ],
  ])("S4: %s", async (_what, make, opcode, text) => {
    const { peer } = await serve({ onTextMessage: () => make() as string });
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ fin: true, opcode, text });
  });

  it.each(["onOpen", "onTextMessage", "onBinaryMessage", "onMessage", "onPong", "onIdleTimeout"] as const)(
    "S4: %s: a text, bytes, JSON, a stream",
    async (name) => {
      const answers: unknown[] = ["text", Uint8Array.of(97), { b: 1 }, ["c", Uint8Array.of(100)][Symbol.iterator]()];
      // Each connection has one of them: one that idles longer than its peer needs is not to take the next one's.
      const service = (mine = [answers.shift()]): Service => ({ [name]: () => mine.shift() });
      if (name === "onPong" && here({ "deno native": refuses("deno-no-control", true) }, false)) {
        return await expectRefused(service(), name);
      }
      const { listener } = await serve({}, {});
      listener.attach("/x", { get: () => service(), idleTimeout: 0.05, pingInterval: 0 });
      const opcode =
        { onOpen: 0, onTextMessage: 1, onBinaryMessage: 2, onMessage: 1, onPong: 10, onIdleTimeout: 0 }[name];
      const heard: string[] = [];
      while (answers.length > 0) {
        const left = answers.length;
        const peer = await upgraded(listener.port, "/x");
        if (opcode !== 0) await peer.send({ opcode, payload: "x" });
        const { opcode: kind, text } = await peer.next();
        heard.push(`${kind} ${text}`);
        if (left === 1) heard.push((await peer.next()).text);
        peer.socket.destroy();
      }
      expect(heard).toEqual(["1 text", "2 a", '1 {"b":1}', "1 c", "d"]);
    },
  );

  it("S4: bytes from onPing are the pong, whatever they are held in; anything else is a message", async () => {
    const answers: unknown[] = [Uint8Array.of(97), Uint8Array.of(98).buffer, "text", undefined];
    const service: Service = { onPing: () => answers.shift() as string };
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) return await expectRefused(service, "onPing");
    const { peer } = await serve(service);
    const own = here({ "bun native": deviates("bun-own-pong", true) }, false);
    const heard: string[] = [];
    for (const times of [1, 1, 1, 0]) {
      await peer.send({ opcode: 9, payload: "p" });
      for (let i = 0; i < times + Number(own); i++) {
        const { opcode, text } = await peer.next();
        if (text !== "p") heard.push(`${opcode} ${text}`);
      }
    }
    expect(heard).toEqual(["10 a", "10 b", "1 text"]);
  });

  it.each<[string, () => unknown]>([
    ["a Map", () => new Map([["a", 1]])],
    ["a Set", () => new Set([1])],
    ["a WeakMap", () => new WeakMap()],
    ["a Uint16Array", () => new Uint16Array(1)],
    ["a Float64Array", () => new Float64Array(1)],
    ["a DataView", () => new DataView(new ArrayBuffer(1))],
    ["a Date", () => new Date(0)],
    ["a RegExp", () => /a/],
    ["a URL", () => new URL("http://a.test")],
    ["a function", () => () => {}],
    ["a class", () => class {}],
    ["a symbol", () => Symbol("a")],
    ["a bigint", () => 1n],
    ["a bigint within", () => ({ a: 1n })],
    ["a circle", () => {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      return circle;
    }],
    ["a WritableStream", () => new WritableStream()],
    ["an instance of a class", () =>
      new (class Point {
        x = 1;
      })()],
  ])("S4: %s is a TypeError: returned, promised, from onOpen, out of a stream", async (_what, make) => {
    const listener = await listen();
    const heard: unknown[] = [];
    const onError = (_caller: Caller, error: unknown): void => void heard.push(error);
    const services: Record<string, Service> = {
      "/returned": { onTextMessage: () => make() as string, onError },
      "/promised": { onTextMessage: () => Promise.resolve(make() as string), onError },
      "/opened": { onOpen: () => make() as string, onError },
      "/yielded": {
        *onTextMessage() {
          yield make();
        },
        onError,
      } as Service,
    };
    for (const [path, service] of Object.entries(services)) listener.attach(path, { get: () => service });
    for (const path of Object.keys(services)) {
      const peer = await upgraded(listener.port, path);
      if (path !== "/opened") await peer.text("go");
      expect([path, (await peer.next()).code]).toEqual([path, 1011]);
    }
    expect(heard).toEqual(Array(4).fill(expect.any(TypeError)));
  });
});

describe("streams", () => {
  it.each<[string, (ended: () => void) => unknown]>([
    ["a generator", function* (ended) {
      try {
        for (let i = 0;; i++) yield i;
      } finally {
        ended();
      }
    }],
    ["a generator within a generator", function* (ended) {
      function* inner(): Generator<number> {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          ended();
        }
      }
      yield* inner();
    }],
    ["an async generator within an async generator", async function* (ended) {
      async function* inner(): AsyncGenerator<number> {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          ended();
        }
      }
      yield* inner();
    }],
    ["an async generator that waits", async function* (ended) {
      try {
        for (let i = 0;; i++) {
          yield i;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      } finally {
        ended();
      }
    }],
    ["an async iterable of one's own, with a step that never comes", (ended) => ({
      [Symbol.asyncIterator]() {
        let step = 0;
        return {
          next: () => step++ === 0 ? Promise.resolve({ done: false, value: 0 }) : new Promise(() => {}),
          return: () => (ended(), Promise.resolve({ done: true, value: undefined })),
        };
      },
    })],
    ["an iterator of one's own", (ended) => ({
      next: () => ({ done: false, value: "x".repeat(10_000) }),
      return: () => (ended(), { done: true, value: undefined }),
      [Symbol.iterator]() {
        return this;
      },
    })],
    [
      "a ReadableStream that is pulled",
      (ended) =>
        new ReadableStream({ pull: (controller) => controller.enqueue("x".repeat(10_000)), cancel: () => ended() }),
    ],
    [
      "a ReadableStream that is silent",
      (ended) => new ReadableStream({ start: (controller) => controller.enqueue("one"), cancel: () => ended() }),
    ],
  ])("S4: %s is told to end, once, when the peer leaves", async (_what, make) => {
    let times = 0;
    const ended = deferred();
    const { peer, listener } = await serve({
      onTextMessage: () => make(() => (times++, ended.resolve())) as AsyncIterable<string>,
      onError() {},
    });
    await peer.text("go");
    await peer.next();
    peer.socket.destroy();
    await ended.promise;
    await listener.gracefulStop();
    expect(times).toBe(1);
  });

  it.each<[string, (caller: Caller) => unknown]>([
    ["close", (caller) => caller.close(4000)],
    ["terminate", (caller) => caller.terminate()],
  ])("S4: so it is when the service itself ends the connection by %s", async (_how, end) => {
    const [ended, opened] = [deferred(), deferred<Caller>()];
    const { peer } = await serve({
      onOpen: (caller) => opened.resolve(caller),
      async *onTextMessage() {
        try {
          for (;;) {
            yield "x";
            await nextTurn();
          }
        } finally {
          ended.resolve();
        }
      },
    } as Service);
    await peer.text("go");
    await peer.next();
    end(await opened.promise);
    await ended.promise;
  });

  it("S4: nothing is made for a peer that does not read", async () => {
    let made = 0;
    const [opened, stopped] = [deferred<Caller>(), deferred()];
    const { peer } = await serve({
      onOpen: (caller) => opened.resolve(caller),
      *onTextMessage() {
        try {
          for (;; made++) yield new Uint8Array(10_000);
        } finally {
          stopped.resolve();
        }
      },
    } as Service);
    peer.socket.pause();
    await peer.text("go");
    const caller = await opened.promise;
    // It rests when nothing was made for a hundred turns, though the peer is there.
    for (let calm = 0, seen = -1; calm < 100; calm++) {
      await nextTurn();
      if (made === 0 || made !== seen) calm = 0;
      seen = made;
    }
    expect(caller.isOpen()).toBe(true);
    expect(caller.bufferedAmount).toBeLessThan(4_000_000);
    expect(made * 10_000).toBeLessThan(64_000_000);
    const before = made;
    peer.socket.resume();
    for (let i = 0; i < before + 100; i++) expect((await peer.next()).payload.length).toBe(10_000);
    peer.socket.destroy();
    await stopped.promise;
  });

  it("S5: streams of two connections flow side by side", async () => {
    const { peer, listener } = await serve({
      async *onTextMessage(_caller: Caller, text: string) {
        for (let i = 0; i < 3; i++) {
          yield `${text}${i}`;
          await nextTurn();
        }
      },
    } as Service);
    const other = await upgraded(listener.port);
    await Promise.all([peer.text("a"), other.text("b")]);
    const three = async (from: FramePeer): Promise<string[]> => [
      await from.nextText(),
      await from.nextText(),
      await from.nextText(),
    ];
    expect(await Promise.all([three(peer), three(other)])).toEqual([["a0", "a1", "a2"], ["b0", "b1", "b2"]]);
  });

  it.each<[string, () => unknown]>([
    ["a generator that throws", function* () {
      yield "one";
      throw new Error("broken");
    }],
    ["an async generator that throws", async function* () {
      yield "one";
      throw await Promise.resolve(new Error("broken"));
    }],
    ["a stream that yields an Error", function* () {
      yield "one";
      yield new Error("broken");
    }],
    ["a ReadableStream that errors", () => {
      let step = 0;
      return new ReadableStream({
        pull(controller) {
          if (step++ === 0) controller.enqueue("one");
          else controller.error(new Error("broken"));
        },
      });
    }],
    ["an iterator whose step throws", () => {
      let step = 0;
      return {
        next() {
          if (step++ === 0) return { done: false, value: "one" };
          throw new Error("broken");
        },
        [Symbol.iterator]() {
          return this;
        },
      };
    }],
  ])("S6: %s: 1011 with why, onError hears it once, then onClose", async (_what, make) => {
    const log: unknown[] = [];
    const done = deferred();
    const { peer, errors } = await serve({
      onTextMessage: () => make() as AsyncIterable<string>,
      onError: (_caller, error) => void log.push((error as Error).message),
      onClose: (_caller, code) => {
        log.push(code);
        done.resolve();
      },
    });
    await peer.text("go");
    expect(await peer.nextText()).toBe("one");
    expect(await peer.next()).toMatchObject({ code: 1011, text: expect.stringMatching(/streaming failed: broken$/) });
    await peer.close(1011);
    peer.socket.end();
    await done.promise;
    expect([log, errors]).toEqual([["broken", 1011], []]);
  });

  it("S6: onError may choose another close frame for a stream, too", async () => {
    const { peer } = await serve({
      // deno-lint-ignore require-yield
      *onTextMessage() {
        throw new Error("broken");
      },
      onError: () => closeFrame(4001, "mine"),
    } as Service);
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ code: 4001 });
  });
});

describe("who hears of a failure", () => {
  /** What the handlers hear, in order. */
  function logging(log: unknown[], done: () => void, more: Service): Service {
    return {
      onError: (_caller, error) => void log.push(error instanceof Error ? error.name : error),
      onClose: (caller, code) => {
        log.push(`${code} ${caller.isOpen()}`);
        done();
      },
      ...more,
    };
  }

  it("S7: of a handler: onError while the connection is open, then the close frame, then onClose", async () => {
    const log: unknown[] = [];
    const done = deferred();
    const { peer } = await serve(logging(log, done.resolve, {
      onTextMessage: () => {
        throw new RangeError("mine");
      },
      onError: (caller, error) => {
        log.push(`${(error as Error).name} ${caller.isOpen()}`);
        return "last words";
      },
    }));
    await peer.text("go");
    expect(await peer.nextText()).toBe("last words");
    expect((await peer.next()).code).toBe(1011);
    await peer.close(1011);
    peer.socket.end();
    await done.promise;
    expect(log).toEqual(["RangeError true", "1011 false"]);
  });

  it("S7: an onError that takes its time is waited for, and then may still choose", async () => {
    const { peer } = await serve({
      onTextMessage: () => {
        throw new Error("mine");
      },
      onError: async () => {
        await nextTurn();
        return closeFrame(4002);
      },
    });
    await peer.text("go");
    expect((await peer.next()).code).toBe(4002);
  });

  it("S7: of the network, here a peer that answers no ping: onError with why, then onClose with 1006", async () => {
    const log: unknown[] = [];
    const done = deferred();
    const { errors } = await serve(logging(log, done.resolve, {}), { pingInterval: 0.05, pongTimeout: 0.1 });
    await done.promise;
    expect([log, errors]).toEqual([["ConnectionError", "1006 false"], []]);
  });

  it.each(
    [
      "onOpen",
      "onTextMessage",
      "onBinaryMessage",
      "onMessage",
      "onPing",
      "onPong",
      "onIdleTimeout",
      "onClose",
      "onError",
    ] as const,
  )("S7: an Error that %s returns is told as one that it throws, now or later", async (name) => {
    const mine = new Error("mine");
    const ways: Record<string, () => unknown> = {
      "/returned": () => mine,
      "/later": () => Promise.resolve(mine),
      "/thrown": () => {
        throw mine;
      },
      "/rejected": () => Promise.reject(mine),
    };
    const fails = name === "onError" ? { onTextMessage: () => Promise.reject(new Error("first")) } : {};
    if ((name === "onPing" || name === "onPong") && here({ "deno native": refuses("deno-no-control", true) }, false)) {
      return await expectRefused({ [name]: () => mine }, name);
    }
    const errors: unknown[] = [];
    const listener = await listen({}, {}, { onError: (error) => errors.push(error) });
    for (const [path, way] of Object.entries(ways)) {
      const service: Service = { ...fails, [name]: way };
      listener.attach(path, { get: () => service, idleTimeout: name === "onIdleTimeout" ? 0.02 : 0, pingInterval: 0 });
      const peer = await upgraded(listener.port, path);
      const opcode = { onBinaryMessage: 2, onPing: 9, onPong: 10, onClose: 8, onOpen: 0, onIdleTimeout: 0 };
      const kind = opcode[name as keyof typeof opcode] ?? 1;
      if (kind !== 0) await peer.send({ opcode: kind });
      expect(await peer.closeCode()).toBe(name === "onClose" ? 1005 : 1011);
      peer.socket.end();
      while (errors.length === 0) await nextTurn();
      expect([path, ...errors.splice(0)]).toEqual([path, mine]);
    }
  });

  it("S7: values that are no Error can be thrown, too", async () => {
    for (const thrown of [undefined, null, "text", 7]) {
      const heard: unknown[] = [];
      const { peer } = await serve({
        onTextMessage: () => Promise.reject(thrown),
        onError: (_caller, error) => void heard.push(error),
      });
      await peer.text("go");
      expect((await peer.next()).code).toBe(1011);
      expect(heard).toEqual([thrown]);
    }
  });

  it("S7: an answer that comes too late, because the handler closed before, is told to onError", async () => {
    const heard = deferred<unknown>();
    const { peer } = await serve({
      onTextMessage: async (caller) => {
        void caller.close(4000, "enough");
        await nextTurn();
        return "too late";
      },
      onError: (_caller, error) => heard.resolve(error),
    });
    await peer.text("go");
    expect((await peer.next()).code).toBe(4000);
    expect(await heard.promise).toMatchObject({
      name: "ConnectionClosureError",
      closure: { sent: { code: 4000, reason: "enough" }, first: "local" },
    });

    // It is a mistake of the service's own: without its onError the listener's hears of it.
    const { peer: other, errors, listener } = await serve({
      onTextMessage: (caller) => (void caller.close(4000), "too late"),
    });
    await other.text("go");
    expect((await other.next()).code).toBe(4000);
    expect(errors).toEqual([expect.any(ConnectionClosureError)]);
    expect(listener.stats().unsent).toBe(0);
  });

  it("S8: what is dropped is counted by why: nobody takes it, it came too late, it could not be sent", async () => {
    const [opened, never] = [deferred<Caller>(), deferred()];
    const { peer, listener } = await serve({
      onOpen: (caller) => opened.resolve(caller),
      onTextMessage: () => never.promise,
    });
    const caller = await opened.promise;
    await peer.send({ opcode: 2 }, { opcode: 2, payload: "x" });
    await peer.send({ opcode: 1, payload: "taken" }, { opcode: 1, payload: "waits" }, { opcode: 1, payload: "waits" });
    while (caller.messagesReceived < 5) await nextTurn();
    void caller.close(4000);
    expect(await peer.closeCode()).toBe(4000);
    expect(listener.stats()).toMatchObject({ unhandled: 2, dropped: 2, unsent: 0 });

    const release = deferred();
    const { port, stats } = await listenAndCount({
      onTextMessage: () => release.promise.then(() => "nobody hears it"),
    });
    const leaver = await upgraded(port);
    await leaver.text("go");
    await leaver.close(1000);
    await leaver.closeCode();
    leaver.socket.destroy();
    while (stats().open > 0) await nextTurn();
    release.resolve();
    while (stats().unsent === 0) await nextTurn();
    expect(stats()).toMatchObject({ unhandled: 0, dropped: 0, unsent: 1 });
  });

  async function listenAndCount(service: Service): Promise<{ port: number; stats: Listener["stats"] }> {
    const listener = await listen(service);
    return { port: listener.port, stats: () => listener.stats() };
  }
});

describe("services", () => {
  it("S1: two ways to take messages are refused by the type checker and, behind its back, at the upgrade", async () => {
    const errors: unknown[] = [];
    const listener = await listen({}, {}, { onError: (error) => errors.push(error) });
    // @ts-expect-error -- onMessage beside onTextMessage
    listener.attach("/a", { get: () => ({ onMessage() {}, onTextMessage() {} }) });
    // @ts-expect-error -- onMessage beside onBinaryMessage, later
    listener.attach("/b", { get: () => Promise.resolve({ onMessage() {}, onBinaryMessage() {} }) });
    class Both implements Service {
      onMessage(): void {}
      onTextMessage(): void {}
    }
    listener.attach("/c", { get: () => new Both() } as UpgradeService);
    for (const path of ["/a", "/b", "/c"]) await expect(upgraded(listener.port, path)).rejects.toThrow("500");
    expect(errors.map(String)).toEqual(
      Array(3).fill(
        'TypeError: Cannot serve a connection: "onMessage" stands beside "onTextMessage" or "onBinaryMessage"',
      ),
    );
  });

  it("S1: handlers are methods: of a class, of its parents, with their own this", async () => {
    class Greeter implements Service {
      readonly #greeting: string;
      constructor(greeting: string) {
        this.#greeting = greeting;
      }
      onTextMessage(_caller: Caller, name: string): string {
        return `${this.#greeting} ${name}`;
      }
    }
    class Loud extends Greeter {
      override onTextMessage(caller: Caller, name: string): string {
        return super.onTextMessage(caller, name).toUpperCase();
      }
      onBinaryMessage = (_caller: Caller, data: Uint8Array): number => data.length;
    }
    const { peer } = await serve(new Loud("hi"));
    await peer.send({ opcode: 1, payload: "ada" }, { opcode: 2, payload: "abc" });
    expect([await peer.nextText(), await peer.nextText()]).toEqual(["HI ADA", "3"]);
  });

  it("S1: one with nothing in it holds a connection open", async () => {
    const { peer } = await serve({});
    await peer.send({ opcode: 1, payload: "x" }, { opcode: 9, payload: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
  });
});
