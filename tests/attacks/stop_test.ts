/** Peers that do not let go: close frames that nobody answers, one by one and in thousands. */

import { describe, expect, it } from "vitest";
import { type Caller, ConnectionClosureError } from "../../mod.ts";
import { type Bounds, undisturbed } from "../support/bystander.ts";
import { crowd, type Manner } from "../support/crowd.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, failure, onSockets } from "../support/on_sockets.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();
const { whenOver, listen, upgraded, clientAndServer } = onSockets();

/** Seconds. */
const DEADLINE = 0.3;
/** The latest that a deadline may be kept, in seconds: the machine is shared. */
const LATE = 3;
const MIB = 1_048_576;
const BOUNDS: Bounds = { latest: 1_500, grownBy: 64 * MIB };
/** And of many connections and their peers. */
const CROWD = 300;
const BOUNDS_OF_CROWD: Bounds = { latest: 3_000, grownBy: 256 * MIB };

const since = (began: number): number => (performance.now() - began) / 1_000;

describe("attack 35: a close that is never answered", () => {
  it.each(["silent", "busy", "deaf"])("attack 35: by a peer that is %s: cut at the deadline", async (peerIs) => {
    const isDeaf = peerIs === "deaf";
    let [opened, ended] = [deferred<Caller>(), deferred()];
    const codes: number[] = [];
    const listener = await listen({
      onOpen: (caller) => opened.resolve(caller),
      onClose: (_caller, code) => {
        codes.push(code);
        ended.resolve();
      },
      onError() {},
    }, { connectionClosureTimeout: DEADLINE, closeLinger: DEADLINE, pingInterval: 0 });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      [opened, ended, codes.length] = [deferred(), deferred(), 0];
      const peer = await upgraded(listener.port);
      const caller = await opened.promise;
      if (isDeaf) peer.socket.pause();
      if (isDeaf) { for (let i = 0; i < 3; i++) void caller.writeBinaryMessage(new Uint8Array(4 * MIB)); }
      const began = performance.now();
      const closing = caller.close(4000, "go");
      if (!isDeaf) expect(await peer.closeCode()).toBe(4000);
      if (peerIs === "busy") {
        // What it still says is no answer, and wins no time.
        const timer = setInterval(() => peer.socket.write(peer.encode({ opcode: 1, payload: "not yet" })), 20);
        whenOver(() => clearInterval(timer));
        void peer.raw.gone().then(() => clearInterval(timer));
      }
      const closure = await closing;
      await ended.promise;
      expect(since(began)).toBeLessThan(LATE);
      const usual = { code: 1006, hasWaited: true };
      const { code, hasWaited } = here({
        // The first does not wait for more than room; the second drops whoever goes on talking.
        "bun native": deviates("bun-no-close-wait", isDeaf ? usual : { code: 4000, hasWaited: false }),
        "deno native": deviates("deno-no-crossing", { code: 1006, hasWaited: peerIs !== "busy" }),
      }, usual);
      expect(codes).toEqual([code]);
      expect(closure).toMatchObject({ code, clean: false });
      if (hasWaited) expect(since(began)).toBeGreaterThan(DEADLINE - 0.05);
      const cuts = here({ "deno native": deviates("deno-no-cut", false) }, true);
      if (cuts) {
        peer.socket.resume();
        await peer.raw.rest();
      }
      peer.socket.destroy();
      await expect.poll(() => listener.stats().open).toBe(0);
    });
  });

  it("attack 35: by a server, or answered and then held: the client cuts at its deadline", async () => {
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      for (const answers of [false, true]) {
        const { client, peer } = await clientAndServer({ closeLinger: DEADLINE });
        const reading = failure(client.readMessage());
        const began = performance.now();
        const closing = client.close(4000, "go", DEADLINE);
        expect(await peer.closeCode()).toBe(4000);
        if (answers) await peer.close(4000);
        expect(await closing).toMatchObject({ code: answers ? 4000 : 1006, clean: answers });
        expect(await reading).toBeInstanceOf(ConnectionClosureError);
        await peer.raw.rest();
        expect(since(began)).toBeLessThan(LATE);
        peer.socket.destroy();
      }
    });
  });
});

const MANNERS: readonly Manner[] = ["ignores close frames", "never reads"];

describe(`attack 35: a stop with ${CROWD} connections open`, () => {
  it.each(MANNERS)(
    "attack 35: everybody %s: gracefulStop cuts at its deadline, immediateStop at once",
    async (manner) => {
      const codes: number[] = [];
      const listener = await listen({
        onOpen: () => "hello",
        onClose: (_caller, code) => void codes.push(code),
        onError() {},
      });
      await undisturbed(await listen(), { ...BOUNDS_OF_CROWD, attempts: 1 }, async () => {
        // Bun's own sockets do not wait for the answer.
        const answered = here({ "bun native": deviates("bun-no-close-wait", CROWD) }, 0);
        for (const isGraceful of [true, false]) {
          codes.length = 0;
          await listener.start();
          const members = await crowd(listener.port, "/", CROWD, manner);
          await expect.poll(() => listener.stats().open, { timeout: 5_000 }).toBe(CROWD);
          const began = performance.now();
          const result = isGraceful
            ? await listener.gracefulStop({ timeout: DEADLINE })
            : await listener.immediateStop();
          if (isGraceful) expect(result).toEqual({ closed: answered, cut: CROWD - answered });
          expect(since(began)).toBeLessThan(10);
          expect(listener.stats().open).toBe(0);
          for (const { socket } of members) socket.destroy();
          await expect.poll(() => codes.length, { timeout: 5_000 }).toBe(CROWD);
        }
      });
    },
    30_000,
  );
});
