/** The rows F of the acceptance table: nobody is given more than they take, and nothing is lost. */

import { describe, expect, it } from "vitest";
import type { Caller, Service } from "../../mod.ts";
import { deviates, differs, here, IS_NATIVE, refuses } from "../support/host.ts";
import { deferred, expectRefused, failure, onSockets } from "../support/on_sockets.ts";

const { listen, upgraded, clientAndServer } = onSockets();

/** Writes until the network takes nothing more, and tells whether it ever stopped. */
async function fill(
  peer: { socket: { write(bytes: Uint8Array): boolean; writableLength: number } },
  bytes: Uint8Array,
) {
  for (let i = 0; i < 3_000; i++) {
    peer.socket.write(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    if (peer.socket.writableLength > 4_000_000) return true;
  }
  return false;
}

/** Handlers that count, each in another style, what they are given. */
const STYLES: Record<string, (count: () => void) => Service> = {
  "onMessage that returns it": (count) => ({ onMessage: (_caller, message) => (count(), message) }),
  "onMessage that answers later": (count) => ({
    async onMessage(_caller, message) {
      count();
      await Promise.resolve();
      return message;
    },
  }),
  onMessageStream: (count) => ({ onMessageStream: (_caller, stream) => (count(), stream) }),
};

describe("taking turns", () => {
  for (const [style, serviceOf] of Object.entries(STYLES)) {
    const isStreamed = style === "onMessageStream";
    const refused = () => expectRefused(serviceOf(() => {}), "onMessageStream");
    const differences = {
      "deno native": refuses("deno-no-frames", refused),
      "bun native": refuses("bun-no-frames", refused),
    } as const;
    it(
      `F1: a flood of messages of a byte leaves the others their turn: ${style}`,
      differs(isStreamed ? differences : {}, async () => {
        const flood = 20_000;
        let [count, seen, most] = [0, 0, 0];
        const done = deferred();
        const service = serviceOf(() => void (++count === flood && done.resolve()));
        // What cannot pause needs room for all of it.
        const readAhead = here({ "deno native": deviates("deno-no-pause", { messages: flood }) }, { messages: 1_024 });
        const { port } = await listen(service, { readAhead });
        const peer = await upgraded(port);
        const look = (): void => {
          most = Math.max(most, count - seen);
          seen = count;
          if (count < flood) setImmediate(look);
        };
        look();
        const frame = peer.encode({ opcode: 2, payload: "x" });
        const bytes = new Uint8Array(flood * frame.length);
        for (let i = 0; i < flood; i++) bytes.set(frame, i * frame.length);
        peer.socket.write(bytes);
        await done.promise;
        // What one turn is good for, and what was read ahead before it; a runtime's own socket tells of a whole read at once.
        expect(most).toBeLessThanOrEqual(IS_NATIVE ? 10_000 : 2_048);
      }),
    );
  }
});

describe("reading", () => {
  const cannotPause = async (): Promise<void> => {
    const release = deferred();
    const heard = deferred<unknown>();
    const service: Service = {
      onTextMessage: () => release.promise,
      onError: (_caller, error) => heard.resolve(error),
    };
    const { port } = await listen(service, { readAhead: { messages: 16 } });
    const peer = await upgraded(port);
    // One is handled, and fifteen wait.
    for (let i = 0; i < 16; i++) await peer.text("x");
    await peer.send({ opcode: 9, payload: "fits" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "fits" });
    await peer.text("one too many");
    expect(await peer.closeFrame()).toMatchObject({ code: 1008, text: expect.stringMatching(/read-ahead exceeded$/) });
    release.resolve();
    peer.socket.end();
    expect(String(await heard.promise)).toContain("sent more than readAhead takes");
  };
  it(
    "F1: past readAhead the peer of a busy handler is held back, and nothing is lost when it goes on",
    differs({ "deno native": refuses("deno-no-pause", cannotPause) }, async () => {
      const release = deferred();
      let handled = 0;
      const callers: Caller[] = [];
      const { port } = await listen({
        onOpen: (caller) => void callers.push(caller),
        onBinaryMessage: async () => {
          await release.promise;
          handled++;
        },
      }, { readAhead: { messages: 16 } });
      const peer = await upgraded(port);
      const frame = peer.encode({ opcode: 2, payload: new Uint8Array(100_000) });
      expect(await fill(peer, frame)).toBe(true);
      // One is handled, those of `readAhead` wait, and no more has been taken out of the bytes.
      expect(callers[0]!.messagesReceived).toBeLessThanOrEqual(18);
      release.resolve();
      await peer.text("x");
      await peer.close(1000);
      expect(await peer.closeCode()).toBe(1000);
      expect(handled).toBe(callers[0]!.messagesReceived - 1);
      expect(handled).toBeGreaterThan(40);
    }),
  );

  it("F1: up to it pings are answered and the loss is noticed; bytes bound it too", async () => {
    const lost = deferred();
    const { port } = await listen({
      onBinaryMessage: (caller) =>
        new Promise((resolve) => caller.signal.addEventListener("abort", () => (lost.resolve(), resolve(undefined)))),
      onError() {},
    }, { readAhead: { bytes: 1_000 } });
    const peer = await upgraded(port);
    await peer.send({ opcode: 2 }, { opcode: 2, payload: "x".repeat(900) }, { opcode: 9, payload: "p" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "p" });
    peer.socket.destroy();
    await lost.promise;
  });

  it("F1: a client that nobody reads holds its server back", async () => {
    const { client, peer } = await clientAndServer({ readAhead: { messages: 4 } });
    expect(await fill(peer, peer.encode({ opcode: 2, payload: new Uint8Array(100_000).fill(1) }))).toBe(true);
    // It is with the operating system once somebody reads.
    void peer.close(1000).then(() => peer.socket.end());
    let count = 0;
    for await (const message of client) {
      expect((message as Uint8Array).length).toBe(100_000);
      count++;
    }
    expect(count).toBeGreaterThan(40);
  });
});

describe("writing", () => {
  /** Writes until one write has to wait for the peer. */
  async function untilBlocked(write: () => Promise<void>): Promise<{ room: Promise<void> }> {
    for (;;) {
      let settled = false;
      const room = write();
      room.then(() => settled = true, () => settled = true);
      await new Promise((resolve) => setImmediate(resolve));
      if (!settled) return { room };
    }
  }

  /** A caller, and its peer that reads nothing. */
  async function slow(options: object): Promise<{ caller: Caller; peer: Awaited<ReturnType<typeof upgraded>> }> {
    const { promise, resolve } = deferred<Caller>();
    const service: Service = { onOpen: (caller) => resolve(caller), onError() {} };
    const { port } = await listen(service, options);
    const peer = await upgraded(port);
    peer.socket.pause();
    return { caller: await promise, peer };
  }

  it("F2: a write waits for a slow peer, bufferedAmount says for how much, and all of it arrives", async () => {
    const { caller, peer } = await slow({});
    let written = 0;
    const chunk = new Uint8Array(50_000);
    const { room } = await untilBlocked(() => caller.writeBinaryMessage(chunk.fill(written++)));
    expect(caller.bufferedAmount).toBeGreaterThan(0);
    peer.socket.resume();
    for (let i = 0; i < written; i++) {
      const { payload } = await peer.next();
      expect([payload.length, payload[0], payload[49_999]]).toEqual([50_000, i % 256, i % 256]);
    }
    await room;
    expect(caller.bufferedAmount).toBe(0);
  });

  it("F2: bufferedAmount counts what is gathered, to the byte", async () => {
    const { port } = await listen({
      onTextMessage(caller) {
        void caller.writeTextMessage("x".repeat(100));
        void caller.writeTextMessage("x".repeat(1_000));
        return caller.bufferedAmount;
      },
    });
    const peer = await upgraded(port);
    await peer.text("go");
    await peer.next();
    await peer.next();
    const counted = here({
      "deno native": deviates("deno-payload-bytes", 100 + 1_000),
      "bun native": deviates("bun-corked", 0),
    }, 2 + 100 + 4 + 1_000);
    expect(await peer.nextText()).toBe(String(counted));
  });

  it("F2: wait: maxBufferedAmount bounds what is handed over, and the rest waits", async () => {
    const { caller, peer } = await slow({ maxBufferedAmount: 200_000 });
    const sizes: number[] = [];
    await untilBlocked(() => caller.writeBinaryMessage(new Uint8Array(50_000).fill(sizes.push(50_000))));
    const more = Array.from({ length: 3 }, () => caller.writeBinaryMessage(new Uint8Array(50_000)));
    sizes.push(...more.map(() => 50_000));
    // As much again may wait in memory; a caller who does not wait at all is told.
    const refused = await failure(async () => {
      for (let i = 0; i < 20; i++) void (await Promise.race([caller.writeBinaryMessage(new Uint8Array(50_000)), 0]));
      await caller.writeBinaryMessage(new Uint8Array(50_000));
    });
    expect(String(refused)).toContain("of writes wait already");
    expect(caller.bufferedAmount).toBeLessThanOrEqual(600_000);
    peer.socket.resume();
    for (const size of sizes) expect((await peer.next()).payload.length).toBe(size);
  });

  it("F2: close: a peer that is too slow is closed with 1013", async () => {
    const { caller, peer } = await slow({ maxBufferedAmount: 200_000, bufferPolicy: "close" });
    const error = await failure(async () => {
      for (;;) {
        void caller.writeBinaryMessage(new Uint8Array(50_000));
        await new Promise((resolve) => setImmediate(resolve));
        if (!caller.isOpen()) await caller.writeBinaryMessage(new Uint8Array(1));
      }
    });
    expect(error).toMatchObject({ closure: { sent: { code: 1013 } } });
    peer.socket.resume();
    expect(await peer.closeCode()).toBe(1013);
  });

  it("F2: drop: what a slow peer has no room for is dropped, and nothing else", async () => {
    const { caller, peer } = await slow({ maxBufferedAmount: 200_000, bufferPolicy: "drop" });
    let written = 0;
    while (caller.messagesSent === written && written < 2_000) {
      void caller.writeTextMessage(`${written++} ${"x".repeat(50_000)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(caller.messagesSent).toBeLessThan(written);
    expect(caller.bufferedAmount).toBeLessThan(300_000);
    peer.socket.resume();
    for (let i = 0; i < caller.messagesSent; i++) expect(await peer.nextText()).toMatch(new RegExp(`^${i} `));
    await caller.writeTextMessage("last");
    expect(await peer.nextText()).toBe("last");
  });
});
