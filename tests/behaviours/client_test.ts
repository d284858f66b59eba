/** The rows C of the acceptance table: a client, how it connects, reads, writes and ends. */

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  Client,
  type ClientConfiguration,
  closeFrame,
  ConnectionClosureError,
  ConnectionError,
  HandshakeTimedOutError,
  InvalidHandshakeError,
  Listener,
  type Message,
  PayloadBindingError,
  ReadTimedOutError,
  type StandardSchema,
  WriteTimedOutError,
} from "../../mod.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, ECHO, failure, onSockets, switching } from "../support/on_sockets.ts";
import { WebSocket, WebSocketServer } from "../support/ws_package.ts";

const { listen, connect, server, clientAndServer, upgraded, whenOver } = onSockets();

async function all(messages: AsyncIterable<Message>): Promise<Message[]> {
  const seen: Message[] = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

describe("connecting", () => {
  it("C1: connect waits until it is open; new Client tells by opened", async () => {
    const { url } = await listen();
    const one = await Client.connect(url);
    expect(one.isOpen()).toBe(true);
    await one.close();
    const two = new Client(url);
    expect(two.isOpen()).toBe(false);
    expect(() => two.ping()).toThrow('the connection is not open yet, "opened" tells when it is');
    await two.opened;
    expect(two.isOpen()).toBe(true);
    await two.close();
    expect(await two.closed).toMatchObject({ code: 1000, clean: true });
  });

  it("C1: http: is ws:, and the path and query travel", async () => {
    const listener = await listen();
    listener.attach("/a/:b", { get: (request) => ({ onOpen: () => request.url }) });
    const client = await connect(listener.url.replace("ws:", "http:") + "/a/b%20c?d=e#f".replace("#f", ""));
    expect(await client.readMessage()).toBe(`http://127.0.0.1:${listener.port}/a/b%20c?d=e`);
  });

  it("C1: ws+unix: reaches a socket of the file system", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-"));
    whenOver(() => rmSync(folder, { recursive: true }));
    const http = createServer();
    const listener = new Listener(http);
    listener.attach("/chat", { get: (request) => ({ onOpen: () => new URL(request.url).search }) });
    await listener.start();
    await new Promise<void>((resolve) => http.listen(join(folder, "s"), resolve));
    whenOver(() => (http.close(), listener.immediateStop()));
    const client = await connect(`ws+unix:${join(folder, "s")}:/chat?x=1`);
    expect(await client.readMessage()).toBe("?x=1");
  });

  it.each(["", "127.0.0.1", "ftp://127.0.0.1/", "ws://", "ws://127.0.0.1/#fragment", "ws://127.0.0.1:99999/"])(
    "C1: %j is no URL for a WebSocket, and that is thrown at once",
    async (url) => {
      expect(() => new Client(url)).toThrow(TypeError);
      expect(await failure(Client.connect(url))).toBeInstanceOf(TypeError);
    },
  );

  it("C1: the signal ends connecting, and drops the connection later", async () => {
    const asked = deferred();
    const silent = await server(() => asked.resolve());
    const early = new AbortController();
    const connecting = failure(connect(silent, { signal: early.signal }));
    await asked.promise;
    early.abort(new Error("enough"));
    expect(await connecting).toEqual(new Error("enough"));
    expect(await failure(connect(silent, { signal: AbortSignal.abort(new Error("before")) }))).toEqual(
      new Error("before"),
    );

    const late = new AbortController();
    const { client, peer } = await clientAndServer({ signal: late.signal });
    late.abort();
    expect(await client.closed).toMatchObject({ code: 1006, clean: false });
    await peer.raw.rest();
  });

  it("C1: await using closes", async () => {
    const codes = deferred<number>();
    const { url } = await listen({ onClose: (_caller, code) => codes.resolve(code) });
    {
      await using client = await Client.connect(url);
      expect(client.isOpen()).toBe(true);
    }
    expect(await codes.promise).toBe(1000);
  });

  it("C1: nobody there: a ConnectionError with the cause, told by opened and by closed", async () => {
    const listener = await listen();
    const { url } = listener;
    await listener.immediateStop();
    const client = new Client(url);
    const error = await failure(client.opened);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).cause).toMatchObject({ code: "ECONNREFUSED" });
    expect(await client.closed).toMatchObject({ code: 1006, clean: false, error });
    expect(await failure(client.readMessage())).toBeInstanceOf(ConnectionClosureError);
  });
});

describe("iterating", () => {
  it.each([1000, 1001, undefined])("C2: ends behind the last message when the server closes with %s", async (code) => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 2, payload: "b" });
    await peer.close(code);
    peer.socket.end();
    expect(await all(client)).toEqual(["a", Uint8Array.of(98)]);
  });

  it.each([1002, 1011, 4000])("C2: throws behind the last message when it closes with %d", async (code) => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "a" });
    await peer.close(code);
    peer.socket.end();
    const seen: Message[] = [];
    const error = await failure(async () => {
      for await (const message of client) seen.push(message);
    });
    expect(seen).toEqual(["a"]);
    expect(error).toMatchObject({ name: "ConnectionClosureError", closure: { code, clean: true } });
  });

  it("C2: throws when the connection is lost, also in the middle of a message", async () => {
    const { client, peer } = await clientAndServer();
    await peer.raw.write(Uint8Array.of(0x81, 5, 0x61));
    peer.socket.end();
    expect(await failure(all(client))).toMatchObject({ closure: { code: 1006, clean: false } });
  });

  it("C2: leaving the loop closes with 1000", async () => {
    const { client, peer } = await clientAndServer();
    await peer.text("one");
    for await (const message of client) {
      expect(message).toBe("one");
      break;
    }
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 1000 });
  });

  it("C3: a second reader is a TypeError", async () => {
    const { client } = await clientAndServer();
    expect(client.readable).toBe(client.readable);
    expect(() => client[Symbol.asyncIterator]()).toThrow(TypeError);
    expect(await failure(client.readMessage())).toBeInstanceOf(TypeError);
    const other = await clientAndServer();
    const reading = other.client.readMessage();
    expect(() => other.client.readable).toThrow(TypeError);
    await other.peer.text("x");
    expect(await reading).toBe("x");
  });
});

describe("streaming", () => {
  it("C3: one client is piped into another, everything in order", async () => {
    const { url } = await listen();
    const received: string[] = [];
    const done = deferred();
    const sink = await listen({
      onTextMessage: (_caller, text) => void received.push(text),
      onClose: () => done.resolve(),
    });
    const [a, b] = [await connect(url), await connect(sink.url)];
    const piping = a.readable.pipeTo(b.writable);
    for (let i = 0; i < 500; i++) await a.writeTextMessage(`${i}`);
    // The echo of the last one comes before the answer to the close.
    await a.close();
    await piping;
    await done.promise;
    expect(received).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`));
  });

  it("C3: writable waits for a slow server, readable holds a fast one back", async () => {
    const { client, peer } = await clientAndServer({ readAhead: { messages: 2 } });
    peer.socket.pause();
    const writer = client.writable.getWriter();
    const chunk = new Uint8Array(100_000);
    while ((writer.desiredSize ?? 0) > 0) {
      void writer.write(chunk).catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(client.bufferedAmount).toBeGreaterThan(0);
    let ready = false;
    void writer.ready.then(() => ready = true, () => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(ready).toBe(false);
    peer.socket.resume();
    await writer.ready;
  });

  it("C3: closing writable closes with 1000, aborting it with what it is aborted with", async () => {
    const one = await clientAndServer();
    const closing = one.client.writable.close();
    expect(await one.peer.next()).toMatchObject({ opcode: 8, code: 1000 });
    await one.peer.close(1000);
    one.peer.socket.end();
    await closing;
    const two = await clientAndServer();
    void two.client.writable.abort({ closeCode: 4000, reason: "mine" }).catch(() => {});
    expect(await two.peer.next()).toMatchObject({ opcode: 8, code: 4000 });
    const three = await clientAndServer();
    void three.client.readable.cancel().catch(() => {});
    expect(await three.peer.next()).toMatchObject({ opcode: 8, code: 1000 });
  });
});

describe("reading and writing", () => {
  it("C4: pending reads are served in order", async () => {
    const { client, peer } = await clientAndServer();
    const reads = [client.readTextMessage(), client.readBinaryMessage(), client.readMessage()];
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 2, payload: "b" }, { opcode: 1, payload: "c" });
    expect(await Promise.all(reads)).toEqual(["a", Uint8Array.of(98), "c"]);
  });

  it("C4: a message of the other kind is an error, and stays readable", async () => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 2, payload: "b" });
    expect(await failure(client.readBinaryMessage())).toBeInstanceOf(PayloadBindingError);
    expect(await client.readTextMessage()).toBe("a");
    expect(await failure(client.readTextMessage())).toBeInstanceOf(PayloadBindingError);
    expect(await client.readBinaryMessage()).toEqual(Uint8Array.of(98));
  });

  it("C4: readMessage(schema) parses and checks; what fails is consumed, and the next read is clean", async () => {
    const schema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) =>
          typeof value === "object" ? { value: value as { a: number } } : { issues: [{ message: "no object" }] },
      },
    } satisfies StandardSchema<{ a: number }>;
    const { client, peer } = await clientAndServer();
    for (const text of ['{"a":1}', "7", "no JSON", '{"a":2}']) await peer.text(text);
    expect((await client.readMessage(schema)).a).toBe(1);
    expect(await failure(client.readMessage(schema))).toMatchObject({ issues: [{ message: "no object" }] });
    expect(await failure(client.readMessage(schema))).toBeInstanceOf(PayloadBindingError);
    expect(await client.readMessage(schema)).toEqual({ a: 2 });
  });

  it("C4: writes text, binary, and whatever JSON knows, masked", async () => {
    const { client, peer } = await clientAndServer();
    await client.writeTextMessage("text");
    await client.writeBinaryMessage(Uint8Array.of(97).buffer);
    await client.writeMessage([1]);
    const heard = [await peer.next(), await peer.next(), await peer.next()];
    expect(heard.map(({ opcode, text, masked }) => [opcode, text, masked])).toEqual([
      [1, "text", true],
      [2, "a", true],
      [1, "[1]", true],
    ]);
    expect(() => client.writeTextMessage(1 as never)).toThrow(TypeError);
    expect(() => client.writeBinaryMessage("a" as never)).toThrow(TypeError);
    expect(() => client.writeMessage(1n)).toThrow(TypeError);
  });

  it("C5: pings are answered and the close is noticed although nobody reads", async () => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "unread" }, { opcode: 9, payload: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
    await peer.close(4000);
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 4000 });
    peer.socket.end();
    expect((await client.closed).code).toBe(4000);
    expect(await client.readMessage()).toBe("unread");
    expect(await failure(client.readMessage())).toBeInstanceOf(ConnectionClosureError);
  });

  it("C7: readTimeout: the read rejects, the connection is usable, no message is lost", async () => {
    const { client, peer } = await clientAndServer({ readTimeout: 0.05 });
    expect(await failure(client.readMessage())).toBeInstanceOf(ReadTimedOutError);
    await peer.text("late");
    expect(await client.readMessage()).toBe("late");
    await client.writeTextMessage("works");
    expect(await peer.nextText()).toBe("works");
  });

  it("C7: writeTimeout: a write that waits for a slow server rejects", async () => {
    const { client, peer } = await clientAndServer({ writeTimeout: 0.05 });
    peer.socket.pause();
    const chunk = new Uint8Array(1_000_000);
    const error = await failure(async () => {
      for (;;) await client.writeBinaryMessage(chunk);
    });
    expect(error).toBeInstanceOf(WriteTimedOutError);
    expect(client.isOpen()).toBe(true);
  });
});

describe("its configuration", () => {
  it("C6: customHeaders, origin, subProtocols and cookies of one's own are sent", async () => {
    const request = deferred<string>();
    const url = await server((peer, text) => {
      request.resolve(text);
      return peer.raw.write(switching(text, "Sec-WebSocket-Protocol: b\r\n"));
    });
    await connect(url, {
      customHeaders: { "X-One": "1", Cookie: "a=b", "X-Many": ["x", "y"] },
      origin: "https://page.test",
      subProtocols: ["a", "b"],
    });
    const lines = (await request.promise).split("\r\n");
    expect(lines[0]).toBe("GET / HTTP/1.1");
    expect(lines).toEqual(expect.arrayContaining([
      "X-One: 1",
      "Cookie: a=b",
      "X-Many: x",
      "X-Many: y",
      "Origin: https://page.test",
      "Sec-WebSocket-Protocol: a, b",
      "Sec-WebSocket-Version: 13",
      `Host: ${new URL(url).host}`,
    ]));
  });

  it("C6: handshakeTimeout", async () => {
    const url = await server(() => {});
    expect(await failure(connect(url, { handshakeTimeout: 0.05 }))).toBeInstanceOf(HandshakeTimedOutError);
  });

  it("C6: idleTimeout closes with 1001, or asks onIdleTimeout", async () => {
    const one = await clientAndServer({ idleTimeout: 0.05 });
    expect((await one.peer.next()).code).toBe(1001);
    const two = await clientAndServer({
      idleTimeout: 0.05,
      onIdleTimeout: (client) => client.writeTextMessage("still here"),
    });
    expect([await two.peer.nextText(), await two.peer.nextText()]).toEqual(["still here", "still here"]);
  });

  it("C6: maxMessageSize and maxFrameSize", async () => {
    const one = await clientAndServer({ maxMessageSize: 4 });
    await one.peer.text("four");
    expect(await one.client.readMessage()).toBe("four");
    await one.peer.text("fives");
    expect((await one.peer.next()).code).toBe(1009);
    const two = await clientAndServer({ maxFrameSize: 4 });
    await two.client.writeTextMessage("€€€");
    const frames = [await two.peer.next(), await two.peer.next(), await two.peer.next()];
    expect(frames.map(({ text, opcode, fin }) => `${opcode}${fin} ${text}`)).toEqual([
      "1false €",
      "0false €",
      "0true €",
    ]);
  });

  it.each<[string, unknown]>([
    ["handshakeTimeout", -1],
    ["readTimeout", NaN],
    ["writeTimeout", "1"],
    ["idleTimeout", -0.1],
    ["onIdleTimeout", 1],
    ["pingPongHandler", 1],
    ["pingInterval", -1],
    ["maxMessageSize", 0],
    ["maxFrameSize", 3],
    ["subProtocols", ["a", "a"]],
    ["customHeaders", { Upgrade: "x" }],
    ["customHeaders", { a: "b\r\nc: d" }],
    ["origin", "a b"],
    ["signal", {}],
    ["bufferPolicy", "lose"],
    ["webSocketCompressionEnabled", 1],
    ["secureSocket", {}],
    ["cookies", []],
    ["auth", {}],
    ["retryConfig", {}],
    ["validation", "no"],
    ["proxy", "http://p"],
    ["maxRedirects", 1],
    ["headers", {}],
  ])("C6: %s is refused by its name: %j", (name, value) => {
    expect(() => new Client("ws://127.0.0.1:1/", { [name]: value } as ClientConfiguration)).toThrow(`"${name}"`);
  });
});

describe("refusals", () => {
  it("C8: status, headers and body of a refusal", async () => {
    const listener = await listen();
    listener.attach("/no", { get: () => new Response("why not", { status: 409, headers: { "x-why": "7" } }) });
    const error = await failure(connect(`${listener.url}/no`)) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect([error.status, error.headers.get("x-why"), await error.body()]).toEqual([409, "7", "why not"]);
  });

  it("C8: of a body without end, 64 KiB are kept", async () => {
    const url = await server(async (peer) => {
      await peer.raw.write("HTTP/1.1 500 No\r\n\r\n");
      while (!peer.raw.closed) {
        await peer.raw.write("x".repeat(65_536));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const error = await failure(connect(url)) as InvalidHandshakeError;
    expect([error.status, (await error.body()).length]).toEqual([500, 65_536]);
  });

  it("C8: a redirect is not followed", async () => {
    const target = await listen();
    const url = await server((peer) => peer.raw.write(`HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\n\r\n`));
    const error = await failure(connect(url)) as InvalidHandshakeError;
    expect([error.status, error.headers.get("location")]).toEqual([302, target.url]);
    expect(target.stats().opened).toBe(0);
  });

  it.each<[string, (answer: string) => string, string]>([
    ["a wrong accept key", (answer) => answer.replace(/Accept: ./, "Accept: _"), "Sec-WebSocket-Accept"],
    ["no accept key", (answer) => answer.replace(/Sec-WebSocket-Accept.*\r\n/, ""), "Sec-WebSocket-Accept"],
    ["no Upgrade", (answer) => answer.replace("Upgrade: websocket\r\n", ""), "Upgrade"],
    ["no Connection", (answer) => answer.replace("Connection: Upgrade\r\n", ""), "Connection"],
    [
      "an extension nobody asked for",
      (answer) => answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-bzip2\r\n\r\n"),
      "extension",
    ],
    [
      "a sub-protocol nobody asked for",
      (answer) => answer.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
      "sub-protocol",
    ],
  ])("C8: %s is refused, and says so", async (_what, spoil, name) => {
    const url = await server((peer, request) => peer.raw.write(spoil(switching(request))));
    const error = await failure(connect(url)) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toContain(name);
    expect(error.status).toBe(101);
  });
});

it("C11: what a client knows of its connection", async () => {
  const listener = await listen();
  listener.attach("/p", {
    subProtocols: ["p"],
    get: (_request, { headers }) => (headers.set("x-one", "1"), ECHO),
  });
  const client = await connect(`${listener.url}/p`, { subProtocols: "p", pingInterval: 0.02 });
  expect(client.getHttpResponse()).toMatchObject({ status: 101 });
  expect(client.getHttpResponse()!.headers.get("x-one")).toBe("1");
  expect(client.getConnectionId()).toMatch(/^[0-9a-f]{32}$/);
  expect(client.getConnectionId()).toBe(client.getConnectionId());
  expect([client.getNegotiatedSubProtocol(), client.isSecure(), client.isOpen()]).toEqual(["p", false, true]);
  expect(client.url).toBe(`${listener.url}/p`);
  client.setAttribute("a", 1);
  expect([client.getAttribute("a"), client.removeAttribute("a"), client.removeAttribute("a")]).toEqual([
    1,
    1,
    undefined,
  ]);
  while (client.latency === undefined) {
    await client.writeTextMessage("x");
    await client.readMessage();
  }
  expect(client.latency).toBeGreaterThanOrEqual(0);
  await client.close();
  expect(client.isOpen()).toBe(false);
});

describe("beside ws", () => {
  it("C2: our client against its server: sizes of every form, in order", async () => {
    const theirs = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    whenOver(() => (theirs.clients.forEach((socket) => socket.terminate()), theirs.close()));
    await new Promise((resolve) => theirs.once("listening", resolve));
    theirs.on("connection", (socket) => {
      socket.on("message", (data, binary) => socket.send(data, { binary }));
    });
    const client = await connect(`ws://127.0.0.1:${(theirs.address() as AddressInfo).port}/`);
    const sent: Message[] = [0, 1, 125, 126, 65_535, 65_536].flatMap((
      size,
    ) => ["é".repeat(size >> 1), new Uint8Array(size).fill(7)]);
    for (const message of sent) void client.writeMessage(message);
    for (const message of sent) expect(await client.readMessage()).toEqual(message);
    expect(await client.close()).toMatchObject({ code: 1000, clean: true });
  });

  it("S4: its client against our listener, with compression", async () => {
    const { url } = await listen({
      onTextMessage: (_caller, text) => text === "close" ? closeFrame(4000, "bye") : text,
    });
    const theirs = new WebSocket(url, { perMessageDeflate: true });
    whenOver(() => theirs.terminate());
    const heard = deferred<string>();
    theirs.on("message", (data: Uint8Array) => heard.resolve(new TextDecoder().decode(data)));
    await new Promise((resolve, reject) => theirs.once("open", resolve).once("error", reject));
    const agreed = here({ "deno native": deviates("deno-no-compression", "") }, "permessage-deflate");
    expect(theirs.extensions).toBe(agreed);
    const text = "é".repeat(50_000);
    theirs.send(text);
    expect(await heard.promise).toBe(text);
    const closed = new Promise((resolve) =>
      theirs.once("close", (code, reason: Uint8Array) => resolve(`${code} ${reason}`))
    );
    theirs.send("close");
    expect(await closed).toBe("4000 bye");
  });

  it("C1: the runtime's own client, where there is one, is served too", async () => {
    const { port } = await listen();
    if (globalThis.WebSocket === undefined) {
      await upgraded(port);
      return;
    }
    const theirs = new globalThis.WebSocket(`ws://127.0.0.1:${port}/`);
    const heard = new Promise((resolve) => theirs.onmessage = (event) => resolve(event.data));
    await new Promise((resolve) => theirs.onopen = resolve);
    theirs.send("hi");
    expect(await heard).toBe("hi");
    const closed = new Promise<number>((resolve) => theirs.onclose = (event) => resolve(event.code));
    theirs.close(3000);
    expect(await closed).toBe(3000);
  });
});
