/** The service side as a whole, on real sockets, against a client that is not ours. */

import { createServer } from "node:http";
import { type AddressInfo, connect as connectTcp } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { Listener } from "../../src/adapters/default.ts";
import { AuthnError, ConnectionError, UpgradeError } from "../../src/errors.ts";
import { broadcast } from "../../src/service/broadcast.ts";
import type { Caller } from "../../src/service/caller.ts";
import { closeFrame } from "../../src/service/close_frame.ts";
import type { ListenerConfiguration, UpgradeServiceOptions } from "../../src/service/options.ts";
import type { Service } from "../../src/service/service.ts";
import { deferred } from "./serve.ts";

const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.immediateStop();
});

async function listen(
  service: Service | (() => Service),
  options: UpgradeServiceOptions = {},
  config: ListenerConfiguration = {},
): Promise<Listener> {
  const listener = new Listener(0, { host: "127.0.0.1", ...config });
  listeners.push(listener);
  listener.attach("/", { ...options, get: () => typeof service === "function" ? service() : service });
  await listener.start();
  return listener;
}

/** A client of `ws`, with what it heard, in words. */
class Peer {
  readonly heard: string[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<string>;
  readonly #opened: Promise<void>;
  #changed: () => void = () => {};

  constructor(url: string, protocols: string[] = [], headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
    this.#opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.socket.on("message", (data: Uint8Array, binary) => this.#hear(`${binary ? "binary" : "text"} ${data}`));
    this.socket.on("ping", (data: Uint8Array) => this.#hear(`ping ${data}`));
    this.socket.on("pong", (data: Uint8Array) => this.#hear(`pong ${data}`));
    this.closed = new Promise((resolve) =>
      this.socket.on("close", (code, reason: Uint8Array) => resolve(`${code} ${reason}`.trimEnd()))
    );
  }

  static async connect(url: string, protocols?: string[], headers?: Record<string, string>): Promise<Peer> {
    const peer = new Peer(url, protocols, headers);
    await peer.#opened;
    return peer;
  }

  /** Resolves when it has heard `count` things. */
  async hear(count: number): Promise<string[]> {
    while (this.heard.length < count) await new Promise<void>((resolve) => this.#changed = resolve);
    return this.heard;
  }

  #hear(what: string): void {
    this.heard.push(what);
    this.#changed();
  }
}

/** The bytes of a valid handshake. */
function upgradeRequest(port: number, path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
}

/** The answer to an upgrade that is refused: status, headers and body. */
function refusal(
  url: string,
  headers: Record<string, string> = {},
): Promise<[number, Record<string, unknown>, string]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on("open", () => reject(new Error("It was accepted")));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk) => body += chunk);
      response.on("end", () => resolve([response.statusCode ?? 0, response.headers, body]));
    });
  });
}

describe("L1: a port of its own", () => {
  it("port 0 binds a free one, port and url tell it", async () => {
    const listener = await listen({ onOpen: () => "hello" });
    expect(listener.port).toBeGreaterThan(0);
    expect(listener.url).toBe(`ws://127.0.0.1:${listener.port}`);
    expect(await (await Peer.connect(listener.url)).hear(1)).toEqual(["text hello"]);
  });

  it("L5: a busy port rejects with the cause; start is idempotent", async () => {
    const listener = await listen({});
    await listener.start();
    const second = new Listener(listener.port, { host: "127.0.0.1" });
    const error = await second.start().catch((error) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.cause).toMatchObject({ code: "EADDRINUSE" });
  });

  it("L8: plain HTTP on the same port: fetch, or 426", async () => {
    const page = await listen({}, {}, { fetch: (request) => new Response(`page ${new URL(request.url).pathname}`) });
    const answer = await fetch(`http://127.0.0.1:${page.port}/x`);
    expect([answer.status, await answer.text()]).toEqual([200, "page /x"]);
    const none = await listen({});
    expect((await fetch(`http://127.0.0.1:${none.port}/`)).status).toBe(426);
  });
});

it("L1: on a server that exists already, beside its own pages; stopping leaves them alone", async () => {
  const server = createServer((_request, response) => response.end("page"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const listener = new Listener(server);
    listener.attach("/echo", { get: () => ({ onTextMessage: (_caller, text) => text }) });
    await listener.start();
    expect(listener.port).toBe(port);
    const peer = await Peer.connect(`ws://127.0.0.1:${port}/echo`);
    peer.socket.send("hi");
    expect(await peer.hear(1)).toEqual(["text hi"]);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
    const stopped = listener.gracefulStop();
    expect(await peer.closed).toBe("1001");
    expect(await stopped).toEqual({ closed: 1, cut: 0 });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("page");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

describe("U: upgrades", () => {
  it("U1, L3: parameters, query and headers of the 101", async () => {
    const listener = await listen({});
    listener.attach("/chat/:name", {
      get: (request, { params, query, headers }) => {
        headers.append("set-cookie", "a=1");
        headers.append("set-cookie", "b=2");
        return { onOpen: () => [params.name, query.get("room"), request.headers.get("x-one")] };
      },
    });
    const cookies = deferred<unknown>();
    const peer = new Peer(`${listener.url}/chat/ada%20l;v=1?room=7`, [], { "x-one": "1" });
    peer.socket.on("upgrade", (response) => cookies.resolve(response.headers["set-cookie"]));
    expect(await peer.hear(1)).toEqual(['text ["ada l","7","1"]']);
    expect(await cookies.promise).toEqual(["a=1", "b=2"]);
  });

  it("U2, L7, U8: refusals are one plain sentence", async () => {
    const errors: unknown[] = [];
    const listener = await listen({}, {}, { onError: (error) => errors.push(error) });
    listener.attach("/429", { get: () => new UpgradeError(429, "Slow down", { "retry-after": "3" }) });
    listener.attach("/401", {
      get: () => {
        throw new AuthnError("Who are you");
      },
    });
    listener.attach("/500", {
      get: async () => {
        throw await Promise.resolve(new Error("secret"));
      },
    });
    listener.attach("/418", { get: () => new Response("teapot", { status: 418 }) });
    const answers = [];
    for (const path of ["/429", "/401", "/500", "/418", "/404"]) {
      const [status, , body] = await refusal(listener.url + path);
      answers.push(`${path} ${status} ${body}`);
    }
    expect(answers).toEqual([
      "/429 429 Slow down",
      "/401 401 Who are you",
      "/500 500 The server could not answer",
      "/418 418 teapot",
      "/404 404 There is no WebSocket service at this path",
    ]);
    expect((await refusal(`${listener.url}/429`))[1]["retry-after"]).toBe("3");
    expect((await refusal(listener.url, { origin: "https://evil.test" }))[0]).toBe(403);
    expect(errors).toEqual([new Error("secret")]);
    expect(listener.stats().refused).toEqual({ 429: 2, 401: 1, 500: 1, 418: 1, 404: 1, 403: 1 });
  });

  it("U4: the first offer that the service lists", async () => {
    const listener = await listen({ onOpen: (caller) => caller.getNegotiatedSubProtocol() }, {
      subProtocols: ["xml", "json"],
    });
    const peer = await Peer.connect(listener.url, ["yaml", "json", "xml"]);
    expect([await peer.hear(1), peer.socket.protocol]).toEqual([["text json"], "json"]);
  });

  it("L2: get slower than timeout: 503", async () => {
    const listener = new Listener(0, { host: "127.0.0.1", timeout: 0.05 });
    listeners.push(listener);
    const aborted = deferred();
    listener.attach("/", {
      get: (request) => {
        request.signal.addEventListener("abort", () => aborted.resolve());
        return new Promise<Service>(() => {});
      },
    });
    await listener.start();
    const [status, , body] = await refusal(listener.url);
    expect([status, body]).toEqual([503, "The upgrade took too long"]);
    await aborted.promise;
  });

  it("9: a client that leaves while get is busy: the signal is aborted, nothing is opened", async () => {
    const listener = await listen({});
    const [asked, aborted] = [deferred(), deferred()];
    listener.attach("/slow", {
      get: (request) => {
        request.signal.addEventListener("abort", () => aborted.resolve());
        asked.resolve();
        return new Promise<Service>(() => {});
      },
    });
    const tcp = connectTcp(listener.port, "127.0.0.1");
    tcp.write(upgradeRequest(listener.port, "/slow"));
    await asked.promise;
    tcp.destroy();
    await aborted.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(listener.stats()).toMatchObject({ opened: 0, left: 1 });
  });

  it("8: frames in the same packet as the request are handled after onOpen, none lost", async () => {
    const listener = await listen({
      onOpen: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return "open";
      },
      onTextMessage: (_caller, text) => text,
    });
    const tcp = connectTcp(listener.port, "127.0.0.1");
    tcp.write(
      Buffer.concat([
        upgradeRequest(listener.port, "/"),
        Buffer.from("818100000000" + "61" + "818100000000" + "62", "hex"),
      ]),
    );
    let received = "";
    for await (const chunk of tcp) {
      received += (chunk as Buffer).toString("latin1");
      if (received.endsWith("\x81\x01b")) break;
    }
    expect(received.split("\r\n\r\n")[1]).toBe("\x81\x04open\x81\x01a\x81\x01b");
  });
});

describe("S: services", () => {
  it("S4: every kind of answer, on the wire", async () => {
    const listener = await listen({
      onTextMessage(_caller, text) {
        switch (text) {
          case "bytes":
            return Uint8Array.of(104, 105);
          case "json":
            return { ok: true };
          case "later":
            return Promise.resolve("done");
          case "stream":
            return (function* () {
              yield "one";
              yield 2;
            })();
          case "close":
            return closeFrame(4000, "enough");
        }
      },
    });
    const peer = await Peer.connect(listener.url);
    for (const text of ["bytes", "json", "nothing", "later", "stream", "close"]) peer.socket.send(text);
    expect(await peer.closed).toBe("4000 enough");
    expect(peer.heard).toEqual(["binary hi", 'text {"ok":true}', "text done", "text one", "text 2"]);
  });

  it("S2, F2: a stream of thousands to a peer that reads slowly: all of it, in order, paced", async () => {
    let made = 0;
    const listener = await listen({
      *onTextMessage() {
        while (made < 20_000) yield `${++made} ${"x".repeat(1_000)}`;
      },
      onBinaryMessage: (_caller, data) => data,
    } as Service);
    const peer = await Peer.connect(listener.url);
    peer.socket.pause();
    peer.socket.send("go");
    // Another peer tells when the stream has come to rest: it made nothing while the other was answered 100 times.
    const other = await Peer.connect(listener.url);
    for (let calm = 0, seen = 0; calm < 100; calm++) {
      other.socket.send(Buffer.of(0));
      await other.hear(other.heard.length + 1);
      if (made === 0 || made !== seen) calm = 0;
      seen = made;
    }
    expect(made).toBeLessThan(16_000);
    peer.socket.resume();
    const heard = await peer.hear(20_000);
    expect(heard.every((text, i) => text.startsWith(`text ${i + 1} `))).toBe(true);
  });

  it("S3: pings are answered, and a loss is noticed, while a handler is busy", async () => {
    const lost = deferred<unknown>();
    const listener = await listen({
      onTextMessage: (caller) =>
        new Promise<undefined>((resolve) =>
          caller.signal.addEventListener("abort", () => {
            lost.resolve(caller.signal.reason);
            resolve(undefined);
          })
        ),
    });
    const peer = await Peer.connect(listener.url);
    peer.socket.send("x");
    peer.socket.ping("p");
    expect(await peer.hear(1)).toEqual(["pong p"]);
    peer.socket.terminate();
    expect(await lost.promise).toMatchObject({ code: "ERR_CONNECTION_CLOSED" });
  });

  it("S7: a handler that throws: 1011, the listener hears it, the others notice nothing", async () => {
    const errors: unknown[] = [];
    const listener = await listen(
      {
        onTextMessage(_caller, text) {
          if (text === "boom") throw new Error("boom");
          return text;
        },
      },
      {},
      { onError: (error) => errors.push(error) },
    );
    const [one, two] = [await Peer.connect(listener.url), await Peer.connect(listener.url)];
    one.socket.send("boom");
    expect(await one.closed).toBe("1011 internal error");
    two.socket.send("fine");
    expect(await two.hear(1)).toEqual(["text fine"]);
    expect(errors).toEqual([new Error("boom")]);
  });

  it("S7: a peer that breaks the protocol: close 1002, then onError, then onClose", async () => {
    const log: unknown[] = [];
    const done = deferred();
    const listener = await listen({
      onError: (_caller, error) => void log.push((error as Error).name),
      onClose(_caller, code) {
        log.push(code);
        done.resolve();
      },
    });
    const tcp = connectTcp(listener.port, "127.0.0.1");
    tcp.write(Buffer.concat([upgradeRequest(listener.port, "/"), Uint8Array.of(0xc1, 0x80, 0, 0, 0, 0)]));
    let received = "";
    for await (const chunk of tcp) received += (chunk as Buffer).toString("latin1");
    const frame = received.split("\r\n\r\n")[1] ?? "";
    expect([frame[0], frame.slice(2, 4)]).toEqual(["\x88", "\x03\xea"]);
    await done.promise;
    expect(log).toEqual(["CorruptedFrameError", 1002]);
  });

  it.each<[string, (peer: Peer) => void, string]>([
    ["with a code", (peer) => peer.socket.close(4321, "bye"), "4321 bye"],
    ["without one", (peer) => peer.socket.close(), "1005 "],
    ["with a loss", (peer) => peer.socket.terminate(), "1006 "],
  ])("S9: onClose once, %s", async (_how, leave, expected) => {
    const heard: string[] = [];
    const done = deferred();
    const listener = await listen({
      onClose(_caller, code, reason) {
        heard.push(`${code} ${reason}`);
        done.resolve();
      },
    });
    const peer = await Peer.connect(listener.url);
    leave(peer);
    await Promise.all([done.promise, peer.closed]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([expected]);
  });

  it("S9: onClose may choose the answer", async () => {
    const listener = await listen({ onClose: () => closeFrame(4001, "mine") });
    const peer = await Peer.connect(listener.url);
    peer.socket.close(4000);
    expect(await peer.closed).toBe("4001 mine");
  });

  it("S10, P3: close waits for the answer, and no longer than it may", async () => {
    const callers: Caller[] = [];
    const listener = await listen({ onOpen: (caller) => void callers.push(caller) });
    const [one, two] = [await Peer.connect(listener.url), await Peer.connect(listener.url)];
    expect(await callers[0]!.close(4000, "a")).toMatchObject({ code: 4000, clean: true, first: "local" });
    expect(await one.closed).toBe("4000 a");
    two.socket.pause();
    expect(await callers[1]!.close(4000, "b", 0.05)).toMatchObject({ code: 1006, clean: false });
    two.socket.resume();
  });

  it("S12: broadcast reaches everybody, but the speaker", async () => {
    const room = new Set<Caller>();
    const listener = await listen({
      onOpen: (caller) => void room.add(caller),
      onTextMessage: (caller, text) => `sent ${broadcast(room, text, { except: caller }).sent}`,
      onClose: (caller) => room.delete(caller),
    });
    const peers = await Promise.all([1, 2, 3].map(() => Peer.connect(listener.url)));
    peers[0]!.socket.send("hi");
    expect(await peers[0]!.hear(1)).toEqual(["text sent 2"]);
    expect([await peers[1]!.hear(1), await peers[2]!.hear(1)]).toEqual([["text hi"], ["text hi"]]);
  });
});

describe("L6: stopping", () => {
  it("gracefulStop: 1001 to everybody, counted; the port is free again", async () => {
    const listener = await listen({});
    const peers = await Promise.all(Array.from({ length: 5 }, () => Peer.connect(listener.url)));
    const { port } = listener;
    expect(await listener.gracefulStop({ reason: "restart" })).toEqual({ closed: 5, cut: 0 });
    expect(await Promise.all(peers.map(({ closed }) => closed))).toEqual(Array(5).fill("1001 restart"));
    const next = new Listener(port, { host: "127.0.0.1" });
    await next.start();
    await next.immediateStop();
  });

  it("35: a peer that never answers is cut at the deadline", async () => {
    const listener = await listen({});
    const [deaf, good] = [await Peer.connect(listener.url), await Peer.connect(listener.url)];
    deaf.socket.pause();
    expect(await listener.gracefulStop({ timeout: 0.1 })).toEqual({ closed: 1, cut: 1 });
    expect(await good.closed).toBe("1001");
    deaf.socket.terminate();
  });

  it("immediateStop: 1006 to everybody", async () => {
    const listener = await listen({});
    const peer = await Peer.connect(listener.url);
    await listener.immediateStop();
    expect(await peer.closed).toBe("1006");
    expect(listener.stats().open).toBe(0);
  });
});
