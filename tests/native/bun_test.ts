/** What `Bun.serve` (Bun 1.4) does to those who are not careful, and not to a user of ours. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/command.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { startServer } from "../support/program.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { ending, NATIVE, onNative, testBoth } from "./both.ts";

const sockets = onSockets();
const { connect, listen, upgraded, whenOver } = sockets;
const { serve, answerOf, expectAlive } = onNative(sockets);

testBoth(sockets);

describe("a peer that breaks the protocol: Bun tells 1006 and a sentence, and we what was sent, and why", () => {
  const frames: [string, string, number, string][] = [
    ["a frame that is not masked", "\x81\x02hi", 1002, "ERR_CORRUPTED_FRAME"],
    ["RSV2", "\xa1\x82\0\0\0\0hi", 1002, "ERR_CORRUPTED_FRAME"],
    ["a reserved opcode", "\x83\x82\0\0\0\0hi", 1002, "ERR_CORRUPTED_FRAME"],
    ["a fragmented ping", "\x09\x80\0\0\0\0", 1002, "ERR_CORRUPTED_FRAME"],
    ["a ping of 126 bytes", `\x89\xfe\0\x7e\0\0\0\0${"a".repeat(126)}`, 1002, "ERR_CORRUPTED_FRAME"],
    ["a continuation of nothing", "\x80\x82\0\0\0\0hi", 1002, "ERR_INVALID_CONTINUATION"],
    ["a message inside another", "\x01\x82\0\0\0\0hi\x81\x82\0\0\0\0hi", 1002, "ERR_INVALID_CONTINUATION"],
    ["text that is not UTF-8", "\x81\x81\0\0\0\0\xff", 1007, "ERR_CORRUPTED_FRAME"],
    ["a close frame of one byte", "\x88\x81\0\0\0\0\x03", 1002, "ERR_CORRUPTED_FRAME"],
    ["a code that may not travel", "\x88\x82\0\0\0\0\x03\xed", 1002, "ERR_CORRUPTED_FRAME"],
    ["a reason that is not UTF-8", "\x88\x83\0\0\0\0\x03\xe8\xff", 1007, "ERR_CORRUPTED_FRAME"],
    ["a message that is too long", `\x82\xfe\x03\xe9\0\0\0\0${"a".repeat(1_001)}`, 1009, "ERR_PAYLOAD_TOO_LARGE"],
    [
      "a message that is too long, in fragments",
      `\x02\xfe\x03\xe8\0\0\0\0${"a".repeat(1_000)}\x80\x81\0\0\0\0a`,
      1009,
      "ERR_PAYLOAD_TOO_LARGE",
    ],
  ];
  for (const [what, bytes, code, errorCode] of frames) {
    it(`${what}: ${code}, in onError and in onClose`, async () => {
      const errors: unknown[] = [];
      const { service, ended } = ending({ onMessage() {}, onError: (_caller, error) => void errors.push(error) });
      const { listener } = await serve({ "/": { maxMessageSize: 1_000, get: () => service } });
      const peer = await upgraded(listener.port);
      await peer.raw.write(bytes);
      expect((await peer.closeFrame()).code).toBe(code);
      expect((await ended)[0]).toBe(code);
      expect(errors).toMatchObject([{ code: errorCode, closeCode: code }]);
      await expectAlive(listener);
    });
  }

  it("a message that is too long for every service, which Bun itself refuses: 1009", async () => {
    for (const bytes of [`\x82\xfe\x03\xe9\0\0\0\0`, `\x02\xfe\x03\xe8\0\0\0\0${"a".repeat(1_000)}\x80\x81\0\0\0\0a`]) {
      const errors: unknown[] = [];
      const { service, ended } = ending({ onMessage() {}, onError: (_caller, error) => void errors.push(error) });
      const listener = await listen(service, { maxMessageSize: 1_000 }, { host: NATIVE });
      const peer = await upgraded(listener.port);
      // Of the first it has only the header.
      await peer.raw.write(bytes);
      expect((await peer.closeFrame()).code).toBe(1009);
      expect((await ended)[0]).toBe(1009);
      expect(errors).toMatchObject([{ code: "ERR_PAYLOAD_TOO_LARGE", closeCode: 1009, limit: 1_000 }]);
    }
  });

  it("compressed data that is none: 1007", async () => {
    const errors: unknown[] = [];
    const { service, ended } = ending({ onMessage() {}, onError: (_caller, error) => void errors.push(error) });
    const { listener } = await serve({ "/": { get: () => service } });
    const peer = await upgraded(listener.port, "/", { "Sec-WebSocket-Extensions": "permessage-deflate" });
    await peer.raw.write("\xc1\x84\0\0\0\0\xff\xff\xff\xff");
    const { code } = await peer.closeFrame();
    expect([code, (await ended)[0], errors]).toEqual([1007, 1007, [expect.objectContaining({ closeCode: 1007 })]]);
  });
});

it("a client that is gone without a word is 1006", async () => {
  for (const how of ["destroy", "resetAndDestroy"] as const) {
    const { service, ended } = ending();
    const { listener } = await serve({ "/": { get: () => service } });
    const peer = await upgraded(listener.port);
    peer.socket[how]();
    expect(await ended).toEqual([1006, ""]);
    await expectAlive(listener);
  }
});

it("attack 8: frames in one packet with the request, when get takes its time: Bun cannot upgrade any more, 400", async () => {
  const { listener, errors } = await serve({
    "/": {
      async get() {
        await new Promise((resolve) => setImmediate(resolve));
        return { onMessage: (_caller, message) => message };
      },
    },
  });
  const answer = await answerOf(listener.port, `${upgradeRequest()}\x82\x82\0\0\0\0hi`);
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect([listener.stats().open, errors]).toEqual([0, []]);
  await expectAlive(listener);
});

it("F1: a slow handler holds back the peer, and hears every message in order", async () => {
  const count = 3_000;
  const heard: string[] = [];
  const gate = deferred();
  const done = deferred();
  const { listener } = await serve({
    "/": {
      readAhead: { messages: 10 },
      get: () => ({
        async onMessage(_caller, message) {
          if (heard.length === 0) await gate.promise;
          heard.push(message as string);
          await null;
          if (heard.length === count) done.resolve();
        },
      }),
    },
  });
  const peer = await upgraded(listener.port);
  const written = peer.send(
    ...Array.from({ length: count }, (_, i) => ({ opcode: 1, payload: `${i} `.padEnd(1_000) })),
  );
  gate.resolve();
  await written;
  await done.promise;
  expect(heard.map(Number)).toEqual(Array.from({ length: count }, (_, i) => i));
  peer.socket.destroy();
});

it("F1: what came before the peer left is heard, though it was held back, and onClose behind it", async () => {
  const words: string[] = [];
  const gate = deferred();
  const closed = deferred();
  const { listener } = await serve({
    "/": {
      readAhead: { messages: 1 },
      get: () => ({
        async onMessage(_caller, message) {
          await gate.promise;
          words.push(message as string);
        },
        onClose: (_caller, code) => (words.push(`closed ${code}`), closed.resolve()),
      }),
    },
  });
  const peer = await upgraded(listener.port);
  for (let i = 0; i < 20; i++) await peer.text(`${i}`);
  await peer.close(4_001);
  peer.socket.end();
  gate.resolve();
  await closed.promise;
  expect(words).toEqual([...Array.from({ length: 20 }, (_, i) => `${i}`), "closed 4001"]);
});

it("attack 34: peers that reset while they are held back, with answers under way, leave nothing behind", async () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const answer = new Uint8Array(50_000);
  const { listener } = await serve({
    "/": {
      readAhead: { messages: 4 },
      get: () => ({
        async onTextMessage() {
          await turn();
          return answer;
        },
        onError() {},
      }),
    },
  });
  for (let i = 0; i < 10; i++) {
    const peer = await upgraded(listener.port);
    peer.socket.pause();
    await peer.send(...Array.from({ length: 500 }, () => ({ opcode: 1, payload: "more" })));
    for (let turns = 0; turns < 20; turns++) await turn();
    peer.socket.resetAndDestroy();
  }
  // Bun tells nothing of some of them, which are looked at once a second.
  while (listener.stats().open > 0) await turn();
  await expectAlive(listener);
});

it("L6: a stop lets ordinary requests have their answers", async () => {
  const [asked, go] = [deferred(), deferred()];
  const { listener } = await serve({}, {
    fetch: async () => {
      asked.resolve();
      await go.promise;
      return new Response("a page");
    },
  });
  const page = fetch(`http://127.0.0.1:${listener.port}/`).then((response) => response.text());
  await asked.promise;
  const stopped = listener.gracefulStop();
  await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
  go.resolve();
  expect(await page).toBe("a page");
  await stopped;
});

it("close resolves at once, with the code that was sent: Bun waits for no answer", async () => {
  const closures: unknown[] = [];
  const { service, ended } = ending({
    onMessage: async (caller) => void closures.push(await caller.close(4_001, "bye")),
  });
  const { listener } = await serve({ "/": { get: () => service } });
  const peer = await upgraded(listener.port);
  await peer.text("close");
  const { code, text } = await peer.closeFrame();
  expect([code, text.slice(2), await ended]).toEqual([4_001, "bye", [4_001, "bye"]]);
  expect(closures).toEqual([{
    code: 4_001,
    reason: "bye",
    clean: false,
    sent: { code: 4_001, reason: "bye" },
    first: "local",
  }]);
});

it("close waits until the peer has read what was written, which Bun would cut four seconds later", async () => {
  const [asked, gone] = [deferred(), deferred<unknown>()];
  const { service, ended } = ending({
    onOpen(caller) {
      for (let i = 0; i < 16; i++) void caller.writeBinaryMessage(new Uint8Array(1_048_576));
      void caller.close(4_000, "done").then(gone.resolve);
      asked.resolve();
    },
  });
  const { listener } = await serve({ "/": { maxBufferedAmount: 2 ** 30, get: () => service } });
  const peer = await upgraded(listener.port);
  peer.socket.pause();
  await asked.promise;
  // Its connection is still whole, so that it may be the first.
  await peer.close(4_001, "me first");
  expect(await ended).toEqual([4_001, "me first"]);
  expect(await gone.promise).toMatchObject({ code: 4_001, clean: true, first: "remote" });
  peer.socket.destroy();
});

it("P2, attack 33: a silent peer is cut by our own pings, not by Bun's timeouts", async () => {
  const errors: unknown[] = [];
  const { service, ended } = ending({ onError: (_caller, error) => void errors.push(error) });
  const { listener } = await serve({ "/": { pingInterval: 0.05, pongTimeout: 0.05, get: () => service } });
  const peer = await upgraded(listener.port);
  expect((await peer.next()).opcode).toBe(9);
  expect(await ended).toEqual([1006, ""]);
  expect(errors).toMatchObject([{ code: "ERR_CONNECTION", message: "The peer did not answer a ping in time" }]);
});

it("examples/bun_server.ts has a page, and says to everybody what one of them says", { timeout: 60_000 }, async () => {
  const server = await startServer(join(ROOT, "examples", "bun_server.ts"), { PORT: "0" });
  whenOver(() => server.stop());
  const { host } = server.url;
  expect(await (await fetch(`http://${host}/`)).text()).toContain("<title>Chat</title>");
  const [ada, ben] = await Promise.all([connect(`ws://${host}/chat`), connect(`ws://${host}/chat`)]);
  await ada.writeTextMessage("hello");
  expect([await ada.readTextMessage(), await ben.readTextMessage()]).toEqual(["hello", "hello"]);
  await Promise.all([ada.close(), ben.close()]);
});
