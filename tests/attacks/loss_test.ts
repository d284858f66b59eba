/** Peers that are gone without a word, or with the worst one, at any moment: heard of once, and nothing left of them. */

import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { type Caller, Client, ConnectionClosureError, type Service, type UpgradeResult } from "../../mod.ts";
import { type Bounds, undisturbed } from "../support/bystander.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { deviates, here } from "../support/host.ts";
import { deferred, failure, onSockets, switching } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { nothingUnhandled } from "../support/unhandled.ts";

nothingUnhandled();
const { whenOver, listen, connect, dial, upgraded, server, clientAndServer } = onSockets();

/** The attacker, the victim and the bystander share a process, and the machine with others. */
const BOUNDS: Bounds = { latest: 1_500, grownBy: 64 * 1_048_576 };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Carries bytes to `port` and back until the cable is cut: then neither side hears anything more, nor that it is over. */
async function cable(port: number): Promise<{ port: number; cut: () => void }> {
  const sockets: Socket[] = [];
  let isCut = false;
  const tcp = createServer({ allowHalfOpen: true }, (near) => {
    const far = connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true });
    sockets.push(near, far);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      from.on("data", (chunk) => isCut || to.write(chunk));
      from.on("error", () => {});
      from.on("end", () => isCut || to.end());
    }
  });
  tcp.listen(0, "127.0.0.1");
  whenOver(() => {
    tcp.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise((resolve) => tcp.once("listening", resolve));
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.pause();
  };
  return { port: (tcp.address() as AddressInfo).port, cut };
}

async function aborted({ signal }: Caller): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

/** What a connection was doing when its peer vanished. */
const DOING: Record<string, { service?: Service; before?: (peer: FramePeer) => unknown }> = {
  "nothing": {},
  "taking a message": { before: (peer) => peer.raw.write(peer.encode({ opcode: 1, payload: "abcdef" }).slice(0, 8)) },
  "taking fragments": { before: (peer) => peer.send({ opcode: 1, fin: false, payload: "abc" }) },
  "sending without end": {
    service: {
      async *onOpen() {
        for (;; await nextTurn()) yield new Uint8Array(65_536);
      },
    },
  },
  "thinking": {
    service: {
      onTextMessage: aborted,
    },
    before: (peer) => peer.text("think"),
  },
};

describe("attack 33: a peer that vanishes without a FIN", () => {
  it("attack 33: ends in 1006 by keep-alive, whatever we were doing", async () => {
    const listener = await listen();
    const heard: Record<string, unknown[]> = {};
    for (const [what, { service = {} }] of Object.entries(DOING)) {
      listener.attach(`/${encodeURIComponent(what)}`, {
        pingInterval: 0.2,
        pongTimeout: 0.3,
        get: () => ({
          ...service,
          onError() {},
          onClose: (caller: Caller, code: number) => void heard[what]!.push(code, caller.signal.aborted),
        }),
      });
    }
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      const { port, cut } = await cable(listener.port);
      for (const [what, { before }] of Object.entries(DOING)) {
        heard[what] = [];
        const peer = await upgraded(port, `/${encodeURIComponent(what)}`);
        await before?.(peer);
      }
      cut();
      const began = performance.now();
      const once = Object.fromEntries(Object.keys(DOING).map((what) => [what, [1006, true]]));
      await expect.poll(() => heard, { timeout: 8_000 }).toEqual(once);
      // Deno's own pings keep whole seconds.
      const most = here({ "deno native": deviates("deno-own-pings", 6_000) }, 4_000);
      expect(performance.now() - began).toBeLessThan(most);
      expect(listener.stats().open).toBe(0);
    });
  });

  it("attack 33: both sides of a cable that is cut hear of it, each by its own pings", async () => {
    const codes: number[] = [];
    const times = { pingInterval: 0.2, pongTimeout: 0.3 };
    const listener = await listen({ onClose: (_caller, code) => void codes.push(code), onError() {} }, times);
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      codes.length = 0;
      const { port, cut } = await cable(listener.port);
      const client = await connect(`ws://127.0.0.1:${port}/`, times);
      const reading = failure(client.readMessage());
      cut();
      expect(await client.closed).toMatchObject({ code: 1006, clean: false });
      expect(await reading).toBeInstanceOf(ConnectionClosureError);
      await expect.poll(() => codes, { timeout: 5_000 }).toEqual([1006]);
    });
  });
});

/** A listener's connection at the moment of its reset, for what our end may hear: nothing, or one end of one of these. */
interface State {
  readonly service?: Service;
  /** Leads there. */
  readonly reach: (peer: FramePeer, caller: Caller) => unknown;
  /** The codes that onClose may hear: a close frame that came may still be read, or not. */
  readonly codes?: readonly number[];
}

const LARGE = new Uint8Array(8 * 1_048_576);

const STATES: Record<string, State> = {
  "idle": { reach() {} },
  "inside the header of a frame": { reach: (peer) => peer.raw.write(Uint8Array.of(0x81)) },
  "inside its mask": {
    reach: (peer) => peer.raw.write(peer.encode({ opcode: 1, payload: "abcdef" }).slice(0, 4)),
  },
  "inside a payload": {
    reach: (peer) => peer.send({ opcode: 2, payload: new Uint8Array(100_000), length: LARGE.length, lengthBytes: 8 }),
  },
  "between fragments": { reach: (peer) => peer.send({ opcode: 1, fin: false, payload: "a" }, { opcode: 9 }) },
  "a handler at work": {
    service: {
      onTextMessage: async (caller) => (await aborted(caller), "late"),
    },
    reach: (peer) => peer.send({ opcode: 1, payload: "a" }, { opcode: 1, payload: "b" }),
  },
  "a large message on its way": {
    service: { onTextMessage: () => LARGE },
    reach: async (peer) => (peer.socket.pause(), await peer.text("a"), await nextTurn()),
  },
  "a stream on its way": {
    service: {
      async *onTextMessage() {
        for (;; await nextTurn()) yield new Uint8Array(65_536);
      },
    },
    reach: async (peer) => (await peer.text("a"), await peer.next()),
  },
  "our close frame unanswered": {
    reach: async (peer, caller) => {
      void caller.close(4000);
      await peer.closeFrame();
    },
    codes: [1006, 4000],
  },
  "our close frame answered": {
    reach: async (peer, caller) => {
      void caller.close(4000);
      await peer.closeFrame();
      await peer.close(4000);
    },
    codes: [1006, 4000],
  },
  "its own close frame unanswered": { reach: (peer) => peer.close(4001), codes: [1006, 4001] },
  "its own close frame answered": {
    reach: async (peer) => (await peer.close(4001), await peer.closeFrame()),
    codes: [4001],
  },
  "a broken rule": { reach: (peer) => peer.send({ opcode: 3 }), codes: [1002, 1006] },
};

describe("attack 34: a reset", () => {
  it.each(Object.keys(STATES))("attack 34: in this state of a connection: %s", async (name) => {
    const { service = {}, reach, codes = [1006] } = STATES[name]!;
    const log: unknown[] = [];
    let [opened, ended] = [deferred<Caller>(), deferred()];
    const listener = await listen({
      ...service,
      onOpen: (caller) => (log.push("open"), opened.resolve(caller)),
      onError() {},
      onClose(_caller, code) {
        log.push(code);
        ended.resolve();
      },
    }, { connectionClosureTimeout: 5, closeLinger: 0.1 });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      [opened, ended, log.length] = [deferred(), deferred(), 0];
      const peer = await upgraded(listener.port);
      const caller = await opened.promise;
      await reach(peer, caller);
      peer.socket.resetAndDestroy();
      await ended.promise;
      await expect.poll(() => listener.stats().open).toBe(0);
      expect([log.length, log[0]]).toEqual([2, "open"]);
      expect(codes).toContain(log[1]);
      expect(await failure(caller.writeTextMessage("late"))).toBeInstanceOf(ConnectionClosureError);
    });
    // Nothing is left that could tell of it again.
    await listener.gracefulStop();
    expect(log).toHaveLength(2);
  });

  it("attack 34: before there is a connection: of a half request, and while get thinks", async () => {
    const log: string[] = [];
    let [asked, left, answer] = [deferred(), deferred(), deferred<UpgradeResult>()];
    const service: Service = { onOpen: () => void log.push("open"), onClose: () => void log.push("close") };
    const listener = await listen(service);
    listener.attach("/slow", {
      get: (request) => {
        request.signal.addEventListener("abort", () => left.resolve());
        asked.resolve();
        return answer.promise;
      },
    });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      [asked, left, answer] = [deferred(), deferred(), deferred()];
      for (const part of ["", "GET / HT", upgradeRequest().slice(0, -2)]) {
        const raw = await dial(listener.port);
        await raw.write(part);
        raw.socket.resetAndDestroy();
      }
      const raw = await dial(listener.port);
      await raw.write(upgradeRequest("/slow"));
      await asked.promise;
      raw.socket.resetAndDestroy();
      await left.promise;
      answer.resolve(service);
      await expect.poll(() => listener.stats().left).toBeGreaterThan(0);
      expect(listener.stats()).toMatchObject({ open: 0, opened: 0 });
    });
    await listener.gracefulStop();
    expect(log).toEqual([]);
  });

  it("attack 34: of a crowd at once, each in the middle of its message", async () => {
    const [opened, closed]: [number[], number[]] = [[], []];
    const listener = await listen({
      onOpen: () => void opened.push(1),
      onMessage: (_caller, message) => message,
      onClose: (_caller, code) => void closed.push(code),
    });
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      opened.length = closed.length = 0;
      const peers = await Promise.all(Array.from({ length: 100 }, () => upgraded(listener.port)));
      for (const peer of peers) {
        await peer.raw.write(peer.encode({ opcode: 1, payload: "a" }, { opcode: 2, payload: "abcdef" }).slice(0, -3));
      }
      for (const { socket } of peers) socket.resetAndDestroy();
      await expect.poll(() => closed.length, { timeout: 5_000 }).toBe(100);
      expect([opened.length, [...new Set(closed)]]).toEqual([100, [1006]]);
    });
  });

  /** A client's, by its server. */
  const CLIENTS: Record<string, { reach: (peer: FramePeer, client: Client) => unknown; codes?: readonly number[] }> = {
    "idle": { reach() {} },
    "inside the header of a frame": { reach: (peer) => peer.raw.write(Uint8Array.of(0x81)) },
    "inside a payload": {
      reach: (peer) => peer.send({ opcode: 2, payload: new Uint8Array(100_000), length: LARGE.length, lengthBytes: 8 }),
    },
    "between fragments": { reach: (peer) => peer.send({ opcode: 1, fin: false, payload: "a" }, { opcode: 9 }) },
    "a large message on its way": {
      reach: async (peer, client) => {
        peer.socket.pause();
        client.writeBinaryMessage(LARGE).catch(() => {});
        await nextTurn();
      },
    },
    "its close frame unanswered": {
      reach: async (peer, client) => (void client.close(4000), await peer.closeFrame()),
    },
    "its close frame answered": {
      reach: async (peer, client) => (void client.close(4000), await peer.closeFrame(), await peer.close(4000)),
      codes: [1006, 4000],
    },
    "the server's close frame unanswered": { reach: (peer) => peer.close(4001), codes: [1006, 4001] },
    "the server's close frame answered": {
      reach: async (peer) => (await peer.close(4001), await peer.closeFrame()),
      codes: [4001],
    },
    "a broken rule": { reach: (peer) => peer.send({ opcode: 3 }), codes: [1002, 1006] },
  };

  it.each(Object.keys(CLIENTS))("attack 34: in this state of a client's connection: %s", async (name) => {
    const { reach, codes = [1006] } = CLIENTS[name]!;
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      const { client, peer } = await clientAndServer();
      const reading = failure(client.readMessage());
      await reach(peer, client);
      peer.socket.resetAndDestroy();
      const closure = await client.closed;
      expect(codes).toContain(closure.code);
      expect(await reading).toBeInstanceOf(ConnectionClosureError);
      expect(await failure(client.writeTextMessage("late"))).toBeInstanceOf(ConnectionClosureError);
      expect(await client.close()).toBe(closure);
    });
  });

  it("attack 34: of a client before it is connected: opened rejects, and closed says so", async () => {
    const parts: ((request: string) => string)[] = [
      () => "",
      () => "HTTP/1.1 10",
      (request) => switching(request).slice(0, -2),
      () => "HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\nabc",
    ];
    const bystander = await listen();
    await undisturbed(bystander, BOUNDS, async () => {
      for (const part of parts) {
        const url = await server(async ({ raw }, request) => {
          await raw.write(part(request));
          raw.socket.resetAndDestroy();
        });
        const client = new Client(url);
        const error = await failure(client.opened) as Error;
        expect(["ConnectionError", "InvalidHandshakeError"]).toContain(error.name);
        expect(await client.closed).toMatchObject({ code: 1006, clean: false });
        expect(await failure(client.readMessage())).toBeInstanceOf(Error);
      }
    });
  });
});
