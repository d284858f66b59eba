/** A client that reconnects, against real servers that die in every way and come back. */

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  Client,
  type ClientConfiguration,
  ConnectionClosureError,
  ConnectionError,
  InvalidHandshakeError,
  Listener,
  type Message,
  type ReconnectInfo,
  type RetryConfig,
  type Service,
} from "../../mod.ts";
import { FramePeer, type SeenFrame } from "../support/frame_peer.ts";
import { deferred, ECHO, failure, LOOPBACK, onSockets, switching, until } from "../support/on_sockets.ts";
import { type RunningServer, startServer } from "../support/program.ts";
import { RawClient } from "../support/raw_client.ts";

const { listen, whenOver } = onSockets();

const MORTAL = join(fileURLToPath(new URL("../support/", import.meta.url)), "mortal_server.ts");
/** Waits that a test can afford. */
const QUICK = { interval: 0.02, maxWaitInterval: 0.1, jitter: false } as const;
/** For a test whose server is a process: starting one takes a second or two. */
const WITH_PROCESS = { timeout: 30_000 };

/** A client of ours that reconnects; it may not be open yet. */
function reconnecting(
  url: string | URL,
  retryConfig: RetryConfig<Client> = {},
  config: ClientConfiguration = {},
): Client {
  const client = new Client(url, { ...config, retryConfig: { ...QUICK, ...retryConfig } });
  whenOver(() => client.terminate());
  return client;
}

/** A program that listens on `port`, 0 for a free one. */
async function mortal(port = "0"): Promise<RunningServer> {
  const server = await startServer(MORTAL, { PORT: port });
  whenOver(() => server.stop());
  return server;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { port, server } = await raw(0, () => {});
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server whose connections `act` plays one by one: it gets the request, and how many came before. */
async function raw(
  port: number,
  act: (peer: FramePeer, request: string, count: number) => unknown,
): Promise<{ port: number; url: string; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const count = sockets.push(socket) - 1;
    whenOver(() => socket.destroy());
    const client = new RawClient(socket);
    const request = await client.head().catch(() => undefined);
    if (request !== undefined) await act(new FramePeer(client, "server"), request, count);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  whenOver(() => server.close());
  const { port: bound } = server.address() as AddressInfo;
  return { port: bound, url: `ws://127.0.0.1:${bound}/`, server, sockets };
}

/** A server that upgrades all; `peers` hands out the connections in the order in which they came. */
async function upgrading(
  port = 0,
): Promise<Awaited<ReturnType<typeof raw>> & { next(): Promise<FramePeer>; requests: string[] }> {
  const came: FramePeer[] = [];
  const wanted: ((peer: FramePeer) => void)[] = [];
  const requests: string[] = [];
  const server = await raw(port, async (peer, request) => {
    requests.push(request);
    await peer.raw.write(switching(request));
    const want = wanted.shift();
    if (want === undefined) came.push(peer);
    else want(peer);
  });
  const next = (): Promise<FramePeer> => {
    const peer = came.shift();
    return peer === undefined ? new Promise((resolve) => wanted.push(resolve)) : Promise.resolve(peer);
  };
  return { ...server, next, requests };
}

/** The connection is reset, without a close frame. */
function reset(peer: FramePeer): void {
  peer.socket.resetAndDestroy();
}

describe("servers that die", () => {
  it("C9: a killed process: the loop and the writes go on with the one that follows it", WITH_PROCESS, async () => {
    const first = await mortal();
    const reconnected = deferred<ReconnectInfo>();
    const client = reconnecting(first.url, { onReconnect: (_, info) => reconnected.resolve(info) });
    const messages = client[Symbol.asyncIterator]();
    expect((await messages.next()).value).toBe("hello");
    await client.writeTextMessage("one");
    expect((await messages.next()).value).toBe("one");
    const lost = messages.next();
    await first.stop();
    await until(() => !client.isOpen());
    const write = client.writeTextMessage("two");
    await mortal(first.url.port);
    expect((await lost).value).toBe("hello");
    expect(await reconnected.promise).toMatchObject({
      closure: { code: 1006, clean: false },
      uncertain: { messages: 1, bytes: 3 },
    });
    await write;
    expect((await messages.next()).value).toBe("two");
    expect(client.isOpen()).toBe(true);
    expect(await client.close()).toMatchObject({ code: 1000, clean: true });
  });

  it("C9: a process that stands still: pings notice it, handshakeTimeout gives up on it", WITH_PROCESS, async () => {
    const first = await mortal();
    const failures: string[] = [];
    const client = reconnecting(first.url, {
      retryOn: ({ closure }, byDefault) => failures.push(closure.error!.name) > 0 && byDefault,
    }, { pingInterval: 0.2, pongTimeout: 1, handshakeTimeout: 1 });
    await client.opened;
    expect(await client.readMessage()).toBe("hello");
    expect([client.isOpen(), failures]).toEqual([true, []]);
    first.freeze();
    const read = client.readMessage();
    await until(() => failures.length >= 2);
    // The system took the connection for it, and nobody answers.
    expect(failures.slice(0, 2)).toEqual(["ConnectionError", "HandshakeTimedOutError"]);
    first.thaw();
    expect(await read).toBe("hello");
    await client.close();
  });

  it("C9: resets, again and again", async () => {
    const { url, next } = await upgrading();
    const client = reconnecting(url);
    const seen: Message[] = [];
    for (let i = 0; i < 5; i++) {
      const peer = await next();
      const read = client.readTextMessage();
      await peer.text(`message ${i}`);
      seen.push(await read);
      reset(peer);
    }
    expect(seen).toEqual(["message 0", "message 1", "message 2", "message 3", "message 4"]);
  });

  it("C9: what came before the loss is read first; a message that was cut short is dropped", async () => {
    const { url, next } = await upgrading();
    const client = reconnecting(url);
    const first = await next();
    await first.send(
      { opcode: 1, payload: "a" },
      { opcode: 1, payload: "b" },
      { opcode: 1, fin: false, payload: "half of" },
    );
    first.socket.end();
    const second = await next();
    await second.text("c");
    await second.close(1000);
    second.socket.end();
    const seen: Message[] = [];
    for await (const message of client) seen.push(message);
    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("C9: down when the client begins, and up later", async () => {
    const port = await freePort();
    let failures = 0;
    const client = reconnecting(`ws://127.0.0.1:${port}/`, { retryOn: (_, byDefault) => ++failures > 0 && byDefault });
    const read = client.readTextMessage();
    await until(() => failures === 3);
    expect(client.isOpen()).toBe(false);
    const { next } = await upgrading(port);
    await (await next()).text("at last");
    await client.opened;
    expect(await read).toBe("at last");
  });

  it("C9: down for ever: after maxCount of 3 the last error", async () => {
    const port = await freePort();
    const errors: unknown[] = [];
    const client = reconnecting(`ws://127.0.0.1:${port}/`, {
      maxCount: 3,
      retryOn: ({ closure }, byDefault) => errors.push(closure.error) > 0 && byDefault,
    });
    const error = await failure(client.opened) as ConnectionError;
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
    expect(errors).toHaveLength(4);
    expect(errors.at(-1)).toBe(error);
    expect((await client.closed).error).toBe(error);
    expect(await failure(client.writeTextMessage("a"))).toBeInstanceOf(ConnectionClosureError);
  });

  it("C9: gone in the middle of it: a pending read and a write end with the last error after maxCount", async () => {
    const { url, next, server } = await upgrading();
    const client = reconnecting(url, { maxCount: 2 });
    const peer = await next();
    await client.opened;
    const read = failure(client.readMessage());
    server.close();
    reset(peer);
    await until(() => !client.isOpen());
    const write = failure(client.writeTextMessage("never sent"));
    const closure = await client.closed;
    expect(closure.error?.cause).toMatchObject({ code: "ECONNREFUSED" });
    expect(await read).toMatchObject({ closure });
    expect(await write).toMatchObject({ closure });
  });
});

describe("servers that say goodbye", () => {
  it("C9: 1001: a listener that stops gracefully, and another one on its port", async () => {
    const service: Service = { ...ECHO, onOpen: () => "hello" };
    const first = await listen(service);
    const infos: ReconnectInfo[] = [];
    const client = reconnecting(first.url, { onReconnect: (_, info) => void infos.push(info) });
    expect(await client.readMessage()).toBe("hello");
    const { port } = first;
    await first.gracefulStop();
    const second = new Listener(port!, { host: LOOPBACK });
    whenOver(() => second.immediateStop());
    second.attach("/", { get: () => service });
    await second.start();
    expect(await client.readMessage()).toBe("hello");
    await client.writeTextMessage("again");
    expect(await client.readMessage()).toBe("again");
    expect(infos).toMatchObject([{ closure: { code: 1001, clean: true, first: "remote" } }]);
  });

  it.each([1001, 1012, 1013])("C9: %d of the peer: connects anew", async (code) => {
    const { url, next } = await upgrading();
    const client = reconnecting(url);
    const first = await next();
    await first.close(code, "see you");
    first.socket.end();
    await (await next()).text("again");
    expect(await client.readMessage()).toBe("again");
  });

  it.each([1000, 1008, 1011, 4000])("C9: %d of the peer: that is the end", async (code) => {
    const { url, next, sockets } = await upgrading();
    const client = reconnecting(url);
    const first = await next();
    await first.close(code);
    first.socket.end();
    expect(await client.closed).toMatchObject({ code, clean: true });
    expect(sockets).toHaveLength(1);
  });

  it("C9: 503 with Retry-After is obeyed, 401 is the end", async () => {
    const times: number[] = [];
    const { url } = await raw(0, async (peer, _request, count) => {
      times.push(performance.now());
      const head = count === 0 ? "503 Service Unavailable\r\nRetry-After: 1" : "401 Unauthorized";
      await peer.raw.write(`HTTP/1.1 ${head}\r\nContent-Length: 0\r\n\r\n`);
      peer.socket.end();
    });
    const client = reconnecting(url);
    const error = await failure(client.opened);
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error).toMatchObject({ status: 401 });
    expect(times).toHaveLength(2);
    // A timer may fire a millisecond early.
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);
  });

  it("C9: no wait is longer than maxWaitInterval", async () => {
    const { url, next } = await upgrading();
    reconnecting(url, { interval: 60, maxWaitInterval: 0.02 });
    reset(await next());
    // It comes before the time of this test is over.
    await next();
  });

  it("C9: a server that accepts and drops at once is not hammered: the waits grow", async () => {
    const times: number[] = [];
    const done = deferred();
    const { url, next } = await upgrading();
    reconnecting(url, { interval: 0.05, maxWaitInterval: 10 });
    void (async () => {
      for (let i = 0; i < 4; i++) {
        const peer = await next();
        times.push(performance.now());
        reset(peer);
      }
      done.resolve();
    })();
    await done.promise;
    const waits = times.slice(1).map((time, i) => time - times[i]!);
    expect(waits[0]).toBeGreaterThanOrEqual(49);
    expect(waits[1]).toBeGreaterThanOrEqual(99);
    expect(waits[2]).toBeGreaterThanOrEqual(199);
  });
});

describe("what is written", () => {
  it("C9: waits in the outbox, and a message in fragments goes out again as a whole", async () => {
    const { url, next, server, port } = await upgrading();
    const client = reconnecting(url, {}, { maxFrameSize: 20, webSocketCompressionEnabled: false });
    const first = await next();
    await client.opened;
    server.close();
    reset(first);
    await until(() => !client.isOpen());
    const text = "The quick brown fox jumps over the lazy dög, again and again";
    const bytes = Uint8Array.from({ length: 50 }, (_, i) => i);
    const writes = [client.writeTextMessage(text), client.writeBinaryMessage(bytes)];
    bytes.fill(0);
    const back = await upgrading(port);
    const second = await back.next();
    await Promise.all(writes);
    const [sentText, sentBytes] = [await fragments(second), await fragments(second)];
    expect(sentText.map(({ opcode, fin }) => [opcode, fin])).toEqual([[1, false], [0, false], [0, false], [0, true]]);
    expect(new TextDecoder().decode(whole(sentText))).toBe(text);
    expect(sentBytes.map(({ opcode, fin }) => [opcode, fin])).toEqual([[2, false], [0, false], [0, true]]);
    expect(whole(sentBytes)).toEqual(Uint8Array.from({ length: 50 }, (_, i) => i));
  });

  it("C9: a subscription of onReconnect goes ahead of the outbox, and that ahead of what is written later", async () => {
    const { url, next } = await upgrading();
    const client = reconnecting(url, {
      onReconnect: async (client) => {
        await client.writeTextMessage("token");
        expect(await client.readTextMessage()).toBe("accepted");
        await client.writeTextMessage("subscribe");
      },
    });
    const first = await next();
    await client.opened;
    reset(first);
    await until(() => !client.isOpen());
    const writes = ["a", "b", "c"].map((text) => client.writeTextMessage(text));
    const second = await next();
    expect(await second.nextText()).toBe("token");
    await second.text("accepted");
    await Promise.all(writes);
    await client.writeTextMessage("d");
    const seen: string[] = [];
    for (let i = 0; i < 5; i++) seen.push(await second.nextText());
    expect(seen).toEqual(["subscribe", "a", "b", "c", "d"]);
  });

  it("C9: what was handed to a connection is not sent again, and its loss is told", async () => {
    const { url, next } = await upgrading();
    const told = deferred<ReconnectInfo>();
    const client = reconnecting(url, { onReconnect: (_, info) => told.resolve(info) }, { pingInterval: 0.05 });
    const first = await next();
    await client.opened;
    await client.writeTextMessage("arrived");
    let frame = await first.next();
    for (; frame.opcode === 9; frame = await first.next()) await first.send({ opcode: 10, payload: frame.payload });
    expect(frame.text).toBe("arrived");
    // Its pong says that what was sent before the ping has arrived.
    const ping = await first.next();
    expect(ping.opcode).toBe(9);
    await first.send({ opcode: 10, payload: ping.payload });
    await first.text("answered");
    expect(await client.readMessage()).toBe("answered");
    const writes = ["lost", "too"].map((text) => client.writeTextMessage(text));
    await Promise.all(writes);
    reset(first);
    const second = await next();
    expect((await told.promise).uncertain).toEqual({ messages: 2, bytes: 7 });
    await client.writeTextMessage("new");
    expect(await second.nextText()).toBe("new");
  });

  it("C9: past the outbox a write is refused at once", async () => {
    const client = reconnecting(`ws://127.0.0.1:${await freePort()}/`, { outbox: 1_000 });
    // Each message counts for 64 bytes more.
    const error = await failure(client.writeBinaryMessage(new Uint8Array(937)));
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toContain("no room");
    const write = failure(client.writeBinaryMessage(new Uint8Array(936)));
    await client.close();
    expect(await write).toBeInstanceOf(ConnectionClosureError);
  });

  it("C9: streams go on: what is piped through both arrives whole", async () => {
    const { url, next } = await upgrading();
    const client = reconnecting(url);
    const writer = client.writable.getWriter();
    const reader = client.readable.getReader();
    for (let i = 0; i < 3; i++) {
      const peer = await next();
      await writer.write(`request ${i}`);
      expect(await peer.nextText()).toBe(`request ${i}`);
      await peer.text(`response ${i}`);
      expect((await reader.read()).value).toBe(`response ${i}`);
      reset(peer);
      await until(() => !client.isOpen());
    }
    const last = await next();
    await until(() => client.isOpen());
    const cancelled = reader.cancel();
    expect(await last.closeCode()).toBe(1000);
    await last.close(1000);
    last.socket.end();
    await cancelled;
    expect(await client.closed).toMatchObject({ code: 1000, clean: true });
  });
});

describe("each attempt", () => {
  it("C9: has headers of its own, made by a function", async () => {
    let tokens = 0;
    const { url, next, requests } = await upgrading();
    const customHeaders = async (): Promise<Record<string, string>> => {
      await Promise.resolve();
      if (++tokens === 2) throw new Error("the token server is down");
      return { Authorization: `Bearer ${tokens}` };
    };
    const failures: unknown[] = [];
    const client = reconnecting(url, {
      retryOn: ({ closure }, byDefault) => failures.push(closure.error?.cause) > 0 && byDefault,
    }, { customHeaders });
    reset(await next());
    await (await next()).text("again");
    expect(await client.readMessage()).toBe("again");
    expect(requests.map((request) => /authorization: (.*)\r/i.exec(request)?.[1])).toEqual(["Bearer 1", "Bearer 3"]);
    expect(failures).toContainEqual(new Error("the token server is down"));
  });

  it("C9: is of the new connection what getHttpResponse and getNegotiatedSubProtocol say", async () => {
    const protocols = ["v2", "v1"];
    const { url } = await raw(0, async (peer, request, count) => {
      await peer.raw.write(switching(request, `Sec-WebSocket-Protocol: ${protocols[count]}\r\nX-Count: ${count}\r\n`));
      if (count === 0) peer.socket.end();
      else await peer.text("again");
    });
    const client = reconnecting(url, {}, { subProtocols: ["v1", "v2"] });
    await client.opened;
    const id = client.getConnectionId();
    expect([client.getNegotiatedSubProtocol(), client.getHttpResponse()?.headers.get("x-count")]).toEqual(["v2", "0"]);
    expect(await client.readMessage()).toBe("again");
    expect([client.getNegotiatedSubProtocol(), client.getHttpResponse()?.headers.get("x-count")]).toEqual(["v1", "1"]);
    expect(client.getConnectionId()).toBe(id);
  });
});

describe("ending it", () => {
  it.each<[string, (client: Client, controller: AbortController) => void]>([
    ["close", (client) => void client.close()],
    ["terminate", (client) => client.terminate()],
    ["an aborted signal", (_, controller) => controller.abort(new Error("enough"))],
  ])("C9: %s while it waits ends it at once", async (_, act) => {
    const { url, next, server } = await upgrading();
    const controller = new AbortController();
    const client = reconnecting(url, { interval: 60, maxWaitInterval: 60 }, { signal: controller.signal });
    const peer = await next();
    await client.opened;
    const read = failure(client.readMessage());
    server.close();
    await peer.close(1012, "restart");
    peer.socket.end();
    await until(() => !client.isOpen());
    await peer.raw.gone();
    act(client, controller);
    expect(await client.closed).toMatchObject({ code: 1012, reason: "restart" });
    expect(await read).toBeInstanceOf(ConnectionClosureError);
  });

  it("C9: without retryConfig a loss is the end", async () => {
    const { url, next, sockets } = await upgrading();
    const client = await Client.connect(url);
    reset(await next());
    expect((await client.closed).code).toBe(1006);
    expect(sockets).toHaveLength(1);
  });

  it.each([
    [{ interval: -1 }, RangeError],
    [{ jitter: "no" }, TypeError],
    [{ onReconnected: () => {} }, TypeError],
  ])("C9: %j is refused at once", (retryConfig, kind) => {
    expect(() => new Client("ws://127.0.0.1/", { retryConfig: retryConfig as object })).toThrow(kind);
  });
});

/** The frames of the next message. */
async function fragments(peer: FramePeer): Promise<SeenFrame[]> {
  const seen = [await peer.next()];
  while (!seen.at(-1)!.fin) seen.push(await peer.next());
  for (const { payload } of seen) expect(payload.length).toBeLessThanOrEqual(20);
  return seen;
}

function whole(frames: readonly SeenFrame[]): Uint8Array {
  return Uint8Array.from(frames.flatMap(({ payload }) => [...payload]));
}
