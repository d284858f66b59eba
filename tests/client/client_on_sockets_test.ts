/** The client over real sockets: against the `ws` package, and against servers written by hand that mean no good. */

import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { nodeRuntime } from "../../src/adapters/node/node_runtime.ts";
import { Client, type ClientConfiguration } from "../../src/client/client.ts";
import { clientRuntime } from "../../src/client/connect.ts";
import { ConnectionClosureError, ConnectionError, type InvalidHandshakeError } from "../../src/errors.ts";
import type { Message } from "../../src/transport/message_socket.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function client(url: string, config?: ClientConfiguration): Client {
  const client = new Client(clientRuntime(nodeRuntime), url, config);
  cleanups.push(() => client.terminate());
  return client;
}

async function wsServer(
  onConnection: (socket: WebSocket) => void,
  options: { handleProtocols?: (protocols: Set<string>) => string } = {},
): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, ...options });
  server.on("connection", onConnection);
  cleanups.push(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function echo(socket: WebSocket): void {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** A server that hands each connection and its request to `act`. */
async function rawServer(act: (socket: Socket, request: string) => void): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => {
    let request = "";
    socket.on("error", () => {});
    socket.on("data", function collect(chunk) {
      request += chunk.toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      socket.off("data", collect);
      act(socket, request);
    });
    cleanups.push(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  cleanups.push(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

function accept(request: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(request)![1]!;
  const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digest}\r\n\r\n`;
}

describe("against ws", () => {
  it("echoes text and binary of every length form, in order (F4)", async () => {
    const ada = client(await wsServer(echo));
    await ada.opened;
    const sent: Message[] = [];
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
      sent.push("é".repeat(size >> 1), Uint8Array.from({ length: size }, (_, i) => i * 7));
    }
    const writing = (async () => {
      for (const message of sent) await ada.writeMessage(message);
    })();
    const seen: Message[] = [];
    for await (const message of ada) if (seen.push(message) === sent.length) break;
    await writing;
    // Comparing half a million bytes one by one takes seconds.
    const digest = (message: Message): string =>
      `${typeof message} ${createHash("sha256").update(message).digest("hex")}`;
    expect(seen.map(digest)).toEqual(sent.map(digest));
    expect(await ada.closed).toMatchObject({ code: 1000, clean: true, first: "local" });
  });

  it("reads what the server says first, agrees on a sub-protocol, and hears it leave", async () => {
    const url = await wsServer((socket) => {
      socket.send(socket.protocol);
      socket.close(1001, "so long");
    }, { handleProtocols: (protocols) => [...protocols][1]! });
    const ada = client(url, { subProtocols: ["a", "b"] });
    await ada.opened;
    const seen: Message[] = [];
    for await (const message of ada) seen.push(message);
    expect([seen, ada.getNegotiatedSubProtocol()]).toEqual([["b"], "b"]);
    expect(await ada.closed).toMatchObject({ code: 1001, reason: "so long", clean: true, first: "remote" });
  });

  it("pipes a body out and its echo back, backpressured both ways (C3)", async () => {
    const ada = client(await wsServer(echo), { readAhead: { messages: 4 } });
    await ada.opened;
    const chunks = 60;
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < chunks; i++) controller.enqueue(new Uint8Array(50_000).fill(i));
        controller.close();
      },
    });
    const sizes: number[] = [];
    const sink = new WritableStream<Message>({
      async write(message) {
        sizes.push((message as Uint8Array)[0]!);
        await new Promise((resolve) => setImmediate(resolve));
      },
    });
    await Promise.all([source.pipeTo(ada.writable), ada.readable.pipeTo(sink)]);
    expect(sizes).toEqual(Array.from({ length: chunks }, (_, i) => i));
  });

  it("pings, pongs and measures the latency", async () => {
    const pings: string[] = [];
    let heard = (_: string): void => {};
    const ponged = new Promise<string>((resolve) => heard = resolve);
    const url = await wsServer((socket) => socket.on("ping", (data) => pings.push(data.toString())));
    const ada = client(url, { pingPongHandler: { onPong: (_, data) => heard(new TextDecoder().decode(data)) } });
    await ada.opened;
    ada.ping(new TextEncoder().encode("hi"));
    expect([await ponged, pings]).toEqual(["hi", ["hi"]]);
  });

  it("hears of a reset as 1006", async () => {
    const ada = client(await wsServer((socket) => socket.terminate()));
    await ada.opened;
    await expect(ada.readMessage()).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(await ada.closed).toMatchObject({ code: 1006, clean: false });
  });

  it("speaks over a Unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hawser "));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "a.sock");
    const http = createHttpServer();
    const server = new WebSocketServer({ server: http });
    server.on("connection", (socket, request) => socket.send(`${request.url} ${request.headers.host}`));
    http.listen(path);
    cleanups.push(() => (server.close(), http.close()));
    await new Promise((resolve) => http.once("listening", resolve));
    const ada = client(`ws+unix:${path}:/chat?x=1`);
    await ada.opened;
    expect(await ada.readTextMessage()).toBe("/chat?x=1 localhost");
    await ada.close();
  });
});

describe("against servers that mean no good", () => {
  it("is refused by nobody there, with the cause", async () => {
    const { url, server } = await rawServer(() => {});
    await new Promise((resolve) => server.close(resolve));
    const ada = client(url);
    const error = await ada.opened.catch((error: unknown) => error) as ConnectionError;
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.cause).toMatchObject({ code: "ECONNREFUSED" });
  });

  it("gets status, headers and body of a refusal, and hangs up", async () => {
    const gone: Promise<void>[] = [];
    const { url } = await rawServer((socket) => {
      gone.push(new Promise((resolve) => socket.once("close", () => resolve())));
      socket.resume();
      socket.write("HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\nX-Why: 7\r\n\r\n3\r\nwho\r\n");
      socket.write("1\r\n?\r\n0\r\n\r\n");
    });
    const error = await client(url).opened.catch((error: unknown) => error) as InvalidHandshakeError;
    expect([error.status, error.headers.get("x-why"), await error.body()]).toEqual([401, "7", "who?"]);
    await gone[0];
  });

  it("hangs up on a wrong accept key", async () => {
    const { url } = await rawServer((socket) => {
      socket.write(accept("Sec-WebSocket-Key: AAAA\r\n\r\n"));
      socket.resume();
      cleanups.push(() => new Promise<void>((resolve) => socket.destroyed ? resolve() : socket.once("close", resolve)));
    });
    await expect(client(url).opened).rejects.toThrow('a wrong "Sec-WebSocket-Accept"');
  });

  it("loses no frame of the packet that carried the 101, however it is cut", async () => {
    const { url } = await rawServer((socket, request) => {
      socket.setNoDelay(true);
      socket.write(Buffer.concat([Buffer.from(accept(request)), Buffer.from("81026869880203e8", "hex")]));
      socket.end();
    });
    const ada = client(url);
    await ada.opened;
    const seen: Message[] = [];
    for await (const message of ada) seen.push(message);
    expect(seen).toEqual(["hi"]);
  });

  it("gives a silent server up after handshakeTimeout, and its socket", async () => {
    const gone: Promise<void>[] = [];
    const { url } = await rawServer((socket) => {
      gone.push(new Promise((resolve) => socket.once("close", () => resolve())));
      socket.resume();
    });
    await expect(client(url, { handshakeTimeout: 0.05 }).opened).rejects.toThrow("not done within 0.05 s");
    await gone[0];
  });

  it("tells a server that breaks the rules why, with a close frame", async () => {
    const heard: Promise<Buffer>[] = [];
    const { url } = await rawServer((socket, request) => {
      heard.push(new Promise((resolve) => socket.once("data", resolve)));
      socket.write(Buffer.concat([Buffer.from(accept(request)), Buffer.from("c10161", "hex")]));
    });
    const ada = client(url);
    await ada.opened;
    expect(await ada.closed).toMatchObject({ code: 1002, clean: false, first: "local" });
    const frame = await heard[0]!;
    const [a, b] = [frame[6]! ^ frame[2]!, frame[7]! ^ frame[3]!];
    expect([frame[0], (a << 8) | b]).toEqual([0x88, 1002]);
  });
});
