import { describe, expect, it } from "vitest";
import type { BunServerSocket } from "../../../src/adapters/bun/bun_api.ts";
import { bunHost } from "../../../src/adapters/bun/bun_host.ts";
import { ConnectionError } from "../../../src/errors.ts";
import type { MessageSocket } from "../../../src/transport/message_socket.ts";
import {
  DEFAULT_LIMITS,
  type Listening,
  type ListenOptions,
  type UpgradeHandler,
} from "../../../src/transport/upgrade.ts";
import type { ServerTls } from "../../../src/transport/tls.ts";
import { checkCompression } from "../../../src/streams/compression_options.ts";
import { FakeBun, FakeBunSocket } from "../../support/fake_bun.ts";
import { listenOptions } from "../../support/listen_options.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { failure } from "../../support/on_sockets.ts";
import { SinkWords } from "../../support/sink_words.ts";
import { pageRequest, told, webRequest } from "../../support/web_request.ts";

interface Hosted {
  readonly bun: FakeBun;
  readonly clock: ManualClock;
  readonly errors: unknown[];
  readonly sockets: MessageSocket[];
  readonly listening: Listening;
}

/** A host that accepts everything, or as `onUpgrade` decides. */
async function host(changes: Partial<ListenOptions> = {}, onUpgrade?: UpgradeHandler): Promise<Hosted> {
  const bun = new FakeBun();
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const sockets: MessageSocket[] = [];
  const accept: UpgradeHandler = async (upgrade) => {
    sockets.push(await upgrade.accept({ limits: DEFAULT_LIMITS, keepAliveMs: Infinity }));
  };
  const listening = await bunHost(() => bun, clock)(listenOptions(errors, changes), onUpgrade ?? accept);
  return { bun, clock, errors, sockets, listening };
}

const ask = ({ bun }: Hosted, request: Request): Response | undefined | Promise<Response | undefined> =>
  bun.served!.fetch(request, bun);

describe("what Bun is told", () => {
  it("where to listen, and that nothing is to be lost, pinged or timed out by itself", async () => {
    const { bun, listening } = await host();
    const { port, hostname, idleTimeout, maxRequestBodySize, websocket } = bun.served!;
    expect([port, hostname, idleTimeout, maxRequestBodySize]).toEqual([0, "127.0.0.1", 10, Number.MAX_SAFE_INTEGER]);
    expect([websocket.backpressureLimit, websocket.idleTimeout, websocket.sendPings, websocket.perMessageDeflate])
      .toEqual([0, 0, false, false]);
    expect([listening.hostname, listening.port, listening.secure]).toEqual(["127.0.0.1", 4_242, false]);
  });

  for (const [timeoutMs, seconds] of [[Infinity, 0], [1, 1], [255_000, 255], [256_000, 255]] as const) {
    it(`a timeout of ${timeoutMs} ms is one of ${seconds} s`, async () => {
      expect((await host({ timeoutMs })).bun.served!.idleTimeout).toBe(seconds);
    });
  }

  it("how long a body, and how long a message may be, which is the most from then on", async () => {
    const { bun, listening } = await host({ maxEntityBodySize: 7, largestMessage: () => 8 });
    expect([bun.served!.maxRequestBodySize, bun.served!.websocket.maxPayloadLength, listening.largestMessage])
      .toEqual([7 + 1_048_576, 8, 8]); // Ours is the limit of the body.
  });

  it("how to speak TLS, by the numbers that it takes", async () => {
    const identity = { key: "a key", cert: "a certificate" };
    const tls: ServerTls = {
      identity,
      hosts: new Map(),
      authorities: undefined,
      verifyClient: undefined,
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      ciphers: undefined,
      shareSession: true,
      sessionSeconds: undefined,
      handshakeMs: 30_000,
    };
    const told = async (changes: Partial<ServerTls>): Promise<unknown> =>
      (await host({ tls: { ...tls, ...changes } })).bun.served!.tls;
    expect((await host()).bun.served!.tls).toBeUndefined();
    expect((await host({ tls })).listening.secure).toBe(true);
    expect(await told({})).toEqual({ ...identity, secureOptions: 0 });
    expect(await told({ verifyClient: "require", authorities: ["ca"] })).toEqual({
      ...identity,
      ca: ["ca"],
      requestCert: true,
      rejectUnauthorized: true,
      secureOptions: 0,
    });
    // SSL_OP_NO_TICKET, SSL_OP_NO_TLSv1_2, SSL_OP_NO_TLSv1_3
    expect(await told({ shareSession: false })).toMatchObject({ secureOptions: 0x4000 });
    expect(await told({ minVersion: "TLSv1.3" })).toMatchObject({ secureOptions: 0x0800_0000 });
    expect(await told({ maxVersion: "TLSv1.2" })).toMatchObject({ secureOptions: 0x2000_0000 });
    expect(await told({ ciphers: "TLS_AES_128_GCM_SHA256:A:B" })).toMatchObject({ ciphers: "A:B" });
    expect(await told({ ciphers: "TLS_AES_128_GCM_SHA256" })).not.toHaveProperty("ciphers");
  });

  it("to compress, where that may be agreed on, with one compressor for all", async () => {
    const compression = checkCompression({});
    expect((await host({ compression })).bun.served!.websocket.perMessageDeflate)
      .toEqual({ compress: "shared", decompress: "shared" });
  });
});

it("rejects with a ConnectionError when the port cannot be had", async () => {
  const bun = new FakeBun();
  bun.failure = new Error("Is port 80 in use?");
  const error = await failure(
    bunHost(() => bun, new ManualClock())(listenOptions([], { target: 80 }), async () => {}),
  ) as Error;
  expect(error).toBeInstanceOf(ConnectionError);
  expect([error.message, error.cause]).toEqual(["Cannot listen on 127.0.0.1:80: Is port 80 in use?", bun.failure]);
});

describe("a request", () => {
  it("is upgraded, or answered by the fetch handler", async () => {
    const hosted = await host({ fetch: (request) => new Response(`page ${request.url}`) });
    expect(await ask(hosted, webRequest())).toBe(undefined);
    expect(hosted.sockets).toHaveLength(1);
    expect(await told(ask(hosted, pageRequest("/a")))).toBe("200 page http://hawser.test/a");
  });

  it("is refused as the handler decides", async () => {
    const hosted = await host({}, (upgrade) => upgrade.reject(new Response("no", { status: 403 })));
    expect(await told(ask(hosted, webRequest()))).toBe("403 no");
  });

  it("that makes something throw is answered with 500, and the error told", async () => {
    const hosted = await host({}, () => {
      throw new Error("broken");
    });
    expect(await told(ask(hosted, webRequest()))).toBe("500 The server could not answer");
    expect(String(hosted.errors)).toBe("Error: broken");
  });

  it("whose answer Bun cannot send is told", async () => {
    const { bun, errors } = await host();
    expect(bun.served!.error(new TypeError("no response")).status).toBe(500);
    expect(String(errors)).toBe("TypeError: no response");
  });
});

describe("what Bun tells of a socket", () => {
  it("reaches it", async () => {
    const hosted = await host();
    await ask(hosted, webRequest());
    const { websocket } = hosted.bun.served!;
    const [socket] = hosted.bun.sockets as [FakeBunSocket];
    const sink = new SinkWords();
    hosted.sockets[0]!.start(sink);
    websocket.message(socket, "hello");
    websocket.ping(socket, Uint8Array.of(1));
    websocket.pong(socket, Uint8Array.of(2));
    socket.slow = true;
    expect(hosted.sockets[0]!.send("a")).toBe(false);
    socket.buffered = 0;
    websocket.drain(socket);
    websocket.close(socket, 4_001, "bye");
    hosted.clock.endTurn();
    expect(sink.take()).toEqual(["text hello", "ping 01", "pong 02", "drained", "closed 4001"]);
  });

  it("is passed over when the socket is somebody else's", async () => {
    const { bun } = await host();
    const { open, message, drain, ping, pong, close } = bun.served!.websocket;
    for (const data of [undefined, null, { theirs: true }, "theirs"]) {
      const theirs: BunServerSocket = new FakeBunSocket(data, { open() {}, close() {} });
      open(theirs);
      message(theirs, "hello");
      drain(theirs);
      ping(theirs, Uint8Array.of());
      pong(theirs, Uint8Array.of());
      close(theirs, 1000, "");
      expect([(theirs as FakeBunSocket).calls, theirs.binaryType]).toEqual([[], "nodebuffer"]);
    }
  });
});

describe("stop", () => {
  it("frees the port at once and refuses, and ends when the last socket has closed", async () => {
    const hosted = await host({ fetch: () => new Response("page") });
    await ask(hosted, webRequest());
    const { bun, clock, listening } = hosted;
    let stopped = false;
    void listening.stop().then(() => stopped = true);
    expect(bun.stops).toEqual([false]);
    expect(await told(ask(hosted, webRequest()))).toBe("503 The server is stopping");
    expect(await told(ask(hosted, pageRequest()))).toBe("503 The server is stopping");
    await clock.pass(60_000);
    expect([bun.stops, stopped]).toEqual([[false], false]);
    bun.sockets[0]!.end(1000);
    await clock.settle();
    expect([bun.stops, stopped]).toEqual([[false, true], true]);
  });

  it("waits for upgrades that are not decided", async () => {
    let decide!: () => void;
    const hosted = await host({}, () => new Promise<void>((resolve) => decide = resolve));
    void ask(hosted, webRequest());
    const stopped = hosted.listening.stop();
    await hosted.clock.settle();
    expect(hosted.bun.stops).toEqual([false]);
    decide();
    await stopped;
    expect(hosted.bun.stops).toEqual([false, true]);
  });
});
