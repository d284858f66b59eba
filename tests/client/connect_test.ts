import { describe, expect, it } from "vitest";
import { clientRuntime } from "../../src/client/connect.ts";
import type { Opened } from "../../src/client/connector.ts";
import { checkClient, type ClientOptions } from "../../src/client/options.ts";
import { parseTarget } from "../../src/client/target.ts";
import { ConnectionError, HandshakeTimedOutError, InvalidHandshakeError } from "../../src/errors.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { ScriptedServer, switching } from "../support/scripted_server.ts";

async function start(options: ClientOptions<unknown> = {}, url = "ws://example.com/chat?a=1") {
  const server = new ScriptedServer();
  const controller = new AbortController();
  const { connect } = clientRuntime(server.runtime);
  const opened = connect(parseTarget(url), checkClient(options), controller.signal);
  opened.catch(() => {});
  await server.settle();
  return { server, controller, opened };
}

/** How the handshake failed. The socket must be gone, and no timer left. */
async function failure({ server, opened }: Awaited<ReturnType<typeof start>>): Promise<unknown> {
  // The key's digest comes from another thread: no clock of ours knows when.
  await server.settle();
  const error = await opened.then(() => "opened", (error: unknown) => error);
  await server.settle();
  expect(server.isClosed).toBe(true);
  expect(server.clock.timers).toBe(0);
  return error;
}

async function messages(server: ScriptedServer, { socket }: Opened): Promise<Message[]> {
  const messages: Message[] = [];
  socket.start({
    message: (message) => messages.push(message),
    ping: () => false,
    pong: () => {},
    drained: () => {},
    closed: () => {},
  });
  await server.settle();
  return messages;
}

describe("asking", () => {
  it("dials where the URL leads, and sends one request", async () => {
    const { server } = await start({
      subProtocols: ["chat.v2", "chat.v1"],
      origin: "https://example.com",
      customHeaders: { "X-Trace": "7" },
    });
    expect(server.targets).toEqual([{ hostname: "example.com", port: 80, secure: false }]);
    expect(server.request).toBe(
      "GET /chat?a=1 HTTP/1.1\r\n" +
        "Host: example.com\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
        "Sec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n" +
        "Origin: https://example.com\r\n" +
        "X-Trace: 7\r\n\r\n",
    );
    expect(server.takeReceived()).toBe("");
  });

  it("asks a Unix socket for its path, as localhost", async () => {
    const { server } = await start({}, "ws+unix:/run/a.sock:/chat");
    expect(server.targets[0]?.socketPath).toBe("/run/a.sock");
    expect(server.request).toMatch(/^GET \/chat HTTP\/1\.1\r\nHost: localhost\r\n/);
  });
});

describe("headers that a function makes", () => {
  it("are waited for before anything is dialled, and are in the request", async () => {
    let made!: (headers: Record<string, string>) => void;
    const customHeaders = (): Promise<Record<string, string>> => new Promise((resolve) => made = resolve);
    const { server } = await start({ customHeaders });
    expect(server.targets).toEqual([]);
    made({ Authorization: "Bearer 7" });
    await server.settle();
    expect(server.request).toContain("Authorization: Bearer 7\r\n");
  });

  it("count for handshakeTimeout, and the signal gives them up", async () => {
    const customHeaders = (): Promise<Record<string, string>> => new Promise(() => {});
    const late = await start({ customHeaders, handshakeTimeout: 1 });
    late.server.clock.advance(1_000);
    await expect(late.opened).rejects.toBeInstanceOf(HandshakeTimedOutError);
    const aborted = await start({ customHeaders });
    aborted.controller.abort("enough");
    await expect(aborted.opened).rejects.toBe("enough");
    expect([late.server.targets, aborted.server.targets, aborted.server.clock.timers]).toEqual([[], [], 0]);
  });
});

describe("opening", () => {
  const answer = switching({ "Sec-WebSocket-Protocol": "chat.v1", "X-Server": "7" });
  const packet = new ScriptedServer().packet(answer, "81 02 68 69 82 01 07");

  it("opens with what was agreed on, and the answer's headers", async () => {
    const { server, opened } = await start({ subProtocols: "chat.v1" });
    server.write(answer);
    await server.settle();
    const { socket, response } = await opened;
    expect([socket.protocol, response?.status, response?.headers.get("x-server")]).toEqual(["chat.v1", 101, "7"]);
    expect(server.clock.timers).toBe(0);
  });

  it("loses no frame that came in the packet of the 101", async () => {
    const { server, opened } = await start({ subProtocols: "chat.v1" });
    server.writeBytes(packet);
    await server.settle();
    expect(await messages(server, await opened)).toEqual(["hi", new Uint8Array([7])]);
  });

  it("opens whole, at each split, and byte by byte", async () => {
    for (let split = 1; split < packet.length; split++) {
      const { server, opened } = await start({ subProtocols: "chat.v1" });
      server.writeBytes(packet.slice(0, split));
      if (split % 2 === 0) await server.settle();
      server.writeBytes(packet.slice(split));
      await server.settle();
      expect(await messages(server, await opened)).toEqual(["hi", new Uint8Array([7])]);
    }
    const { server, opened } = await start({ subProtocols: "chat.v1" });
    for (const byte of packet) server.writeBytes(Uint8Array.of(byte));
    await server.settle();
    expect(await messages(server, await opened)).toEqual(["hi", new Uint8Array([7])]);
  });

  it("keeps frames and the end that come before anybody listens", async () => {
    const { server, opened } = await start({ subProtocols: "chat.v1" });
    server.writeBytes(packet);
    server.write({ hex: "81 01 78" });
    server.end();
    await server.settle();
    expect(await messages(server, await opened)).toEqual(["hi", new Uint8Array([7]), "x"]);
  });

  it("passes interim answers over", async () => {
    const { server, opened } = await start();
    server.write("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", switching());
    await server.settle();
    expect((await opened).response?.status).toBe(101);
  });
});

describe("refusals (C8)", () => {
  it("tells status, headers and body of what is no 101", async () => {
    const attempt = await start();
    attempt.server.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: 7\r\n\r\ngo off");
    const error = await failure(attempt) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toBe("Cannot open the WebSocket: the server answered with status 403");
    expect([error.status, error.headers.get("x-why"), await error.body()]).toEqual([403, "7", "go off"]);
  });

  it("tells of a refusal before its body is there, and waits two seconds for that", async () => {
    const { server, opened } = await start();
    server.write("HTTP/1.1 500 Oops\r\n\r\nsome");
    await server.settle();
    const error = await opened.catch((error: unknown) => error) as InvalidHandshakeError;
    server.write(" more");
    await server.settle();
    server.clock.advance(1_999);
    await server.settle();
    expect(server.isClosed).toBe(false);
    server.clock.advance(1);
    await server.settle();
    expect([server.isClosed, await error.body()]).toEqual([true, "some more"]);
  });

  it("reads a body to the end of the connection, and 64 KiB of it at most", async () => {
    const short = await start();
    short.server.write("HTTP/1.1 401 No\r\n\r\n", "who");
    short.server.end();
    expect(await (await failure(short) as InvalidHandshakeError).body()).toBe("who");
    const long = await start();
    long.server.write("HTTP/1.1 401 No\r\n\r\n", "x".repeat(70_000));
    expect((await (await failure(long) as InvalidHandshakeError).body()).length).toBe(65_536);
  });

  it.each<[string, string, string]>([
    ["a wrong accept key", switching({ "Sec-WebSocket-Accept": "x" }), 'a wrong "Sec-WebSocket-Accept"'],
    ["no accept key", switching({ "Sec-WebSocket-Accept": undefined }), 'no "Sec-WebSocket-Accept"'],
    ["no Upgrade", switching({ Upgrade: undefined }), 'no "Upgrade: websocket"'],
    ["no Connection", switching({ Connection: "close" }), 'no "Connection: Upgrade"'],
    ["a foreign sub-protocol", switching({ "Sec-WebSocket-Protocol": "b" }), '"b", which was not offered'],
    ["a foreign extension", switching({ "Sec-WebSocket-Extensions": "x-y" }), '"x-y", which was not offered'],
    ["what is no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "not a usable HTTP head"],
    ["a head without an end", `HTTP/1.1 101 x\r\nA: ${"b".repeat(70_000)}`, "not a usable HTTP head"],
  ])("refuses %s", async (_, answer, sentence) => {
    const attempt = await start();
    attempt.server.write(answer);
    const error = await failure(attempt) as InvalidHandshakeError;
    expect(error).toBeInstanceOf(InvalidHandshakeError);
    expect(error.message).toContain(sentence);
    expect(await error.body()).toBe("");
  });

  it("refuses to go without a sub-protocol when it offered some (U4)", async () => {
    const attempt = await start({ subProtocols: "a" });
    attempt.server.write(switching());
    expect((await failure(attempt) as Error).message).toContain("chose none of the sub-protocols");
  });

  it.each<[string, (server: ScriptedServer) => void]>([
    ["is lost", (server) => server.lose()],
    ["ends", (server) => server.end()],
    ["ends in the middle of the head", (server) => {
      server.write("HTTP/1.1 101 Swi");
      server.end();
    }],
  ])("fails when the connection %s before an answer", async (_, act) => {
    const attempt = await start();
    act(attempt.server);
    expect(await failure(attempt)).toBeInstanceOf(ConnectionError);
  });

  it("passes on how dialing failed", async () => {
    const server = new ScriptedServer();
    const refused = new ConnectionError("refused");
    const runtime = { ...server.runtime, dial: () => Promise.reject(refused) };
    const opened = clientRuntime(runtime).connect(parseTarget("ws://a/"), checkClient(), new AbortController().signal);
    await expect(opened).rejects.toBe(refused);
    expect(server.clock.timers).toBe(0);
  });
});

describe("giving up", () => {
  it("gives up after handshakeTimeout, one for dialing and answer", async () => {
    const attempt = await start({ handshakeTimeout: 2 });
    attempt.server.write("HTTP/1.1 101 Switching");
    attempt.server.clock.advance(1_999);
    await attempt.server.settle();
    expect(attempt.server.isClosed).toBe(false);
    attempt.server.clock.advance(1);
    const error = await failure(attempt);
    expect(error).toEqual(new HandshakeTimedOutError("Cannot connect: the handshake was not done within 2 s"));
  });

  it("aborts dialing with the same signal", async () => {
    const server = new ScriptedServer();
    const dial = (_: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const opened = clientRuntime({ ...server.runtime, dial }).connect(
      parseTarget("ws://a/"),
      checkClient({ handshakeTimeout: 1 }),
      new AbortController().signal,
    );
    server.clock.advance(1_000);
    await expect(opened).rejects.toBeInstanceOf(HandshakeTimedOutError);
  });

  it("gives up when the signal aborts, with its reason", async () => {
    const attempt = await start();
    attempt.controller.abort(new Error("mine"));
    expect((await failure(attempt) as Error).message).toBe("mine");
  });

  it("does not dial under a signal that has aborted", async () => {
    const server = new ScriptedServer();
    const opened = clientRuntime(server.runtime).connect(
      parseTarget("ws://a/"),
      checkClient(),
      AbortSignal.abort("mine"),
    );
    await expect(opened).rejects.toBe("mine");
    expect(server.targets).toEqual([]);
  });

  it("lets a transport go that comes after the signal aborted", async () => {
    const server = new ScriptedServer();
    const controller = new AbortController();
    const opened = clientRuntime(server.runtime).connect(parseTarget("ws://a/"), checkClient(), controller.signal);
    controller.abort("mine");
    await expect(opened).rejects.toBe("mine");
    await server.settle();
    expect([server.request, server.isClosed]).toEqual([undefined, true]);
  });
});
