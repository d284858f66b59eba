/** Peers that do not take what they are sent, and peers that send more than is taken: memory follows the limits. */

import { describe, expect, it } from "vitest";
import { broadcast, type Caller, ConnectionError, type Listener, type Service } from "../../mod.ts";
import { type Bounds, undisturbed } from "../support/bystander.ts";
import { crowd } from "../support/crowd.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { frame, type FrameParts, KEY } from "../support/frames.ts";
import { here, refuses } from "../support/host.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();
const { whenOver, listen, upgraded, clientAndServer } = onSockets();

const MIB = 1_048_576;
const CHUNK = 65_536;
/** More writes than there is room for in all buffers on the way. */
const MOST_WRITES = 2_000;
/** What may wait for one peer, in bytes. */
const MOST = 4 * MIB;
/** The attacker, the victim and the bystander share a process, and the machine with others. */
const BOUNDS: Bounds = { latest: 1_500, grownBy: 64 * MIB };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets turns go by until `done`, at most so many. */
async function turns(most: number, done: () => boolean): Promise<void> {
  for (let i = 0; i < most && !done(); i++) await nextTurn();
}

/** Peers that read nothing, and the callers that they have. */
async function deaf(count: number, listener: Listener, callers: Caller[]): Promise<FramePeer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => upgraded(listener.port)));
  for (const { socket } of peers) socket.pause();
  await turns(10_000, () => callers.length === count);
  return peers;
}

/** Writes `frames` until nobody takes any more of them, or `over`; and tells how often it did. */
async function flood(peer: FramePeer, frames: readonly FrameParts[], over: () => boolean): Promise<number> {
  const { socket } = peer;
  const bytes = peer.encode(...frames);
  for (let written = 0;;) {
    if (written === MOST_WRITES || over() || socket.destroyed) return written;
    const waiting = socket.writableLength;
    if (waiting < MIB) {
      socket.write(bytes);
      written++;
      await nextTurn();
    } else {
      await turns(200, () => over() || socket.writableLength < waiting);
      if (socket.writableLength === waiting) return written;
    }
  }
}

describe("attack 31: a consumer that never reads", () => {
  it("attack 31: is sent no more than has room, and what a handler yields waits", async () => {
    let yielded = 0;
    const callers: Caller[] = [];
    const service: Service = {
      async *onOpen(caller) {
        callers.push(caller);
        for (;; await nextTurn()) yield (yielded++, new Uint8Array(CHUNK));
      },
    };
    const listener = await listen(service, { maxBufferedAmount: MOST });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      callers.length = yielded = 0;
      const peers = await deaf(4, listener, callers);
      let before = -1;
      // Until nothing more is yielded for a while.
      for (; yielded !== before; await turns(50, () => false)) before = yielded;
      for (const caller of callers) {
        expect(caller.isOpen()).toBe(true);
        expect(caller.bufferedAmount).toBeLessThanOrEqual(MOST + CHUNK);
      }
      for (const { socket } of peers) socket.destroy();
    });
  });

  it("attack 31: nor by handlers that wait for no write: those that pass the limits are refused", async () => {
    const callers: Caller[] = [];
    const listener = await listen({ onOpen: (caller) => void callers.push(caller) }, { maxBufferedAmount: MOST });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      callers.length = 0;
      const peers = await deaf(2, listener, callers);
      for (const caller of callers) {
        const refused: unknown[] = [];
        for (let i = 0; i < 400; i++) {
          caller.writeBinaryMessage(new Uint8Array(4 * CHUNK)).catch((error) => refused.push(error));
          if (i % 20 === 0) await nextTurn();
        }
        await nextTurn();
        expect(refused.length).toBeGreaterThan(300);
        expect(refused[0]).toBeInstanceOf(ConnectionError);
        // As much again may wait as has been handed over.
        expect(caller.bufferedAmount).toBeLessThanOrEqual(2 * (MOST + 4 * CHUNK));
      }
      for (const { socket } of peers) socket.destroy();
    });
  });

  it.each(["drop", "close"] as const)(
    "attack 31: the policy %s holds for all that a broadcast reaches",
    async (policy) => {
      const callers: Caller[] = [];
      const codes: number[] = [];
      const listener = await listen({
        onOpen: (caller) => void callers.push(caller),
        onClose: (_caller, code) => void codes.push(code),
        onError() {},
      }, { maxBufferedAmount: MOST / 4, connectionClosureTimeout: 0.1, closeLinger: 0.1 });
      const bystander = await listen();
      await undisturbed(bystander, BOUNDS, async () => {
        callers.length = codes.length = 0;
        const peers = await deaf(4, listener, callers);
        const told = { dropped: 0, closed: 0 };
        const message = new Uint8Array(CHUNK);
        for (let i = 0; i < 200 && told.closed < 4; i++) {
          // Those that have closed would count once more: not all of them are full in the same round.
          const open = callers.filter((caller) => caller.isOpen());
          const { dropped, closed } = await broadcast(open, message, { policy });
          told.dropped += dropped;
          told.closed += closed;
          for (const caller of callers) expect(caller.bufferedAmount).toBeLessThanOrEqual(MOST / 4 + CHUNK + 1_000);
          await nextTurn();
        }
        if (policy === "drop") expect(told).toEqual({ dropped: expect.any(Number), closed: 0 });
        if (policy === "drop") expect(told.dropped).toBeGreaterThan(8);
        else expect(told).toEqual({ dropped: 0, closed: 4 });
        for (const { socket } of peers) socket.destroy();
        await turns(10_000, () => codes.length === 4);
        expect(codes).toHaveLength(4);
      });
    },
  );

  it("attack 31: one that asks and asks is not read any more, either", async () => {
    const codes: number[] = [];
    let answered = 0;
    const listener = await listen({
      onMessage: () => (answered++, new Uint8Array(CHUNK)),
      onClose: (_caller, code) => void codes.push(code),
      onError() {},
    }, { maxBufferedAmount: MOST, readAhead: { messages: 64 } });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      codes.length = answered = 0;
      const peer = await upgraded(listener.port);
      peer.socket.pause();
      const asked = await flood(
        peer,
        Array(64).fill({ opcode: 1, payload: "x".repeat(1_000) }),
        () => codes.length > 0,
      );
      // Where it cannot be held back, it is closed instead.
      const code = here({ "deno native": refuses("deno-no-pause", 1008) }, undefined);
      if (code === undefined) expect([asked < MOST_WRITES, codes]).toEqual([true, []]);
      // What the system takes for a peer that reads nothing, and what waits here.
      expect(answered).toBeLessThan(400);
      peer.socket.destroy();
    });
  });

  it("attack 31: a server that never reads: the client's writes wait, and those that pass the limits are refused", async () => {
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      const { client, peer } = await clientAndServer({ maxBufferedAmount: MOST });
      peer.socket.pause();
      const refused: unknown[] = [];
      for (let i = 0; i < 400; i++) {
        client.writeBinaryMessage(new Uint8Array(4 * CHUNK)).catch((error) => refused.push(error));
        if (i % 20 === 0) await nextTurn();
      }
      await nextTurn();
      expect(refused.length).toBeGreaterThan(300);
      expect(refused[0]).toBeInstanceOf(ConnectionError);
      expect(client.bufferedAmount).toBeLessThanOrEqual(2 * (MOST + 4 * CHUNK));
      client.terminate();
      peer.socket.destroy();
    });
  });
});

describe("attack 32: more than is taken", () => {
  const FLOODS: Record<string, readonly FrameParts[]> = {
    "large messages": [{ opcode: 2, payload: new Uint8Array(100_000) }],
    "very many small ones": Array<FrameParts>(500).fill({ opcode: 2, payload: "x".repeat(100) }),
    "parts of large ones": [
      { opcode: 2, fin: false, payload: new Uint8Array(CHUNK) },
      { opcode: 0, payload: new Uint8Array(CHUNK) },
    ],
  };

  it.each(Object.keys(FLOODS))(
    "attack 32: %s for a slow handler: the socket is paused, and all arrive later",
    async (what) => {
      let release = deferred();
      let ended = deferred<number>();
      let [handled, began] = [0, 0];
      const callers: Caller[] = [];
      const listener = await listen({
        onOpen: (caller) => void callers.push(caller),
        async onBinaryMessage() {
          began++;
          await release.promise;
          handled++;
        },
        onClose: (_caller, code) => ended.resolve(code),
        onError() {},
      }, { readAhead: { messages: 100, bytes: MIB } });
      const bystander = await listen();
      await undisturbed(bystander, BOUNDS, async () => {
        [release, ended, handled, began, callers.length] = [deferred(), deferred(), 0, 0, 0];
        const peer = await upgraded(listener.port);
        peer.socket.on("error", () => {});
        const frames = FLOODS[what]!;
        const [caller] = callers as [Caller];
        const written = await flood(peer, frames, () => !caller.isOpen());
        await turns(10_000, () => began > 0);
        expect(began).toBe(1);
        const code = here({ "deno native": refuses("deno-no-pause", 1008) }, 1000);
        if (code === 1008) {
          release.resolve();
          peer.socket.destroy();
          // Its close frame may be lost in what was still on its way.
          expect([1006, 1008]).toContain(await ended.promise);
          expect(caller.messagesReceived).toBeLessThanOrEqual(602);
          return;
        }
        expect(written).toBeLessThan(MOST_WRITES);
        expect(caller.messagesReceived).toBeLessThanOrEqual(102);
        release.resolve();
        await peer.close(1000);
        expect(await peer.closeCode()).toBe(code);
        expect(await ended.promise).toBe(code);
        expect(handled).toBe(written * frames.filter(({ fin }) => fin !== false).length);
      });
    },
  );

  it.each(Object.keys(FLOODS))("attack 32: %s for a client that nobody reads", async (what) => {
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      const { client, peer } = await clientAndServer({ readAhead: { messages: 100, bytes: MIB } });
      const frames = FLOODS[what]!;
      const written = await flood(peer, frames, () => false);
      expect(written).toBeLessThan(MOST_WRITES);
      const closing = peer.close(1000).then(() => peer.socket.end());
      let read = 0;
      for await (const message of client) read += message.length > 0 ? 1 : 0;
      await closing;
      expect(read).toBe(written * frames.filter(({ fin }) => fin !== false).length);
      expect(await client.closed).toMatchObject({ code: 1000, clean: true });
    });
  });
});

it(
  "attack 46: 500 connections declare all that is allowed, and send next to nothing: memory follows what came",
  async () => {
    const listener = await listen();
    const header = frame({ opcode: 2, key: KEY, length: 16_777_216, lengthBytes: 8 });
    await undisturbed(listener, { latest: 3_000, grownBy: 256 * MIB, attempts: 1 }, async () => {
      const members = await crowd(listener.port, "/", 500);
      whenOver(() => members.forEach(({ socket }) => socket.destroy()));
      for (const part of [header, Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]) {
        for (const { socket } of members) socket.write(part);
        await turns(10, () => false);
      }
      expect(listener.stats().open).toBe(501);
      expect(members.filter(({ isGone }) => isGone)).toEqual([]);
    });
  },
  30_000,
);
