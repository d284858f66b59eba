/** Frames that mean harm, against a listener and against a client: a hostile server is an attacker too. */

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { Message } from "../../mod.ts";
import { undisturbed } from "../support/bystander.ts";
import { closePayload } from "../support/frame_peer.ts";
import { type FrameParts, KEY } from "../support/frames.ts";
import { fromHex } from "../support/hex.ts";
import { deviates, type Differences, differs, here, HOST, refuses } from "../support/host.ts";
import { expectOptionRefused, onSockets } from "../support/on_sockets.ts";
import { ownProcess } from "../support/own_process.ts";
import { ROLES, victims, victimsApart } from "../support/victims.ts";

const sockets = onSockets();
const { listen } = sockets;
const own = ownProcess();

const MIB = 1_048_576;
/**
 * What nobody else may notice of an attack in the process that it is made in, garbage that nobody has collected yet
 * included: to tell a good second, and gigabytes, from the work of a test on a busy machine.
 */
const BOUNDS = { latest: 500, grownBy: 256 * MIB };
/** And in a process of its own. */
const BOUNDS_APART = { latest: 250, grownBy: 64 * MIB };

/**
 * How it ends: with this code, on the wire and for our end; on a runtime's own sockets also dropped without a close frame,
 * taken for right, or not before the rest comes.
 */
type End = number | "dropped" | "taken" | "waits";

interface Row {
  readonly what: string;
  readonly frames: readonly FrameParts[];
  readonly end: End;
  /** What is heard before. */
  readonly heard?: readonly Message[];
  readonly natively: Differences<End>;
}

/** A frame whose header says that more comes than does. */
const header = (opcode: number, length: number | bigint, extra: Partial<FrameParts> = {}): FrameParts => ({
  opcode,
  length,
  ...extra,
});

/** One frame or several that end a connection, and what runtimes' own sockets make of them instead. */
function row(what: string, end: number, frames: readonly FrameParts[], natively: Differences<End> = {}): Row {
  return { what, frames, end, natively };
}

const dropped = deviates<End, "deno-silent-failure">("deno-silent-failure", "dropped");
/** Deno and Bun do not mind how long a length is. */
const anyLength = (end: End): Differences<End> => ({
  "deno native": deviates("deno-unmasked", end),
  "bun native": deviates("bun-no-frames", end),
});
/** Both hold a limit against what is there, not against what is announced. */
const lateSize: Differences<End> = {
  "deno native": deviates("deno-late-size", "waits"),
  "bun native": deviates("bun-no-frames", "waits"),
};
/** Deno looks at frames when they are whole, and forgets a message in fragments when another begins. */
const wholeFrames: Differences<End> = { "deno native": deviates("deno-no-frames", "waits") };
/** Bun looks at a text when it is whole. */
const lateText: Differences<End> = { "bun native": deviates("bun-no-frames", "waits") };

const ROWS: Record<string, readonly Row[]> = {
  "attack 14: reserved bits": [
    row("RSV1 on text", 1002, [{ opcode: 1, rsv: 4, payload: "a" }]),
    row("RSV2 on binary", 1002, [{ opcode: 2, rsv: 2, payload: "a" }]),
    row("RSV3 on text", 1002, [{ opcode: 1, rsv: 1 }]),
    row("all on text", 1002, [{ opcode: 1, rsv: 7 }]),
    ...[8, 9, 10].map((opcode) => row(`RSV1 on ${opcode}`, 1002, [{ opcode, rsv: 4 }])),
    row("RSV1 on a continuation", 1002, [{ opcode: 1, fin: false }, { opcode: 0, rsv: 4 }]),
  ],
  "attack 15: reserved opcodes": [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    row(`${opcode}`, 1002, [{ opcode, payload: "a" }]),
    row(`${opcode} inside a message`, 1002, [{ opcode: 1, fin: false }, { opcode }]),
  ]),
  "attack 16: fragmented and over-long control frames": [
    ...[8, 9, 10].flatMap((opcode) => [
      row(`fragmented ${opcode}`, 1002, [{ opcode, fin: false }]),
      row(`126 bytes of ${opcode}`, 1002, [header(opcode, 126)], opcode === 9 ? {} : wholeFrames),
      row(`65 536 bytes of ${opcode}`, 1002, [header(opcode, 65_536)], opcode === 9 ? {} : wholeFrames),
    ]),
    row("a long length of a short ping", 1002, [{ opcode: 9, payload: "a", lengthBytes: 2 }], {
      "deno native": deviates("deno-unmasked", "taken"),
    }),
  ],
  "attack 17: fragments out of order": [
    row("a continuation of nothing", 1002, [{ opcode: 0, payload: "a" }]),
    row("one that goes on", 1002, [{ opcode: 0, fin: false, payload: "a" }]),
    { ...row("a last one of nothing", 1002, [{ opcode: 1, payload: "a" }, { opcode: 0 }]), heard: ["a"] },
    row("text inside a message", 1002, [{ opcode: 1, fin: false }, { opcode: 1 }]),
    row("binary inside a message", 1002, [{ opcode: 2, fin: false }, { opcode: 2, fin: false }], wholeFrames),
  ],
  "attack 18: lengths": [
    row("the top bit", 1002, [header(2, 1n << 63n, { lengthBytes: 8 })], {
      "bun native": deviates("bun-no-frames", 1009),
    }),
    row("all bits", 1002, [header(2, (1n << 64n) - 1n)], { "bun native": deviates("bun-no-frames", 1009) }),
    ...[1n << 31n, 1n << 32n, 1n << 53n, 1n << 62n].flatMap((length) => [
      row(`${length}`, 1009, [header(2, length)]),
      row(`${length} and one`, 1009, [header(2, length + 1n)]),
    ]),
    ...[0, 1, 125].map((length) =>
      row(
        `${length} in two bytes`,
        1002,
        [header(2, length, { lengthBytes: 2 })],
        anyLength(length ? "waits" : "taken"),
      )
    ),
    ...[0, 125, 126, 65_535].map((length) =>
      row(
        `${length} in eight bytes`,
        1002,
        [header(2, length, { lengthBytes: 8 })],
        anyLength(length ? "waits" : "taken"),
      )
    ),
  ],
  "attack 19: a declared length over the limit": [
    row("by one", 1009, [header(2, 16_777_217)], { "deno native": deviates("deno-late-size", "waits") }),
    row("of text", 1009, [header(1, 16_777_217)], { "deno native": deviates("deno-late-size", "waits") }),
    row("in a later fragment", 1009, [{ opcode: 2, fin: false, payload: "a" }, header(0, 16_777_216)], lateSize),
  ],
  "attack 23: close frames": [
    row("one byte", 1002, [{ opcode: 8, payload: "a" }]),
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code) =>
      row(`code ${code}`, 1002, [{ opcode: 8, payload: closePayload(code) }], {
        "deno native": deviates("deno-silent-failure", 1002),
      })
    ),
    row("a reason of bad UTF-8", 1007, [{ opcode: 8, payload: fromHex("03 e8 ff") }]),
    row("a reason cut in a character", 1007, [{ opcode: 8, payload: fromHex("03 e8 c3") }]),
  ],
};

/** Bytes of which only the last is wrong (Unicode 15, table 3-7). */
const ILL_FORMED = {
  "a lone continuation": "80",
  "overlong, of two bytes": "c0",
  "overlong, the other": "c1",
  "overlong, of three bytes": "e0 9f",
  "a high surrogate": "ed a0",
  "a low surrogate": "ed bf",
  "overlong, of four bytes": "f0 8f",
  "above U+10FFFF": "f4 90",
  "far above": "f5",
  "of no character": "ff",
  "no continuation": "e2 82 41",
} as const;

ROWS["attack 24: text that is not UTF-8"] = [
  row("cut at the end", 1007, [{ opcode: 1, payload: fromHex("61 e2 82") }]),
  row("cut at the end of the last fragment", 1007, [{ opcode: 1, fin: false, payload: "a" }, {
    opcode: 0,
    payload: fromHex("f0 9f 98"),
  }], { "deno native": deviates("deno-no-frames", "taken") }),
  ...Object.entries(ILL_FORMED).flatMap(([what, hex]) => {
    const bytes = fromHex(`61 ${hex}`);
    const [before, last] = [bytes.subarray(0, -1), bytes.subarray(-1)];
    return [
      row(what, 1007, [{ opcode: 1, payload: bytes }]),
      row(`${what}, in a fragment that is not the last`, 1007, [{ opcode: 1, fin: false, payload: bytes }], lateText),
      row(`${what}, split over fragments`, 1007, [{ opcode: 1, fin: false, payload: before }, {
        opcode: 0,
        fin: false,
        payload: last,
      }], lateText),
      row(`${what}, in a frame that is not complete`, 1007, [{ opcode: 1, payload: bytes, length: 1_000 }], {
        ...wholeFrames,
        ...lateText,
      }),
    ];
  }),
];

describe.each(ROLES)("against a %s", (role) => {
  const attack = victims(sockets)[role];
  const attackApart = victimsApart(sockets, own)[role];

  /** Sends the frames of a row, and expects its end. */
  async function expectEnd({ what, frames, end: usual, heard = [], natively }: Row): Promise<void> {
    const victim = await attack();
    const { peer } = victim;
    await peer.send(...frames);
    const end = here({ "deno native": dropped, ...natively }, usual);
    const code = typeof end === "number" ? end : 1006;
    if (end === "taken") {
      await peer.text("behind");
      await expect.poll(() => victim.heard.at(-1), { message: what }).toBe("behind");
      return;
    }
    if (typeof end === "number") {
      const close = await peer.closeFrame().catch((cause) => {
        throw new Error(`${what}: ${cause}`, { cause });
      });
      expect([what, close.code]).toEqual([what, code]);
      expect(close.masked).toBe(role === "client");
      expect(close.payload.length).toBeLessThanOrEqual(125);
    } else if (end === "waits") {
      expect([what, peer.raw.received, peer.raw.ended]).toEqual([what, "", false]);
    } else {
      expect([what, await peer.raw.rest()]).toEqual([what, ""]);
    }
    peer.socket.end();
    const ended = await victim.ended;
    const error = expect.stringMatching(/^ERR_(CORRUPTED_FRAME|INVALID_CONTINUATION|PAYLOAD_TOO_LARGE)$/);
    const drops = HOST === "deno native" && end !== "waits";
    expect([what, ended]).toEqual([what, { code: drops ? 1006 : code, error: end === "waits" ? undefined : error }]);
    expect([what, victim.heard]).toEqual([what, heard]);
  }

  for (const [title, rows] of Object.entries(ROWS)) {
    it(title, async () => {
      await undisturbed(await listen(), BOUNDS, async () => {
        for (const each of rows) await expectEnd(each);
      });
    });
  }

  it("attack 13: frames masked the wrong way", async () => {
    const key = role === "listener" ? undefined : KEY;
    await undisturbed(await listen(), BOUNDS, async () => {
      for (const opcode of [0, 1, 2, 8, 9, 10]) {
        // Deno looks at what is wrong besides.
        const natively: Differences<End> = opcode === 0 ? {} : { "deno native": deviates("deno-unmasked", "taken") };
        if (opcode === 8 && HOST === "deno native") continue;
        await expectEnd(row(`${opcode}`, 1002, [{ opcode, payload: "", key }], natively));
      }
    });
  });

  it("attack 19: and nothing of it is buffered", async () => {
    const scene = await own.listen();
    await undisturbed(scene, BOUNDS_APART, async () => {
      const { peer, ended } = await attackApart({ closeLinger: 0.2 });
      await peer.raw.write(peer.encode(header(2, 1n << 40n)));
      const isDropped = here({ "deno native": deviates("deno-silent-failure", true) }, false);
      if (!isDropped) expect((await peer.closeFrame()).code).toBe(1009);
      const chunk = new Uint8Array(65_536);
      for (let i = 0; i < 100 && !peer.raw.closed; i++) await peer.raw.write(chunk);
      peer.socket.destroy();
      expect(await ended).toMatchObject({ code: isDropped ? 1006 : 1009, sizes: [] });
    });
  });

  it("attack 20: tiny and empty fragments without end: closed at the limit, in linear time", async () => {
    const scene = await own.listen();
    const unlimited = here<boolean>({
      "deno native": refuses("deno-no-frames", true),
      "bun native": refuses("bun-no-frames", true),
    }, false);
    /** How long it takes until so many fragments of one message have been taken, or refused. */
    const took = async (count: number, payload: string): Promise<number> => {
      const { peer, ended } = await attackApart(unlimited ? {} : { maxFragments: count, closeLinger: 0.1 });
      const next = peer.encode({ opcode: 0, fin: false, payload });
      const flood = Buffer.concat([
        peer.encode({ opcode: 2, fin: false, payload }),
        ...Array<Uint8Array>(count).fill(next),
        peer.encode({ opcode: 9 }),
      ]);
      const started = performance.now();
      void peer.raw.write(flood);
      const answer = await peer.next();
      const time = performance.now() - started;
      expect(answer.opcode === 8 ? answer.code : answer.opcode).toBe(unlimited ? 10 : 1009);
      peer.socket.destroy();
      expect(await ended).toMatchObject({ code: unlimited ? 1006 : 1009, sizes: [] });
      return time;
    };
    for (const payload of ["", "a"]) {
      await undisturbed(scene, BOUNDS_APART, async () => {
        // Linear is 8 times, quadratic 64; the rest is the machine's, which is asked again.
        let growth = Infinity;
        for (let tries = 0; tries < 5 && growth > 24; tries++) {
          const small = Math.max(1, await took(16_384, payload));
          growth = Math.min(growth, await took(131_072, payload) / small);
        }
        expect(growth).toBeLessThan(24);
      });
    }
  });

  it(
    "attack 20: the limit of fragments is inclusive, and 131 072 when nobody says",
    differs({
      "deno native": refuses("deno-no-frames", () => expectOptionRefused({ maxFragments: 3 })),
      "bun native": refuses("bun-no-frames", () => expectOptionRefused({ maxFragments: 3 })),
    }, async () => {
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

      const other = await attack({ closeLinger: 0.1 });
      const [first, next] = [{ opcode: 1, fin: false }, { opcode: 0, fin: false }];
      const most = Buffer.concat(Array<Uint8Array>(131_071).fill(other.peer.encode(next)));
      await other.peer.raw.write(Buffer.concat([other.peer.encode(first), most, other.peer.encode({ opcode: 9 })]));
      expect((await other.peer.next()).opcode).toBe(10);
      await other.peer.send({ opcode: 0 });
      expect((await other.peer.closeFrame()).code).toBe(1009);
      expect(other.heard).toEqual([]);
    }),
  );

  it("attack 20: one byte per segment is a message like any other, fragments and all", async () => {
    const scene = await own.listen();
    await undisturbed(scene, BOUNDS_APART, async () => {
      const { peer, ended } = await attackApart();
      const fragments = Array<FrameParts>(50).fill({ opcode: 0, fin: false, payload: "" });
      const bytes = peer.encode(
        { opcode: 1, payload: "x".repeat(300) },
        { opcode: 1, fin: false, payload: "y" },
        ...fragments,
        { opcode: 0, payload: "z" },
        { opcode: 8, payload: closePayload(1000) },
      );
      for (const byte of bytes) {
        await peer.raw.write(Uint8Array.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await peer.closeCode()).toBe(1000);
      peer.socket.end();
      expect(await ended).toMatchObject({ sizes: [300, 2] });
    });
  });

  it(
    "attack 21: a message that is never finished ends at its deadline",
    differs({
      "deno native": refuses("deno-no-frames", () => expectOptionRefused({ messageTimeout: 1 })),
      "bun native": refuses("bun-no-frames", () => expectOptionRefused({ messageTimeout: 1 })),
    }, async () => {
      const shapes: Record<string, readonly [parts: FrameParts, cut: number]> = {
        "a fragment": [{ opcode: 2, fin: false }, 0],
        "a frame without its end": [{ opcode: 2, payload: "abc" }, 1],
        "a header without its end": [{ opcode: 2, payload: "abc" }, role === "listener" ? 5 : 4],
      };
      await undisturbed(await listen(), BOUNDS, async () => {
        for (const [what, [parts, cut]] of Object.entries(shapes)) {
          const { peer, heard, ended } = await attack({ messageTimeout: 0.1 });
          const bytes = peer.encode(parts);
          await peer.raw.write(bytes.subarray(0, bytes.length - cut));
          // Neither pings nor more fragments are progress.
          if (cut === 0) await peer.send({ opcode: 9 }, { opcode: 0, fin: false, payload: "more" });
          expect([what, await peer.closeCode()]).toEqual([what, 1008]);
          peer.socket.end();
          expect((await ended).code).toBe(1008);
          expect(heard).toEqual([]);
        }
      });
    }),
  );

  it("attack 22: a ping flood ends in 1008, whether its pongs are read or not", async () => {
    const scene = await own.listen();
    for (const reads of [true, false]) {
      await undisturbed(scene, BOUNDS_APART, async () => {
        const { peer, ended } = await attackApart({ closeLinger: 0.1 });
        if (!reads) peer.socket.pause();
        peer.socket.write(peer.encode(...Array<FrameParts>(1_001).fill({ opcode: 9, payload: "flood" })));
        // Deno does not tell of pings: nothing ends, and nothing more than the pongs comes of it.
        if (here({ "deno native": deviates("deno-no-control", true) }, false)) {
          peer.socket.resume();
          for (let i = 0; i < 1_001; i++) expect((await peer.next()).opcode).toBe(10);
          peer.socket.destroy();
          return;
        }
        expect((await ended).code).toBe(1008);
        peer.socket.destroy();
      });
    }
  });

  it(
    "attack 22: where more pings are allowed, unread pongs are bounded, the newest kept",
    differs({
      "deno native": refuses("deno-no-control", () => expectOptionRefused({ maxPendingPongs: 16 })),
      "bun native": refuses("bun-own-pong", () => expectOptionRefused({ maxPendingPongs: 16 })),
    }, async () => {
      const scene = await own.listen();
      await undisturbed(scene, BOUNDS_APART, async () => {
        // While a victim has no processor, the system holds the flood for it, and then all its pongs: it is asked again.
        let answered = 1;
        for (let tries = 0; tries < 5 && answered >= 0.9; tries++) {
          const { peer, ended } = await attackApart({ maxControlFramesPerSecond: 1_000_000 });
          peer.socket.pause();
          const ping = (text: string): FrameParts => ({ opcode: 9, payload: text.padEnd(120) });
          const burst = peer.encode(...Array<FrameParts>(500).fill(ping("flood")));
          const bursts = 300;
          for (let i = 0; i < bursts; i++) await peer.raw.write(burst);
          await peer.send(ping("the last one"));
          peer.socket.resume();
          // A client's pongs are masked: one cannot be told from the other.
          if (role === "listener") {
            await expect.poll(() => peer.raw.received.endsWith("the last one".padEnd(120)), { interval: 5 }).toBe(true);
          }
          await peer.close(1000);
          peer.socket.end();
          answered = (await peer.raw.rest()).length / (bursts * burst.length);
          expect((await ended).code).toBe(1000);
        }
        expect(answered).toBeLessThan(0.9);
      });
    }),
  );

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
    const count = role === "listener" ? 100 : 30;
    await undisturbed(await listen(), BOUNDS, async () => {
      const all = await Promise.all(Array.from({ length: count }, () => attack()));
      for (const { peer } of all) {
        const bytes = peer.encode(header(2, 16_777_215));
        for (const part of [bytes, Uint8Array.of(1), Uint8Array.of(2)]) await peer.raw.write(part);
        await peer.raw.write(Uint8Array.of(3));
      }
    });
  });
});
