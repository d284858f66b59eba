/**
 * The rows C2 to C7 and C11 of the acceptance table, in what is seen only beside the usual: every code that a loop may end
 * with, every pair of readers, reads that come too early, too late and in numbers.
 */

import { describe, expect, it } from "vitest";
import {
  Client,
  ConnectionClosureError,
  type Message,
  PayloadBindingError,
  ReadTimedOutError,
  WriteTimedOutError,
} from "../../mod.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";

const { listen, server, clientAndServer } = onSockets();

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a loop", () => {
  it.each([1000, 1001, undefined, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    "C2: that the server ends with %s: 1000, 1001 and none are its end, any other code is thrown",
    async (code) => {
      const { client, peer } = await clientAndServer();
      await peer.send({ opcode: 1, payload: "a" }, { opcode: 2, payload: "b" }, { opcode: 1, payload: "" });
      await peer.close(code);
      peer.socket.end();
      await client.closed;
      const seen: Message[] = [];
      const loop = (async () => {
        for await (const message of client) seen.push(message);
      })();
      if (code === 1000 || code === 1001 || code === undefined) await loop;
      else {expect(await failure(loop)).toMatchObject({
          name: "ConnectionClosureError",
          closure: { code, clean: true },
        });}
      expect(seen).toEqual(["a", Uint8Array.of(98), ""]);
    },
  );

  it.each<[string, (peer: { raw: { write(bytes: Uint8Array): unknown } }) => unknown]>([
    ["between messages", () => {}],
    ["in the middle of a frame", (peer) => peer.raw.write(Uint8Array.of(0x81, 5, 97))],
    ["in the middle of a message", (peer) => peer.raw.write(Uint8Array.of(0x01, 1, 97))],
    ["in the middle of a close frame", (peer) => peer.raw.write(Uint8Array.of(0x88, 2, 3))],
  ])("C2: that is cut %s throws, though 1000 might have followed", async (_where, cut) => {
    const { client, peer } = await clientAndServer();
    await peer.text("a");
    await cut(peer);
    peer.socket.end();
    const seen: Message[] = [];
    const error = await failure((async () => {
      for await (const message of client) seen.push(message);
    })());
    expect(error).toMatchObject({ name: "ConnectionClosureError", closure: { code: 1006, clean: false } });
    expect(seen).toEqual(["a"]);
  });

  it.each<[string, (client: Client) => Promise<unknown>]>([
    ["break", async (client) => {
      for await (const _ of client) break;
    }],
    ["return", async (client) => {
      for await (const message of client) return message;
    }],
    ["throw", async (client) => {
      const error = await failure((async () => {
        for await (const _ of client) throw new Error("mine");
      })());
      expect(error).toEqual(new Error("mine"));
    }],
    ["its iterator's return", async (client) => {
      const iterator = client[Symbol.asyncIterator]();
      await iterator.next();
      expect(await iterator.return!()).toEqual({ value: undefined, done: true });
      expect(await iterator.next()).toEqual({ value: undefined, done: true });
    }],
  ])("C2: left by %s closes with 1000, and does not wait for the answer", async (_how, leave) => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
    await leave(client);
    expect(client.isOpen()).toBe(false);
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 1000 });
  });

  it("C7: that waits longer than readTimeout throws, and another loop goes on where it was", async () => {
    const { client, peer } = await clientAndServer({ readTimeout: 0.05 });
    await peer.text("a");
    const seen: Message[] = [];
    const loop = async (): Promise<void> => {
      for await (const message of client) seen.push(message);
    };
    expect(await failure(loop())).toBeInstanceOf(ReadTimedOutError);
    expect(client.isOpen()).toBe(true);
    await peer.text("b");
    await peer.close(1000);
    peer.socket.end();
    await loop();
    expect(seen).toEqual(["a", "b"]);
  });
});

describe("readers", () => {
  const READERS: Record<string, (client: Client) => unknown> = {
    "an iterator": (client) => client[Symbol.asyncIterator](),
    "the readable stream": (client) => client.readable,
    "a read method": (client) => client.readMessage(),
  };

  it.each(Object.keys(READERS).flatMap((first) => Object.keys(READERS).map((second) => [first, second] as const)))(
    "C3: while %s reads, %s is a TypeError that says so, unless it is the same",
    async (first, second) => {
      const { client, peer } = await clientAndServer();
      const reading = READERS[first]!(client);
      const both = first === second && first !== "an iterator";
      const attempt = (): unknown => READERS[second]!(client);
      if (both) {
        const again = attempt();
        if (first === "the readable stream") expect(again).toBe(reading);
        await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
        if (first === "a read method") expect(await Promise.all([reading, again])).toEqual(["a", "b"]);
        return;
      }
      const error = await failure(async () => await attempt()) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`Cannot read with ${second}: ${first} is reading already`);
      await peer.text("a");
      if (first === "a read method") expect(await reading).toBe("a");
    },
  );

  it("C3: when one has done, the next may begin, and finds what the other left", async () => {
    const { client, peer } = await clientAndServer();
    await peer.send(...["a", "b", "c"].map((payload) => ({ opcode: 1, payload })));
    expect(await client.readMessage()).toBe("a");
    const reader = client.readable.getReader();
    expect(await reader.read()).toEqual({ value: "b", done: false });
    expect(await reader.read()).toEqual({ value: "c", done: false });
  });

  it("C3: what is written to writable is text or bytes of any form, and nothing else", async () => {
    const { client, peer } = await clientAndServer();
    const writer = client.writable.getWriter();
    const bytes = Uint8Array.of(0, 97, 98, 99);
    await writer.write("é");
    await writer.write(bytes);
    await writer.write(bytes.slice().buffer);
    await writer.write(new DataView(bytes.buffer, 1, 2));
    await writer.write(new Uint16Array(1));
    const heard = [];
    for (let i = 0; i < 5; i++) heard.push(await peer.next().then(({ opcode, text }) => `${opcode} ${text}`));
    expect(heard).toEqual(["1 é", "2 \0abc", "2 \0abc", "2 ab", "2 \0\0"]);
    expect(await failure(writer.write({ a: 1 } as unknown as string))).toBeInstanceOf(TypeError);
    // A stream whose write has failed is aborted by its standard, and so is the connection.
    expect(await failure(writer.closed)).toBeInstanceOf(TypeError);
  });

  it.each<[string, (client: Client) => Promise<unknown>, number, string]>([
    ["cancelled", (client) => client.readable.cancel(), 1000, ""],
    [
      "cancelled with a code",
      (client) => client.readable.cancel({ closeCode: 4000, reason: "enough" }),
      4000,
      "enough",
    ],
    ["cancelled with an Error", (client) => client.readable.cancel(new Error("secret")), 1000, ""],
    ["aborted", (client) => client.writable.abort(), 1011, ""],
    ["aborted with a code", (client) => client.writable.abort({ closeCode: 3001, reason: "stop" }), 3001, "stop"],
    ["aborted with a code that may not travel", (client) => client.writable.abort({ closeCode: 1005 }), 1011, ""],
    ["closed", (client) => client.writable.close(), 1000, ""],
  ])("C3: a stream that is %s closes the connection", async (_how, end, code, reason) => {
    const { client, peer } = await clientAndServer();
    end(client).catch(() => {});
    const close = await peer.closeFrame();
    expect([close.code, new TextDecoder().decode(close.payload.subarray(2))]).toEqual([code, reason]);
  });
});

describe("reads", () => {
  it("C4: many at once are served in order, each with the kind it asked for, or refused", async () => {
    const { client, peer } = await clientAndServer();
    const reads = Promise.allSettled([
      client.readBinaryMessage(), // refused: text comes first
      client.readTextMessage(), // "a"
      client.readTextMessage(), // refused: bytes are next
      client.readMessage(), // bytes
      client.readMessage(), // "b"
      client.readBinaryMessage(), // "c" as bytes
    ]);
    await peer.send(
      { opcode: 1, payload: "a" },
      { opcode: 2, payload: "x" },
      { opcode: 1, payload: "b" },
      { opcode: 2, payload: "c" },
    );
    const outcomes = (await reads).map((outcome) =>
      outcome.status === "fulfilled" ? outcome.value : outcome.reason instanceof PayloadBindingError
    );
    expect(outcomes).toEqual([true, "a", true, Uint8Array.of(120), "b", Uint8Array.of(99)]);
  });

  it("C4: a thousand of them, and a thousand messages", async () => {
    const { client, peer } = await clientAndServer();
    const reads = Promise.all(Array.from({ length: 1_000 }, () => client.readTextMessage()));
    await peer.send(...Array.from({ length: 1_000 }, (_, i) => ({ opcode: 1, payload: `${i}` })));
    expect(await reads).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i}`));
  });

  it("C7: each of several that wait has its own readTimeout, and one that is late costs no message", async () => {
    const { client, peer } = await clientAndServer({ readTimeout: 0.1 });
    for (let round = 0; round < 3; round++) {
      const late = [failure(client.readMessage()), failure(client.readTextMessage())];
      expect(await Promise.all(late)).toEqual([expect.any(ReadTimedOutError), expect.any(ReadTimedOutError)]);
      // Between two reads.
      await peer.text(`${round}`);
      await peer.send({ opcode: 9 });
      await peer.next();
      expect(await client.readMessage()).toBe(`${round}`);
    }
    expect(client.isOpen()).toBe(true);
  });

  it("C7: a write that is given up may still arrive, once, and the ones behind it too", async () => {
    const { client, peer } = await clientAndServer({ writeTimeout: 0.05 });
    peer.socket.pause();
    let written = 0;
    const error = await failure(async () => {
      for (;; written++) await client.writeBinaryMessage(new Uint8Array(500_000));
    });
    expect(error).toBeInstanceOf(WriteTimedOutError);
    const behind = failure(client.writeTextMessage("behind"));
    expect(await behind).toBeInstanceOf(WriteTimedOutError);
    peer.socket.resume();
    for (let i = 0; i <= written; i++) expect((await peer.next()).payload.length).toBe(500_000);
    expect(await peer.nextText()).toBe("behind");
    await client.writeTextMessage("and on");
    expect(await peer.nextText()).toBe("and on");
  });
});

describe("what a client knows", () => {
  it("C11: before it is open, and after the end", async () => {
    const answer = deferred();
    const url = await server(async (peer, request) => {
      await answer.promise;
      await peer.raw.write(switching(request, "X-One: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
      await peer.closeFrame();
      await peer.close(1000);
      peer.socket.end();
    });
    const client = new Client(
      url.replace("127.0.0.1", "LOCALHOST").replace("ws:", "http:").replace(/\/$/, "/a/../b?c"),
      {
        subProtocols: [],
      },
    );
    expect(client.url).toMatch(/^http:\/\/localhost:\d+\/b\?c$/);
    const early = [
      client.getHttpResponse(),
      client.getNegotiatedSubProtocol(),
      client.latency,
      client.isOpen(),
      client.isSecure(),
      client.bufferedAmount,
    ];
    expect(early).toEqual([undefined, undefined, undefined, false, false, 0]);
    expect(client.getConnectionId()).toMatch(/^[0-9a-f]{32}$/);
    client.setAttribute("kept", { since: "the start" });
    for (const use of [() => client.ping(), () => client.pong(), () => client.readable, () => client.writable]) {
      expect(use).toThrow('"opened" tells when it is');
    }
    for (const use of [() => client.readMessage(), () => client.writeTextMessage("x")]) {
      expect((await failure(use) as Error).message).toContain('"opened" tells when it is');
    }
    const id = client.getConnectionId();
    answer.resolve();
    await client.opened;
    expect(client.getHttpResponse()!.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    await client.close();
    expect([client.isOpen(), client.getConnectionId(), client.getAttribute("kept")]).toEqual([
      false,
      id,
      { since: "the start" },
    ]);
    expect(client.getHttpResponse()).toMatchObject({ status: 101 });
    expect(client.bufferedAmount).toBe(0);
  });

  it("C11: wss: is secure before it is open", async () => {
    const { url } = await listen();
    const client = new Client(url.replace("ws:", "wss:"));
    expect(client.isSecure()).toBe(true);
    expect(await failure(client.opened)).toBeInstanceOf(Error);
    expect(client.isOpen()).toBe(false);
    expect(await failure(client.writeTextMessage("x"))).toBeInstanceOf(ConnectionClosureError);
  });

  it("C11: bufferedAmount is what waits for a server that does not read", async () => {
    const { client, peer } = await clientAndServer();
    peer.socket.pause();
    const chunk = new Uint8Array(100_000);
    let sent = 0;
    while (client.bufferedAmount === 0) {
      void client.writeBinaryMessage(chunk);
      sent++;
      await nextTurn();
    }
    expect(client.bufferedAmount).toBeLessThanOrEqual(sent * 100_014);
    peer.socket.resume();
    for (let i = 0; i < sent; i++) await peer.next();
    while (client.bufferedAmount > 0) await nextTurn();
  });

  it("C1: a URL may be a URL", async () => {
    const { url } = await listen();
    await using client = await Client.connect(new URL(url));
    expect(client.url).toBe(`${url}/`);
  });
});
