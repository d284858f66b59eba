/** The row H2 of the acceptance table: what a listener takes of everybody together, of one address, and in a second. */

import { describe, expect, it } from "vitest";
import { type Caller, Client, InvalidHandshakeError, type Service, type UpgradeServiceOptions } from "../../mod.ts";
import { crowd } from "../support/crowd.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import { deferred, ECHO, expectUnsupported, failure, onSockets, until } from "../support/on_sockets.ts";
import { statusOf, upgradeRequest } from "../support/raw_client.ts";

const { listen, connect, upgraded, dial, answerTo, clientAndServer } = onSockets();

describe("maxConnections", () => {
  it("H2: takes as many as that, refuses the next with 503, and takes another when one has gone", async () => {
    const closed = deferred();
    const service: Service = { ...ECHO, onClose: () => closed.resolve() };
    const listener = await listen(service, {}, { maxConnections: 2 });
    const [first, second] = [await connect(listener.url), await connect(listener.url)];

    const refused = await failure(Client.connect(listener.url));
    expect(refused).toBeInstanceOf(InvalidHandshakeError);
    expect(refused).toMatchObject({ status: 503 });
    expect(listener.stats()).toMatchObject({ open: 2, opened: 2, refused: { 503: 1 } });

    await first.close();
    await closed.promise;
    const third = await connect(listener.url);
    for (const client of [second, third]) {
      await client.writeTextMessage("still here");
      expect(await client.readTextMessage()).toBe("still here");
    }
  });

  it("H2: counts who is being decided on, and gives the place back when the answer is no", async () => {
    const asked = deferred();
    const answer = deferred<Response>();
    const listener = await listen(ECHO, {}, { maxConnections: 1 });
    listener.attach("/slow", {
      get: () => {
        asked.resolve();
        return answer.promise;
      },
    });
    const slow = await dial(listener.port);
    await slow.write(upgradeRequest("/slow"));
    await asked.promise;
    expect(await failure(Client.connect(listener.url))).toMatchObject({ status: 503 });

    const body = new TransformStream<Uint8Array, Uint8Array>();
    answer.resolve(new Response(body.readable, { status: 403 }));
    // Also while the body of that answer is still to come.
    expect((await connect(listener.url)).isOpen()).toBe(true);
    await body.writable.close();
    expect(statusOf(await slow.head())).toBe(403);
  });

  it("H2: without it there is no limit", async () => {
    const listener = await listen();
    await crowd(listener.port, "/", 300);
    expect(listener.stats().open).toBe(300);
  });
});

describe("maxConnectionsPerAddress", () => {
  it("H2: refuses one more from an address with 429, and nobody else", async () => {
    const listener = await listen(ECHO, {}, { maxConnectionsPerAddress: 2, trustedProxies: ["127.0.0.1"] });
    const from = (address: string): Record<string, string> => ({ "X-Forwarded-For": address });
    await upgraded(listener.port, "/", from("192.0.2.1"));
    await upgraded(listener.port, "/", from("192.0.2.1"));
    const third = failure(Client.connect(listener.url, { customHeaders: from("192.0.2.1") }));
    expect(await third).toMatchObject({ name: "InvalidHandshakeError", status: 429 });
    await upgraded(listener.port, "/", from("192.0.2.2"));

    // One customer has as many IPv6 addresses as he likes.
    await upgraded(listener.port, "/", from("2001:db8::1"));
    await upgraded(listener.port, "/", from("2001:db8::2"));
    const sixth = failure(Client.connect(listener.url, { customHeaders: from("2001:db8::3") }));
    expect(await sixth).toMatchObject({ status: 429 });
    expect(listener.stats()).toMatchObject({ open: 5, refused: { 429: 2 } });
  });

  it("H2: an address gets its place back, whoever hangs up", async () => {
    const gone: (() => void)[] = [];
    const service: Service = { ...ECHO, onClose: () => gone.shift()?.() };
    const listener = await listen(service, {}, { maxConnectionsPerAddress: 1 });
    for (const ending of ["reset", "hang up", "close"] as const) {
      const over = deferred();
      gone.push(() => over.resolve());
      const peer = await upgraded(listener.port);
      expect(await failure(Client.connect(listener.url))).toMatchObject({ status: 429 });
      if (ending === "reset") peer.socket.resetAndDestroy();
      else if (ending === "hang up") peer.socket.destroy();
      else await peer.close();
      await over.promise;
    }
    expect(listener.stats().refused).toEqual({ 429: 3 });
  });
});

describe("maxMessagesPerSecond", () => {
  it("H2: a service handles as many as that, and closes with 1008 at one more", async () => {
    const errors: unknown[] = [];
    const service: Service = {
      onMessage: (_caller, text) => text,
      onError: (_caller, error) => void errors.push(error),
    };
    const listener = await listen(service, { maxMessagesPerSecond: 3 });
    const peer = await upgraded(listener.port);
    for (const text of ["1", "2", "3", "4"]) await peer.text(text);
    for (const text of ["1", "2", "3"]) expect(await peer.next()).toMatchObject({ opcode: 1, text });
    expect(await peer.closeFrame()).toMatchObject({ code: 1008, text: expect.stringMatching(/too many messages$/) });
    peer.socket.end();
    await peer.raw.rest();
    expect(errors.map(String)).toEqual([expect.stringContaining("sent more than maxMessagesPerSecond takes")]);
    expect(listener.stats()).toMatchObject({ dropped: 1, closed: { 1008: 1 } });
  });

  it("H2: a client holds its server to it, too", async () => {
    const { client, peer } = await clientAndServer({ maxMessagesPerSecond: 2 });
    for (const text of ["1", "2", "3"]) await peer.text(text);
    expect([await client.readTextMessage(), await client.readTextMessage()]).toEqual(["1", "2"]);
    expect(await peer.closeFrame()).toMatchObject({ code: 1008, text: expect.stringMatching(/too many messages$/) });
    peer.socket.end();
    expect(String((await client.closed).error)).toContain("sent more than maxMessagesPerSecond takes");
  });
});

describe("maxControlFramesPerSecond", () => {
  it("H2: as many as that are answered, and one more closes with 1008", async () => {
    const listener = await listen();
    const attach = (): void => listener.attach("/x", { get: () => ECHO, maxControlFramesPerSecond: 3 });
    if (here({ "deno native": refuses("deno-no-control", true) }, false)) {
      return expectUnsupported(await failure(attach), "maxControlFramesPerSecond");
    }
    attach();
    const peer = await upgraded(listener.port, "/x");
    for (const payload of ["1", "2", "3"]) {
      await peer.send({ opcode: 9, payload });
      expect(await peer.next()).toMatchObject({ opcode: 10, text: payload });
    }
    await peer.send({ opcode: 9, payload: "4" });
    expect(await peer.closeCode()).toBe(1008);
    peer.socket.end();
    await until(() => listener.stats().closed[1008] === 1);
  });
});

describe("maxTotalBuffered", () => {
  const fragment = (opcode: number, bytes: number) => ({ opcode, fin: false, payload: new Uint8Array(bytes) });

  /** Sends a part of a message, and waits until it was read. */
  async function sendPart(peer: FramePeer, opcode: number, bytes: number): Promise<void> {
    await peer.send(fragment(opcode, bytes), { opcode: 9 });
    expect((await peer.next()).opcode).toBe(10);
  }

  /** What is not whole yet is the runtime's own, and nobody sees it. */
  const unseen = async (): Promise<void> => {
    const listener = await listen(ECHO, {}, { maxTotalBuffered: 1 });
    const peer = await upgraded(listener.port);
    await peer.send(fragment(2, 100_000), { opcode: 0 });
    expect((await peer.next()).payload.length).toBe(100_000);
    expect(listener.stats()).toMatchObject({ buffered: 0, closed: {} });
  };

  it(
    "H2: unfinished messages of all together may come to that, and who sends one byte more is closed with 1013",
    differs({
      "deno native": deviates("deno-no-frames", unseen),
      "bun native": deviates("bun-no-frames", unseen),
    }, async () => {
      const errors: unknown[] = [];
      const service: Service = {
        onMessage: (_caller, data) => data,
        onError: (_caller, error) => void errors.push(error),
      };
      const listener = await listen(service, {}, { maxTotalBuffered: 300_000 });
      const [first, second, third] = [
        await upgraded(listener.port),
        await upgraded(listener.port),
        await upgraded(listener.port),
      ];
      await sendPart(first, 2, 150_000);
      expect(listener.stats().buffered).toBe(150_000);
      await sendPart(second, 2, 150_000);
      expect(listener.stats().buffered).toBe(300_000);

      await second.send(fragment(0, 1));
      expect(await second.closeFrame()).toMatchObject({ code: 1013, text: expect.stringContaining("keep too much") });
      second.socket.end();
      await until(() => listener.stats().open === 2);
      expect(listener.stats()).toMatchObject({ buffered: 150_000, closed: { 1013: 1 } });
      expect(errors).toMatchObject([{ name: "CorruptedFrameError", closeCode: 1013 }]);

      // With room again, and for whoever keeps little, all goes on.
      await sendPart(first, 0, 150_000);
      await sendPart(third, 2, 65_536);
      for (const [peer, bytes] of [[third, 65_536], [first, 300_000]] as const) {
        await peer.send({ opcode: 0 });
        expect((await peer.next()).payload.length).toBe(bytes);
      }
      expect(listener.stats().buffered).toBe(0);
    }),
  );

  const crowdedOut = async (): Promise<void> => {
    const heard = deferred<unknown>();
    const release = deferred();
    const service: Service = { onMessage: () => release.promise, onError: (_caller, error) => heard.resolve(error) };
    const listener = await listen(service, {}, { maxTotalBuffered: 100_000 });
    const peer = await upgraded(listener.port);
    await peer.send(...Array.from({ length: 3 }, () => ({ opcode: 2, payload: new Uint8Array(50_000) })));
    await until(() => listener.stats().buffered === 100_000);
    await peer.send({ opcode: 2, payload: new Uint8Array(1) });
    expect(await peer.closeCode()).toBe(1013);
    release.resolve();
    peer.socket.end();
    expect(String(await heard.promise)).toContain("sent more than maxTotalBuffered takes");
    await until(() => listener.stats().open === 0);
    expect(listener.stats()).toMatchObject({ buffered: 0, closed: { 1013: 1 } });
  };

  it(
    "H2: of what waits for handlers beyond it, more than 64 KiB of one peer hold that peer back early, and nothing is lost",
    differs({ "deno native": refuses("deno-no-pause", crowdedOut) }, async () => {
      const release = deferred();
      let handled = 0;
      const callers: Caller[] = [];
      const service: Service = {
        onOpen: (caller) => void callers.push(caller),
        onMessage: () => release.promise.then(() => void handled++),
      };
      const listener = await listen(service, {}, { maxTotalBuffered: 1 });
      const peer = await upgraded(listener.port);
      const bytes = peer.encode({ opcode: 2, payload: new Uint8Array(20_000) });
      let sent = 0;
      // Until the network takes nothing more.
      for (; peer.socket.writableLength < 2_000_000 && sent < 3_000; sent++) {
        peer.socket.write(bytes);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(peer.socket.writableLength).toBeGreaterThan(0);
      // One is handled, four wait: far fewer than the 53 that `readAhead` would take.
      expect(listener.stats().buffered).toBeGreaterThan(65_536);
      expect(callers[0]!.messagesReceived).toBeLessThan(10);
      release.resolve();
      await until(() => handled === sent);
      await until(() => listener.stats().buffered === 0);
    }),
  );

  /** A listener whose peer reads nothing, and a caller to write to it. */
  async function slow(bufferPolicy: UpgradeServiceOptions["bufferPolicy"] & string) {
    const { promise, resolve } = deferred<Caller>();
    const service: Service = { onOpen: (caller) => resolve(caller), onError() {} };
    const listener = await listen(service, { bufferPolicy, maxBufferedAmount: 1e9 }, { maxTotalBuffered: 2_000_000 });
    const peer = await upgraded(listener.port);
    peer.socket.pause();
    return { listener, peer, caller: await promise };
  }

  /** Writes to a peer that does not read, awaiting nothing, until a write is not taken as those before were. */
  async function overflow(caller: Caller, isOver: () => boolean): Promise<void> {
    const errors: unknown[] = [];
    while (!isOver() && errors.length === 0) {
      caller.writeBinaryMessage(new Uint8Array(60_000)).catch((error) => errors.push(error));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it("H2: of what waits for peers it is the limit too: close", async () => {
    const { listener, peer, caller } = await slow("close");
    await overflow(caller, () => !caller.isOpen());
    expect(caller.bufferedAmount).toBeLessThan(3_100_000);
    expect(listener.stats()).toMatchObject({ discarded: 1 });
    peer.socket.resume();
    expect(await peer.closeFrame()).toMatchObject({ code: 1013 });
    peer.socket.end();
    await until(() => listener.stats().open === 0);
    expect(listener.stats()).toMatchObject({ buffered: 0, closed: { 1013: 1 } });
  });

  it("H2: of what waits for peers it is the limit too: drop", async () => {
    const { listener, peer, caller } = await slow("drop");
    await overflow(caller, () => listener.stats().discarded > 0);
    const { buffered } = listener.stats();
    expect(buffered).toBeGreaterThan(1_900_000 - 65_536);
    expect(buffered).toBeLessThan(3_100_000);
    peer.socket.resume();
    for (let i = 0; i < caller.messagesSent; i++) expect((await peer.next()).payload.length).toBe(60_000);
    await until(() => listener.stats().buffered === 0);
    await caller.writeTextMessage("last");
    expect(await peer.nextText()).toBe("last");
  });

  it("H2: of what waits for peers it is the limit too: wait, for one write of each, and others get through", async () => {
    const { listener, peer, caller } = await slow("wait");
    await overflow(caller, () => false);
    const refused = await failure(caller.writeTextMessage("one more"));
    expect(String(refused)).toContain("of writes wait already");
    expect(listener.stats().discarded).toBeGreaterThan(0);
    // A peer that reads waits for nobody.
    const second = await connect(listener.url);
    await second.close();
    peer.socket.resume();
    for (let i = 0; i < caller.messagesSent; i++) expect((await peer.next()).payload.length).toBe(60_000);
    await until(() => listener.stats().buffered === 0);
    await caller.writeTextMessage("last");
    while (await peer.nextText() !== "last");
  });

  it("H2: what a connection kept is given back, however it ends", async () => {
    const ends: Record<string, (peer: FramePeer, caller: Caller) => unknown> = {
      reset: (peer) => peer.socket.resetAndDestroy(),
      "hang up": (peer) => peer.socket.destroy(),
      terminate: (_peer, caller) => caller.terminate(),
      close: (peer, caller) => (peer.socket.resume(), void caller.close(1000, "", 0.1)),
      "peer's close": (peer) => (peer.socket.resume(), peer.send({ opcode: 0 }).then(() => peer.close(1000))),
      "broken rule": (peer) => (peer.socket.resume(), peer.send({ opcode: 3 })),
    };
    const callers: Caller[] = [];
    const release = deferred();
    const service: Service = {
      onOpen: (caller) => void callers.push(caller),
      onTextMessage: () => release.promise,
      onError() {},
    };
    const listener = await listen(service, { connectionClosureTimeout: 0.1, closeLinger: 0.1 });
    const gone: Promise<unknown>[] = [];
    for (const end of Object.values(ends)) {
      const peer = await upgraded(listener.port);
      await until(() => callers.length > gone.length);
      const caller = callers.at(-1)!;
      peer.socket.pause();
      while (caller.bufferedAmount < 1_000_000) void caller.writeBinaryMessage(new Uint8Array(1_000_000));
      const received = caller.messagesReceived;
      await peer.send({ opcode: 1 }, { opcode: 1, payload: "waits" }, fragment(2, 1_000));
      await until(() => caller.messagesReceived === received + 2);
      expect(listener.stats().buffered).toBeGreaterThan(0);
      await end(peer, caller);
      peer.socket.resume().end();
      gone.push(peer.raw.gone());
    }
    release.resolve();
    await until(() => listener.stats().open === 0);
    await until(() => listener.stats().buffered === 0);
    const { closed, opened } = listener.stats();
    expect(Object.values(closed).reduce((sum, count) => sum + count, 0)).toBe(opened);
  });

  it("H2: by default it is 512 MiB, of which little is needed by many", async () => {
    const listener = await listen();
    await crowd(listener.port, "/", 50);
    expect(listener.stats()).toMatchObject({ open: 50, buffered: 0, discarded: 0 });
  });
});

describe("stats", () => {
  it("H2: every refusal of a request is counted by its status", async () => {
    const requestLimits = { maxUriLength: 20, maxHeaderSize: 300, maxEntityBodySize: 4 };
    const fetch = async (request: Request): Promise<Response> => new Response(await request.text());
    const listener = await listen(ECHO, {}, { requestLimits, fetch });
    const { port } = listener;
    await answerTo(port, upgradeRequest(`/${"a".repeat(20)}`));
    await answerTo(port, upgradeRequest("/", { "X-A": "a".repeat(300) }));
    await answerTo(port, upgradeRequest("/", { "Sec-WebSocket-Version": "12" }));
    await answerTo(port, upgradeRequest("/", { "Sec-WebSocket-Key": "short" }));
    await answerTo(port, upgradeRequest("/none"));
    const post = (body: string) => globalThis.fetch(`http://127.0.0.1:${port}`, { method: "POST", body });
    expect([(await post("four")).status, (await post("fives")).status]).toEqual([200, 413]);
    expect(listener.stats().refused).toEqual({ 400: 1, 404: 1, 413: 1, 414: 1, 426: 1, 431: 1 });
  });

  it("H2: connections that ended are counted by the code of the first close frame", async () => {
    const listener = await listen(ECHO, { maxMessageSize: 1_000 });
    const end = async (act: (peer: FramePeer) => unknown): Promise<void> => {
      const { open } = listener.stats();
      const peer = await upgraded(listener.port);
      await until(() => listener.stats().open === open + 1);
      await act(peer);
      peer.socket.end();
      await until(() => listener.stats().open === open);
    };
    await end(async (peer) => {
      await peer.send({ opcode: 2, payload: new Uint8Array(1_001) });
      expect(await peer.closeCode()).toBe(1009);
    });
    await end((peer) => peer.close(4_000));
    await end((peer) => peer.socket.destroy());
    expect(listener.stats().closed).toEqual({ 1006: 1, 1009: 1, 4000: 1 });
  });
});
