/** The row H2 of the acceptance table: what one peer may do, on both sides of each limit, as a service and as a client. */

import { describe, expect, it } from "vitest";
import {
  type BufferPolicy,
  type Caller,
  type Client,
  ConnectionClosureError,
  type Listener,
  type ReadAhead,
  ReadTimedOutError,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import { deflated } from "../support/deflated.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { frame, type FrameParts, KEY } from "../support/frames.ts";
import { differs, refuses } from "../support/host.ts";
import { deferred, expectOptionRefused, expectRefused, failure, onSockets, until } from "../support/on_sockets.ts";
import { type Role, ROLES, victims } from "../support/victims.ts";

const sockets = onSockets();
const { listen, upgraded, clientAndServer } = sockets;

/** Our end of a connection, and its peer. */
interface Ends {
  readonly ours: Caller | Client;
  readonly peer: FramePeer;
  /** Resolves once the first message is taken. All others wait. */
  first(): Promise<unknown>;
  /** Of a listener only. */
  readonly listener?: Listener;
}

type Options = Pick<UpgradeServiceOptions, "maxPendingPongs" | "readAhead" | "maxBufferedAmount" | "bufferPolicy">;

const OPEN: Record<Role, (options: Options) => Promise<Ends>> = {
  async listener(options) {
    const [opened, came, release] = [deferred<Caller>(), deferred(), deferred()];
    sockets.whenOver(release.resolve);
    const listener = await listen({
      onOpen: opened.resolve,
      onMessage: () => (came.resolve(), release.promise),
      onError() {},
    }, options);
    const peer = await upgraded(listener.port);
    return { ours: await opened.promise, peer, first: () => came.promise, listener };
  },
  async client(options) {
    const { client, peer } = await clientAndServer(options);
    return { ours: client, peer, first: () => client.readMessage() };
  },
};

/** What may wait for a peer. Half of it is more than Deno takes for a sign that the peer is slow. */
const MOST = 2_400_000;

/** Writes to a peer that does not read, until much of it stays here. Resolves with a way to read it, and drop it. */
async function fill({ ours, peer }: Ends): Promise<() => Promise<unknown>> {
  peer.socket.pause();
  const message = new Uint8Array(100_000);
  let before = -1;
  let count = 0;
  while (ours.bufferedAmount < MOST / 2 || ours.bufferedAmount !== before) {
    before = ours.bufferedAmount;
    if (before < MOST / 2) {
      void ours.writeBinaryMessage(message);
      count++;
    }
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  }
  return async () => {
    peer.socket.resume();
    // Frame by frame it would take longer than all the rest.
    const key = "messagesReceived" in ours ? undefined : KEY;
    await peer.raw.take(count * frame({ opcode: 2, payload: message, key }).length);
  };
}

describe.each(ROLES)("a %s", (role) => {
  const attack = victims(sockets)[role];

  const noFrames = (options: UpgradeServiceOptions) => ({
    "deno native": refuses("deno-no-frames", () => expectOptionRefused(options)),
    "bun native": refuses("bun-no-frames", () => expectOptionRefused(options)),
  } as const);

  it(
    "H2: takes a frame of maxFrameSize, and closes with 1009 at the header of a larger one",
    differs(noFrames({ maxFrameSize: 5 }), async () => {
      const { peer, heard, ended } = await attack({ maxFrameSize: 5 });
      await peer.send({ opcode: 1, fin: false, payload: "12345" }, { opcode: 0, payload: "67890" });
      await until(() => heard.length === 1);
      expect(heard).toEqual(["1234567890"]);
      await peer.send({ opcode: 1, length: 6 });
      expect(await peer.closeCode()).toBe(1009);
      peer.socket.end();
      expect(await ended).toMatchObject({ code: 1009, error: "ERR_PAYLOAD_TOO_LARGE" });
    }),
  );

  it(
    "H2: cuts a message that is not finished within messageTimeout, and takes one that is",
    differs(noFrames({ messageTimeout: 0.05 }), async () => {
      const [within, beyond] = [await attack({ messageTimeout: 30 }), await attack({ messageTimeout: 0.05 })];
      for (const { peer } of [within, beyond]) await peer.send({ opcode: 1, fin: false, payload: "one " });
      expect(await beyond.peer.closeFrame()).toMatchObject({
        code: 1008,
        text: expect.stringMatching(/not finished in time$/),
      });
      beyond.peer.socket.end();
      expect(await beyond.ended).toMatchObject({ code: 1008 });
      await within.peer.send({ opcode: 0, payload: "message" });
      await until(() => within.heard.length === 1);
      expect([within.heard, beyond.heard]).toEqual([["one message"], []]);
    }),
  );

  it(
    "H2: takes as many pings and pongs a second as maxControlFramesPerSecond, and closes with 1008 at one more",
    differs({
      "deno native": refuses("deno-no-control", () => expectOptionRefused({ maxControlFramesPerSecond: 3 })),
    }, async () => {
      const { peer, ended } = await attack({ maxControlFramesPerSecond: 3 });
      await peer.send({ opcode: 9, payload: "1" }, { opcode: 10 }, { opcode: 9, payload: "3" });
      expect([await peer.nextText(), await peer.nextText()]).toEqual(["1", "3"]);
      await peer.send({ opcode: 10 });
      expect(await peer.closeCode()).toBe(1008);
      peer.socket.end();
      expect(await ended).toMatchObject({ code: 1008 });
    }),
  );

  const unlimited = (): Promise<void> => expectOptionRefused({ maxInflatedBytesPerSecond: 10_000 });
  it(
    "H2: inflates as much a second as maxInflatedBytesPerSecond, and closes with 1008 at one byte more",
    differs({
      "deno native": refuses("deno-no-compression", unlimited),
      "bun native": refuses("bun-own-compression", unlimited),
    }, async () => {
      const { peer, heard, ended } = await attack({ maxInflatedBytesPerSecond: 10_000 }, true);
      const message = (size: number): FrameParts => ({ opcode: 1, rsv: 4, payload: deflated("x".repeat(size)) });
      await peer.send(message(4_000), message(6_000));
      await until(() => heard.length === 2);
      await peer.send(message(1));
      expect(await peer.closeCode()).toBe(1008);
      peer.socket.end();
      expect(await ended).toMatchObject({ code: 1008 });
      expect(heard.map(({ length }) => length)).toEqual([4_000, 6_000]);
    }),
  );

  it(
    "H2: keeps maxPendingPongs for a peer that does not read, and of one more the newest",
    differs({
      "deno native": refuses("deno-no-control", () => expectOptionRefused({ maxPendingPongs: 3 })),
      "bun native": refuses("bun-own-pong", () => expectOptionRefused({ maxPendingPongs: 3 })),
    }, async () => {
      const ends = await OPEN[role]({ maxPendingPongs: 3 });
      const { ours, peer, first } = ends;
      const readAll = await fill(ends);
      await peer.send(
        ...["a", "b", "c", "d"].map((payload) => ({ opcode: 9, payload })),
        { opcode: 1, payload: "behind" },
      );
      await first();
      await readAll();
      const pongs = [await peer.nextText(), await peer.nextText(), await peer.nextText()];
      // There are no others behind them.
      await ours.writeTextMessage("last");
      expect([...pongs, await peer.nextText()]).toEqual(["b", "c", "d", "last"]);
    }),
  );

  const noPings = (): Promise<void> => expectRefused({ onPing() {} }, "onPing");
  it(
    "H2: hands 16 pings over while none of them is done, passes the next over, and goes on behind them",
    differs({ "deno native": refuses("deno-no-control", noPings) }, async () => {
      let pings = 0;
      const heard: unknown[] = [];
      const release = deferred();
      const onPing = (): Promise<void> => (pings++, release.promise);
      const [peer, hear] = role === "client"
        ? await clientAndServer({ pingPongHandler: { onPing } })
          .then(({ client, peer }) => [peer, () => client.readMessage()] as const)
        : await listen({ onPing, onMessage: (_caller, message) => void heard.push(message) })
          .then(async ({ port }) => [await upgraded(port), () => until(() => heard.pop() !== undefined)] as const);
      const send = async (count: number): Promise<void> => {
        await peer.send(...Array<FrameParts>(count).fill({ opcode: 9 }), { opcode: 1, payload: "behind" });
        await hear();
      };
      await send(16);
      expect(pings).toBe(16);
      await send(1);
      expect(pings).toBe(16);
      release.resolve();
      await send(1);
      expect(pings).toBe(17);
    }),
  );

  const READ_AHEADS: readonly [Partial<ReadAhead>, fits: FrameParts[], fills: FrameParts][] = [
    [{ messages: 3 }, [{ opcode: 1 }, { opcode: 1 }], { opcode: 1 }],
    [{ bytes: 1_000 }, [{ opcode: 1, payload: "x".repeat(999) }], { opcode: 1, payload: "x" }],
  ];
  const cannotPause = async (...[readAhead, fits, fills]: (typeof READ_AHEADS)[number]): Promise<void> => {
    const { peer, first, listener } = await OPEN[role]({ readAhead });
    await peer.send({ opcode: 1 });
    await first();
    await peer.send(...fits, { opcode: 9, payload: "read" });
    expect(await peer.nextText()).toBe("read");
    await peer.send(fills);
    expect(await peer.closeCode()).toBe(1008);
    peer.socket.end();
    await until(() => listener!.stats().closed[1008] === 1);
  };
  it.each(READ_AHEADS)(
    "H2: reads on while less than readAhead %o waits, and holds the peer back from there on",
    differs({ "deno native": refuses("deno-no-pause", cannotPause) }, async (readAhead, fits, fills) => {
      const { ours, peer, first } = await OPEN[role]({ readAhead });
      await peer.send({ opcode: 1 });
      await first();
      await peer.send(...fits, { opcode: 9, payload: "read" });
      expect(await peer.nextText()).toBe("read");
      await peer.send(fills);
      if ("messagesReceived" in ours) await until(() => ours.messagesReceived === 2 + fits.length);
      await peer.send({ opcode: 9, payload: "not read" });
      // Others have gone round in the meantime.
      const other = await attack();
      for (let i = 0; i < 3; i++) {
        await other.peer.send({ opcode: 9 });
        await other.peer.next();
      }
      expect(peer.raw.received).toBe("");
    }),
  );

  /** A peer that does not read. What is written to it from one turn on to the next stays here, all of it. */
  async function full(bufferPolicy: BufferPolicy) {
    const ends = await OPEN[role]({ maxBufferedAmount: MOST, bufferPolicy });
    const readAll = await fill(ends);
    const write = (size: number): Promise<void> => ends.ours.writeBinaryMessage(new Uint8Array(size));
    return { ...ends, write, readAll };
  }

  it("H2: a write beyond maxBufferedAmount waits, as many bytes again may, and one byte more is refused", async () => {
    const { write, ours, listener } = await full("wait");
    const [fits, waits] = [write(MOST - ours.bufferedAmount), write(1)];
    // Each that waits counts for 64 bytes more.
    const tooMuch = write(MOST - 1 - 64 + 1);
    const asMuch = write(MOST - 1 - 64);
    expect(await failure(tooMuch)).toMatchObject({ message: expect.stringContaining("of writes wait already") });
    expect(ours.isOpen()).toBe(true);
    if (listener !== undefined) expect(listener.stats().discarded).toBe(1);
    ours.terminate();
    for (const write of [fits, waits, asMuch]) expect(await failure(write)).toBeInstanceOf(ConnectionClosureError);
  });

  it("H2: a message that comes to maxBufferedAmount is sent, and one byte more dropped: drop", async () => {
    const { write, ours, listener } = await full("drop");
    const amounts = [ours.bufferedAmount];
    const room = MOST - ours.bufferedAmount;
    for (const size of [room + 1, room, 1]) {
      void write(size);
      amounts.push(ours.bufferedAmount);
    }
    const [before, dropped, sent, droppedToo] = amounts as [number, number, number, number];
    expect([dropped, droppedToo]).toEqual([before, sent]);
    expect(sent).toBeGreaterThanOrEqual(MOST);
    if (listener !== undefined) expect(listener.stats().discarded).toBe(2);
  });

  it("H2: a message that comes to maxBufferedAmount is sent, and one byte more closes with 1013: close", async () => {
    const { write, readAll, ours, peer, listener } = await full("close");
    void write(MOST - ours.bufferedAmount);
    expect(ours.isOpen()).toBe(true);
    expect(await failure(write(1))).toMatchObject({ closure: { sent: { code: 1013 } } });
    await readAll();
    expect(await peer.closeCode()).toBe(1013);
    peer.socket.end();
    if (listener === undefined) return;
    await until(() => listener.stats().closed[1013] === 1);
    expect(listener.stats().discarded).toBe(1);
  });
});

describe("a client's requests", () => {
  const config = { dispatcherStreamId: "id" };

  it("H2: as many as maxPendingRequests wait for replies, and one more is refused, until one is answered", async () => {
    const { client, peer } = await clientAndServer({ ...config, maxPendingRequests: 2 });
    const [first, second] = [client.request({ n: 1 }), client.request({ n: 2 })];
    for (const n of [1, 2]) expect(JSON.parse(await peer.nextText())).toMatchObject({ n });
    expect(await failure(client.request({ n: 3 }))).toMatchObject({
      name: "ConnectionError",
      message: "Cannot send a request: 2 are pending already",
    });
    await peer.text(JSON.stringify({ id: "1", ok: true }));
    expect(await first).toMatchObject({ ok: true });
    const fourth = client.request({ n: 4 });
    const { id } = JSON.parse(await peer.nextText()) as { id: string };
    await peer.send({ opcode: 1, payload: '{"id":"2"}' }, { opcode: 1, payload: JSON.stringify({ id }) });
    await Promise.all([second, fourth]);
  });

  it("H2: a reply that takes longer than requestTimeout is not waited for, and one that does not is", async () => {
    const [late, timely] = [
      await clientAndServer({ ...config, requestTimeout: 0.03 }),
      await clientAndServer({ ...config, requestTimeout: 30 }),
    ];
    const waits = timely.client.request({});
    expect(await failure(late.client.request({}))).toBeInstanceOf(ReadTimedOutError);
    expect(late.client.isOpen()).toBe(true);
    await timely.peer.text('{"id":"1","ok":true}');
    expect(await waits).toMatchObject({ ok: true });
  });
});
