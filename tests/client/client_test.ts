import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { text } from "../../src/binding/binder.ts";
import type { StandardSchema } from "../../src/binding/schema.ts";
import { Client, type ClientConfiguration } from "../../src/client/client.ts";
import { clientRuntime } from "../../src/client/connect.ts";
import {
  ConnectionClosureError,
  ConnectionError,
  InvalidHandshakeError,
  PayloadBindingError,
  PayloadValidationError,
  ReadTimedOutError,
  WriteTimedOutError,
} from "../../src/errors.ts";
import type { Message } from "../../src/transport/message_socket.ts";
import { ScriptedServer, switching } from "../support/scripted_server.ts";

/** A client that is not open yet. */
function dial(config?: ClientConfiguration, url = "ws://example.com/chat") {
  const server = new ScriptedServer();
  return { server, client: new Client(clientRuntime(server.runtime), url, config) };
}

/** An open client. Its server plays the frames; masks are zero, so `81 82 00 00 00 00 68 69` is the text "hi". */
async function open(config?: ClientConfiguration, headers?: Record<string, string>) {
  const { server, client } = dial(config);
  await server.settle();
  server.write(switching(headers));
  await server.settle();
  await client.opened;
  await server.settle();
  return { server, client };
}

const CLOSE_1000 = "88 82 00 00 00 00 03 e8";

/** What a promise says by now, or that it says nothing. */
async function now(server: ScriptedServer, promise: Promise<unknown>): Promise<unknown> {
  let said: unknown = "pending";
  promise.then((value) => said = value, (error) => said = error);
  await server.settle();
  return said;
}

describe("connecting (C1)", () => {
  it("throws at once what is wrong with the URL or the options", () => {
    expect(() => dial({}, "nonsense")).toThrow(TypeError);
    expect(() => dial({ idleTimeout: -1 })).toThrow(RangeError);
  });

  it("opens, and knows about the connection (C11)", async () => {
    const { client, server } = await open({ subProtocols: "chat.v1" }, {
      "Sec-WebSocket-Protocol": "chat.v1",
      "X-A": "7",
    });
    expect(client.url).toBe("ws://example.com/chat");
    expect(client.getHttpResponse()?.status).toBe(101);
    expect(client.getHttpResponse()?.headers.get("x-a")).toBe("7");
    expect(client.getNegotiatedSubProtocol()).toBe("chat.v1");
    expect(client.getConnectionId()).toMatch(/^[0-9a-f]{32}$/);
    expect(client.getConnectionId()).toBe(client.getConnectionId());
    expect([client.isSecure(), client.isOpen(), client.latency, client.bufferedAmount]).toEqual([
      false,
      true,
      undefined,
      0,
    ]);
    expect([client.getAttribute("a"), client.removeAttribute("a")]).toEqual([undefined, undefined]);
    client.setAttribute("a", 1);
    expect([client.getAttribute("a"), client.removeAttribute("a"), client.getAttribute("a")]).toEqual([
      1,
      1,
      undefined,
    ]);
    server.lose();
    await client.closed;
    expect(client.isOpen()).toBe(false);
    expect((await open()).client.getNegotiatedSubProtocol()).toBeUndefined();
    expect(dial({}, "wss://example.com").client.isSecure()).toBe(true);
  });

  it("refuses everything until it is open, with a TypeError", async () => {
    const { client } = dial();
    expect(client.isOpen()).toBe(false);
    expect(client.getHttpResponse()).toBeUndefined();
    expect(() => client.readable).toThrow('Cannot read messages: the connection is not open yet, "opened" tells');
    expect(() => client.writable).toThrow(TypeError);
    expect(() => client[Symbol.asyncIterator]()).toThrow(TypeError);
    expect(() => client.ping()).toThrow(TypeError);
    await expect(client.readMessage()).rejects.toThrow(TypeError);
    await expect(client.writeTextMessage("x")).rejects.toThrow(TypeError);
  });

  it("tells a refusal by opened and by closed; afterwards everything is a ConnectionClosureError", async () => {
    const { server, client } = dial();
    await server.settle();
    server.write("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    await expect(client.opened).rejects.toBeInstanceOf(InvalidHandshakeError);
    const closure = await client.closed;
    expect(closure).toMatchObject({ code: 1006, clean: false, error: { status: 403 } });
    await expect(client.readTextMessage()).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(client.writeTextMessage("x")).rejects.toMatchObject({ closure });
    expect(() => client.readable).toThrow(ConnectionClosureError);
    expect(await client.close()).toBe(closure);
  });

  it("does not trouble the process with an opened that nobody hears", async () => {
    const { server, client } = dial();
    await server.settle();
    server.lose();
    // An unhandled rejection fails the run.
    expect((await client.closed).error).toBeInstanceOf(ConnectionError);
  });

  it.each<[string, (client: Client) => void]>([
    ["close", (client) => void client.close()],
    ["terminate", (client) => client.terminate()],
  ])("%s gives up connecting", async (_, act) => {
    const { server, client } = dial();
    await server.settle();
    act(client);
    await expect(client.opened).rejects.toBeInstanceOf(ConnectionError);
    expect((await client.closed).code).toBe(1006);
    await server.settle();
    expect([server.isClosed, server.clock.timers]).toEqual([true, 0]);
  });

  it("is given up whenever it is given up: no moment between the answer and the open connection is missed", async () => {
    for (let steps = 0; steps < 40; steps++) {
      const { server, client } = dial();
      await server.settle();
      server.write(switching());
      for (let i = 0; i < steps; i++) await Promise.resolve();
      client.terminate();
      expect((await client.closed).code).toBe(1006);
      await server.settle();
      expect(server.isClosed, `after ${steps} steps`).toBe(true);
    }
  });

  it("a signal gives up connecting with its reason, before and while it connects", async () => {
    const early = dial({ signal: AbortSignal.abort("early") });
    await expect(early.client.opened).rejects.toBe("early");
    expect((await early.client.closed).error?.cause).toBe("early");
    const controller = new AbortController();
    const { server, client } = dial({ signal: controller.signal });
    await server.settle();
    controller.abort("later");
    await expect(client.opened).rejects.toBe("later");
    await server.settle();
    expect(server.isClosed).toBe(true);
  });

  it("leaves nothing on a signal that outlives it", async () => {
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const listeners = (): number => added.mock.calls.length - removed.mock.calls.length;
    const { server, client } = await open({ signal });
    expect(listeners()).toBe(1);
    server.lose();
    await client.closed;
    const refused = dial({ signal });
    await refused.server.settle();
    refused.server.lose();
    await refused.client.closed;
    expect(listeners()).toBe(0);
  });

  it("a signal drops the open connection, and every reader hears why", async () => {
    const controller = new AbortController();
    const { server, client } = await open({ signal: controller.signal });
    const read = client.readMessage();
    controller.abort("enough");
    const error = await read.catch((error: unknown) => error) as ConnectionClosureError;
    expect(error.closure.error?.cause).toBe("enough");
    await server.settle();
    expect([server.isClosed, server.takeReceived()]).toEqual([true, ""]);
  });
});

describe("for await (C2)", () => {
  it("reads every message in order, those of the packet of the 101 first, to the clean end", async () => {
    const { server, client } = dial();
    await server.settle();
    server.writeBytes(server.packet(switching(), "81 01 61 82 01 01"));
    await client.opened;
    server.write({ hex: "81 01 62 88 02 03 e8" });
    const seen: Message[] = [];
    const loop = (async () => {
      for await (const message of client) seen.push(message);
    })();
    await server.settle();
    server.end();
    await server.settle();
    await loop;
    expect(seen).toEqual(["a", new Uint8Array([1]), "b"]);
    expect(server.takeReceived()).toBe(CLOSE_1000);
    expect(await client.closed).toMatchObject({ code: 1000, clean: true, first: "remote" });
  });

  it("throws when the connection is lost", async () => {
    const { server, client } = await open();
    const next = client[Symbol.asyncIterator]().next();
    server.lose();
    await expect(next).rejects.toMatchObject({ closure: { code: 1006, clean: false } });
  });

  it("closes with 1000 when the loop is left, without waiting for the answer", async () => {
    const { server, client } = await open();
    server.write({ hex: "81 01 61" });
    await server.settle();
    for await (const message of client) {
      expect(message).toBe("a");
      break;
    }
    await server.settle();
    expect(server.takeReceived()).toBe(CLOSE_1000);
  });

  it("can be entered again after ReadTimedOutError (C7)", async () => {
    const { server, client } = await open({ readTimeout: 5 });
    const next = client[Symbol.asyncIterator]().next();
    server.clock.advance(5_000);
    await expect(next).rejects.toBeInstanceOf(ReadTimedOutError);
    expect(client.isOpen()).toBe(true);
    server.write({ hex: "81 01 61" });
    expect(await client[Symbol.asyncIterator]().next()).toEqual({ value: "a", done: false });
  });
});

describe("one reader at a time (C3)", () => {
  it("readable is made once, and locks everybody else out", async () => {
    const { client } = await open();
    expect(client.readable).toBe(client.readable);
    expect(client.writable).toBe(client.writable);
    expect(() => client[Symbol.asyncIterator]()).toThrow("the readable stream is reading already");
    await expect(client.readMessage()).rejects.toThrow(TypeError);
  });

  it("a loop locks the others out while it lasts", async () => {
    const { client } = await open();
    const iterator = client[Symbol.asyncIterator]();
    expect(() => client.readable).toThrow("an iterator is reading already");
    await expect(client.readTextMessage()).rejects.toThrow(TypeError);
    await iterator.return?.();
  });

  it("a read locks the others out while it waits", async () => {
    const { server, client } = await open();
    const read = client.readTextMessage();
    expect(() => client.readable).toThrow("a read method is reading already");
    server.write({ hex: "81 01 61" });
    expect(await read).toBe("a");
    void client.readable;
  });
});

describe("reading (C4)", () => {
  const order: StandardSchema<{ id: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof (value as { id?: unknown }).id === "number"
          ? { value: value as { id: number } }
          : { issues: [{ message: "Not a number", path: ["id"] }] },
    },
  };

  it("reads by kind; a message of the other kind stays", async () => {
    const { server, client } = await open();
    server.write({ hex: "82 01 07 81 01 61" });
    await expect(client.readTextMessage()).rejects.toBeInstanceOf(PayloadBindingError);
    expect(await client.readBinaryMessage()).toEqual(new Uint8Array([7]));
    expect(await client.readMessage()).toBe("a");
  });

  it("binds with a schema; a message it refuses is consumed, and the next read is clean (B3)", async () => {
    const { server, client } = await open();
    expect(() => client.readMessage({} as StandardSchema)).toThrow(TypeError);
    server.write({ hex: "81 02" }, "{}", { hex: "81 08" }, '{"id":1}');
    const error = await client.readMessage(order).catch((error: unknown) => error) as PayloadBindingError;
    expect(error.issues).toEqual([{ message: "Not a number", path: ["id"] }]);
    const bound: { id: number } = await client.readMessage(order);
    expect(bound).toEqual({ id: 1 });
  });

  it("messages binds each; a message that fails ends the loop, not the connection (B1, B3)", async () => {
    const { server, client } = await open();
    expect(() => client.messages({} as StandardSchema)).toThrow(TypeError);
    server.write({ hex: "81 08" }, '{"id":1}', { hex: "81 02" }, "{}", { hex: "81 08" }, '{"id":2}');
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const { id } of client.messages(order)) seen.push(id);
    };
    await expect(loop()).rejects.toBeInstanceOf(PayloadBindingError);
    expect([seen, client.isOpen()]).toEqual([[1], true]);
    for await (const { id } of client.messages(order)) {
      seen.push(id);
      break;
    }
    expect([seen, client.isOpen()]).toEqual([[1, 2], false]);
  });

  it("messages is the only reader while it lasts; without a schema it is the iterator", async () => {
    const { server, client } = await open({ readTimeout: 0.5 });
    const messages = client.messages(order);
    expect(() => client.messages()).toThrow("an iterator is reading already");
    const late = messages.next();
    server.clock.advance(500);
    await expect(late).rejects.toBeInstanceOf(ReadTimedOutError);
    server.write({ hex: "81 01 61" });
    expect(await client.messages().next()).toEqual({ value: "a", done: false });
  });

  it("takes what only constraints refuse, without validation (U10)", async () => {
    const least = text(z.string().min(2));
    const { server, client } = await open({ validation: false });
    server.write({ hex: "81 01 61 81 01 62" });
    expect(await client.readMessage(least)).toBe("a");
    expect(await client.messages(least).next()).toEqual({ value: "b", done: false });
    const strict = await open();
    strict.server.write({ hex: "81 01 61" });
    await expect(strict.client.readMessage(least)).rejects.toBeInstanceOf(PayloadValidationError);
  });

  it("gives up after readTimeout; the connection lives and no message is lost (C7)", async () => {
    const { server, client } = await open({ readTimeout: 0.5 });
    const read = client.readTextMessage();
    server.clock.advance(500);
    await expect(read).rejects.toThrow("Cannot read a message: none came within 0.5 s");
    server.write({ hex: "81 01 61" });
    await server.settle();
    expect([client.isOpen(), await client.readTextMessage()]).toEqual([true, "a"]);
  });

  it("reads after the end what came before it (P5)", async () => {
    const { server, client } = await open();
    server.write({ hex: "81 01 61 88 05 03 e8" }, "bye");
    server.end();
    await client.closed;
    expect(await client.readTextMessage()).toBe("a");
    await expect(client.readTextMessage()).rejects.toThrow('the peer closed with 1000 "bye"');
  });

  it("answers pings and notices the end though nobody reads (C5)", async () => {
    const { server, client } = await open();
    server.write({ hex: "81 01 61 89 01 07" });
    await server.settle();
    expect(server.takeReceived()).toBe("8a 81 00 00 00 00 07");
    server.lose();
    expect((await client.closed).code).toBe(1006);
  });

  it("holds the server back past readAhead (F1)", async () => {
    const { server, client } = await open({ readAhead: { messages: 2 } });
    server.write({ hex: "81 01 61 81 01 62 81 01 63 89 00" });
    await server.settle();
    expect(server.takeReceived()).toBe("");
    const reads = [client.readMessage(), client.readMessage(), client.readMessage()];
    await server.settle();
    expect(await Promise.all(reads)).toEqual(["a", "b", "c"]);
    await server.settle();
    expect(server.takeReceived()).toBe("8a 80 00 00 00 00");
  });
});

describe("writing", () => {
  it("sends text, bytes and JSON", async () => {
    const { server, client } = await open();
    await client.writeTextMessage("hi");
    await client.writeBinaryMessage(new Uint8Array([1, 2]).subarray(1));
    await client.writeBinaryMessage(new Uint8Array([3]).buffer);
    await client.writeMessage("é");
    await client.writeMessage([1]);
    await client.writeMessage(new Uint8Array([4]));
    await server.settle();
    expect(server.takeReceived()).toBe([
      "81 82 00 00 00 00 68 69",
      "82 81 00 00 00 00 02",
      "82 81 00 00 00 00 03",
      "81 82 00 00 00 00 c3 a9",
      "81 83 00 00 00 00 5b 31 5d",
      "82 81 00 00 00 00 04",
    ].join(" "));
  });

  it("refuses what it cannot send at once, and sends nothing", async () => {
    const { server, client } = await open();
    expect(() => client.writeTextMessage(1 as unknown as string)).toThrow(TypeError);
    expect(() => client.writeBinaryMessage("x" as unknown as Uint8Array)).toThrow(TypeError);
    expect(() => client.writeMessage(new Map())).toThrow(TypeError);
    expect(() => client.writeMessage(undefined)).toThrow(TypeError);
    expect(() => client.readMessageStream()).toThrow(TypeError);
    expect(() => client.ping(new Uint8Array(126))).toThrow(RangeError);
    expect(() => client.pong("x" as unknown as Uint8Array)).toThrow(TypeError);
    await server.settle();
    expect(server.takeReceived()).toBe("");
  });

  it("waits for a slow server, and gives up after writeTimeout (F2, C7)", async () => {
    const { server, client } = await open({ writeTimeout: 2 });
    server.far.pause();
    const big = client.writeBinaryMessage(new Uint8Array(100_000));
    expect(await now(server, big)).toBe("pending");
    const small = client.writeTextMessage("x");
    const late = Promise.allSettled([big, small]);
    server.clock.advance(2_000);
    expect((await late).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(small).rejects.toThrow(new WriteTimedOutError("Cannot send a message: the peer took none within 2 s"));
    expect(client.isOpen()).toBe(true);
    expect(client.bufferedAmount).toBeGreaterThan(100_000);
    // "The message may still arrive": it was not taken back.
    server.far.resume();
    await server.settle();
    expect(server.takeReceived()).toMatch(/ 81 81 00 00 00 00 78$/);
  });

  it("rejects what waits when the connection is lost, and everything afterwards (P5)", async () => {
    const { server, client } = await open();
    server.far.pause();
    const waiting = [client.writeBinaryMessage(new Uint8Array(100_000)), client.writeTextMessage("x")];
    for (const write of waiting) expect(await now(server, write)).toBe("pending");
    server.lose();
    for (const write of waiting) await expect(write).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(client.writeTextMessage("y")).rejects.toBeInstanceOf(ConnectionClosureError);
    expect(() => client.ping()).toThrow(ConnectionClosureError);
  });
});

describe("writes that nobody awaits", () => {
  it("end no process when time is up, or the connection is lost", async () => {
    // An unhandled rejection fails the run.
    const { server, client } = await open({ writeTimeout: 1 });
    server.far.pause();
    void client.writeBinaryMessage(new Uint8Array(100_000));
    await server.clock.pass(1_000);
    void client.writeTextMessage("x");
    server.lose();
    await client.closed;
    void client.writeTextMessage("late");
    await server.settle();
    expect(client.isOpen()).toBe(false);
  });
});

describe("control frames (P1, P2, U5)", () => {
  it("sends pings and pongs, and hears pongs", async () => {
    const pongs: Uint8Array[] = [];
    const { server, client } = await open({ pingPongHandler: { onPong: (_, data) => void pongs.push(data) } });
    client.ping(new Uint8Array([1]));
    client.pong();
    await server.settle();
    expect(server.takeReceived()).toBe("89 81 00 00 00 00 01 8a 80 00 00 00 00");
    server.write({ hex: "8a 01 01" });
    await server.settle();
    expect(pongs).toEqual([new Uint8Array([1])]);
  });

  it("lets onPing answer, by returning bytes or by client.pong", async () => {
    const { server, client } = await open({
      pingPongHandler: {
        onPing: (client, data) => {
          if (data.length === 0) return client.pong(new Uint8Array([9]));
          return data[0] === 1 ? Promise.resolve(data) : undefined;
        },
      },
    });
    server.write({ hex: "89 01 01 89 00 89 01 02" });
    await server.settle();
    expect(server.takeReceived()).toBe("8a 81 00 00 00 00 09 8a 81 00 00 00 00 01");
    expect([client.isOpen(), server.reported]).toEqual([true, []]);
  });

  it("reports what a handler throws", async () => {
    const { server, client } = await open({
      pingPongHandler: { onPing: () => Promise.reject(new Error("mine")) },
    });
    server.write({ hex: "89 00" });
    await server.settle();
    expect([client.isOpen(), server.reported]).toEqual([true, [new Error("mine")]]);
  });

  it("sends no pings by default, and notices a dead server when it is told to", async () => {
    const silent = await open();
    silent.server.clock.advance(3_600_000);
    await silent.server.settle();
    expect(silent.server.takeReceived()).toBe("");
    const { server, client } = await open({ pingInterval: 10, pongTimeout: 5 });
    await server.clock.pass(10_000);
    expect(server.takeReceived()).toMatch(/^89 86/);
    server.write({ hex: "8a 06 68 77 00 00 00 01" });
    await server.settle();
    expect(client.latency).toBeGreaterThanOrEqual(0);
    await server.clock.pass(17_000);
    expect(await client.closed).toMatchObject({ code: 1006, clean: false, error: { code: "ERR_CONNECTION" } });
  });

  it("closes an idle connection with 1001, or tells onIdleTimeout", async () => {
    const { server, client } = await open({ idleTimeout: 10 });
    await server.clock.pass(11_500);
    expect(client.isOpen()).toBe(false);
    expect(server.takeReceived()).toMatch(/^88 8e 00 00 00 00 03 e9 69 64 6c 65/);
    const idle: Client[] = [];
    const other = await open({ idleTimeout: 10, onIdleTimeout: (client) => void idle.push(client) });
    await other.server.clock.pass(11_500);
    expect(idle).toEqual([other.client]);
    expect(other.client.isOpen()).toBe(true);
  });
});

describe("closing (P3)", () => {
  it("closes with 1000, waits for the answer, and says the same to everybody", async () => {
    const { server, client } = await open();
    const closing = client.close();
    expect(client.close(3000, "again")).toBe(closing);
    await server.settle();
    expect(server.takeReceived()).toBe(CLOSE_1000);
    expect(await now(server, closing)).toBe("pending");
    server.write({ hex: "88 02 03 e8" });
    server.end();
    const closure = await closing;
    expect(closure).toMatchObject({ code: 1000, clean: true, first: "local" });
    expect(await client.closed).toBe(closure);
    await server.settle();
    expect(server.clock.timers).toBe(0);
  });

  it.each<[string, number, string, number]>([
    ["a code that may not travel", 1005, "", 60],
    ["a reason that is too long", 1000, "x".repeat(124), 60],
    ["a timeout below -1", 1000, "", -2],
    ["a timeout that is no number", 1000, "", NaN],
  ])(
    "refuses %s, and sends nothing",
    async (_, code, reason, timeout) => {
      const { server, client } = await open();
      expect(() => client.close(code, reason, timeout)).toThrow(RangeError);
      await server.settle();
      expect([client.isOpen(), server.takeReceived()]).toEqual([true, ""]);
    },
  );

  it("cuts a server that does not answer within the timeout; 0 does not wait; −1 waits for ever", async () => {
    const one = await open();
    const closing = one.client.close(1000, "", 1.5);
    await one.server.clock.pass(1_500);
    expect(await closing).toMatchObject({ code: 1006, clean: false, sent: { code: 1000 } });
    const two = await open({ closeLinger: 1 });
    expect(await two.client.close(1000, "", 0)).toMatchObject({ clean: false, sent: { code: 1000 } });
    await two.server.clock.pass(1_000);
    await two.client.closed;
    const three = await open();
    const endless = three.client.close(1000, "", -1);
    await three.server.clock.pass(86_400_000);
    expect(await now(three.server, endless)).toBe("pending");
  });

  it("terminates without a frame", async () => {
    const { server, client } = await open();
    client.terminate();
    expect((await client.closed).code).toBe(1006);
    expect([server.takeReceived(), server.isClosed]).toEqual(["", true]);
  });

  it("is closed by await using", async () => {
    const { server, client } = await open();
    const disposed = client[Symbol.asyncDispose]();
    await server.settle();
    expect(server.takeReceived()).toBe(CLOSE_1000);
    server.write({ hex: "88 02 03 e8" });
    server.end();
    await disposed;
  });

  it("settles every reader and writer at the end (P5)", async () => {
    const { server, client } = await open();
    const writer = client.writable.getWriter();
    const reader = client.readable.getReader();
    const read = reader.read();
    await server.settle();
    server.lose();
    await expect(read).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(writer.closed).rejects.toBeInstanceOf(ConnectionClosureError);
    await expect(reader.closed).rejects.toBeInstanceOf(ConnectionClosureError);
  });
});

describe("a server that breaks the rules", () => {
  it.each<[string, string, number]>([
    ["a masked frame (attack 13)", "81 81 00 00 00 00 61", 1002],
    ["a reserved opcode (attack 15)", "83 00", 1002],
    ["a message over the limit, at its header (U6)", "82 7e 00 7e", 1009],
    ["bad UTF-8 (attack 24)", "81 01 ff", 1007],
  ])("is told of %s, and the reader too", async (_, hex, code) => {
    const { server, client } = await open({ maxMessageSize: 100 });
    const read = client.readMessage();
    server.write({ hex });
    await server.settle();
    expect(server.takeReceived()).toContain(`00 00 00 00 03 ${(code - 768).toString(16)}`);
    server.end();
    await expect(read).rejects.toMatchObject({ closure: { code, clean: false, first: "local" } });
  });
});
