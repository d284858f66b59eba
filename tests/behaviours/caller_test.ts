/** The rows S10 to S12 of the acceptance table: the peer as a handler sees it, and one message to many of them. */

import { describe, expect, it } from "vitest";
import {
  broadcast,
  type BroadcastResult,
  type Caller,
  type Service,
  UnsupportedError,
  type UpgradeServiceOptions,
} from "../../mod.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import { deferred, expectRefused, onSockets } from "../support/on_sockets.ts";

const { listen, upgraded } = onSockets();

/** An open connection, both ends of it. */
async function open(
  options?: UpgradeServiceOptions,
  service: Service = {},
  changes?: Record<string, string>,
): Promise<{ caller: Caller; peer: FramePeer; port: number }> {
  const { promise, resolve } = deferred<Caller>();
  const { port } = await listen({ onOpen: (caller) => resolve(caller), ...service }, options);
  return { peer: await upgraded(port, "/?x=1", changes), caller: await promise, port };
}

describe("Caller", () => {
  it("S10: writes text, binary, and whatever JSON knows", async () => {
    const { caller, peer } = await open();
    await Promise.all([
      caller.writeTextMessage("text"),
      caller.writeBinaryMessage(Uint8Array.of(97)),
      caller.writeBinaryMessage(Uint8Array.of(98).buffer),
      caller.writeMessage("string"),
      caller.writeMessage(Uint8Array.of(99)),
      caller.writeMessage({ a: 1 }),
      caller.writeMessage(null),
    ]);
    const heard = [];
    for (let i = 0; i < 7; i++) heard.push(await peer.next().then(({ opcode, text }) => `${opcode} ${text}`));
    expect(heard).toEqual(["1 text", "2 a", "2 b", "1 string", "2 c", '1 {"a":1}', "1 null"]);
    expect(caller.messagesSent).toBe(7);
  });

  it("S10: refuses at once what is no message", async () => {
    const { caller, peer } = await open();
    expect(() => caller.writeTextMessage(1 as never)).toThrow(TypeError);
    expect(() => caller.writeBinaryMessage("a" as never)).toThrow(TypeError);
    expect(() => caller.writeMessage(new Map())).toThrow(TypeError);
    await caller.writeTextMessage("next");
    expect(await peer.nextText()).toBe("next");
  });

  it("S10: knows its connection", async () => {
    const { caller, peer } = await open({ subProtocols: ["b"] }, { onTextMessage() {} }, {
      "Sec-WebSocket-Protocol": "a, b",
      "X-One": "1",
    });
    expect(caller.getNegotiatedSubProtocol()).toBe("b");
    expect([caller.isSecure(), caller.isOpen(), caller.remoteAddress]).toEqual([false, true, "127.0.0.1"]);
    expect([caller.request.url, caller.request.headers.get("x-one")]).toEqual(["http://hawser.test/?x=1", "1"]);
    expect(caller.getConnectionId()).toMatch(/^[0-9a-f]{32}$/);
    expect(caller.getConnectionId()).toBe(caller.getConnectionId());
    expect([caller.auth, caller.bufferedAmount, caller.latency]).toEqual([undefined, 0, undefined]);
    caller.setAttribute("name", "ada");
    expect(caller.getAttribute("name")).toBe("ada");
    expect([caller.removeAttribute("name"), caller.removeAttribute("name"), caller.getAttribute("name")])
      .toEqual(["ada", undefined, undefined]);
    await peer.send({ opcode: 1 }, { opcode: 1 }, { opcode: 9 });
    await peer.next();
    expect(caller.messagesReceived).toBe(2);
  });

  it("S10: two connections have two names, and two sets of attributes", async () => {
    const callers: Caller[] = [];
    const { port } = await listen({ onOpen: (caller) => `${callers.push(caller)}` });
    for (const _ of [1, 2]) await (await upgraded(port)).next();
    callers[0]!.setAttribute("a", 1);
    expect(callers[1]!.getAttribute("a")).toBeUndefined();
    expect(callers[0]!.getConnectionId()).not.toBe(callers[1]!.getConnectionId());
  });

  const noPong = async (): Promise<void> => {
    await expectRefused({ onPong() {} }, "onPong");
    const { caller } = await open();
    expect(() => caller.ping(Uint8Array.of(97))).toThrow(UnsupportedError);
    expect(() => caller.pong(Uint8Array.of(98))).toThrow(UnsupportedError);
  };
  it(
    "S10: pings, and hears the pong",
    differs({ "deno native": refuses("deno-no-control", noPong) }, async () => {
      const pong = deferred<string>();
      const { caller, peer } = await open({}, {
        onPong: (_caller, data) => pong.resolve(new TextDecoder().decode(data)),
      });
      caller.ping(Uint8Array.of(97));
      expect(await peer.next()).toMatchObject({ opcode: 9, text: "a" });
      await peer.send({ opcode: 10, payload: "a" });
      expect(await pong.promise).toBe("a");
      caller.pong(Uint8Array.of(98).buffer);
      expect(await peer.next()).toMatchObject({ opcode: 10, text: "b" });
    }),
  );

  it("S10: closes, with 1000 by default, and tells how it ended", async () => {
    const { caller, peer } = await open();
    const closing = caller.close();
    expect([caller.isOpen(), caller.signal.aborted]).toEqual([false, true]);
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 1000 });
    await peer.close(1000);
    peer.socket.end();
    const clean = here({ "bun native": deviates("bun-no-close-wait", false) }, true);
    expect(await closing).toMatchObject({ code: 1000, clean, first: "local" });
  });

  it("S10: terminates without a close frame", async () => {
    const { caller, peer } = await open();
    caller.terminate();
    expect([caller.isOpen(), caller.signal.aborted]).toEqual([false, true]);
    if (here({ "deno native": deviates("deno-no-cut", true) }, false)) {
      expect(await peer.next()).toMatchObject({ opcode: 8, code: 1005 });
      await peer.close();
    }
    expect(await peer.raw.rest()).toBe("");
  });
});

describe("broadcast", () => {
  /** Callers, in the order of their peers. */
  async function room(
    count: number,
    options?: UpgradeServiceOptions,
  ): Promise<{ callers: Caller[]; peers: FramePeer[] }> {
    const callers: Caller[] = [];
    const { port } = await listen({ onOpen: (caller) => `${callers.push(caller)}`, onError() {} }, options);
    const peers: FramePeer[] = [];
    for (let i = 0; i < count; i++) {
      const peer = await upgraded(port);
      await peer.next();
      peers.push(peer);
    }
    return { callers, peers };
  }

  it("S12: reaches everybody but those left out, and counts", async () => {
    const { callers, peers } = await room(4);
    expect(broadcast(callers, { hello: 1 }, { except: callers[0]! })).toEqual({ sent: 3, dropped: 0, closed: 0 });
    expect(await Promise.all(peers.slice(1).map((peer) => peer.nextText()))).toEqual(Array(3).fill('{"hello":1}'));
    expect(broadcast(new Set(callers), "two", { except: callers.slice(0, 2) }).sent).toBe(2);
    await callers[0]!.writeTextMessage("only this");
    expect(await peers[0]!.nextText()).toBe("only this");
    const closing = callers[3]!.close();
    expect(broadcast(callers, "three")).toEqual({ sent: 3, dropped: 0, closed: 1 });
    await peers[3]!.close();
    peers[3]!.socket.end();
    await closing;
  });

  it.each<["drop" | "close", Partial<BroadcastResult>]>([["drop", { dropped: 1 }], ["close", { closed: 1 }]])(
    "S11: nobody waits for one that does not read (S12: policy %s)",
    async (policy, expected) => {
      const { callers, peers } = await room(3, { maxBufferedAmount: 100_000, connectionClosureTimeout: 0.05 });
      peers[0]!.socket.pause();
      const message = "x".repeat(60_000);
      let result: BroadcastResult;
      let rounds = 0;
      do {
        result = broadcast(callers, message, { policy });
        rounds++;
        const heard = await Promise.all([peers[1]!.next(), peers[2]!.next()]);
        expect(heard.map(({ payload }) => payload.length)).toEqual([60_000, 60_000]);
        if (rounds > 2_000) throw new Error("The slow one never was slow");
      } while (result.sent === 3);
      expect(result).toEqual({ sent: 2, dropped: 0, closed: 0, ...expected });
      expect(callers[0]!.bufferedAmount).toBeLessThan(300_000);
    },
  );

  it("S11: nor do the handlers that broadcast", async () => {
    const callers = new Set<Caller>();
    const { port } = await listen({
      onOpen: (caller) => `${callers.add(caller).size}`,
      onTextMessage: (_caller, text) => void broadcast(callers, text),
    }, { maxBufferedAmount: 50_000, bufferPolicy: "drop" });
    const peers = [await upgraded(port), await upgraded(port), await upgraded(port)];
    for (const peer of peers) await peer.next();
    peers[0]!.socket.pause();
    for (let i = 0; i < 200; i++) {
      await peers[1 + i % 2]!.text(`${i} ${"x".repeat(20_000)}`);
      const heard = await Promise.all([peers[1]!.nextText(), peers[2]!.nextText()]);
      expect(heard.every((text) => text.startsWith(`${i} `))).toBe(true);
    }
  });

  it("S12: without a policy each receiver's own one holds, and the counts say what became of it", async () => {
    const callers: Caller[] = [];
    const listener = await listen();
    const policies = ["wait", "drop", "close"] as const;
    const peers: FramePeer[] = [];
    for (const bufferPolicy of policies) {
      listener.attach(`/${bufferPolicy}`, {
        maxBufferedAmount: 100_000,
        bufferPolicy,
        connectionClosureTimeout: 0.05,
        get: () => ({ onOpen: (caller) => `${callers.push(caller)}`, onError() {} }),
      });
      const peer = await upgraded(listener.port, `/${bufferPolicy}`);
      await peer.next();
      peer.socket.pause();
      peers.push(peer);
    }
    // One that keeps up hears them all.
    const good = await upgraded(listener.port, "/wait");
    await good.next();
    const message = "x".repeat(60_000);
    const totals = { sent: 0, dropped: 0, closed: 0 };
    let rounds = 0;
    for (; totals.closed < 3; rounds++) {
      if (rounds > 3_000) throw new Error("The slow ones never were slow");
      const result = broadcast(callers, message);
      expect(result.sent + result.dropped + result.closed).toBe(4);
      for (const name of ["sent", "dropped", "closed"] as const) totals[name] += result[name];
      expect((await good.next()).payload.length).toBe(60_000);
    }
    // Each has gone its own way: one waits, or has no room for more; one lost messages; one is closed, and counted again.
    expect(callers.map((caller) => caller.isOpen())).toEqual([true, true, false, true]);
    expect(callers[1]!.bufferedAmount).toBeLessThan(300_000);
    expect(broadcast([callers[1]!], message)).toEqual({ sent: 0, dropped: 1, closed: 0 });
    expect(broadcast([callers[2]!], message)).toEqual({ sent: 0, dropped: 0, closed: 1 });
    expect(broadcast([callers[3]!], message)).toEqual({ sent: 1, dropped: 0, closed: 0 });
    expect(totals.dropped).toBeGreaterThan(0);
    expect(callers[1]!.messagesSent).toBeLessThan(rounds + 1);
    expect(callers[3]!.messagesSent).toBe(rounds + 2);
  });

  it("S12: refuses what is no message, and a policy that there is not", async () => {
    const { callers } = await room(1);
    expect(() => broadcast(callers, new Map())).toThrow(TypeError);
    expect(() => broadcast(callers, "a", { policy: "wait" as "drop" })).toThrow(TypeError);
  });
});
