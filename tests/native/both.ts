/** Tests of what the native hosts of Deno and Bun have in common. Called by the test file of each. */

import { describe, expect, it } from "vitest";
import { fileURLToPath } from "node:url";
import {
  type Caller,
  Client,
  type Closure,
  Listener,
  type ListenerConfiguration,
  type Message,
  type Service,
  type UpgradeService,
} from "../../mod.ts";
import { deferred, ECHO, failure, type Sockets } from "../support/on_sockets.ts";
import { startServer } from "../support/program.ts";
import { upgradeRequest } from "../support/raw_client.ts";

export const NATIVE: NonNullable<ListenerConfiguration["host"]> = { native: "127.0.0.1" };

const THROWING_SERVER = fileURLToPath(new URL("throwing_server.ts", import.meta.url));
const MEBIBYTE = 1_048_576;
const SLOW = { timeout: 60_000 };

export interface Native {
  /** A started listener with services by path, and what its `onError` heard. */
  serve(
    services: Readonly<Record<string, UpgradeService<string>>>,
    config?: ListenerConfiguration,
  ): Promise<{ listener: Listener; errors: unknown[] }>;
  /** The one answer to a request, whose connection may live on. */
  answerOf(port: number, request: string): Promise<string>;
  /** Asserts that the listener still serves: a page's answer, and an echo. */
  expectAlive(listener: Listener): Promise<void>;
}

export function onNative({ whenOver, dial }: Sockets): Native {
  return {
    async serve(services, config = {}) {
      const errors: unknown[] = [];
      const listener = new Listener(0, { host: NATIVE, onError: (error) => void errors.push(error), ...config });
      whenOver(() => listener.immediateStop());
      listener.attach("/echo", { get: () => ECHO });
      for (const [path, service] of Object.entries(services)) listener.attach(path, service);
      await listener.start();
      return { listener, errors };
    },
    async answerOf(port, request) {
      const raw = await dial(port);
      await raw.write(request);
      return raw.answer();
    },
    async expectAlive({ url }) {
      await expectEcho(`${url}/echo`);
    },
  };
}

async function expectEcho(url: string): Promise<void> {
  const client = await Client.connect(url, { webSocketCompressionEnabled: false });
  await client.writeTextMessage("alive");
  expect(await client.readTextMessage()).toBe("alive");
  await client.close(1000, "");
}

/** A service that tells how its connection ended. */
export function ending(service: Service = {}): { service: Service; ended: Promise<[code: number, reason: string]> } {
  const { promise, resolve } = deferred<[number, string]>();
  return { ended: promise, service: { ...service, onClose: (_caller, code, reason) => resolve([code, reason]) } };
}

export function testBoth(sockets: Sockets): void {
  const { connect, dial, upgraded } = sockets;
  const { serve, answerOf, expectAlive } = onNative(sockets);

  describe("S7, attack 37: a handler that fails ends neither the process nor the listener", () => {
    const HANDLERS = ["onOpen", "onMessage", "onTextMessage", "onClose", "onError", "onIdleTimeout"];
    const HOW = ["throws", "rejects", "rejectsLater", "cannotBeSent"];
    for (const onError of [undefined, "throws", "rejects"]) {
      it(`with ${onError === undefined ? "no onError" : `an onError that ${onError}`}`, SLOW, async () => {
        const server = await startServer(THROWING_SERVER, onError === undefined ? {} : { ON_ERROR: onError });
        sockets.whenOver(() => server.stop());
        const { host } = server.url;
        for (const how of HOW) {
          const got = Client.connect(`ws://${host}/get/${how}`);
          if (how === "cannotBeSent") (await got).terminate();
          else expect(await failure(got)).toMatchObject({ status: 500 });
          expect((await fetch(`http://${host}/${how}`)).status).toBe(500);
          for (const handler of HANDLERS) {
            const client = await connect(`ws://${host}/${handler}/${how}`);
            // It may be closed with 1011 before it can be written to.
            await client.writeTextMessage("hello").catch(() => {});
            if (handler === "onClose") await client.close();
            else if (handler !== "onIdleTimeout") await client.closed;
            else client.terminate();
          }
        }
        await expectEcho(`ws://${host}/echo`);
        expect((await fetch(`http://${host}/throws`)).status).toBe(500);
      });
    }

    it("H2: a fetch handler that ends because its client has left: nobody is refused, and nothing told", async () => {
      const [asked, over] = [deferred(), deferred()];
      const { listener, errors } = await serve({}, {
        fetch: async ({ signal }) => {
          asked.resolve();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          setTimeout(over.resolve);
          throw signal.reason;
        },
      });
      const raw = await dial(listener.port);
      await raw.write("GET / HTTP/1.1\r\nHost: hawser.test\r\n\r\n");
      await asked.promise;
      raw.socket.destroy();
      await over.promise;
      expect([errors, listener.stats().refused]).toEqual([[], {}]);
    });

    it("a fetch handler whose answer is none, or was read, or is an error: 500, and it is told", async () => {
      const read = new Response("read");
      await read.text();
      const answers: Record<string, unknown> = {
        "/none": undefined,
        "/text": "text",
        "/read": read,
        "/error": Response.error(),
        // Deno's own server would end the process.
        "/control": new Response("", { headers: { "x-a": "a\x01b" } }),
      };
      const { listener, errors } = await serve({}, {
        fetch: (request) => answers[new URL(request.url).pathname] as Response,
      });
      for (const path of Object.keys(answers)) {
        const response = await fetch(`http://127.0.0.1:${listener.port}${path}`);
        expect([path, response.status]).toEqual([path, 500]);
        await response.text();
      }
      expect(errors).toEqual(Object.keys(answers).map(() => expect.any(TypeError)));
      await expectAlive(listener);
    });
  });

  describe("attack 11: what cannot travel in a 101 is 500, and told", () => {
    const services: [string, Partial<UpgradeService<string>>][] = [
      ["a header of the handshake", {
        get(_request, context) {
          context.headers.set("sec-websocket-accept", "mine");
          return ECHO;
        },
      }],
      ["a sub-protocol that was not offered", { subProtocols: () => "theirs" }],
      ["a service that is none", { get: () => "service" as unknown as Service }],
      ["a response that was read", {
        async get() {
          const response = new Response("read");
          await response.text();
          return response;
        },
      }],
      ["an error response", { get: () => Response.error() }],
    ];
    for (const [what, service] of services) {
      it(what, async () => {
        const { listener, errors } = await serve({ "/": { get: () => ECHO, ...service } });
        const answer = await answerOf(listener.port, upgradeRequest("/", { "Sec-WebSocket-Protocol": "a, b" }));
        expect(answer).toMatch(/^HTTP\/1.1 500 [^]*The server could not answer$/);
        expect(errors).toEqual([expect.any(TypeError)]);
        await expectAlive(listener);
      });
    }
  });

  it("U1: headers travel with the 101, Set-Cookie as often as it is there", async () => {
    const { listener } = await serve({
      "/": {
        get(_request, { headers }) {
          headers.append("set-cookie", "a=1");
          headers.append("set-cookie", "b=2");
          headers.set("x-one", "caf\u00e9");
          return ECHO;
        },
      },
    }, { server: "hawser" });
    const raw = await dial(listener.port);
    await raw.write(upgradeRequest());
    const lines = (await raw.head()).split("\r\n").map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase()));
    for (const line of ["set-cookie: a=1", "set-cookie: b=2", "server: hawser"]) expect(lines).toContain(line);
    expect(lines.find((line) => line.startsWith("x-one: caf"))).toBeDefined();
    expect(lines.some((line) => line.startsWith("sec-websocket-protocol"))).toBe(false);
    raw.socket.destroy();
  });

  it("S1: the request and the sub-protocol are remembered after the upgrade, to the end", async () => {
    const seen: unknown[] = [];
    const look = (caller: Caller): void => {
      const { request, remoteAddress } = caller;
      seen.push([
        caller.getNegotiatedSubProtocol(),
        new URL(request.url).pathname + new URL(request.url).search,
        request.headers.get("cookie"),
        request.headers.get("x-one"),
        remoteAddress,
        caller.isSecure(),
      ]);
    };
    const { promise, resolve } = deferred();
    const { listener } = await serve({
      "/chat": {
        // Not the first that was offered, which Bun would have chosen.
        subProtocols: ["b"],
        get: () => ({
          onOpen: look,
          onMessage: (caller, message) => (look(caller), message),
          onClose: (caller) => (look(caller), resolve()),
        }),
      },
    });
    const peer = await upgraded(listener.port, "/chat?room=1", {
      Cookie: "a=1; b=2",
      "X-One": "1",
      "Sec-WebSocket-Protocol": "a, b",
    });
    await peer.text("hello");
    expect(await peer.nextText()).toBe("hello");
    peer.socket.destroy();
    await promise;
    const expected = ["b", "/chat?room=1", "a=1; b=2", "1", "127.0.0.1", false];
    expect(seen).toEqual([expected, expected, expected]);
  });

  it("U4: no sub-protocol that nobody chose", async () => {
    const { listener } = await serve({});
    const answer = await answerOf(listener.port, upgradeRequest("/echo", { "Sec-WebSocket-Protocol": "a, b" }));
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(answer.toLowerCase()).not.toContain("sec-websocket-protocol");
  });

  it("attack 8, 38: nothing is lost of what comes at once, and onOpen is first", async () => {
    const words: unknown[] = [];
    const { listener } = await serve({
      "/": {
        get: () => ({
          async onOpen(caller) {
            await caller.writeTextMessage("welcome");
            await new Promise((resolve) => setImmediate(resolve));
            words.push("open");
          },
          onMessage: (_caller, message) => (words.push(message), message),
        }),
      },
    });
    const peer = await upgraded(listener.port);
    await peer.send(...["a", "b", "c"].map((payload) => ({ opcode: 1, payload })));
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await peer.nextText());
    expect([answers, words]).toEqual([["welcome", "a", "b", "c"], ["open", "a", "b", "c"]]);
    peer.socket.destroy();
  });

  it("attack 8: frames in one packet with the request, when get answers at once", async () => {
    const { listener } = await serve({});
    const peer = await dial(listener.port);
    await peer.write(`${upgradeRequest("/echo")}\x82\x82\0\0\0\0hi\x82\x82\0\0\0\0yo`);
    await peer.head();
    expect(await peer.take(8)).toBe("\x82\x02hi\x82\x02yo");
    peer.socket.destroy();
  });

  it("S9: codes and reasons that may not travel are refused before anything is sent", async () => {
    const failures: unknown[] = [];
    const { listener } = await serve({
      "/": {
        get: () => ({
          onMessage(caller, message) {
            const [code, reason = ""] = JSON.parse(message as string) as [number, string?];
            try {
              void caller.close(code, reason);
            } catch (error) {
              failures.push(error);
            }
            return "still open";
          },
        }),
      },
    });
    const peer = await upgraded(listener.port);
    const wrong = [[999], [1004], [1005], [1006], [1015], [2999], [5000], [70_000], [1000.5], [1000, "é".repeat(62)]];
    for (const args of wrong) {
      await peer.text(JSON.stringify(args));
      const frame = await peer.next();
      expect([args, frame.opcode, frame.text]).toEqual([args, 1, "still open"]);
    }
    expect(failures).toHaveLength(wrong.length);
    for (const error of failures) expect(error).toBeInstanceOf(RangeError);
    for (const statusCode of [999, 1005, 70_000]) {
      expect(() => listener.gracefulStop({ statusCode })).toThrow(RangeError);
    }
    await peer.text(JSON.stringify([4_999, "x".repeat(123)]));
    const { code, payload } = await peer.closeFrame();
    expect([code, payload.length]).toEqual([4_999, 125]);
    peer.socket.destroy();
  });

  it("L6: gracefulStop sends its own code to everybody, and frees the port", async () => {
    const { listener } = await serve({});
    const peers = await Promise.all(Array.from({ length: 20 }, () => upgraded(listener.port, "/echo")));
    const { port } = listener;
    const stopped = listener.gracefulStop({ statusCode: 4_000, reason: "moving" });
    for (const peer of peers) {
      const { code, text } = await peer.closeFrame();
      expect([code, text.slice(2)]).toEqual([4_000, "moving"]);
      await peer.close(4_000);
    }
    await stopped;
    expect(listener.stats().open).toBe(0);
    await expect(dial(port)).rejects.toThrow();
  });

  it("L1: a port that is taken is a ConnectionError, with its cause", async () => {
    const { listener } = await serve({});
    const other = new Listener(listener.port, { host: NATIVE });
    const error = await failure(other.start());
    expect(error).toMatchObject({ code: "ERR_CONNECTION", cause: expect.any(Error) });
    expect(String(error)).toContain(`Cannot listen on 127.0.0.1:${listener.port}: `);
    await expectAlive(listener);
  });

  it("L6: a stopped listener starts again", async () => {
    const { listener } = await serve({});
    await listener.gracefulStop();
    await listener.start();
    await expectAlive(listener);
  });

  describe("F1: nothing is lost, whatever waits for the peer", () => {
    /** Message `i` of those that are sent: no two alike, so that one that is lost or twice is seen. */
    const numbered = (i: number, size: number): Uint8Array => {
      const bytes = new Uint8Array(size).fill(i);
      new DataView(bytes.buffer).setUint32(0, i);
      return bytes;
    };
    const isNumbered = (message: Message, i: number, size: number): boolean =>
      message instanceof Uint8Array && message.length === size && message[size - 1] === (i & 0xff) &&
      new DataView(message.buffer).getUint32(0) === i;

    /** Sends to a client that reads only when everything was written. */
    async function flood(count: number, size: number, maxBufferedAmount: number, waits: boolean): Promise<void> {
      const open = deferred<Caller>();
      const { listener } = await serve({
        "/": { maxBufferedAmount, pingInterval: 0, get: () => ({ onOpen: (caller) => open.resolve(caller) }) },
      });
      const client = await connect(listener.url, { readAhead: { messages: 1 }, webSocketCompressionEnabled: false });
      const caller = await open.promise;
      const writes: Promise<void>[] = [];
      let most = 0;
      for (let i = 0; i < count; i++) {
        const bytes = numbered(i, size);
        writes.push(caller.writeBinaryMessage(bytes));
        // What was written stays the caller's.
        bytes.fill(0xff);
        most = Math.max(most, caller.bufferedAmount);
        // A client that reads: this side is the slow one only as long as it is told to wait.
        if (waits) {
          if (i > 0) expect(isNumbered(await client.readBinaryMessage(), i - 1, size)).toBe(true);
          await writes.at(-1);
        }
      }
      if (!waits) {
        expect(most).toBeGreaterThan(20 * MEBIBYTE);
        for (let i = 0; i < count - 1; i++) expect(isNumbered(await client.readBinaryMessage(), i, size)).toBe(true);
      }
      expect(isNumbered(await client.readBinaryMessage(), count - 1, size)).toBe(true);
      await Promise.all(writes);
      void caller.close(4_000, "done");
      expect((await client.closed).code).toBe(4_000);
    }

    it("64 messages of 1 MiB at once", SLOW, () => flood(64, MEBIBYTE, 2 ** 30, false));
    it("100 MB at once", SLOW, () => flood(25, 4_000_000, 2 ** 30, false));
    it("30 MiB at once, half of which has to be held back", SLOW, () => flood(30, MEBIBYTE, 16 * MEBIBYTE, false));
    it("100 MB, each as soon as the writer may", SLOW, () => flood(100, 1_000_000, MEBIBYTE, true));

    it("and a close behind it arrives behind it", SLOW, async () => {
      const { listener } = await serve({
        "/": {
          maxBufferedAmount: 2 ** 30,
          get: () => ({
            onOpen(caller) {
              for (let i = 0; i < 32; i++) void caller.writeBinaryMessage(numbered(i, MEBIBYTE));
              void caller.close(4_000, "done");
            },
          }),
        },
      });
      const client = await connect(listener.url, { readAhead: { messages: 1 }, webSocketCompressionEnabled: false });
      for (let i = 0; i < 32; i++) expect(isNumbered(await client.readBinaryMessage(), i, MEBIBYTE)).toBe(true);
      expect(await client.closed).toMatchObject({ code: 4_000, reason: "done" } satisfies Partial<Closure>);
    });
  });

  it("each binary message owns its whole buffer, however many come at once", async () => {
    const seen: Uint8Array[] = [];
    const { listener } = await serve({
      "/": { get: () => ({ onBinaryMessage: (_caller, data) => void seen.push(data), onTextMessage: () => "done" }) },
    });
    const peer = await upgraded(listener.port);
    const sizes = [0, 1, 2, 125, 126, 1_000, 65_535, 65_536, 500_000];
    await peer.send(
      ...sizes.map((size) => ({ opcode: 2, payload: new Uint8Array(size).fill(size) })),
      { opcode: 2, payload: "ab", fin: false },
      { opcode: 0, payload: "cd" },
      { opcode: 1, payload: "end" },
    );
    expect(await peer.nextText()).toBe("done");
    expect(seen.map(({ length }) => length)).toEqual([...sizes, 4]);
    for (const data of seen) {
      expect([data.constructor, data.byteOffset, data.buffer.byteLength]).toEqual([Uint8Array, 0, data.length]);
    }
    expect(seen.slice(0, -1).every((data, i) => data.every((byte) => byte === (sizes[i]! & 0xff)))).toBe(true);
    peer.socket.destroy();
  });

  it("attack 9: a client that leaves while get is asked: its signal is aborted, and nothing leaks", async () => {
    const asked = deferred<Request>();
    const aborted = deferred<unknown>();
    const { listener, errors } = await serve({
      "/": {
        get(request) {
          asked.resolve(request);
          return new Promise((_, reject) =>
            request.signal.addEventListener("abort", () => {
              aborted.resolve(request.signal.reason);
              reject(request.signal.reason);
            })
          );
        },
      },
    });
    const peer = await dial(listener.port);
    await peer.write(upgradeRequest());
    await asked.promise;
    peer.socket.destroy();
    expect(await aborted.promise).toMatchObject({ code: "ERR_CONNECTION" });
    await expectAlive(listener);
    await listener.gracefulStop();
    expect([listener.stats().open, errors]).toEqual([0, []]);
  });

  it("attack 9: clients that leave just before their upgrade do not keep a listener from stopping", SLOW, async () => {
    const { listener } = await serve({});
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const peer = await dial(listener.port);
      await peer.write(upgradeRequest("/echo"));
      if (i % 2 === 0) peer.socket.destroy();
      else peer.socket.resetAndDestroy();
    }));
    await expectAlive(listener);
    const { port } = listener;
    await listener.gracefulStop();
    expect(listener.stats().open).toBe(0);
    await expect(dial(port)).rejects.toThrow();
  });
}
