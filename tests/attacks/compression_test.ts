/** Compression that means harm, against a listener and against a client: a hostile server is an attacker too. */

import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Message, Service, UpgradeServiceOptions } from "../../mod.ts";
import { DEFLATE, deflated } from "../support/deflated.ts";
import { FramePeer } from "../support/frame_peer.ts";
import { bytesOf, type FrameParts } from "../support/frames.ts";
import { fromHex } from "../support/hex.ts";
import { deferred, onSockets } from "../support/on_sockets.ts";
import { upgradeRequest } from "../support/raw_client.ts";

const { listen, upgraded, clientAndServer, dial } = onSockets();

const MIB = 1_048_576;
/** How late another connection's echo may be, in milliseconds. */
const LATEST_MS = 100;

function zeros(size: number): Uint8Array {
  return deflated(new Uint8Array(size));
}

type Limits = Pick<UpgradeServiceOptions, "maxMessageSize" | "maxInflatedBytesPerSecond">;

interface Victim {
  /** The attacker's end, compression agreed on. */
  readonly peer: FramePeer;
  readonly heard: Message[];
  /** The code it ended with, for our end. */
  readonly ended: Promise<number>;
}

const VICTIMS: Record<"listener" | "client", (limits?: Limits) => Promise<Victim>> = {
  async listener(limits) {
    const heard: Message[] = [];
    const ended = deferred<number>();
    const service: Service = {
      onMessage: (_caller, message) => void heard.push(message),
      onError() {},
      onClose: (_caller, code) => ended.resolve(code),
    };
    const { port } = await listen(service, limits);
    const peer = await upgraded(port, "/", { [DEFLATE]: "permessage-deflate" });
    return { peer, heard, ended: ended.promise };
  },
  async client(limits) {
    const { client, peer } = await clientAndServer(limits, `${DEFLATE}: permessage-deflate\r\n`);
    const heard: Message[] = [];
    const reading = (async () => {
      for await (const message of client) heard.push(message);
    })().catch(() => {});
    const ended = client.closed.then(({ code }) => reading.then(() => code));
    return { peer, heard, ended };
  },
};

/** Somebody else's connection in the same process, and how late the latest of its echoes was until `over`. */
async function latestEcho(over: Promise<unknown>): Promise<number> {
  const { port } = await listen();
  const peer = await upgraded(port);
  let isOver = false;
  void over.finally(() => isOver = true);
  let latest = 0;
  do {
    const sent = performance.now();
    await peer.text("still here");
    expect(await peer.nextText()).toBe("still here");
    latest = Math.max(latest, performance.now() - sent);
  } while (!isOver);
  return latest;
}

describe.each(["listener", "client"] as const)("against a %s", (role) => {
  const attack = VICTIMS[role];

  async function expectClosed(code: number, frames: readonly FrameParts[], limits?: Limits): Promise<Victim> {
    const victim = await attack(limits);
    const latest = latestEcho(victim.ended);
    await victim.peer.send(...frames);
    expect((await victim.peer.closeFrame()).code).toBe(code);
    victim.peer.socket.end();
    expect(await victim.ended).toBe(code);
    expect(await latest).toBeLessThan(LATEST_MS);
    return victim;
  }

  it("attack 26: a bomb in one frame ends in 1009, and is not unpacked any further", async () => {
    // 64 MiB, where 16 are the most.
    const payload = zeros(64 * MIB);
    const before = process.memoryUsage().arrayBuffers;
    const { heard } = await expectClosed(1009, [{ opcode: 2, rsv: 4, payload }]);
    expect(heard).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB);
  });

  it("attack 26: so does one over many fragments", async () => {
    const payload = zeros(17 * MIB);
    const frames: FrameParts[] = [];
    for (let at = 0; at < payload.length; at += 64) {
      const first = at === 0 ? { opcode: 2, rsv: 4 } : { opcode: 0 };
      frames.push({ ...first, fin: at + 64 >= payload.length, payload: payload.subarray(at, at + 64) });
    }
    expect((await expectClosed(1009, frames)).heard).toEqual([]);
  });

  it("attack 26: one over many messages ends in 1008 at the limit, and the others have their turns", async () => {
    const message = { opcode: 2, rsv: 4, payload: zeros(2 * MIB) };
    const limits = { maxInflatedBytesPerSecond: 8 * MIB };
    const { heard } = await expectClosed(1008, Array<FrameParts>(40).fill(message), limits);
    // Four are 8 MiB; so many more only if a second went by meanwhile.
    expect(heard.length % 4).toBe(0);
    expect(heard.length).toBeLessThan(40);
  });

  it("attack 27: what is no deflate data ends in 1007, whatever came of it before", async () => {
    const hello = deflated("Hello");
    const bad = [
      fromHex("ff ff 01"), // a block of the type that there is not
      fromHex("f2 00 11 00 00"), // a reference to before the first message
      fromHex("00 05 00 fa fe 48 65 6c 6c 6f 00"), // a stored block whose length is not confirmed
      new Uint8Array([...hello, 0xff, 0xff]), // bytes behind the message
      fromHex("06"), // a dynamic block without its tables
    ];
    for (const payload of bad) {
      expect((await expectClosed(1007, [{ opcode: 1, rsv: 4, payload }])).heard).toEqual([]);
    }
  });

  it("attack 27: a message cut at any byte ends in 1007, and never is a shorter one", async () => {
    const whole = deflated("Hello, hello, hello");
    for (let cut = 1; cut < whole.length; cut++) {
      const payload = whole.subarray(0, cut);
      expect((await expectClosed(1007, [{ opcode: 1, rsv: 4, payload }])).heard, `cut at ${cut}`).toEqual([]);
    }
  });

  it("attack 27: a final block, and what comes behind it, are what RFC 7692 says", async () => {
    const { peer, heard } = await attack();
    const final = deflateRawSync(bytesOf("Hello"));
    await peer.send(
      { opcode: 1, rsv: 4, payload: new Uint8Array([...final, 0]) },
      { opcode: 1, rsv: 4, payload: new Uint8Array([...final, ...deflated(", you")]) },
      { opcode: 9 },
    );
    expect((await peer.next()).opcode).toBe(10);
    expect(heard).toEqual(["Hello", "Hello, you"]);
  });

  it("attack 27: final blocks without end are refused, in linear time", async () => {
    const payload = new Uint8Array(MIB);
    for (let at = 0; at < payload.length; at += 2) payload[at] = 0x03;
    await expectClosed(1007, [{ opcode: 2, rsv: 4, payload }]);
  });

  it("attack 30: a compressed empty message is delivered empty", async () => {
    const { peer, heard } = await attack();
    await peer.send(
      { opcode: 1, rsv: 4, payload: fromHex("00") },
      { opcode: 2, rsv: 4, payload: fromHex("02 00") },
      { opcode: 1, rsv: 4, fin: false, payload: "" },
      { opcode: 0, payload: fromHex("00") },
      { opcode: 9 },
    );
    expect((await peer.next()).opcode).toBe(10);
    expect(heard).toEqual(["", new Uint8Array(0), ""]);
  });
});

it("attack 28: offers that are not to the letter are declined, and nothing else happens", async () => {
  const { port } = await listen();
  for (
    const parameters of [
      "server_max_window_bits=08",
      "server_max_window_bits=7",
      "server_max_window_bits=16",
      "server_max_window_bits=99999999999999999999",
      "server_max_window_bits",
      "server_max_window_bits=9; server_max_window_bits=9",
      "client_max_window_bits=08",
      "client_no_context_takeover=1",
      "unheard_of",
      "__proto__",
      'constructor="9"',
    ]
  ) {
    const raw = await dial(port);
    await raw.write(upgradeRequest("/", { [DEFLATE]: `permessage-deflate; ${parameters}` }));
    const head = await raw.head();
    expect([parameters, head.slice(9, 12), /sec-websocket-extensions/i.test(head)]).toEqual([parameters, "101", false]);
  }
});

it("attack 29: connections that all force a context get as many as there is room for", async () => {
  const room = 1_048_576;
  const { port } = await listen(undefined, {}, { webSocketCompressionEnabled: { maxTotalWindows: room } });
  const message = { opcode: 1, rsv: 4, payload: deflated("a context, ".repeat(5_000)) };
  const before = process.memoryUsage().arrayBuffers;
  let contexts = 0;
  for (let i = 0; i < 200; i++) {
    const raw = await dial(port);
    await raw.write(upgradeRequest("/", { [DEFLATE]: "permessage-deflate" }));
    if (!(await raw.head()).includes("_no_context_takeover")) contexts++;
    const peer = new FramePeer(raw, "client");
    await peer.send(message);
    expect((await peer.next()).compressed).toBe(true);
  }
  // 32 KiB of what the client compresses, and 4 KiB of what we do.
  expect(contexts).toBeLessThanOrEqual(Math.floor(room / 36_864));
  expect(contexts).toBeGreaterThan(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB);
});
