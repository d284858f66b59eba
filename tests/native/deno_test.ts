/**
 * What `Deno.serve` and `Deno.upgradeWebSocket` (Deno 2.9) do to those who are not careful, and not to a user of ours.
 *
 * One thing is left: as soon as a `get` takes its time, Deno prints once in a process that `request.signal` aborts on
 * successful responses. Nobody but Deno can switch that off (`--unstable-no-legacy-abort`); without a look at the signal
 * nobody would know that a client has left.
 */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PayloadTooLargeError } from "../../mod.ts";
import { ROOT } from "../../scripts/command.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { startServer } from "../support/program.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { ending, onNative, testBoth } from "./both.ts";

const sockets = onSockets();
const { connect, dial, upgraded, whenOver } = sockets;
const { serve, expectAlive } = onNative(sockets);

testBoth(sockets);

describe("a peer that breaks the protocol: Deno drops it without a close frame", () => {
  const frames: [string, string, number][] = [
    ["RSV1 without an extension", "\xc1\x82\0\0\0\0hi", 1002],
    ["a reserved opcode", "\x83\x82\0\0\0\0hi", 1002],
    ["a fragmented ping", "\x09\x80\0\0\0\0", 1002],
    ["a ping of 126 bytes", `\x89\xfe\0\x7e\0\0\0\0${"a".repeat(126)}`, 1002],
    ["a continuation of nothing", "\x80\x82\0\0\0\0hi", 1002],
    ["a message inside another", "\x01\x82\0\0\0\0hi\x81\x82\0\0\0\0hi", 1002],
    ["text that is not UTF-8", "\x81\x81\0\0\0\0\xff", 1007],
    ["a close frame of one byte", "\x88\x81\0\0\0\0\x03", 1002],
  ];
  for (const [what, bytes, closeCode] of frames) {
    it(`${what}: onError hears of the broken rule, onClose of 1006, once`, async () => {
      const errors: unknown[] = [];
      const closes: unknown[][] = [];
      const closed = deferred();
      const { listener } = await serve({
        "/": {
          get: () => ({
            onMessage() {},
            onError: (_caller, error) => void errors.push(error),
            onClose(_caller, ...args) {
              closes.push(args);
              closed.resolve();
            },
          }),
        },
      });
      const peer = await upgraded(listener.port);
      await peer.raw.write(bytes);
      expect(await peer.raw.rest()).toBe("");
      await closed.promise;
      expect(errors).toMatchObject([{ code: expect.stringMatching(/CORRUPTED|CONTINUATION/), closeCode }]);
      expect(closes).toEqual([[1006, ""]]);
      await expectAlive(listener);
    });
  }

  it("but for a code that may not travel, which it answers with 1002", async () => {
    const { service, ended } = ending();
    const { listener } = await serve({ "/": { get: () => service } });
    const peer = await upgraded(listener.port);
    await peer.close(1005);
    expect(await peer.closeCode()).toBe(1002);
    expect((await ended)[0]).toBe(1006);
  });
});

it.each(["http", "https", "ws", "wss"])("the scheme of an absolute target is the client's word: %s", async (scheme) => {
  const { listener } = await serve({
    "/who": { get: (request, { secure }) => ({ onOpen: (caller) => [secure, caller.isSecure(), request.url] }) },
  });
  const peer = await upgraded(listener.port, `${scheme}://hawser.test/who`);
  expect(JSON.parse(await peer.nextText())).toEqual([false, false, "http://hawser.test/who"]);
});

it("frames that are not masked are taken: Deno does not tell of it", async () => {
  const { listener } = await serve({});
  const peer = await upgraded(listener.port, "/echo");
  await peer.send({ opcode: 1, payload: "bare", key: undefined });
  expect(await peer.nextText()).toBe("bare");
  peer.socket.destroy();
});

it("a client that is gone without a word is 1006, where Deno says 0", async () => {
  for (const how of ["destroy", "resetAndDestroy"] as const) {
    const { service, ended } = ending();
    const { listener } = await serve({ "/": { get: () => service } });
    const peer = await upgraded(listener.port);
    peer.socket[how]();
    expect(await ended).toEqual([1006, ""]);
    await expectAlive(listener);
  }
});

it("F6, attack 33: a silent peer is cut by Deno's own pings: 1006 once, with an error that says why", async () => {
  const errors: unknown[] = [];
  const closes: number[] = [];
  const { listener } = await serve({
    "/": {
      pingInterval: 0.5,
      pongTimeout: 0.5,
      get: () => ({
        onError: (_caller, error) => void errors.push(error),
        onClose: (_caller, code) => void closes.push(code),
      }),
    },
  });
  const peer = await upgraded(listener.port);
  expect((await peer.next()).opcode).toBe(9);
  expect(await peer.closeCode()).toBe(1001);
  // The second of Deno's two close events comes with the end of the connection, which is the peer's alone.
  peer.socket.end();
  await peer.raw.gone();
  await expectAlive(listener);
  expect([closes, errors]).toEqual([[1006], [
    expect.objectContaining({ code: "ERR_CONNECTION", message: "The peer did not answer a ping in time" }),
  ]]);
});

it("S9, attack 35: close has a deadline, where Deno waits for ever for a silent peer", async () => {
  const closures: unknown[] = [];
  const { listener } = await serve({
    "/": {
      connectionClosureTimeout: 0.05,
      get: () => ({ onMessage: async (caller) => void closures.push(await caller.close(4_001, "bye")) }),
    },
  });
  const peer = await upgraded(listener.port);
  await peer.text("close");
  expect((await peer.closeFrame()).code).toBe(4_001);
  // Silence: neither an answer nor an end.
  await listener.gracefulStop();
  expect(closures).toEqual([{
    code: 1006,
    reason: "",
    clean: false,
    sent: { code: 4_001, reason: "bye" },
    first: "local",
  }]);
  expect(listener.stats().open).toBe(0);
});

it("L6: gracefulStop has one too", async () => {
  const { listener } = await serve({});
  const peer = await upgraded(listener.port, "/echo");
  const stopped = listener.gracefulStop({ statusCode: 4_000, timeout: 0.05 });
  expect(await peer.closeCode()).toBe(4_000);
  expect(await stopped).toMatchObject({ closed: 0, cut: 1 });
});

it("the closing handshake ends with the peer's answer, or with its silence", async () => {
  for (
    const [answer, closure] of [[4_002, { code: 4_002, clean: true }], [undefined, {
      code: 1006,
      clean: false,
    }]] as const
  ) {
    const closures: unknown[] = [];
    const closed = deferred();
    const { listener } = await serve({
      "/": {
        get: () => ({
          onMessage: async (caller) => void closures.push(await caller.close(4_001)),
          onClose: () => closed.resolve(),
        }),
      },
    });
    const peer = await upgraded(listener.port);
    await peer.text("close");
    expect(await peer.closeCode()).toBe(4_001);
    // Deno tells of the same, whether the answer has no code or there is none.
    if (answer === undefined) peer.socket.end();
    else await peer.close(answer);
    await closed.promise;
    expect(closures).toMatchObject([{ ...closure, first: "local" }]);
  }
});

it("a peer that still sends behind our close frame is dropped by Deno, answer and all: 1006", async () => {
  const { service, ended } = ending({ onTextMessage: (caller) => void caller.close(4_001) });
  const { listener } = await serve({ "/": { get: () => service } });
  const peer = await upgraded(listener.port);
  await peer.text("close");
  expect(await peer.closeCode()).toBe(4_001);
  await peer.send({ opcode: 1, payload: "still" }, { opcode: 8, payload: Uint8Array.of(0x0f, 0xa1) });
  expect(await ended).toEqual([1006, ""]);
  await expectAlive(listener);
});

describe("F4, attack 19: a message that is too long, once Deno has all of it", () => {
  for (
    const [what, frames] of [
      ["in one frame", [{ opcode: 1, payload: "x".repeat(1_001) }]],
      ["in fragments", [{ opcode: 2, payload: "x".repeat(1_000), fin: false }, { opcode: 0, payload: "x" }]],
    ] as const
  ) {
    it(`${what}: 1009 and PayloadTooLargeError`, async () => {
      const errors: unknown[] = [];
      const { service, ended } = ending({
        onMessage: () => "heard",
        onError: (_caller, error) => void errors.push(error),
      });
      const { listener } = await serve({ "/": { maxMessageSize: 1_000, get: () => service } });
      const peer = await upgraded(listener.port);
      await peer.text("x".repeat(1_000));
      expect(await peer.nextText()).toBe("heard");
      await peer.send(...frames);
      expect((await peer.closeFrame()).code).toBe(1009);
      await peer.close(1009);
      expect((await ended)[0]).toBe(1009);
      expect(errors).toEqual([expect.any(PayloadTooLargeError)]);
      expect(errors[0]).toMatchObject({ size: 1_001, limit: 1_000 });
    });
  }
});

it("attack 8: frames in one packet with the request, when get takes its time", async () => {
  const word = deferred();
  const asked = deferred();
  const { listener } = await serve({
    "/": {
      async get() {
        asked.resolve();
        await word.promise;
        return { onMessage: (_caller, message) => message };
      },
    },
  });
  const peer = await dial(listener.port);
  await peer.write(`${upgradeRequest()}\x82\x82\0\0\0\0hi\x82\x82\0\0\0\0yo`);
  await asked.promise;
  word.resolve();
  await peer.head();
  expect(await peer.take(8)).toBe("\x82\x02hi\x82\x02yo");
  peer.socket.destroy();
});

it("examples/deno_server.ts has a page, and says to everybody what one of them says", { timeout: 60_000 }, async () => {
  const server = await startServer(join(ROOT, "examples", "deno_server.ts"), {}, "0");
  whenOver(() => server.stop());
  const { host } = server.url;
  expect(await (await fetch(`http://${host}/`)).text()).toContain("<title>Chat</title>");
  const [ada, ben] = await Promise.all([connect(`ws://${host}/chat`), connect(`ws://${host}/chat`)]);
  await ada.writeTextMessage("hello");
  expect([await ada.readTextMessage(), await ben.readTextMessage()]).toEqual(["hello", "hello"]);
  await Promise.all([ada.close(), ben.close()]);
});
