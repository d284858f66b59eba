/** The rows P of the acceptance table: pings, keep-alive, the closing handshake, and what is left afterwards. */

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
  MESSAGE_TOO_BIG,
  NORMAL_CLOSURE,
  POLICY_VIOLATION,
  PROTOCOL_ERROR,
  type Service,
  UNSUPPORTED_DATA,
  UnsupportedError,
} from "../../mod.ts";
import { closePayload, type FramePeer } from "../support/frame_peer.ts";
import { deviates, type Differences, differs, here, refuses } from "../support/host.ts";
import { deferred, expectRefused, failure, onSockets } from "../support/on_sockets.ts";

const { listen, connect, upgraded, clientAndServer } = onSockets();

/** Both ends of a connection, and ours of the two. */
const ENDS: Record<string, () => Promise<{ ours: Caller | Client; peer: FramePeer; next: () => Promise<unknown> }>> = {
  async caller() {
    const { promise, resolve } = deferred<Caller>();
    const { port } = await listen({ onOpen: (caller) => resolve(caller), onError() {} }, { closeLinger: 0.05 });
    const peer = await upgraded(port);
    return { peer, ours: await promise, next: () => peer.next() };
  },
  async client() {
    const { client, peer } = await clientAndServer({ closeLinger: 0.05 });
    return { peer, ours: client, next: () => peer.next() };
  },
};

/** The connection has ended by itself. */
async function atOnce(peer: FramePeer): Promise<void> {
  expect(await peer.raw.rest()).toBe("");
}

/** It is there, until the peer sends something. */
async function endsAtAWord(peer: FramePeer): Promise<void> {
  const { port } = await listen();
  const other = await upgraded(port);
  await other.text("a while");
  await other.next();
  expect([peer.raw.ended, peer.raw.closed]).toEqual([false, false]);
  await peer.send({ opcode: 9 });
  await atOnce(peer);
}

describe.each(Object.keys(ENDS))("as a %s", (end) => {
  const open = ENDS[end]!;
  /** Only the server's end is a runtime's own socket. */
  const onCaller = <Value>(differences: Differences<Value>): Differences<Value> => end === "caller" ? differences : {};

  it("P1: pings are answered with their payload", async () => {
    const { peer } = await open();
    await peer.send({ opcode: 9, payload: "a" }, { opcode: 9, payload: "x".repeat(125) });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "a" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "x".repeat(125) });
  });

  const noPing = async (): Promise<void> => {
    const { ours } = await open();
    expect(() => ours.ping(new Uint8Array(125))).toThrow(UnsupportedError);
    expect(() => ours.pong(new Uint8Array(125))).toThrow(UnsupportedError);
    expect(() => ours.ping(new Uint8Array(126))).toThrow(RangeError);
  };
  it(
    "P1: a payload over 125 bytes is a RangeError, and nothing is sent",
    differs(onCaller({ "deno native": refuses("deno-no-control", noPing) }), async () => {
      const { ours, peer } = await open();
      expect(() => ours.ping(new Uint8Array(126))).toThrow(RangeError);
      expect(() => ours.pong(new Uint8Array(126))).toThrow(RangeError);
      ours.ping(new Uint8Array(125));
      expect(await peer.next()).toMatchObject({ opcode: 9, payload: { length: 125 } });
    }),
  );

  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])(
    "P3: close(%d) travels",
    async (code) => {
      const { ours, peer } = await open();
      const closing = ours.close(code, "why");
      expect(await peer.next()).toMatchObject({ code, text: expect.stringMatching(/why$/) });
      await peer.close(code, "because");
      const received = { code, reason: "because" };
      const unanswered = { code, reason: "why", clean: false };
      const lost = { code: 1006, reason: "", clean: false };
      const ending = onCaller<object>({
        ...(code === 1014 && { "deno native": deviates("deno-no-1014", lost) }),
        "bun native": deviates("bun-no-close-wait", unanswered),
      });
      expect(await closing).toEqual({
        first: "local",
        sent: { code, reason: "why" },
        ...here<object>(ending, { ...received, clean: true, received }),
      });
    },
  );

  it.each([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_536, 1000.5, NaN])(
    "P3: close(%d) is a RangeError, and nothing is sent",
    async (code) => {
      const { ours, peer } = await open();
      expect(() => ours.close(code)).toThrow(RangeError);
      expect(() => ours.close(1000, "é".repeat(62))).toThrow(RangeError);
      expect(() => ours.close(1000, "", -2)).toThrow(RangeError);
      await ours.writeTextMessage("still open");
      expect(await peer.nextText()).toBe("still open");
    },
  );

  it("P3: a reason of 123 bytes travels whole", async () => {
    const { ours, peer } = await open();
    void ours.close(1000, `${"é".repeat(61)}x`);
    expect((await peer.next()).payload.length).toBe(125);
  });

  it("P3: a second close gets the first one's promise, and sends nothing", async () => {
    const { ours, peer } = await open();
    const closing = ours.close(4000);
    expect(ours.close(4001)).toBe(closing);
    expect((await peer.next()).code).toBe(4000);
    await peer.close(4000);
    await closing;
    expect(await peer.raw.rest()).toBe("");
  });

  it("P3: what the peer sent before it saw our close frame stands before its answer", async () => {
    const { ours, peer } = await open();
    const closing = ours.close(4000, "why");
    expect((await peer.next()).code).toBe(4000);
    await peer.send({ opcode: 10 }, { opcode: 1, payload: "crossed" }, { opcode: 8, payload: closePayload(4001) });
    const sent = { code: 4000, reason: "why" };
    const lost = { code: 1006, reason: "", clean: false };
    const ending = onCaller<object>({
      "deno native": deviates("deno-no-crossing", lost),
      "bun native": deviates("bun-no-close-wait", { ...sent, clean: false }),
    });
    const answered = { code: 4001, reason: "", clean: true, received: { code: 4001, reason: "" } };
    expect(await closing).toEqual({ first: "local", sent, ...here<object>(ending, answered) });
  });

  it("P3: a peer that does not answer is cut after the timeout", async () => {
    const { ours, peer } = await open();
    const code = here(onCaller({ "bun native": deviates("bun-no-close-wait", 4000) }), 1006);
    expect(await ours.close(4000, "", 0.05)).toMatchObject({ code, clean: false, sent: { code: 4000 } });
    expect((await peer.next()).code).toBe(4000);
    await here(onCaller({ "deno native": deviates("deno-no-cut", endsAtAWord) }), atOnce)(peer);
  });

  it("P3: 0 does not wait, and is no error", async () => {
    const { ours, peer } = await open();
    expect(await ours.close(4000, "", 0)).toMatchObject({ sent: { code: 4000 }, first: "local" });
    expect((await peer.next()).code).toBe(4000);
    await here(onCaller({ "deno native": deviates("deno-no-cut", endsAtAWord) }), atOnce)(peer);
  });

  it("P3: -1 waits until the answer comes", async () => {
    const { ours, peer } = await open();
    const closing = ours.close(4000, "", -1);
    expect((await peer.next()).code).toBe(4000);
    await peer.close(4000);
    const clean = here(onCaller({ "bun native": deviates("bun-no-close-wait", false) }), true);
    expect(await closing).toMatchObject({ clean });
  });

  it("P3: what was written before arrives before", async () => {
    const { ours, peer } = await open();
    const length = 3_000_000;
    void ours.writeBinaryMessage(new Uint8Array(length));
    void ours.close(4000);
    expect((await peer.next()).payload.length).toBe(length);
    expect((await peer.next()).code).toBe(4000);
  });

  it("P3: the peer's close is answered with its code", async () => {
    const { ours, peer } = await open();
    await peer.close(4321, "bye");
    expect(await peer.next()).toMatchObject({ opcode: 8, code: 4321 });
    await peer.raw.socket.end();
    expect(await ours.close()).toMatchObject({ code: 4321, reason: "bye", clean: true, first: "remote" });
  });

  it("P5: whoever writes, pings or closes afterwards is told how it ended", async () => {
    const { ours, peer } = await open();
    await peer.close(4321, "bye");
    expect((await peer.next()).code).toBe(4321);
    // A runtime's own socket has answered before it tells.
    while (ours.isOpen()) await new Promise((resolve) => setImmediate(resolve));
    const sentence = /the peer closed with 4321 "bye", then we answered with 4321/;
    const error = await failure(ours.writeTextMessage("late"));
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect((error as Error).message).toMatch(sentence);
    expect((error as ConnectionClosureError).closure).toMatchObject({
      received: { code: 4321, reason: "bye" },
      sent: { code: 4321 },
      first: "remote",
    });
    expect(await failure(ours.writeBinaryMessage(new Uint8Array(1)))).toBeInstanceOf(ConnectionClosureError);
    const late = here<new (...args: never[]) => Error>(
      onCaller({ "deno native": deviates("deno-no-control", UnsupportedError) }),
      ConnectionClosureError,
    );
    expect(() => ours.ping()).toThrow(late);
    expect(() => ours.pong()).toThrow(late);
    peer.socket.end();
    expect(await ours.close()).toMatchObject({ code: 4321 });
  });

  it("P5: writes that wait for a slow peer settle when it is gone", async () => {
    const { ours, peer } = await open();
    peer.socket.pause();
    const chunk = new Uint8Array(1_000_000);
    let room: Promise<void>;
    let waits = false;
    // The first that waits while the system takes no more; on a busy machine one turn is not enough to tell.
    do {
      let settled = false;
      room = ours.writeBinaryMessage(chunk);
      room.then(() => settled = true, () => settled = true);
      for (let same = 0; same < 200 && !settled;) {
        const before = ours.bufferedAmount;
        await new Promise((resolve) => setImmediate(resolve));
        same = before > 0 && ours.bufferedAmount === before ? same + 1 : 0;
      }
      waits = !settled;
    } while (!waits);
    peer.socket.resetAndDestroy();
    expect(await failure(room)).toBeInstanceOf(ConnectionClosureError);
  });
});

describe("pings", () => {
  const answering: Service = {
    onPing: async (caller, data) => {
      await Promise.resolve();
      if (data.length === 1) return Uint8Array.of(...data, 33);
      caller.pong(Uint8Array.of(63));
    },
  };
  it(
    "P1: onPing answers itself, by returning bytes, later too, or by pong",
    differs({ "deno native": refuses("deno-no-control", () => expectRefused(answering, "onPing")) }, async () => {
      const { port } = await listen(answering);
      const peer = await upgraded(port);
      const answersTo = async (payload: string): Promise<string[]> => {
        await peer.send({ opcode: 9, payload });
        // Bun's own answer comes first.
        const pongs = here({ "bun native": deviates("bun-own-pong", 2) }, 1);
        const seen = [];
        while (seen.length < pongs) seen.push(await peer.next());
        expect(seen.map(({ opcode }) => opcode)).toEqual(Array(pongs).fill(10));
        return seen.map(({ text }) => text);
      };
      expect((await answersTo("a")).at(-1)).toBe("a!");
      expect((await answersTo("ab")).at(-1)).toBe("?");
    }),
  );

  it("P1: so does pingPongHandler", async () => {
    const pongs = deferred<string>();
    const { peer } = await clientAndServer({
      pingPongHandler: {
        onPing: (_client, data) => Uint8Array.of(...data, 33),
        onPong: (_client, data) => pongs.resolve(new TextDecoder().decode(data)),
      },
    });
    await peer.send({ opcode: 9, payload: "a" }, { opcode: 10, payload: "b" });
    expect(await peer.next()).toMatchObject({ opcode: 10, text: "a!", masked: true });
    expect(await pongs.promise).toBe("b");
  });

  it("P2: a peer that answers no ping is lost within pingInterval and pongTimeout: 1006", async () => {
    const codes = deferred<number>();
    const service: Service = { onClose: (_caller, code) => codes.resolve(code), onError() {} };
    const { port } = await listen(service, { pingInterval: 0.05, pongTimeout: 0.1 });
    const peer = await upgraded(port);
    expect((await peer.next()).opcode).toBe(9);
    expect(await codes.promise).toBe(1006);
  });

  it("P2: so is one that is flooded behind the ping, and takes nothing of it", async () => {
    const [pinged, codes] = [deferred<void>(), deferred<number>()];
    const service: Service = {
      async *onOpen() {
        await pinged.promise;
        for (;;) yield new Uint8Array(65_536);
      },
      onClose: (_caller, code) => codes.resolve(code),
      onError() {},
    };
    // So long that Deno gives it up before we do: and waits for ever to tell it so.
    const { port } = await listen(service, { pingInterval: 0.5, pongTimeout: 0.5 });
    const peer = await upgraded(port);
    expect((await peer.next()).opcode).toBe(9);
    peer.socket.pause();
    pinged.resolve();
    expect(await codes.promise).toBe(1006);
  });

  it("P2: the client's side too, when it is told to", async () => {
    const { client, peer } = await clientAndServer({ pingInterval: 0.05, pongTimeout: 0.1 });
    expect((await peer.next()).opcode).toBe(9);
    const closure = await client.closed;
    expect(closure).toMatchObject({ code: 1006, clean: false });
    expect(String(closure.error)).toContain("did not answer a ping in time");
  });

  it("P2: one that answers lives on, and its latency is known", async () => {
    const callers: Caller[] = [];
    const { port } = await listen({ onOpen: (caller) => void callers.push(caller) }, {
      pingInterval: 0.05,
      pongTimeout: 1,
    });
    const peer = await upgraded(port);
    const slow = here({ "deno native": deviates("deno-own-pings", true) }, false);
    for (let i = 0; i < (slow ? 2 : 4); i++) {
      const ping = await peer.next();
      expect(ping.opcode).toBe(9);
      await peer.send({ opcode: 10, payload: ping.payload });
    }
    expect(callers[0]!.isOpen()).toBe(true);
    if (slow) {
      expect(callers[0]!.latency).toBeUndefined();
    } else {
      expect(callers[0]!.latency).toBeGreaterThanOrEqual(0);
      expect(callers[0]!.latency).toBeLessThan(1);
    }
  });
});

describe("close frames as values", () => {
  it.each<[string, CloseFrame, number, string]>([
    ["NORMAL_CLOSURE", NORMAL_CLOSURE, 1000, ""],
    ["GOING_AWAY", GOING_AWAY, 1001, ""],
    ["PROTOCOL_ERROR", PROTOCOL_ERROR, 1002, "Connection closed due to protocol error"],
    ["UNSUPPORTED_DATA", UNSUPPORTED_DATA, 1003, "Endpoint received unsupported frame"],
    ["INVALID_PAYLOAD", INVALID_PAYLOAD, 1007, "Payload does not match the expected format or encoding"],
    ["POLICY_VIOLATION", POLICY_VIOLATION, 1008, "Received message violates its policy"],
    ["MESSAGE_TOO_BIG", MESSAGE_TOO_BIG, 1009, "The received message exceeds the allowed size limit"],
    ["INTERNAL_SERVER_ERROR", INTERNAL_SERVER_ERROR, 1011, "Internal server error occurred"],
    ["closeFrame", closeFrame(4000, "mine"), 4000, "mine"],
  ])("P4: %s", async (_name, value, code, reason) => {
    const { url } = await listen({ onTextMessage: () => value });
    const client = await connect(url);
    await client.writeTextMessage("go");
    expect((await client.closed).received).toEqual({ code, reason });
  });

  it.each(["onOpen", "onBinaryMessage", "onMessage", "onPing", "onPong", "onIdleTimeout"] as const)(
    "P4: %s may return one",
    async (name) => {
      const service: Service = { [name]: () => closeFrame(4000) };
      const hears = name !== "onPing" && name !== "onPong";
      if (!hears && here({ "deno native": refuses("deno-no-control", true) }, false)) {
        return await expectRefused(service, name);
      }
      const { port } = await listen(service, { idleTimeout: 0.1 });
      const peer = await upgraded(port);
      const opcode = { onOpen: 1, onBinaryMessage: 2, onMessage: 1, onPing: 9, onPong: 10, onIdleTimeout: 10 }[name];
      await peer.send({ opcode });
      expect(await peer.closeCode()).toBe(4000);
    },
  );

  it("P4: an invalid one is an error when it is made", () => {
    expect(() => closeFrame(1005)).toThrow(RangeError);
    expect(() => closeFrame(5000)).toThrow(RangeError);
    expect(() => closeFrame(1000, "x".repeat(124))).toThrow(RangeError);
  });
});

it("P5: reads, iterators and streams settle when the connection ends", async () => {
  const ways: ((client: Client) => Promise<unknown>)[] = [
    (client) => client.readMessage(),
    (client) => client.readTextMessage(),
    (client) => client[Symbol.asyncIterator]().next(),
    (client) => client.readable.getReader().read(),
  ];
  for (const read of ways) {
    const { client, peer } = await clientAndServer();
    const reading = failure(read(client));
    await peer.close(4000, "why");
    peer.socket.end();
    const error = await reading as ConnectionClosureError;
    expect(error).toBeInstanceOf(ConnectionClosureError);
    expect(error.closure).toMatchObject({ received: { code: 4000, reason: "why" }, first: "remote" });
  }
});
