/** Frames that mean harm, against a listener and against a client: a hostile server is an attacker too. */

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { AnyWebSocketError, Closure, Service } from "../../mod.ts";
import { closePayload, type FramePeer } from "../support/frame_peer.ts";
import { type FrameParts, KEY } from "../support/frames.ts";
import { fromHex } from "../support/hex.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";

const { listen, upgraded, clientAndServer } = onSockets();

interface Limits {
  readonly maxMessageSize?: number;
  readonly maxFragments?: number;
  readonly messageTimeout?: number;
  readonly maxControlFramesPerSecond?: number;
}

interface Victim {
  /** The attacker's end. */
  readonly peer: FramePeer;
  /** What our end hears, messages as Latin-1. */
  readonly heard: string[];
  /** How it ended for our end. */
  readonly ended: Promise<{ code: number; error: string | undefined }>;
}

const latin1 = (message: string | Uint8Array): string =>
  typeof message === "string" ? message : Buffer.from(message).toString("latin1");

const VICTIMS: Record<"listener" | "client", (limits?: Limits) => Promise<Victim>> = {
  async listener(limits) {
    const heard: string[] = [];
    let error: string | undefined;
    const ended = deferred<{ code: number; error: string | undefined }>();
    const service: Service = {
      onMessage: (_caller, message) => void heard.push(latin1(message)),
      onError: (_caller, failure) => void (error = (failure as AnyWebSocketError).code),
      onClose: (_caller, code) => ended.resolve({ code, error }),
    };
    const { port } = await listen(service, limits);
    return { peer: await upgraded(port), heard, ended: ended.promise };
  },
  async client(limits) {
    const { client, peer } = await clientAndServer(limits);
    const heard: string[] = [];
    const reading = (async () => {
      for await (const message of client) heard.push(latin1(message));
    })().catch(() => {});
    const ended = client.closed.then(async (closure: Closure) => {
      await reading;
      return { code: closure.code, error: closure.error?.code };
    });
    return { peer, heard, ended };
  },
};

/** Somebody else's connection in the same process answers. */
async function bystander(): Promise<FramePeer> {
  const { port } = await listen();
  return await upgraded(port);
}

async function expectAlive(peer: FramePeer): Promise<void> {
  await peer.text("still here");
  expect(await peer.nextText()).toBe("still here");
}

type Row = readonly [what: string, bytes: readonly FrameParts[] | Uint8Array, code: number];

/** A frame whose header says that more comes than does. */
const header = (opcode: number, length: number | bigint, extra: Partial<FrameParts> = {}): FrameParts => ({
  opcode,
  length,
  ...extra,
});

const ROWS: Record<string, readonly Row[]> = {
  "attack 14: reserved bits": [
    ["RSV1 on text", [{ opcode: 1, rsv: 4, payload: "a" }], 1002],
    ["RSV2 on binary", [{ opcode: 2, rsv: 2, payload: "a" }], 1002],
    ["RSV3 on text", [{ opcode: 1, rsv: 1 }], 1002],
    ["RSV1 on a ping", [{ opcode: 9, rsv: 4 }], 1002],
    ["RSV1 on a close", [{ opcode: 8, rsv: 4 }], 1002],
    ["RSV1 on a continuation", [{ opcode: 1, fin: false }, { opcode: 0, rsv: 4 }], 1002],
  ],
  "attack 15: reserved opcodes": [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`${opcode}`, [{ opcode }], 1002]),
  "attack 16: fragmented and over-long control frames": [
    ...[8, 9, 10].map((opcode): Row => [`fragmented ${opcode}`, [{ opcode, fin: false }], 1002]),
    ...[8, 9, 10].map((opcode): Row => [`126 bytes of ${opcode}`, [header(opcode, 126)], 1002]),
    ["a long length of a short ping", [header(9, 1, { lengthBytes: 2 })], 1002],
  ],
  "attack 17: fragments out of order": [
    ["a continuation of nothing", [{ opcode: 0, payload: "a" }], 1002],
    ["a last one of nothing", [{ opcode: 1, payload: "a" }, { opcode: 0 }], 1002],
    ["text inside a message", [{ opcode: 1, fin: false }, { opcode: 1 }], 1002],
    ["binary inside a message", [{ opcode: 2, fin: false }, { opcode: 2, fin: false }], 1002],
  ],
  "attack 18: lengths": [
    ["the top bit", [header(2, 1n << 63n, { lengthBytes: 8 })], 1002],
    ["beyond 2^53", [header(2, (1n << 53n) + 1n)], 1009],
    ["beyond 2^31", [header(2, (1n << 31n) + 1n)], 1009],
    ["2^32", [header(2, 1n << 32n)], 1009],
    ["125 in two bytes", [header(2, 125, { lengthBytes: 2 })], 1002],
    ["0 in eight bytes", [header(2, 0, { lengthBytes: 8 })], 1002],
    ["65 535 in eight bytes", [header(2, 65_535, { lengthBytes: 8 })], 1002],
  ],
  "attack 19: a declared length over the limit": [
    ["by one", [header(2, 16_777_217)], 1009],
    ["in a later fragment", [{ opcode: 2, fin: false, payload: "a" }, header(0, 16_777_216)], 1009],
  ],
  "attack 23: close frames": [
    ["one byte", [{ opcode: 8, payload: "a" }], 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): Row => [
      `code ${code}`,
      [{ opcode: 8, payload: closePayload(code) }],
      1002,
    ]),
    ["a reason of bad UTF-8", [{ opcode: 8, payload: fromHex("03 e8 ff") }], 1007],
    ["a reason cut in a character", [{ opcode: 8, payload: fromHex("03 e8 c3") }], 1007],
  ],
  "attack 24: text that is not UTF-8": [
    ["overlong", [{ opcode: 1, payload: fromHex("c0 af") }], 1007],
    ["a surrogate", [{ opcode: 1, payload: fromHex("ed a0 80") }], 1007],
    ["above U+10FFFF", [{ opcode: 1, payload: fromHex("f4 90 80 80") }], 1007],
    ["cut at the end", [{ opcode: 1, payload: fromHex("61 e2 82") }], 1007],
    ["split over fragments", [
      { opcode: 1, fin: false, payload: fromHex("e2 82") },
      { opcode: 0, fin: false, payload: fromHex("41") },
    ], 1007],
    ["in a fragment that is not the last", [{ opcode: 1, fin: false, payload: fromHex("61 ff") }], 1007],
  ],
};

describe.each(["listener", "client"] as const)("against a %s", (role) => {
  const attack = VICTIMS[role];

  /** Sends the bytes, and expects nothing heard and the close frame. */
  async function expectClosed(code: number, bytes: (peer: FramePeer) => Uint8Array, limits?: Limits): Promise<Victim> {
    const victim = await attack(limits);
    const { peer, ended } = victim;
    await peer.raw.write(bytes(peer));
    const close = await peer.closeFrame();
    expect(close.code).toBe(code);
    expect(close.masked).toBe(role === "client");
    expect(close.payload.length).toBeLessThanOrEqual(125);
    peer.socket.end();
    const { error } = await ended;
    expect(error).toMatch(/^ERR_(CORRUPTED_FRAME|INVALID_CONTINUATION|PAYLOAD_TOO_LARGE)$/);
    return victim;
  }

  for (const [title, rows] of Object.entries(ROWS)) {
    it(title, async () => {
      const other = await bystander();
      for (const [what, frames, code] of rows) {
        try {
          await expectClosed(code, (peer) => frames instanceof Uint8Array ? frames : peer.encode(...frames));
        } catch (error) {
          throw new Error(`${what}: ${error}`, { cause: error });
        }
      }
      await expectAlive(other);
    });
  }

  it("attack 13: frames masked the wrong way", async () => {
    const key = role === "listener" ? undefined : KEY;
    for (const opcode of [1, 2, 8, 9]) {
      const { heard } = await expectClosed(1002, (peer) => peer.encode({ opcode, payload: "", key }));
      expect(heard).toEqual([]);
    }
  });

  it("attack 19: and nothing of it is buffered", async () => {
    const other = await bystander();
    const { peer } = await attack();
    await peer.raw.write(peer.encode(header(2, 1n << 40n)));
    expect((await peer.closeFrame()).code).toBe(1009);
    const before = process.memoryUsage();
    const chunk = new Uint8Array(65_536);
    for (let i = 0; i < 200 && !peer.raw.closed; i++) {
      await peer.raw.write(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(64 * 1_048_576);
    await expectAlive(other);
  });

  it("attack 20: tiny and empty fragments without end: closed at the limit, in linear time", async () => {
    const other = await bystander();
    for (const payload of ["", "a"]) {
      const started = performance.now();
      await expectClosed(1009, (peer) => {
        const first = peer.encode({ opcode: 2, fin: false, payload });
        const next = peer.encode({ opcode: 0, fin: false, payload });
        return Buffer.concat([first, ...Array<Uint8Array>(131_072).fill(next)]);
      });
      expect(performance.now() - started).toBeLessThan(5_000);
    }
    await expectAlive(other);
  });

  it("attack 20: the limit of fragments is inclusive", async () => {
    const { peer, heard } = await attack({ maxFragments: 3 });
    await peer.send(
      { opcode: 1, fin: false, payload: "a" },
      { opcode: 0, fin: false, payload: "b" },
      { opcode: 0, payload: "c" },
      { opcode: 9 },
    );
    expect((await peer.next()).opcode).toBe(10);
    expect(heard).toEqual(["abc"]);
    await peer.send({ opcode: 1, fin: false }, { opcode: 0, fin: false }, { opcode: 0, fin: false }, { opcode: 0 });
    expect((await peer.closeFrame()).code).toBe(1009);
  });

  it("attack 20: one byte per segment is a message like any other", async () => {
    const { peer, heard } = await attack();
    const bytes = peer.encode({ opcode: 1, payload: "x".repeat(300) }, { opcode: 9, payload: "p" });
    for (const byte of bytes) {
      await peer.raw.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await peer.next()).opcode).toBe(10);
    expect(heard).toEqual(["x".repeat(300)]);
  });

  it("attack 21: a message that is never finished ends at its deadline", async () => {
    for (const [parts, cut] of [[{ opcode: 2, fin: false }, 0], [{ opcode: 2, payload: "abc" }, 1]] as const) {
      const { peer } = await attack({ messageTimeout: 0.1 });
      const bytes = peer.encode(parts);
      await peer.raw.write(bytes.subarray(0, bytes.length - cut));
      // Pings are no progress.
      if (cut === 0) await peer.send({ opcode: 9 });
      expect((await peer.closeFrame()).code).toBe(1008);
    }
  });

  it("attack 22: a ping flood ends in 1008, whether its pongs are read or not", async () => {
    for (const reads of [true, false]) {
      const other = await bystander();
      const { peer, ended } = await attack();
      if (!reads) peer.socket.pause();
      peer.socket.write(peer.encode(...Array<FrameParts>(1_001).fill({ opcode: 9, payload: "flood" })));
      expect((await ended).code).toBe(1008);
      await expectAlive(other);
      peer.socket.destroy();
    }
  });

  it("attack 22: where more pings are allowed, unread pongs are bounded, the newest kept", async () => {
    const other = await bystander();
    const { peer } = await attack({ maxControlFramesPerSecond: 1_000_000 });
    peer.socket.pause();
    const ping = (text: string): FrameParts => ({ opcode: 9, payload: text.padEnd(120) });
    const burst = peer.encode(...Array<FrameParts>(500).fill(ping("flood")));
    const before = process.memoryUsage().arrayBuffers;
    const bursts = 300;
    for (let i = 0; i < bursts; i++) {
      peer.socket.write(burst);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expectAlive(other);
    await peer.send(ping("the last one"));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1_048_576);
    const last = deferred();
    peer.socket.on("data", () => {
      if (peer.raw.received.endsWith("the last one".padEnd(120))) last.resolve();
    });
    peer.socket.resume();
    // A client's pongs are masked: one cannot be told from the other.
    if (role === "listener") await last.promise;
    await peer.close(1000);
    peer.socket.end();
    expect((await peer.raw.rest()).length).toBeLessThan(bursts * burst.length * 0.9);
  });

  it("attack 23: data and a second close behind a close are ignored", async () => {
    const { peer, heard, ended } = await attack();
    await peer.send(
      { opcode: 1, payload: "before" },
      { opcode: 8, payload: closePayload(1000) },
      { opcode: 1, payload: "behind" },
      { opcode: 3 },
      { opcode: 8, payload: closePayload(4000) },
    );
    expect((await peer.next()).code).toBe(1000);
    peer.socket.end();
    expect(await peer.raw.rest()).toBe("");
    expect(await ended).toEqual({ code: 1000, error: undefined });
    expect(heard).toEqual(["before"]);
  });

  it("attack 24: at the first bad byte received, also inside a frame that is not complete", async () => {
    const { peer } = await attack();
    const bytes = peer.encode({ opcode: 1, payload: fromHex("61 62 ff 63 64 65 66") });
    await peer.raw.write(bytes.subarray(0, bytes.length - 4));
    expect((await peer.closeFrame()).code).toBe(1007);
  });

  it("attack 24: a byte order mark is kept, and a character may be split anywhere", async () => {
    const { peer, heard } = await attack();
    await peer.send(
      { opcode: 1, payload: fromHex("ef bb bf 61") },
      { opcode: 1, fin: false, payload: fromHex("f0 9f") },
      { opcode: 0, fin: false, payload: fromHex("98") },
      { opcode: 0, payload: fromHex("80") },
      { opcode: 9 },
    );
    expect((await peer.next()).opcode).toBe(10);
    expect(heard).toEqual(["\ufeffa", "\u{1f600}"]);
  });

  it("attack 46: a declared length just under the limit, and one byte of it: memory follows what came", async () => {
    const other = await bystander();
    const count = role === "listener" ? 100 : 30;
    const before = process.memoryUsage();
    const victims = await Promise.all(Array.from({ length: count }, () => attack()));
    for (const { peer } of victims) {
      const bytes = peer.encode(header(2, 16_777_215));
      for (const part of [bytes, Uint8Array.of(1), Uint8Array.of(2)]) await peer.raw.write(part);
      await peer.raw.write(Uint8Array.of(3));
    }
    await expectAlive(other);
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 1_048_576);
    expect(after.rss - before.rss).toBeLessThan(512 * 1_048_576);
  });
});

describe("what goes out", () => {
  it("attack 25: a lone surrogate is U+FFFD on the wire", async () => {
    const { port } = await listen({ onTextMessage: (caller) => (void caller.writeTextMessage("a\ud800b"), "\udfff") });
    const peer = await upgraded(port);
    await peer.text("go");
    expect([(await peer.next()).payload, (await peer.next()).payload]).toEqual([
      fromHex("61 ef bf bd 62"),
      fromHex("ef bf bd"),
    ]);
    const theirs = await clientAndServer();
    await theirs.client.writeTextMessage("a\ud800b");
    expect((await theirs.peer.next()).payload).toEqual(fromHex("61 ef bf bd 62"));
  });

  it("attack 43: a reason that is no string is refused, and no frame carries what nobody wrote", async () => {
    const { client, peer } = await clientAndServer();
    expect(() => client.close(1000, new Uint8Array(100) as unknown as string)).toThrow(TypeError);
    expect(() => client.close(1000, 64 as unknown as string)).toThrow(TypeError);
    expect(() => client.writeBinaryMessage(64 as unknown as Uint8Array)).toThrow(TypeError);
    expect(() => client.ping(64 as unknown as Uint8Array)).toThrow(TypeError);
    await client.writeBinaryMessage(new Uint8Array(100_000));
    expect((await peer.next()).payload.every((byte) => byte === 0)).toBe(true);
    void client.close(1000);
    expect((await peer.next()).payload).toEqual(fromHex("03 e8"));
  });

  it.each([10, 200, 70_000])("attack 45: %d bytes stay as they are, and are sent as they were", async (size) => {
    const { client, peer } = await clientAndServer();
    const whole = new Uint8Array(size + 20).fill(0xee);
    const view = whole.subarray(10, 10 + size).fill(0x11);
    void client.writeBinaryMessage(view);
    expect([...new Set(view)]).toEqual([0x11]);
    view.fill(0x22);
    void client.writeMessage(view);
    view.fill(0x33);
    const [one, two] = [await peer.next(), await peer.next()];
    expect([one.payload, two.payload]).toEqual([new Uint8Array(size).fill(0x11), new Uint8Array(size).fill(0x22)]);
    expect([...new Set(view)]).toEqual([0x33]);
    expect([whole[9], whole[10 + size]]).toEqual([0xee, 0xee]);

    const { port } = await listen({
      onTextMessage: (caller) => {
        void caller.writeBinaryMessage(view);
        view.fill(0x44);
      },
    });
    const other = await upgraded(port);
    await other.text("go");
    expect((await other.next()).payload).toEqual(new Uint8Array(size).fill(0x33));
  });

  it("attack 45: a message that was delivered is nobody's but the handler's", async () => {
    const kept: Uint8Array[] = [];
    const { port } = await listen({ onBinaryMessage: (_caller, data) => void kept.push(data) });
    const peer = await upgraded(port);
    for (let i = 0; i < 20; i++) await peer.send({ opcode: 2, payload: Uint8Array.of(i, i) });
    await peer.send({ opcode: 9 });
    await peer.next();
    expect(kept.map((data) => [...data])).toEqual(Array.from({ length: 20 }, (_, i) => [i, i]));
    expect(kept.every(({ buffer }) => buffer.byteLength === 2)).toBe(true);
  });
});
