/** The rows S1 to S9 of the acceptance table: the handlers of a connection, and what becomes of what they return. */

import { describe, expect, it } from "vitest";
import {
  type AnyWebSocketError,
  type Caller,
  closeFrame,
  type Service,
  type UpgradeService,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { closePayload, FramePeer } from "../support/frame_peer.ts";
import { bytesOf, type FrameParts, joined } from "../support/frames.ts";
import { deviates, type Differences, differs, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectRefused, failure, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, dial, upgraded, answerTo, whenOver } = onSockets();

/** A peer of a listener with this service, and what the listener's `onError` hears. */
async function serve(
  service: Service,
  options?: UpgradeServiceOptions,
): Promise<{ peer: FramePeer; errors: unknown[]; port: number }> {
  const errors: unknown[] = [];
  const { port } = await listen(service, options, { onError: (error) => errors.push(error) });
  return { peer: await upgraded(port), errors, port };
}

describe("services", () => {
  it("S1: a class instance per connection, with its own state", async () => {
    class Counter implements Service {
      #count = 0;
      onTextMessage(): number {
        return ++this.#count;
      }
    }
    const listener = await listen();
    listener.attach("/counter", { get: () => new Counter() });
    const [one, two] = [await upgraded(listener.port, "/counter"), await upgraded(listener.port, "/counter")];
    for (const peer of [one, one, two]) await peer.text("x");
    expect([await one.nextText(), await one.nextText(), await two.nextText()]).toEqual(["1", "2", "1"]);
  });

  it("S1: one object shared by all of them", async () => {
    let count = 0;
    const { peer, port } = await serve({ onTextMessage: () => ++count });
    const other = await upgraded(port);
    await peer.text("x");
    expect(await peer.nextText()).toBe("1");
    await other.text("x");
    expect(await other.nextText()).toBe("2");
  });

  it("S1: onMessage beside onTextMessage or onBinaryMessage is refused, and so is what is no function", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    const both = { get: () => ({ onMessage() {}, onTextMessage() {} }) } as unknown as UpgradeService;
    listener.attach("/both", both);
    listener.attach("/word", { get: () => ({ onOpen: "hello" }) } as unknown as UpgradeService);
    expect((await answerTo(listener.port, upgradeRequest("/both"))).status).toBe(500);
    expect((await answerTo(listener.port, upgradeRequest("/word"))).status).toBe(500);
    expect(errors.map(String)).toEqual([
      'TypeError: Cannot serve a connection: "onMessage" stands beside "onTextMessage" or "onBinaryMessage"',
      'TypeError: Cannot serve a connection: "onOpen" is not a function',
    ]);
  });

  it("S2: onOpen ends before the first message, messages are handled one by one, each answer before the next", async () => {
    const log: string[] = [];
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const { peer } = await serve({
      async onOpen() {
        log.push("opening");
        await turn();
        log.push("open");
        return "open";
      },
      async onTextMessage(_caller, text) {
        log.push(`> ${text}`);
        if (text === "a") await turn();
        log.push(`< ${text}`);
        return text;
      },
    });
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" }, { opcode: 1, payload: "c" });
    const heard = [];
    for (let i = 0; i < 4; i++) heard.push(await peer.nextText());
    expect(heard).toEqual(["open", "a", "b", "c"]);
    expect(log).toEqual(["opening", "open", "> a", "< a", "> b", "< b", "> c", "< c"]);
  });

  it("S2: connections run concurrently", async () => {
    const release = deferred<string>();
    const { peer, port } = await serve({
      onTextMessage: (_caller, text) => {
        if (text === "wait") return release.promise;
        release.resolve("released");
      },
    });
    await peer.text("wait");
    const other = await upgraded(port);
    await other.text("go");
    expect(await peer.nextText()).toBe("released");
  });

  it("S3: while a handler is busy pings are answered, pongs heard, and the peer's leaving noticed", async () => {
    const [ponged, left] = [deferred<string>(), deferred<unknown>()];
    const hears: Service = { onPong: (_caller, data) => ponged.resolve(new TextDecoder().decode(data)) };
    const deaf = here({ "deno native": deviates("deno-no-control", true) }, false);
    const { peer } = await serve({
      ...(!deaf && hears),
      onTextMessage: (caller) =>
        new Promise((resolve) => {
          caller.signal.addEventListener("abort", () => {
            left.resolve(caller.signal.reason);
            resolve(undefined);
          });
        }),
    });
    await peer.send({ opcode: 1, payload: "x" }, { opcode: 9, payload: "p" }, { opcode: 10, payload: "q" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
    if (deaf) await expectRefused(hears, "onPong");
    else expect(await ponged.promise).toBe("q");
    peer.socket.destroy();
    expect(await left.promise).toMatchObject({ code: "ERR_CONNECTION_CLOSED" } satisfies Partial<AnyWebSocketError>);
  });

  it("S3: the peer's close is noticed, and answered, while a handler is busy", async () => {
    const release = deferred();
    const { peer } = await serve({ onTextMessage: () => release.promise });
    await peer.text("x");
    await peer.close(4000);
    expect(await peer.closeCode()).toBe(4000);
    release.resolve();
  });
});

describe("what a handler returns", () => {
  const bytes = Uint8Array.of(0, 255);
  it.each<[string, () => unknown, number, string]>([
    ["a string", () => "hé", 1, "hé"],
    ["an empty string", () => "", 1, ""],
    ["a Uint8Array", () => bytes, 2, "\0\ufffd"],
    ["an ArrayBuffer", () => bytes.slice().buffer, 2, "\0\ufffd"],
    ["a number", () => 1.5, 1, "1.5"],
    ["a boolean", () => false, 1, "false"],
    ["null", () => null, 1, "null"],
    ["a plain object", () => ({ a: [1] }), 1, '{"a":[1]}'],
    ["an array", () => [1, "b"], 1, '[1,"b"]'],
    ["a promise", () => Promise.resolve("later"), 1, "later"],
  ])("S4: %s is sent", async (_what, make, opcode, text) => {
    const { peer } = await serve({ onTextMessage: () => make() as string });
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ fin: true, opcode, text, masked: false });
  });

  it.each<[string, () => unknown]>([
    ["a generator", function* () {
      yield "a";
      yield { b: 1 };
      yield Uint8Array.of(99);
    }],
    ["an async generator", async function* () {
      yield "a";
      await Promise.resolve();
      yield { b: 1 };
      yield Uint8Array.of(99);
    }],
    ["a ReadableStream", () =>
      new ReadableStream({
        start(controller) {
          for (const each of ["a", { b: 1 }, Uint8Array.of(99)]) controller.enqueue(each);
          controller.close();
        },
      })],
  ])("S4: each element of %s is sent, and messages wait meanwhile (S5)", async (_what, make) => {
    const { peer } = await serve({ onTextMessage: (_caller, text) => text === "go" ? make() as string : text });
    await peer.send({ opcode: 1, payload: "go" }, { opcode: 1, payload: "behind" });
    const heard = [];
    for (let i = 0; i < 4; i++) heard.push(await peer.nextText());
    expect(heard).toEqual(["a", '{"b":1}', "c", "behind"]);
  });

  it("S4: undefined is nothing, and a close frame closes, out of a stream too", async () => {
    const { peer, port } = await serve({
      *onTextMessage(_caller: Caller, text: string) {
        if (text === "nothing") return;
        yield "one";
        yield closeFrame(4001, "done");
        yield "never";
      },
      onBinaryMessage: () => closeFrame(4002),
    } as Service);
    await peer.send({ opcode: 1, payload: "nothing" }, { opcode: 1, payload: "go" });
    expect(await peer.nextText()).toBe("one");
    expect(await peer.next()).toMatchObject({ code: 4001, text: "\x0f\ufffddone" });
    const other = await upgraded(port);
    await other.send({ opcode: 2 });
    expect(await other.next()).toMatchObject({ code: 4002 });
  });

  it("S4: an iterator is ended when the peer leaves", async () => {
    const ended = deferred();
    const { peer } = await serve({
      async *onTextMessage() {
        try {
          for (let i = 0;; i++) yield i;
        } finally {
          ended.resolve();
        }
      },
    } as Service);
    await peer.text("go");
    await peer.next();
    peer.socket.destroy();
    await ended.promise;
  });

  it.each<[string, () => unknown]>([
    ["a Map", () => new Map()],
    ["a Set", () => new Set()],
    ["another view", () => new Uint16Array(1)],
    ["a function", () => () => {}],
    ["a symbol", () => Symbol()],
    ["a bigint", () => 1n],
    ["an instance of a class", () => new (class Foreign {})()],
  ])("S4: %s is a TypeError, as if it had been thrown", async (_what, make) => {
    const { peer, errors } = await serve({ onTextMessage: () => make() as string });
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ code: 1011 });
    expect(errors).toEqual([expect.any(TypeError)]);
  });

  it("S5: during a stream pings are answered and a close is noticed, and other messages wait", async () => {
    const release = deferred();
    const { peer } = await serve({
      async *onTextMessage(_caller: Caller, text: string) {
        yield `${text} 1`;
        await release.promise;
        yield `${text} 2`;
      },
    } as Service);
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" }, { opcode: 9, payload: "p" });
    const heard = [await peer.nextText(), await peer.nextText()];
    release.resolve();
    for (let i = 0; i < 3; i++) heard.push(await peer.nextText());
    expect(heard.toSorted()).toEqual(["a 1", "a 2", "b 1", "b 2", "p"]);
    expect(heard.filter((text) => text !== "p")).toEqual(["a 1", "a 2", "b 1", "b 2"]);
    expect(heard.indexOf("p")).toBeLessThan(2);
  });

  it("S6: a stream that fails: 1011 with a bounded reason, and onError hears it once", async () => {
    const heard: unknown[] = [];
    const { peer, errors } = await serve({
      async *onTextMessage() {
        yield "one";
        throw new Error("é".repeat(200));
      },
      onError: (_caller, error) => void heard.push((error as Error).message),
    } as Service);
    await peer.text("go");
    expect(await peer.nextText()).toBe("one");
    const close = await peer.next();
    expect(close.code).toBe(1011);
    expect(close.payload.length).toBeLessThanOrEqual(125);
    const reason = new TextDecoder("utf-8", { fatal: true }).decode(close.payload.subarray(2));
    expect(reason).toMatch(/^streaming failed: é+/);
    expect([heard, errors]).toEqual([["é".repeat(200)], []]);
  });
});

describe("failures", () => {
  const boom = new Error("boom");
  it.each<[string, () => unknown]>([
    ["throws", () => {
      throw boom;
    }],
    ["rejects", () => Promise.reject(boom)],
    ["returns an Error", () => boom],
  ])("S7: a handler that %s: the listener hears it, 1011, and others live", async (_how, handler) => {
    const { peer, errors, port } = await serve({
      onTextMessage: (_caller, text) => text === "go" ? handler() as string : text,
    });
    await peer.text("go");
    const close = await peer.next();
    expect([close.code, close.text]).toEqual([1011, "\x03\ufffdinternal error"]);
    expect(errors).toEqual([boom]);
    const other = await upgraded(port);
    await other.text("alive");
    expect(await other.nextText()).toBe("alive");
  });

  it("S7: onError comes first, and may choose the close frame", async () => {
    const { peer, errors } = await serve({
      onTextMessage() {
        throw boom;
      },
      onError: (_caller, error) => error === boom ? closeFrame(4000, "chosen") : undefined,
    });
    await peer.text("go");
    expect(await peer.next()).toMatchObject({ code: 4000 });
    expect(errors).toEqual([]);
  });

  it.each(["onOpen", "onPing", "onPong", "onClose", "onError"] as const)(
    "S7: %s that throws ends no process",
    async (name) => {
      const service: Service = {
        onTextMessage: (_caller, text) => {
          if (text === "fail") throw new Error("first");
          return text;
        },
        [name]: () => {
          throw boom;
        },
      };
      const isControl = name === "onPing" || name === "onPong";
      if (isControl && here({ "deno native": refuses("deno-no-control", true) }, false)) {
        return await expectRefused(service, name);
      }
      const { peer, errors, port } = await serve(service);
      if (name === "onPing") await peer.send({ opcode: 9 });
      if (name === "onPong") await peer.send({ opcode: 10 });
      if (name === "onError") await peer.text("fail");
      if (name === "onClose") await peer.close(1000);
      expect(await peer.closeCode()).toBe(name === "onClose" ? 1000 : 1011);
      expect(errors).toContain(boom);
      const { status } = await answerTo(port, upgradeRequest("/none"));
      expect(status).toBe(404);
    },
  );

  it.each<[string, FrameParts[], number]>([
    ["an unknown opcode", [{ opcode: 3 }], 1002],
    ["a reserved bit", [{ opcode: 1, rsv: 2 }], 1002],
    ["a fragment of nothing", [{ opcode: 0 }], 1002],
    ["a message within a message", [{ opcode: 1, fin: false }, { opcode: 1 }], 1002],
    ["a ping in fragments", [{ opcode: 9, fin: false }], 1002],
    ["text that is no UTF-8", [{ opcode: 1, payload: Uint8Array.of(0xff) }], 1007],
  ])("S7: %s is a protocol failure: close frame, then onError, then onClose", async (_what, frames, code) => {
    const log: unknown[] = [];
    const done = deferred();
    const { peer, errors } = await serve({
      onError: (_caller, error) => void log.push((error as AnyWebSocketError).code),
      onClose: (_caller, code) => {
        log.push(code);
        done.resolve();
      },
    });
    await peer.send(...frames);
    if (here({ "deno native": deviates("deno-silent-failure", true) }, false)) {
      expect(await peer.raw.rest()).toBe("");
      await done.promise;
      expect([log, errors]).toEqual([
        [expect.stringMatching(/^ERR_CORRUPTED_FRAME|^ERR_INVALID_CONTINUATION/), 1006],
        [],
      ]);
      return;
    }
    expect(await peer.closeCode()).toBe(code);
    peer.socket.end();
    await done.promise;
    expect([log, errors]).toEqual([
      [expect.stringMatching(/^ERR_CORRUPTED_FRAME|^ERR_INVALID_CONTINUATION/), code],
      [],
    ]);
  });

  it(
    "S7: so is a frame that is not masked",
    differs({
      "deno native": deviates("deno-unmasked", async () => {
        const { peer } = await serve(ECHO);
        await peer.send({ opcode: 1, payload: "bare", key: undefined });
        expect(await peer.nextText()).toBe("bare");
      }),
    }, async () => {
      const heard = deferred<unknown>();
      const { peer } = await serve({ onError: (_caller, error) => heard.resolve(error) });
      await peer.send({ opcode: 1, payload: "bare", key: undefined });
      expect(await peer.closeCode()).toBe(1002);
      peer.socket.end();
      expect(await heard.promise).toMatchObject({ code: "ERR_CORRUPTED_FRAME" });
    }),
  );

  it("S7: an error nobody takes goes to the runtime's report, not into the void", async () => {
    const { port } = await listen({
      onTextMessage() {
        throw boom;
      },
    });
    const warned = deferred<string>();
    const onWarning = (warning: Error & { code?: string }): void => {
      if (warning.code === "HAWSER_UNHANDLED") warned.resolve(warning.message);
    };
    process.on("warning", onWarning);
    whenOver(() => process.off("warning", onWarning));
    const peer = await upgraded(port);
    await peer.text("go");
    expect(await warned.promise).toContain("boom");
    expect(await peer.closeCode()).toBe(1011);
  });
});

/** Where nothing can be held back, everything has to fit. */
const CANNOT_PAUSE: Differences<number> = { "deno native": deviates("deno-no-pause", 100) };

describe("handlers that are missing", () => {
  it("S8: a message nobody handles is dropped and counted, a ping is answered, a close echoed", async () => {
    const listener = await listen({ onBinaryMessage: (_caller, data) => data });
    const peer = await upgraded(listener.port);
    await peer.send({ opcode: 1, payload: "x" }, { opcode: 9, payload: "p" }, { opcode: 2, payload: "b" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 2, text: "b" });
    expect(listener.stats().unhandled).toBe(1);
    await peer.close(4321, "bye");
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 4321 });
    await peer.raw.rest();
  });

  it.each<[string, (peer: FramePeer) => unknown, number, string]>([
    ["with a code", (peer) => peer.close(4321, "bye"), 4321, "bye"],
    ["without one", (peer) => peer.close(), 1005, ""],
    ["with a reset", (peer) => peer.socket.resetAndDestroy(), 1006, ""],
    ["with the end of its direction", (peer) => peer.socket.end(), 1006, ""],
    ["with a second close frame", async (peer) => (await peer.close(4000), await peer.close(4001)), 4000, ""],
  ])("S9: onClose runs once, when the peer leaves %s", async (_how, leave, code, reason) => {
    const heard: unknown[] = [];
    const done = deferred();
    const service: Service = {
      onClose(_caller, ...how) {
        heard.push(how);
        done.resolve();
      },
      onError() {},
    };
    const listener = await listen(service);
    const peer = await upgraded(listener.port);
    await leave(peer);
    await done.promise;
    // Nothing of this connection is left when that has resolved.
    peer.socket.destroy();
    await listener.gracefulStop();
    expect(heard).toEqual([[code, reason]]);
  });

  it.each<[string, boolean]>([["behind the upgrade", false], ["in the same packet as that", true]])(
    "S9: onClose comes behind all messages, though handlers take their time and all came at once, %s",
    async (_when, early) => {
      const log: string[] = [];
      const done = deferred();
      const service: Service = {
        async onTextMessage(_caller, text) {
          await new Promise((resolve) => setImmediate(resolve));
          log.push(text);
        },
        onClose(_caller, code) {
          log.push(`closed ${code}`);
          done.resolve();
        },
      };
      const { port } = await listen(service, { readAhead: { messages: here(CANNOT_PAUSE, 2) } });
      const raw = await dial(port);
      const peer = new FramePeer(raw, "client");
      const texts = Array.from({ length: 9 }, (_, i) => ({ opcode: 1, payload: `${i}` }));
      const frames = peer.encode(...texts, { opcode: 8, payload: closePayload(4000) });
      if (early) {
        await raw.write(joined([bytesOf(upgradeRequest()), frames]));
      } else {
        await raw.write(upgradeRequest());
        await raw.head();
        await raw.write(frames);
      }
      await done.promise;
      expect(log).toEqual([...texts.map(({ payload }) => payload), "closed 4000"]);
    },
  );

  it("S9: onClose may answer the close frame with its own", async () => {
    const { peer } = await serve({ onClose: () => closeFrame(4001, "mine") });
    await peer.close(4000);
    const answer = here({
      "deno native": refuses("deno-own-answer", 4000),
      "bun native": refuses("bun-own-answer", 4000),
    }, 4001);
    expect(await peer.closeCode()).toBe(answer);
  });

  it("S9: it runs for a connection that the service closed, and for one that nobody ever used", async () => {
    const codes = deferred<number>();
    const { url } = await listen({
      onOpen: () => closeFrame(4000),
      onClose: (_caller, code) => codes.resolve(code),
    });
    const client = await connect(url);
    expect((await client.closed).code).toBe(4000);
    expect(await codes.promise).toBe(4000);
    expect(await failure(connect(`${url}/none`))).toMatchObject({ status: 404 });
    expect((await dial(Number(new URL(url).port))).closed).toBe(false);
  });
});
