/**
 * The rows P of the acceptance table, kind by kind: every close frame out of every handler, and everything that may be
 * pending when a connection ends, for each way to end.
 */

import { describe, expect, it } from "vitest";
import {
  type Caller,
  type Client,
  type CloseFrame,
  closeFrame,
  ConnectionClosureError,
  GOING_AWAY,
  INTERNAL_SERVER_ERROR,
  INVALID_PAYLOAD,
  json,
  MESSAGE_TOO_BIG,
  NORMAL_CLOSURE,
  POLICY_VIOLATION,
  PROTOCOL_ERROR,
  type Service,
  UNSUPPORTED_DATA,
} from "../../mod.ts";
import { closePayload, type FramePeer } from "../support/frame_peer.ts";
import { deviates, type Differences, here, refuses } from "../support/host.ts";
import { deferred, expectRefused, failure, onSockets } from "../support/on_sockets.ts";

const { listen, upgraded, clientAndServer } = onSockets();

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const FRAMES: readonly [CloseFrame, number, string][] = [
  [NORMAL_CLOSURE, 1000, ""],
  [GOING_AWAY, 1001, ""],
  [PROTOCOL_ERROR, 1002, "Connection closed due to protocol error"],
  [UNSUPPORTED_DATA, 1003, "Endpoint received unsupported frame"],
  [INVALID_PAYLOAD, 1007, "Payload does not match the expected format or encoding"],
  [POLICY_VIOLATION, 1008, "Received message violates its policy"],
  [MESSAGE_TOO_BIG, 1009, "The received message exceeds the allowed size limit"],
  [INTERNAL_SERVER_ERROR, 1011, "Internal server error occurred"],
  [closeFrame(3555, "of one's own"), 3555, "of one's own"],
];

/** A service that gives `frame` in one way, and what makes it do so. */
const GIVERS: Record<string, (frame: CloseFrame) => [Service, (peer: FramePeer) => unknown]> = {
  onOpen: (frame) => [{ onOpen: () => frame }, () => {}],
  onTextMessage: (frame) => [{ onTextMessage: () => frame }, (peer) => peer.text("x")],
  onBinaryMessage: (frame) => [{ onBinaryMessage: () => frame }, (peer) => peer.send({ opcode: 2 })],
  onMessage: (frame) => [{ onMessage: () => Promise.resolve(frame) }, (peer) => peer.text("x")],
  onPing: (frame) => [{ onPing: () => frame }, (peer) => peer.send({ opcode: 9 })],
  onPong: (frame) => [{ onPong: () => frame }, (peer) => peer.send({ opcode: 10 })],
  onIdleTimeout: (frame) => [{ onIdleTimeout: () => frame }, () => {}],
  onClose: (frame) => [{ onClose: () => frame }, (peer) => peer.close(4999)],
  onError: (frame) => [{
    onTextMessage: () => Promise.reject(new Error("mine")),
    onError: () => frame,
  }, (peer) => peer.text("x")],
  "a generator": (frame) => [{
    *onTextMessage() {
      yield "one";
      yield frame;
    },
  } as Service, (peer) => peer.text("x")],
  "an async generator": (frame) => [{
    async *onTextMessage() {
      yield "one";
      yield frame;
    },
  } as Service, (peer) => peer.text("x")],
  "a ReadableStream": (frame) => [{
    onTextMessage: () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue("one");
          controller.enqueue(frame);
        },
      }),
  }, (peer) => peer.text("x")],
};

it.each(Object.keys(GIVERS))("P4: every close frame, with its reason, out of %s", async (name) => {
  const give = GIVERS[name]!;
  if (name === "onPing" || name === "onPong") {
    const [service] = give(NORMAL_CLOSURE);
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) return await expectRefused(service, name);
  }
  const listener = await listen();
  for (const [frame, code, reason] of FRAMES) {
    const [service, provoke] = give(frame);
    listener.attach(`/${code}`, { get: () => service, idleTimeout: name === "onIdleTimeout" ? 0.02 : 0 });
    const peer = await upgraded(listener.port, `/${code}`);
    await provoke(peer);
    const seen = await peer.closeFrame();
    if (name === "onClose") {
      const answer = here({
        "deno native": refuses("deno-own-answer", 4999),
        "bun native": refuses("bun-own-answer", 4999),
      }, code);
      expect(seen.code).toBe(answer);
      if (answer !== code) continue;
    }
    expect([seen.code, new TextDecoder().decode(seen.payload.subarray(2))]).toEqual([code, reason]);
  }
});

it("P4: nothing is sent behind a close frame that a handler gave, and its other messages find no handler", async () => {
  const handled: string[] = [];
  const { port } = await listen({
    onTextMessage: (caller, text) => {
      handled.push(text);
      void Promise.resolve().then(() => caller.writeTextMessage("late")).catch(() => {});
      return closeFrame(4000);
    },
  });
  const peer = await upgraded(port);
  await peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" });
  const crosses = here({ "deno native": deviates("deno-no-crossing", false) }, true);
  if (crosses) expect(await peer.next()).toMatchObject({ opcode: 8, code: 4000 });
  if (crosses) await peer.close(4000);
  peer.socket.end();
  const rest = await peer.raw.rest();
  expect([rest.includes("late"), handled]).toEqual([false, ["a"]]);
});

it("P1: a pong of more than 125 bytes out of onPing is a failure like any other", async () => {
  const heard: unknown[] = [];
  const service: Service = {
    onPing: () => new Uint8Array(126),
    onError: (_caller, error) => void heard.push(error),
  };
  if (here({ "deno native": refuses("deno-no-control", true) }, false)) return await expectRefused(service, "onPing");
  const { port } = await listen(service);
  const peer = await upgraded(port);
  await peer.send({ opcode: 9, payload: "p" });
  expect(await peer.closeCode()).toBe(1011);
  expect(heard).toEqual([expect.any(RangeError)]);
});

it("P2: a dead peer is found within the sum of pingInterval and pongTimeout", async () => {
  const done = deferred<number>();
  const { port } = await listen({ onClose: () => done.resolve(performance.now()), onError() {} }, {
    pingInterval: 0.2,
    pongTimeout: 0.3,
  });
  const started = performance.now();
  await upgraded(port);
  const seconds = (await done.promise - started) / 1_000;
  // Deno's own are whole seconds.
  const most = here({ "deno native": deviates("deno-own-pings", 3) }, 0.5 + 1);
  expect(seconds).toBeGreaterThan(0.2);
  expect(seconds).toBeLessThan(most);
});

it("P2: none are sent by a client that was not told to, nor by a service whose interval is 0", async () => {
  const { client, peer } = await clientAndServer();
  const { port } = await listen({ onTextMessage: (_caller, text) => text }, { pingInterval: 0 });
  const other = await upgraded(port);
  // As long as it takes a third, which pings, to do so thrice.
  const { port: pinging } = await listen({}, { pingInterval: 0.05, pongTimeout: 1 });
  const third = await upgraded(pinging);
  for (let i = 0; i < here({ "deno native": deviates("deno-own-pings", 1) }, 3); i++) {
    const ping = await third.next();
    expect(ping.opcode).toBe(9);
    await third.send({ opcode: 10, payload: ping.payload });
  }
  await Promise.all([client.writeTextMessage("first"), other.text("first")]);
  expect(await peer.nextText()).toBe("first");
  expect(await other.nextText()).toBe("first");
});

/** How a client's connection ends; `clean`: close frames went both ways, with 1000. */
const ENDS: Record<
  string,
  { clean?: true; end: (client: Client, peer: FramePeer, abort: AbortController) => unknown }
> = {
  "the server closes with 1000": {
    clean: true,
    end: async (_client, peer) => (await peer.close(1000), peer.socket.end()),
  },
  "the server closes with 4000": { end: async (_client, peer) => (await peer.close(4000, "why"), peer.socket.end()) },
  "the server's direction ends": { end: (_client, peer) => peer.socket.end() },
  "the server is gone": { end: (_client, peer) => peer.socket.destroy() },
  "the client closes and the server answers": {
    clean: true,
    end: async (client, peer) => {
      void client.close();
      await peer.closeFrame();
      await peer.close(1000);
      peer.socket.end();
    },
  },
  "the client closes and nobody answers": { end: (client) => client.close(1000, "", 0.02) },
  "the client does not wait": { end: (client) => client.close(1000, "", 0) },
  "the client terminates": { end: (client) => client.terminate() },
  "the signal is aborted": { end: (_client, _peer, abort) => abort.abort() },
};

/** What may be pending, and whether a clean end is an end for it, or a failure. */
const READS: Record<string, { endsCleanly?: true; begin: (client: Client) => Promise<unknown>[] }> = {
  readMessage: { begin: (client) => [client.readMessage()] },
  readTextMessage: { begin: (client) => [client.readTextMessage()] },
  readBinaryMessage: { begin: (client) => [client.readBinaryMessage()] },
  "readMessage with a binder": { begin: (client) => [client.readMessage(json)] },
  "three reads": { begin: (client) => [client.readMessage(), client.readTextMessage(), client.readBinaryMessage()] },
  "the iterator's next": { endsCleanly: true, begin: (client) => [client[Symbol.asyncIterator]().next()] },
  "for await": {
    endsCleanly: true,
    begin: (client) => [(async () => {
      for await (const message of client) throw new Error(`There is no message ${message}`);
    })()],
  },
  "a reader's read": { endsCleanly: true, begin: (client) => [client.readable.getReader().read()] },
  "a reader's closed": { endsCleanly: true, begin: (client) => [client.readable.getReader().closed] },
  pipeTo: {
    endsCleanly: true,
    begin: (client) => [client.readable.pipeTo(new WritableStream())],
  },
};

describe.each(Object.keys(ENDS))("when %s", (how) => {
  const { clean, end } = ENDS[how]!;
  const open = async (): Promise<{ client: Client; peer: FramePeer; abort: AbortController }> => {
    const abort = new AbortController();
    const config = { signal: abort.signal, closeLinger: 0.05, maxBufferedAmount: 2_000_000 };
    return { ...await clientAndServer(config), abort };
  };

  it.each(Object.keys(READS))("P5: %s settles", async (what) => {
    const { endsCleanly, begin } = READS[what]!;
    const { client, peer, abort } = await open();
    const pending = Promise.allSettled(begin(client));
    await end(client, peer, abort);
    for (const outcome of await pending) {
      if (endsCleanly && clean) {
        expect(outcome.status).toBe("fulfilled");
      } else {
        expect(outcome).toMatchObject({ status: "rejected", reason: { name: "ConnectionClosureError" } });
        const { reason } = outcome as { reason: ConnectionClosureError };
        expect(reason.closure).toEqual(await client.closed);
      }
    }
  });

  it("P5: writes that wait, a writer, and closed settle", async () => {
    const { client, peer, abort } = await open();
    const writer = client.writable.getWriter();
    const closed = Promise.allSettled([writer.closed, client.closed]);
    // It does not read: writes wait.
    peer.socket.pause();
    const chunk = new Uint8Array(1_000_000);
    const writes: Promise<unknown>[] = [];
    for (let waits = false; !waits;) {
      let settled = false;
      writes.push(client.writeBinaryMessage(chunk).then(() => settled = true));
      await nextTurn();
      waits = !settled;
    }
    // Some have been accepted, and wait for room; those behind them are not even that.
    for (let i = 0; i < 3; i++) writes.push(client.writeBinaryMessage(new Uint8Array(400_000)));
    writes.push(writer.write("behind"), writer.ready);
    const all = Promise.allSettled(writes);
    if (how === "the client closes and the server answers") peer.socket.resume();
    await end(client, peer, abort);
    for (const { status, ...outcome } of await all) {
      if (status === "rejected") {
        expect((outcome as { reason: Error }).reason).toBeInstanceOf(ConnectionClosureError);
      }
    }
    expect((await closed)[1]).toMatchObject({ status: "fulfilled" });
    expect(await failure(client.writeTextMessage("after"))).toBeInstanceOf(ConnectionClosureError);
    expect(await failure(client.readMessage())).toBeInstanceOf(ConnectionClosureError);
    // A second look at the end is the same, and at once.
    expect(await client.close()).toEqual(await client.closed);
  });
});

describe("the sentence", () => {
  it.each<[string, (client: Client, peer: FramePeer) => unknown, RegExp]>([
    [
      "the peer's close frame came first",
      async (_client, peer) => (await peer.close(4321, "bye"), await peer.closeFrame(), peer.socket.end()),
      /^Cannot read a message: the peer closed with 4321 "bye", then we answered with 4321$/,
    ],
    [
      "ours went first",
      async (client, peer) => {
        void client.close(4000, "mine");
        await peer.closeFrame();
        await peer.close(4001);
        peer.socket.end();
      },
      /^Cannot read a message: we closed with 4000 "mine", then the peer answered with 4001$/,
    ],
    [
      "ours was not answered",
      async (client, peer) => {
        void client.close(4000, "mine");
        await peer.closeFrame();
        peer.socket.end();
      },
      /^Cannot read a message: we closed with 4000 "mine", and the peer has not answered$/,
    ],
    [
      "there was none",
      (_client, peer) => peer.socket.end(),
      /^Cannot read a message: the connection was lost without a close frame$/,
    ],
  ])("P5: says that %s", async (_what, end, sentence) => {
    const { client, peer } = await clientAndServer();
    await end(client, peer);
    await client.closed;
    expect((await failure(client.readMessage()) as Error).message).toMatch(sentence);
  });
});

describe("as a caller", () => {
  it.each<[string, (peer: FramePeer, caller: Caller) => unknown]>([
    ["the peer is gone", (peer) => peer.socket.destroy()],
    ["the peer closes", (peer) => peer.close(4000)],
    ["it terminates", (_peer, caller) => caller.terminate()],
  ])("P5: a close that waits for its answer resolves when %s, and everybody else is told", async (_how, end) => {
    const opened = deferred<Caller>();
    const closed = deferred<number>();
    const { port } = await listen({
      onOpen: (caller) => opened.resolve(caller),
      onClose: (_caller, code) => closed.resolve(code),
      onError() {},
    }, { closeLinger: 0.05 });
    const peer = await upgraded(port);
    const caller = await opened.promise;
    const aborted = new Promise((resolve) => caller.signal.addEventListener("abort", resolve));
    const closing = caller.close(4000, "", -1);
    await aborted;
    expect(await peer.closeCode()).toBe(4000);
    await end(peer, caller);
    const closure = await closing;
    expect(closure.sent).toEqual({ code: 4000, reason: "" });
    expect(await closed.promise).toBe(closure.code);
    expect(await failure(caller.writeMessage("late"))).toBeInstanceOf(ConnectionClosureError);
    expect(await caller.close(4001)).toEqual(closure);
    expect(caller.signal.reason).toBeInstanceOf(ConnectionClosureError);
  });
});

describe("exactly once", () => {
  /**
   * What ends a connection, and the code that onClose hears of: the peer answers each close frame with 4001. Bun's own
   * sockets do not wait for that.
   */
  const WAYS: Record<
    string,
    { service?: Service; end: (peer: FramePeer, caller: Caller) => unknown; code: number; onBun?: number }
  > = {
    "caller.close": { end: (_peer, caller) => void caller.close(4000), code: 4001, onBun: 4000 },
    "caller.close, twice": {
      end: (_peer, caller) => void (caller.close(4000), caller.close(4002)),
      code: 4001,
      onBun: 4000,
    },
    "caller.close and terminate": {
      end: (_peer, caller) => void (caller.close(4000), caller.terminate()),
      code: 1006,
      onBun: 4000,
    },
    "terminate, twice": { end: (_peer, caller) => (caller.terminate(), caller.terminate()), code: 1006 },
    "a close frame that is returned": {
      service: { onTextMessage: () => closeFrame(4000) },
      end: (peer) => peer.text("x"),
      code: 4001,
      onBun: 4000,
    },
    "a handler that fails": {
      service: { onTextMessage: () => Promise.reject(new Error("mine")) },
      end: (peer) => peer.text("x"),
      code: 4001,
      onBun: 1011,
    },
    "a stream that fails": {
      service: {
        // deno-lint-ignore require-yield
        *onTextMessage() {
          throw new Error("mine");
        },
      } as Service,
      end: (peer) => peer.text("x"),
      code: 4001,
      onBun: 1011,
    },
    "silence": { end: () => {}, code: 4001, onBun: 1001 },
    "the peer's close": { end: (peer) => peer.close(4001), code: 4001 },
    "the peer's close during a handler": {
      service: { onTextMessage: () => nextTurn() },
      end: (peer) => peer.send({ opcode: 1 }, { opcode: 8, payload: closePayload(4001) }),
      code: 4001,
    },
    "the peer's close and its loss": {
      end: async (peer) => (await peer.close(4001), peer.socket.destroy()),
      code: 4001,
    },
    "the peer's loss": { end: (peer) => peer.socket.destroy(), code: 1006 },
  };

  it.each(Object.keys(WAYS))("S9: onClose after %s, and nothing after it", async (way) => {
    const { service = {}, end, code, onBun } = WAYS[way]!;
    const log: unknown[] = [];
    const [opened, closed] = [deferred<Caller>(), deferred()];
    const listener = await listen();
    listener.attach("/x", {
      idleTimeout: way === "silence" ? 0.05 : 0,
      closeLinger: 0.05,
      get: () => ({
        onOpen: (caller) => opened.resolve(caller),
        onError() {},
        ...service,
        onClose: (_caller: Caller, code: number) => {
          log.push(code);
          closed.resolve();
        },
      }),
    });
    const peer = await upgraded(listener.port, "/x");
    await end(peer, await opened.promise);
    if (code === 4001 && await peer.closeFrame().catch(() => undefined)) await peer.close(4001);
    if (code === 4001) peer.socket.end();
    await closed.promise;
    peer.socket.destroy();
    // Nothing of this connection is left when that has resolved.
    await listener.gracefulStop();
    const differences: Differences<number> = onBun === undefined
      ? {}
      : { "bun native": deviates("bun-no-close-wait", onBun) };
    expect(log).toEqual([here(differences, code)]);
  });
});
