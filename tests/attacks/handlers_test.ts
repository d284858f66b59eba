/** Handlers that fail when a peer wants them to, messages that come too early, and names that mean something else. */

import { describe, expect, it } from "vitest";
import { type Caller, type Client, json, type Service, type UpgradeResult } from "../../mod.ts";
import { type Bounds, undisturbed } from "../support/bystander.ts";
import { closePayload, FramePeer } from "../support/frame_peer.ts";
import { deviates, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectRefused, failure, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();
const { answerTo, listen, connect, dial, upgraded, server, clientAndServer } = onSockets();

/** The attacker, the victim and the bystander share a process, and the machine with others. */
const BOUNDS: Bounds = { latest: 1_500, grownBy: 64 * 1_048_576 };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asked for anything at all, it throws; so does `instanceof`. */
const { proxy: REVOKED, revoke } = Proxy.revocable({}, {});
revoke();
/** And this throws that. */
const HOSTILE = new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse });

function refuse(): never {
  throw REVOKED;
}

/** Ways to fail. */
const FAILURES: Record<string, () => unknown> = {
  throws: () => {
    throw new Error("mine");
  },
  rejects: () => Promise.reject(new Error("mine")),
  "rejects later": async () => {
    await nextTurn();
    throw new Error("mine");
  },
  "throws what is no error": () => {
    throw undefined;
  },
  "rejects with what has no words": () => Promise.reject(Object.create(null)),
  "throws what tells no prototype": refuse,
  "rejects with it": () => Promise.reject(REVOKED),
  "returns it": () => REVOKED,
  "returns what throws it": () => HOSTILE,
  "returns an error": () => new Error("mine"),
  "returns a map": () => new Map(),
  "returns a thenable that throws": () => ({ then: fail }),
  "returns a stream of what it is not": () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve() }) }),
  "returns a stream that fails": async function* () {
    yield "one";
    throw new Error("mine");
  },
};

function fail(): never {
  throw new Error("mine");
}

/** What makes a handler run, by its name. */
const PROVOKED: Record<string, (peer: FramePeer) => unknown> = {
  onOpen: () => {},
  onTextMessage: (peer) => peer.text("x"),
  onBinaryMessage: (peer) => peer.send({ opcode: 2 }),
  onPing: (peer) => peer.send({ opcode: 9 }),
  onPong: (peer) => peer.send({ opcode: 10 }),
  onIdleTimeout: () => {},
  onBeat: (peer) => peer.text('{"event":"beat"}'),
};

describe("attack 37: handlers that fail", () => {
  it.each(Object.keys(PROVOKED))(
    "attack 37: %s: 1011, the listener hears once, onClose once, and no other connection",
    async (name) => {
      if (name === "onPing" || name === "onPong") {
        if (here({ "deno native": refuses("deno-no-control", true) }, false)) {
          return await expectRefused({ [name]: () => {} }, name);
        }
      }
      const [errors, codes]: [unknown[], number[]] = [[], []];
      const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
      for (const [i, how] of Object.values(FAILURES).entries()) {
        const onClose = (_caller: Caller, code: number): void => void codes.push(code);
        const service = { [name]: () => how(), onClose };
        const idleTimeout = name === "onIdleTimeout" ? 0.02 : 0;
        // Handlers of one's own are called elsewhere than the usual ones.
        const settings = name === "onBeat" ? { dispatcherKey: "event" } : {};
        listener.attach(`/${i}`, { idleTimeout, ...settings, get: () => service });
      }
      await undisturbed(listener, BOUNDS, async () => {
        for (const [i, how] of Object.keys(FAILURES).entries()) {
          errors.length = codes.length = 0;
          const peer = await upgraded(listener.port, `/${i}`);
          await PROVOKED[name]!(peer);
          const close = await peer.closeFrame();
          expect(close.code, how).toBe(1011);
          // And not a word of ours about why, but of a stream.
          expect(close.text.slice(2)).toMatch(/^(internal error|streaming failed: .+)$/);
          await peer.close(1011);
          peer.socket.end();
          await expect.poll(() => codes, { message: how, interval: 5 }).toEqual([1011]);
          expect(errors, how).toHaveLength(1);
        }
      });
      await listener.gracefulStop();
    },
  );

  it("attack 37: onClose and onError themselves: the listener hears, and the process lives", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error) });
    // A stream and a map are nothing to an onClose.
    const names = Object.keys(FAILURES).filter((how) => !/stream|map/.test(how));
    for (const [i, how] of names.entries()) {
      const bad = (): unknown => FAILURES[how]!();
      listener.attach(`/close/${i}`, { get: () => ({ onClose: bad }) });
      listener.attach(`/error/${i}`, { get: () => ({ onTextMessage: fail, onError: bad }) as Service });
    }
    await undisturbed(listener, BOUNDS, async () => {
      for (const [i, how] of names.entries()) {
        for (const [path, code] of [["close", 1000], ["error", 1011]] as const) {
          errors.length = 0;
          const peer = await upgraded(listener.port, `/${path}/${i}`);
          if (path === "close") await peer.close(1000);
          else await peer.text("x");
          expect(await peer.closeCode(), how).toBe(code);
          peer.socket.end();
          await expect.poll(() => errors.length, { message: how, interval: 5 }).toBe(1);
        }
      }
    });
  });

  it("attack 37: the listener's onError too: a warning, and the process lives", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on("warning", hear);
    try {
      const listener = await listen({ onTextMessage: fail }, {}, {
        onError: () => Promise.reject(new Error("and mine")),
      });
      const peer = await upgraded(listener.port);
      await peer.text("x");
      expect(await peer.closeCode()).toBe(1011);
      await expect.poll(() => warnings.map(({ message }) => message).join()).toContain("and mine");
    } finally {
      process.off("warning", hear);
    }
  });

  it("attack 37: one that never settles: signal aborted at the loss, and a stop waits no longer than its deadline", async () => {
    const signals: AbortSignal[] = [];
    const iterators = { begun: 0, returned: 0 };
    const endless: AsyncIterableIterator<string> = {
      [Symbol.asyncIterator]: () => endless,
      next: () => (iterators.begun++, new Promise(() => {})),
      return: () => (iterators.returned++, new Promise(() => {})),
    };
    const never = (caller: Caller): Promise<void> => (signals.push(caller.signal), new Promise(() => {}));
    const service: Service = { onTextMessage: never, onBinaryMessage: () => endless, onError: () => {} };
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      [signals.length, iterators.begun, iterators.returned] = [0, 0, 0];
      const listener = await listen(service);
      const peers = await Promise.all(Array.from({ length: 20 }, () => upgraded(listener.port)));
      for (const [i, peer] of peers.entries()) await peer.send({ opcode: i % 2 === 0 ? 1 : 2 });
      await expect.poll(() => [signals.length, iterators.begun]).toEqual([10, 10]);
      for (const peer of peers.slice(0, 10)) peer.socket.destroy();
      await expect.poll(() => signals.filter(({ aborted }) => aborted).length).toBe(5);
      await expect.poll(() => iterators.returned).toBe(5);
      await expect.poll(() => listener.stats().open).toBe(10);
      const began = performance.now();
      // Of those that are gone the five handlers have not ended, either; an iterator is told, and not waited for.
      // Bun's own sockets wait for no close frame.
      const closed = here({ "bun native": deviates("bun-no-close-wait", 5) }, 0);
      expect(await listener.gracefulStop({ timeout: 0.2 })).toEqual({ closed, cut: 15 - closed });
      expect(performance.now() - began).toBeLessThan(3_000);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      expect(listener.stats().open).toBe(0);
    });
  });

  it("attack 37: a get that fails: 500, the listener hears once, and its place is free again", async () => {
    const errors: unknown[] = [];
    const listener = await listen(ECHO, {}, { onError: (error) => errors.push(error), maxConnections: 2 });
    const names = Object.keys(FAILURES).filter((how) => !/stream|map/.test(how));
    for (const [i, how] of names.entries()) {
      listener.attach(`/${i}`, { get: () => FAILURES[how]!() as UpgradeResult });
    }
    await undisturbed(listener, BOUNDS, async () => {
      for (const [i, how] of names.entries()) {
        errors.length = 0;
        const { status } = await answerTo(listener.port, upgradeRequest(`/${i}`));
        expect([status, errors.length], how).toEqual([500, 1]);
      }
    });
  });

  it("attack 37: a get that never settles is given up at timeout, and at the stop", async () => {
    const signals: AbortSignal[] = [];
    const listener = await listen(ECHO, {}, { timeout: 0.2 });
    listener.attach("/never", { get: ({ signal }) => (signals.push(signal), new Promise<UpgradeResult>(() => {})) });
    await undisturbed(listener, BOUNDS, async () => {
      const raw = await dial(listener.port);
      await raw.write(upgradeRequest("/never"));
      expect(await raw.head()).toMatch(/^HTTP\/1\.1 5\d\d /);
      expect(signals.at(-1)!.aborted).toBe(true);
    });
  });

  it("attack 37: a client's handlers: the connection lives, and pings that a handler fails at go unanswered", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on("warning", hear);
    try {
      const bystander = await listen();
      await undisturbed(bystander, BOUNDS, async () => {
        warnings.length = 0;
        for (const how of [fail, () => Promise.reject(new Error("mine")), () => new Promise<never>(() => {})]) {
          const { client, peer } = await clientAndServer({
            pingPongHandler: { onPing: how, onPong: how },
            onIdleTimeout: how,
            idleTimeout: 0.02,
          });
          await peer.send(...Array(20).fill({ opcode: 9 }), { opcode: 10 }, { opcode: 1, payload: "x" });
          expect(await client.readMessage()).toBe("x");
          await client.writeTextMessage("alive");
          expect(await peer.nextText()).toBe("alive");
          client.terminate();
        }
        await expect.poll(() => warnings.length).toBeGreaterThan(2);
      });
    } finally {
      process.off("warning", hear);
    }
  });
});

describe("attack 38: what comes before anybody listens", () => {
  const TEXTS = ["a", "b", "c", "d"];

  it("attack 38: frames and a close with the request: behind onOpen, in order, then onClose", async () => {
    let [log, ended] = [[] as unknown[], deferred()];
    const listener = await listen();
    const service: Service = {
      async onOpen() {
        for (let i = 0; i < 3; i++) await nextTurn();
        log.push("open");
      },
      async onTextMessage(_caller, text) {
        await nextTurn();
        log.push(text);
      },
      onClose(_caller, code) {
        log.push(code);
        ended.resolve();
      },
    };
    listener.attach("/early", { get: () => service });
    await undisturbed(listener, BOUNDS, async () => {
      for (const size of [1_000_000, 7, 1]) {
        [log, ended] = [[], deferred()];
        const raw = await dial(listener.port);
        const peer = new FramePeer(raw, "client");
        const frames = peer.encode(
          ...TEXTS.map((payload) => ({ opcode: 1, payload })),
          { opcode: 8, payload: closePayload(4321) },
        );
        const request = new TextEncoder().encode(upgradeRequest("/early"));
        const bytes = new Uint8Array([...request, ...frames]);
        for (let at = 0; at < bytes.length; at += size) await raw.write(bytes.slice(at, at + size));
        raw.socket.end();
        await ended.promise;
        expect(log).toEqual(["open", ...TEXTS, 4321]);
      }
    });
  });

  it("attack 38: the same with the answer, for a client that reads late, or whose reader comes late", async () => {
    const url = await server(async (peer, request) => {
      const frames = peer.encode(
        ...TEXTS.map((payload) => ({ opcode: 1, payload })),
        { opcode: 8, payload: closePayload(1000) },
      );
      await peer.raw.write(new Uint8Array([...new TextEncoder().encode(switching(request)), ...frames]));
      peer.socket.end();
    });
    const READERS: Record<string, (client: Client) => Promise<unknown[]>> = {
      "for await": async (client) => {
        const read: unknown[] = [];
        for await (const message of client) read.push(message);
        return read;
      },
      "readMessage": (client) => Promise.all(TEXTS.map(() => client.readMessage())),
      "readable": async (client) => {
        const read: unknown[] = [];
        for await (const message of client.readable as unknown as AsyncIterable<unknown>) read.push(message);
        return read;
      },
    };
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      for (const [how, read] of Object.entries(READERS)) {
        const client = await connect(url);
        // It has closed before anybody looks.
        expect(await client.closed).toMatchObject({ code: 1000, clean: true });
        for (let i = 0; i < 5; i++) await nextTurn();
        expect(await read(client), how).toEqual(TEXTS);
        expect(await failure(client.readMessage())).toBeInstanceOf(Error);
      }
    });
  });
});

/** What JavaScript's objects have of themselves, and what services have. */
const WORDS = [
  ..."__proto__ constructor prototype toString toLocaleString valueOf hasOwnProperty isPrototypeOf then".split(" "),
  ..."__defineGetter__ __defineSetter__ __lookupGetter__ propertyIsEnumerable".split(" "),
  ..."open close error ping pong message".split(" "),
  ..."text message,binary message,idle timeout,message stream,OPEN,onOpen,onClose,beat error".split(","),
];

describe("attack 39: names that are the language's, or the service's own", () => {
  it("attack 39: as what a dispatcher goes by, they reach nothing", async () => {
    const ran: string[] = [];
    const log = (name: string) => (): void => void ran.push(name);
    class Guarded {
      onOpen = log("onOpen");
      onClose = log("onClose");
      onError = log("onError");
      onIdleTimeout = log("onIdleTimeout");
      onBeatError = log("onBeatError");
      onBeat(_caller: Caller, { n }: { n?: number } = {}): object {
        return { n };
      }
      onTextMessage = (_caller: Caller, text: string): string => `no handler: ${text}`;
    }
    const listener = await listen();
    listener.attach("/guarded", { dispatcherKey: "event", dispatcherStreamId: "id", get: () => new Guarded() });
    await undisturbed(listener, BOUNDS, async () => {
      ran.length = 0;
      const peer = await upgraded(listener.port, "/guarded");
      for (const word of WORDS) {
        const text = `{"event":${JSON.stringify(word)}}`;
        await peer.text(text);
        expect(await peer.nextText()).toBe(`no handler: ${text}`);
      }
      // A field that is inherited is none.
      for (const text of ['{"__proto__":{"event":"beat"}}', '["event","beat"]', '{"event":{"toString":"beat"}}']) {
        await peer.text(text);
        expect(await peer.nextText()).toBe(`no handler: ${text}`);
      }
      // Not even when somebody else has let a peer write to what everything inherits.
      Object.defineProperty(Object.prototype, "event", { value: "beat", configurable: true });
      try {
        await peer.text("{}");
        expect(await peer.nextText()).toBe("no handler: {}");
      } finally {
        Reflect.deleteProperty(Object.prototype, "event");
      }
      // And as ids they are data.
      for (const id of WORDS) {
        await peer.text(JSON.stringify({ event: "beat", id, n: 1 }));
        expect(JSON.parse(await peer.nextText())).toEqual({ n: 1, id });
      }
      expect(ran).toEqual(["onOpen"]);
      peer.socket.destroy();
    });
  });

  it("attack 39: as keys of JSON they are data of the message, and change nothing else", async () => {
    const listener = await listen();
    const kept: unknown[] = [];
    listener.attach("/json", {
      get: () => ({ onMessage: (_caller, message) => (kept.push(message), message as string) }),
    });
    const texts = [
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '{"a":{"__proto__":{"polluted":true}},"toString":1,"hasOwnProperty":2}',
    ];
    await undisturbed(listener, BOUNDS, async () => {
      const { client, peer } = await clientAndServer({ dispatcherStreamId: "id", dispatcherKey: "type" });
      for (const text of texts) {
        await peer.text(text);
        expect(JSON.stringify(await client.readMessage(json))).toBe(text);
        expect(Object.prototype).not.toHaveProperty("polluted");
      }
      // As ids of requests, and as replies to requests that nobody made.
      for (const id of WORDS) {
        const asked = client.request({ id });
        expect(JSON.parse(await peer.nextText())).toEqual({ id });
        await peer.text(JSON.stringify({ id: `${id}.`, n: 1 }));
        await peer.text(JSON.stringify({ id, n: 2 }));
        expect(await asked).toEqual({ id, n: 2 });
        expect(await client.readMessage(json)).toEqual({ id: `${id}.`, n: 1 });
      }
      client.terminate();
    });
  });
});
