/** Compression that means harm, against a listener and against a client: a hostile server is an attacker too. */

import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { InvalidHandshakeError, Listener } from "../../mod.ts";
import { undisturbed } from "../support/bystander.ts";
import { DEFLATE, deflated } from "../support/deflated.ts";
import { FramePeer } from "../support/frame_peer.ts";
import { bytesOf, frame, type FrameParts, joined, KEY } from "../support/frames.ts";
import { fromHex } from "../support/hex.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import {
  deferred,
  expectOptionRefused,
  expectUnsupported,
  failure,
  LOOPBACK,
  onSockets,
  switching,
} from "../support/on_sockets.ts";
import { ownProcess } from "../support/own_process.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { type Limits, ROLES, type Victim, victims, victimsApart } from "../support/victims.ts";

const sockets = onSockets();
const { listen, connect, upgraded, dial, server } = sockets;
const own = ownProcess();

const MIB = 1_048_576;
/** What nobody else may notice of an attack in the process that it is made in; see frames_test.ts. */
const BOUNDS = { latest: 500, grownBy: 256 * MIB };
/** And in a process of its own: an echo is never late by more than 100 ms, in the best of so many attempts. */
const BOUNDS_APART = { latest: 100, grownBy: 128 * MIB, attempts: 5 };

function zeros(size: number): Uint8Array {
  return deflated(new Uint8Array(size));
}

/** A frame that says it is compressed drops the connection: nothing was agreed on. */
const UNCOMPRESSED = {
  "deno native": refuses("deno-no-compression", async () => {
    const { port } = await listen();
    await undisturbed({ port }, BOUNDS, async () => {
      const peer = await upgraded(port, "/", { [DEFLATE]: "permessage-deflate" });
      await peer.send({ opcode: 2, rsv: 4, payload: zeros(64 * MIB) });
      expect(await peer.raw.rest()).toBe("");
    });
  }),
} as const;

/** The bytes that a receiver puts behind a message (RFC 7692 §7.2.2). */
const TAIL = fromHex("00 00 ff ff");
const TEXT = "abba".repeat(6);
/** `TEXT` in each kind of block (RFC 1951 §3.2.3), ended in each of the ways there are (RFC 7692 §7.2.3). */
const SHAPES: Readonly<Record<string, Uint8Array>> = {
  "fixed codes": deflated(TEXT),
  "a stored block": deflated(TEXT, 0),
  "codes of its own": deflateRawSync(bytesOf(TEXT), {
    strategy: constants.Z_HUFFMAN_ONLY,
    finishFlush: constants.Z_SYNC_FLUSH,
  }).subarray(0, -4),
  "a final block": joined([deflateRawSync(bytesOf(TEXT)), Uint8Array.of(0)]),
  "a final block, and one behind it": joined([deflateRawSync(bytesOf(TEXT.slice(0, 12))), deflated(TEXT.slice(12))]),
};

describe.each(ROLES)("against a %s", (role) => {
  const attack = victims(sockets)[role];
  const attackApart = victimsApart(sockets, own)[role];

  /** The attacker's end of a connection that ends with `code`, when nothing must have been heard. */
  async function expectClosed(code: number, frames: readonly FrameParts[]): Promise<Victim> {
    const victim = await attack({}, true);
    await victim.peer.send(...frames);
    expect(await victim.peer.closeCode()).toBe(code);
    victim.peer.socket.end();
    expect(await victim.ended).toMatchObject({ code, error: expect.stringMatching(/^ERR_/) });
    return victim;
  }

  /** The same in a process of its own, whose others notice nothing. Resolves with the sizes of what was heard. */
  async function expectClosedApart(
    code: number,
    frames: readonly FrameParts[],
    limits?: Limits,
  ): Promise<readonly number[]> {
    const scene = await own.listen();
    // Made before: it is work for the process of the test, which asks for the echoes.
    const key = role === "listener" ? KEY : undefined;
    const bytes = joined(frames.map((parts) => frame({ key, ...parts })));
    return await undisturbed(scene, BOUNDS_APART, async () => {
      const { peer, ended } = await attackApart(limits, true);
      await peer.raw.write(bytes);
      expect(await peer.closeCode()).toBe(code);
      peer.socket.end();
      const { sizes, ...end } = await ended;
      expect(end).toMatchObject({ code, error: expect.stringMatching(/^ERR_/) });
      return sizes;
    });
  }

  it(
    "attack 26: a bomb in one frame ends in 1009, and is not unpacked any further",
    differs(UNCOMPRESSED, async () => {
      // 64 MiB, where 16 are the most.
      const payload = zeros(64 * MIB);
      expect(await expectClosedApart(1009, [{ opcode: 2, rsv: 4, payload }])).toEqual([]);
    }),
  );

  it(
    "attack 26: so does one over many fragments",
    differs(UNCOMPRESSED, async () => {
      const payload = zeros(17 * MIB);
      const frames: FrameParts[] = [];
      for (let at = 0; at < payload.length; at += 64) {
        const first = at === 0 ? { opcode: 2, rsv: 4 } : { opcode: 0 };
        frames.push({ ...first, fin: at + 64 >= payload.length, payload: payload.subarray(at, at + 64) });
      }
      expect(await expectClosedApart(1009, frames)).toEqual([]);
    }),
  );

  const noInflatedLimit = (): Promise<void> => expectOptionRefused({ maxInflatedBytesPerSecond: 8 * MIB });
  it(
    "attack 26: one over many messages ends in 1008 at the limit",
    differs({
      "deno native": refuses("deno-no-compression", noInflatedLimit),
      "bun native": refuses("bun-own-compression", noInflatedLimit),
    }, async () => {
      const message = { opcode: 2, rsv: 4, payload: zeros(2 * MIB) };
      const limits = { maxInflatedBytesPerSecond: 8 * MIB };
      const sizes = await expectClosedApart(1008, Array<FrameParts>(40).fill(message), limits);
      // Four are 8 MiB; so many more only if a second went by meanwhile.
      expect(sizes.length % 4).toBe(0);
      expect(sizes.length).toBeLessThan(40);
    }),
  );

  it(
    "attack 14: reserved bits where compression is agreed on",
    differs(UNCOMPRESSED, async () => {
      const wrong: readonly (readonly FrameParts[])[] = [
        [{ opcode: 1, rsv: 6, payload: "" }],
        [{ opcode: 1, rsv: 5, payload: "" }],
        ...[8, 9, 10].map((opcode) => [{ opcode, rsv: 4 }]),
        [{ opcode: 1, rsv: 4, fin: false, payload: fromHex("f2 48") }, { opcode: 0, rsv: 4, payload: fromHex("00") }],
        [{ opcode: 1, fin: false }, { opcode: 0, rsv: 4, payload: fromHex("00") }],
      ];
      for (const frames of wrong) expect((await expectClosed(1002, frames)).heard).toEqual([]);
    }),
  );

  it(
    "attack 27: what is no deflate data ends in 1007, whatever came of it before",
    differs(UNCOMPRESSED, async () => {
      const hello = deflated("Hello");
      const bad = [
        fromHex("ff ff 01"), // a block of the type that there is not
        fromHex("f2 00 11 00 00"), // a reference to before the first message
        fromHex("00 05 00 fa fe 48 65 6c 6c 6f 00"), // a stored block whose length is not confirmed
        new Uint8Array([...hello, 0xff, 0xff]), // bytes behind the message
        fromHex("06"), // a dynamic block without its tables
      ];
      await undisturbed(await listen(), BOUNDS, async () => {
        for (const payload of bad) {
          expect((await expectClosed(1007, [{ opcode: 1, rsv: 4, payload }])).heard).toEqual([]);
        }
      });
    }),
  );

  it.each(Object.keys(SHAPES))(
    "attack 27: a message of %s, cut at any byte, ends in 1007 or is what RFC 7692 says, and never is a shorter one",
    differs({
      ...UNCOMPRESSED,
      // Bun hands on what came of it.
      "bun native": deviates("bun-own-compression", async (shape: string) => {
        const { peer, heard } = await attack({}, true);
        await peer.send({ opcode: 2, rsv: 4, payload: SHAPES[shape]!.subarray(0, -1) }, { opcode: 9 });
        expect((await peer.next()).opcode).toBe(10);
        expect(heard).toHaveLength(1);
      }),
    }, async (shape: string) => {
      const whole = SHAPES[shape]!;
      const all = bytesOf(TEXT);
      await undisturbed(await listen(), BOUNDS, async () => {
        // 00 alone, with which a stored block begins, is the empty message (RFC 7692 §7.2.3.6).
        for (let cut = whole[0] === 0 ? 2 : 1; cut < whole.length; cut++) {
          const { peer, heard, ended } = await attack({}, true);
          await peer.send({ opcode: 2, rsv: 4, payload: whole.subarray(0, cut) }, { opcode: 9 });
          const { opcode, code } = await peer.next();
          if (opcode === 10) {
            // What is missing is just what the receiver puts there (§7.2.2): the mark of the end, or as many stored bytes.
            const stored = joined([all.subarray(0, -TAIL.length), TAIL]);
            expect([[all], [stored]], `cut at ${cut}: ${heard}`).toContainEqual(heard);
            peer.socket.destroy();
          } else {
            expect([cut, code, heard]).toEqual([cut, 1007, []]);
            peer.socket.end();
            expect((await ended).code).toBe(1007);
          }
        }
      });
    }),
  );

  it(
    "attack 27: a final block, and what comes behind it, are what RFC 7692 says",
    differs(UNCOMPRESSED, async () => {
      const { peer, heard } = await attack({}, true);
      const final = deflateRawSync(bytesOf("Hello"));
      await peer.send(
        { opcode: 1, rsv: 4, payload: new Uint8Array([...final, 0]) },
        { opcode: 1, rsv: 4, payload: new Uint8Array([...final, ...deflated(", you")]) },
        { opcode: 9 },
      );
      expect((await peer.next()).opcode).toBe(10);
      // Bun takes the first final block for the end.
      expect(heard).toEqual(["Hello", here({ "bun native": deviates("bun-own-compression", "Hello") }, "Hello, you")]);
    }),
  );

  it(
    "attack 27: final blocks without end are refused, in linear time",
    differs({
      ...UNCOMPRESSED,
      "bun native": deviates("bun-own-compression", async () => {
        const { peer, heard } = await attack({}, true);
        await peer.send({ opcode: 2, rsv: 4, payload: finalBlocks(MIB) }, { opcode: 9 });
        expect((await peer.next()).opcode).toBe(10);
        expect(heard).toEqual([new Uint8Array(0)]);
      }),
    }, async () => {
      expect(await expectClosedApart(1007, [{ opcode: 2, rsv: 4, payload: finalBlocks(MIB) }])).toEqual([]);
    }),
  );

  it(
    "attack 30: a compressed empty message is delivered empty",
    differs(UNCOMPRESSED, async () => {
      const { peer, heard } = await attack({}, true);
      await peer.send(
        { opcode: 1, rsv: 4, payload: fromHex("00") },
        { opcode: 2, rsv: 4, payload: fromHex("02 00") },
        { opcode: 1, rsv: 4, fin: false, payload: "" },
        { opcode: 0, payload: fromHex("00") },
        { opcode: 9 },
      );
      expect((await peer.next()).opcode).toBe(10);
      expect(heard).toEqual(["", new Uint8Array(0), ""]);
    }),
  );
});

/** Empty final blocks, one behind the other. */
function finalBlocks(size: number): Uint8Array {
  const payload = new Uint8Array(size);
  for (let at = 0; at < size; at += 2) payload[at] = 0x03;
  return payload;
}

const PARAMETERS = [
  "server_max_window_bits=08",
  "server_max_window_bits=7",
  "server_max_window_bits=16",
  "server_max_window_bits=99999999999999999999",
  "server_max_window_bits=-9",
  "server_max_window_bits=1e1",
  "server_max_window_bits=",
  "server_max_window_bits",
  "server_max_window_bits=9; server_max_window_bits=9",
  "server_no_context_takeover; server_no_context_takeover",
  "client_max_window_bits=08",
  "client_max_window_bits=7",
  "client_max_window_bits=16",
  'client_max_window_bits="16"',
  'server_max_window_bits="08"',
  "client_max_window_bits=9; client_max_window_bits=10",
  "client_no_context_takeover=1",
  'server_no_context_takeover=""',
  "unheard_of",
  "__proto__",
  'constructor="9"',
] as const;

it("attack 28: offers that are not to the letter are declined, and nothing else happens", async () => {
  const { port } = await listen();
  await undisturbed({ port }, BOUNDS, async () => {
    for (const parameters of PARAMETERS) {
      const raw = await dial(port);
      await raw.write(upgradeRequest("/", { [DEFLATE]: `permessage-deflate; ${parameters}` }));
      const head = await raw.head();
      const status = head.slice(9, 12);
      // A value must not be empty: that is no header of this name at all.
      expect([parameters, status]).toEqual([parameters, /=("")?$/.test(parameters) ? "400" : "101"]);
      expect([parameters, /sec-websocket-extensions/i.test(head)]).toEqual([parameters, false]);
      raw.socket.destroy();
    }
  });
});

it("attack 28: and an answer that is not to the letter is no handshake for a client", async () => {
  await undisturbed(await listen(), BOUNDS, async () => {
    for (
      const answer of [
        ...PARAMETERS.map((parameters) => `permessage-deflate; ${parameters}`),
        // It was not asked for.
        "permessage-deflate, permessage-deflate",
        "x-webkit-deflate-frame",
        "constructor",
      ]
    ) {
      const gone = deferred();
      const url = await server(async (peer, request) => {
        peer.socket.on("error", () => {});
        await peer.raw.write(switching(request, `${DEFLATE}: ${answer}\r\n`));
        await peer.raw.rest();
        gone.resolve();
      });
      const error = await failure(connect(url));
      expect([answer, error]).toEqual([answer, expect.any(InvalidHandshakeError)]);
      await gone.promise;
    }
  });
});

const refuseWindows = (): Promise<void> =>
  failure(() => new Listener(0, { host: LOOPBACK, webSocketCompressionEnabled: { maxTotalWindows: MIB } }))
    .then((error) => expectUnsupported(error, "maxTotalWindows"));
it(
  "attack 29: hundreds of connections that all force a context get as many as there is room for",
  differs({
    "deno native": refuses("deno-no-compression", refuseWindows),
    "bun native": refuses("bun-own-compression", refuseWindows),
  }, async () => {
    const room = MIB / 2;
    const scene = await own.listen({}, { webSocketCompressionEnabled: { maxTotalWindows: room } });
    const message = { opcode: 1, rsv: 4, payload: deflated("a context, ".repeat(100)) };
    const comeIn = async (): Promise<boolean> => {
      const raw = await dial(scene.port);
      await raw.write(upgradeRequest("/", { [DEFLATE]: "permessage-deflate" }));
      const takesOver = !(await raw.head()).includes("_no_context_takeover");
      const peer = new FramePeer(raw, "client");
      await peer.send(message);
      expect((await peer.next()).compressed).toBe(true);
      return takesOver;
    };
    // It is about memory: so many who come at once are work for a while, and the room is taken once.
    await undisturbed(scene, { latest: 1_000, grownBy: 64 * MIB, attempts: 1 }, async () => {
      let contexts = 0;
      for (let i = 0; i < 6; i++) {
        const all = await Promise.all(Array.from({ length: 50 }, comeIn));
        contexts += all.filter(Boolean).length;
      }
      // 32 KiB of what the client compresses, and 4 KiB of what we do.
      expect(contexts).toBeLessThanOrEqual(Math.floor(room / 36_864));
      expect(contexts).toBeGreaterThan(0);
    });
  }),
);
