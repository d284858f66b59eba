/** permessage-deflate (features Z1 to Z3) over real sockets: what is agreed on, what travels, what it may cost. */

import type { Socket } from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { broadcast, type Caller, type CompressionOptions, Listener, type Service } from "../../mod.ts";
import { DEFLATE, deflated } from "../support/deflated.ts";
import type { FramePeer } from "../support/frame_peer.ts";
import { bytesOf } from "../support/frames.ts";
import { toHex } from "../support/hex.ts";
import { deviates, differs, here, refuses } from "../support/host.ts";
import { upgradeRequest } from "../support/raw_client.ts";
import { deferred, ECHO, expectUnsupported, failure, LOOPBACK, onSockets, switching } from "../support/on_sockets.ts";

const { listen, connect, upgraded, server, clientAndServer, dial } = onSockets();

/** Long enough to be compressed by default, and worth it. */
const LONG = "a price, and another price; ".repeat(60);
/** What Bun's own sockets agree to, whatever they are offered. */
const AS_BUN = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";

/** What a frame's payload inflates to, when it refers to nothing before it. */
function inflated(payload: Uint8Array): string {
  const flushed = new Uint8Array([...payload, 0, 0, 0xff, 0xff]);
  return new TextDecoder().decode(inflateRawSync(flushed, { finishFlush: constants.Z_SYNC_FLUSH }));
}

/** A peer that has agreed to `answer`, whatever it offered. */
async function agreed(port: number, offer = "permessage-deflate"): Promise<FramePeer> {
  return await upgraded(port, "/", { [DEFLATE]: offer });
}

/** A connection that was opened with an offer, and what the listener answered: the header's value, undefined for none. */
async function opened(port: number, offer: string): Promise<{ socket: Socket; answer: string | undefined }> {
  const raw = await dial(port);
  await raw.write(upgradeRequest("/", { [DEFLATE]: offer }));
  return { socket: raw.socket, answer: /^sec-websocket-extensions: (.*)\r$/im.exec(await raw.head())?.[1] };
}

/** Deno's own sockets agree to nothing, and messages go as they are. */
async function goUncompressed(): Promise<void> {
  const { port } = await listen();
  expect((await opened(port, "permessage-deflate")).answer).toBeUndefined();
  const peer = await agreed(port);
  await peer.text(LONG);
  const echoed = await peer.next();
  expect([echoed.compressed, echoed.text === LONG]).toEqual([false, true]);
}

/** The host takes none of the options. */
function refuseOptions(options: CompressionOptions): () => Promise<void> {
  return async () => {
    for (const [name, value] of Object.entries(options)) {
      const given = { host: LOOPBACK, webSocketCompressionEnabled: { [name]: value } };
      expectUnsupported(await failure(() => new Listener(0, given)), name);
    }
  };
}

const UNCOMPRESSED = { "deno native": refuses("deno-no-compression", goUncompressed) } as const;

describe("a listener", () => {
  it.each<[string, boolean | CompressionOptions, string | undefined]>([
    ["permessage-deflate", true, "permessage-deflate"],
    ["permessage-deflate; client_max_window_bits", true, "permessage-deflate; client_max_window_bits=12"],
    ["permessage-deflate; server_max_window_bits=10", true, "permessage-deflate; server_max_window_bits=10"],
    [
      "permessage-deflate; client_max_window_bits",
      { clientMaxWindowBits: 9, serverNoContextTakeover: true },
      "permessage-deflate; client_max_window_bits=9; server_no_context_takeover",
    ],
    ["permessage-deflate; server_max_window_bits=8", true, undefined],
    ["permessage-deflate; server_max_window_bits=08, permessage-deflate", true, "permessage-deflate"],
    ["permessage-bzip2", true, undefined],
    ["permessage-deflate", false, undefined],
  ])("Z1: answers %j, with %j, by %j", async (offer, option, answer) => {
    if (typeof option === "object") {
      const refuse = refuseOptions(option);
      const without = {
        "deno native": refuses("deno-no-compression", refuse),
        "bun native": refuses("bun-own-compression", refuse),
      };
      const refused = here<(() => Promise<void>) | undefined>(without, undefined);
      if (refused !== undefined) return await refused();
    }
    const { port } = await listen(ECHO, {}, { webSocketCompressionEnabled: option });
    const natively = answer !== undefined && {
      "deno native": refuses("deno-no-compression", undefined),
      "bun native": deviates("bun-own-compression", offer.includes("server_max_window_bits=10") ? undefined : AS_BUN),
    };
    expect((await opened(port, offer)).answer).toBe(here<string | undefined>(natively || {}, answer));
  });

  it(
    "Z1: reads what is compressed, and compresses what is worth it",
    differs(UNCOMPRESSED, async () => {
      const { port } = await listen();
      const peer = await agreed(port);
      await peer.send({ opcode: 1, rsv: 4, payload: deflated(LONG) }, { opcode: 1, payload: "short" });
      const [long, short] = [await peer.next(), await peer.next()];
      expect([long.compressed, inflated(long.payload) === LONG, long.payload.length < 100]).toEqual([true, true, true]);
      expect([short.compressed, short.text]).toEqual([false, "short"]);
      await peer.send({ opcode: 2, rsv: 4, fin: false, payload: deflated(LONG).subarray(0, 9) });
      await peer.send({ opcode: 9, payload: "p" }, { opcode: 0, payload: deflated(LONG).subarray(9) });
      expect((await peer.next()).opcode).toBe(10);
      expect(await peer.next()).toMatchObject({ opcode: 2, compressed: true });
    }),
  );

  it(
    "Z1: the threshold is inclusive, and counts bytes",
    differs({ "deno native": refuses("deno-no-compression", refuseOptions({ threshold: 60, level: 1 })) }, async () => {
      const { port } = await listen(ECHO, {}, { webSocketCompressionEnabled: { threshold: 60 } });
      const peer = await agreed(port);
      for (
        const [text, compressed] of [["x".repeat(59), false], ["x".repeat(60), true], ["é".repeat(30), true]] as const
      ) {
        await peer.text(text);
        expect((await peer.next()).compressed, text).toBe(compressed);
      }
    }),
  );

  it(
    "Z1: at level 0 nothing becomes shorter, and goes as it is",
    differs({
      "deno native": refuses("deno-no-compression", refuseOptions({ level: 0 })),
      "bun native": refuses("bun-own-compression", refuseOptions({ level: 0 })),
    }, async () => {
      for (const [level, compressed] of [[0, false], [9, true]] as const) {
        const { port } = await listen(ECHO, {}, { webSocketCompressionEnabled: { level } });
        const peer = await agreed(port);
        await peer.text(LONG);
        expect((await peer.next()).compressed).toBe(compressed);
      }
    }),
  );

  it(
    "Z1: refers to earlier messages, unless it was agreed not to",
    differs(UNCOMPRESSED, async () => {
      const { port } = await listen();
      const sizes = async (offer: string): Promise<[number, number]> => {
        const peer = await agreed(port, offer);
        const noise = toHex(crypto.getRandomValues(new Uint8Array(1_000)));
        await peer.text(noise);
        const first = await peer.next();
        await peer.text(noise);
        return [first.payload.length, (await peer.next()).payload.length];
      };
      const [first, second] = await sizes("permessage-deflate");
      const refersBack = here({
        "deno engine": deviates("deno-no-dictionary", false),
        "bun native": deviates("bun-own-compression", false),
      }, true);
      expect(second < first / 10).toBe(refersBack);
      const [one, other] = await sizes("permessage-deflate; server_no_context_takeover");
      expect(other).toBe(one);
    }),
  );

  it(
    "Z1: a write may go as it is; what handlers return, and streams, are compressed",
    differs(UNCOMPRESSED, async () => {
      const service: Service = {
        async onTextMessage(caller) {
          await caller.writeTextMessage(LONG, { compress: false });
          await caller.writeMessage(LONG);
          await caller.writeBinaryMessage(bytesOf(LONG), { compress: false });
          await caller.writeMessage({ text: LONG }, { compress: false });
          expect(await failure(() => caller.writeMessage("", { compress: 1 as never }))).toBeInstanceOf(TypeError);
          return (function* () {
            yield LONG;
            yield { price: LONG };
          })();
        },
      };
      const { port } = await listen(service);
      const peer = await agreed(port);
      await peer.text("go");
      const seen: boolean[] = [];
      for (let i = 0; i < 6; i++) seen.push((await peer.next()).compressed);
      expect(seen).toEqual([false, true, false, false, true, true]);
    }),
  );

  it("S12: compresses a broadcast once for all receivers of a kind, and each goes on from there", async () => {
    const callers = new Set<Caller>();
    const both = deferred();
    const { url, port } = await listen({
      onOpen: (caller) => void (callers.add(caller), callers.size === 4 && both.resolve()),
      onTextMessage(_caller, text) {
        if (text === "all") broadcast(callers, LONG);
        else return `${LONG}${text}`;
      },
      onClose: (caller) => void callers.delete(caller),
    });
    const clients = [
      await connect(url),
      await connect(url),
      await connect(url, { webSocketCompressionEnabled: false }),
      await connect(url, { webSocketCompressionEnabled: { serverNoContextTakeover: true } }),
    ];
    await both.promise;
    for (const text of ["one", "all", "two", "all", "three"]) {
      const before = text === "all" ? clients.slice(0, 1) : clients;
      for (const client of before) await client.writeTextMessage(text);
      const expected = text === "all" ? LONG : `${LONG}${text}`;
      expect(await Promise.all(clients.map((client) => client.readTextMessage()))).toEqual(clients.map(() => expected));
    }
    const raw = await agreed(port, "permessage-deflate; server_no_context_takeover");
    await clients[0]!.writeTextMessage("all");
    const framed = await raw.next();
    const compressed = here({ "deno native": deviates("deno-no-compression", false) }, true);
    expect([framed.compressed, (compressed ? inflated(framed.payload) : framed.text) === LONG])
      .toEqual([compressed, true]);
  });
});

describe("a client", () => {
  it("Z1: makes two offers, the second without windows", async () => {
    const offers: (string | undefined)[] = [];
    const url = await server(async (peer, request) => {
      offers.push(/^sec-websocket-extensions: (.*)\r$/im.exec(request)?.[1]);
      await peer.raw.write(switching(request));
    });
    await connect(url);
    await connect(url, { webSocketCompressionEnabled: false });
    await connect(url, { webSocketCompressionEnabled: { clientMaxWindowBits: 15, serverNoContextTakeover: true } });
    expect(offers).toEqual([
      "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12, permessage-deflate",
      undefined,
      "permessage-deflate; client_max_window_bits; server_max_window_bits=12; server_no_context_takeover, " +
      "permessage-deflate; server_no_context_takeover",
    ]);
  });

  it.each([
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; unheard_of",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
    "permessage-deflate, permessage-deflate",
    "permessage-bzip2",
  ])("Z1: fails the handshake for the answer %j", async (answer) => {
    const url = await server((peer, request) => peer.raw.write(switching(request, `${DEFLATE}: ${answer}\r\n`)));
    expect(await failure(connect(url))).toMatchObject({ code: "ERR_HANDSHAKE_REJECTED", status: 101 });
  });

  it("Z1: talks to a listener of ours, compressed both ways, and a write may go as it is", async () => {
    const { url } = await listen();
    const client = await connect(url);
    const agreement = here<string | null>({
      "deno native": deviates("deno-no-compression", null),
      "bun native": deviates("bun-own-compression", AS_BUN),
    }, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
    expect(client.getHttpResponse()!.headers.get(DEFLATE)).toBe(agreement);
    for (const message of [LONG, bytesOf(LONG), "", "short", LONG.repeat(50), LONG]) {
      await client.writeMessage(message);
      const echoed = await client.readMessage();
      expect(toHex(bytesOf(echoed as string)) === toHex(bytesOf(message))).toBe(true);
    }
    const { client: other, peer } = await clientAndServer({}, `${DEFLATE}: permessage-deflate\r\n`);
    await other.writeTextMessage(LONG);
    await other.writeTextMessage(LONG, { compress: false });
    await other.writeMessage({ text: LONG });
    await other.writeMessage({ text: LONG }, { compress: false });
    await other.writeBinaryMessage(bytesOf(LONG), { compress: false });
    const seen = [];
    for (let i = 0; i < 5; i++) seen.push(await peer.next());
    expect(seen.map(({ compressed }) => compressed)).toEqual([true, false, true, false, false]);
    expect(inflated(seen[0]!.payload)).toBe(LONG);
    await peer.send({ opcode: 2, rsv: 4, payload: deflated(LONG) });
    expect(toHex(await other.readBinaryMessage())).toBe(toHex(bytesOf(LONG)));
  });

  it("Z1: refuses what is compressed where that was not agreed on", async () => {
    const { client, peer } = await clientAndServer();
    await peer.send({ opcode: 1, rsv: 4, payload: deflated("x") });
    expect(await peer.closeCode()).toBe(1002);
    peer.socket.end();
    expect((await client.closed).code).toBe(1002);
  });
});

const ALL_OF_WINDOWS: CompressionOptions = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  maxTotalWindows: 131_072,
};

it(
  "Z2: history that there is no room for is not agreed on, and is free again behind a connection",
  differs({
    "deno native": refuses("deno-no-compression", refuseOptions(ALL_OF_WINDOWS)),
    "bun native": refuses("bun-own-compression", refuseOptions(ALL_OF_WINDOWS)),
  }, async () => {
    const closed = deferred();
    // Twice 32 KiB for a connection; what other connections of this process keep counts too.
    const { port } = await listen({ ...ECHO, onClose: () => closed.resolve() }, {}, {
      webSocketCompressionEnabled: { serverMaxWindowBits: 15, clientMaxWindowBits: 15, maxTotalWindows: 131_072 },
    });
    const peers = [];
    for (let i = 0; i < 3; i++) peers.push(await opened(port, "permessage-deflate"));
    expect(peers[0]!.answer).toBe("permessage-deflate");
    expect(peers[2]!.answer).toBe("permessage-deflate; server_no_context_takeover; client_no_context_takeover");

    const without = await agreed(port);
    await without.send({ opcode: 1, rsv: 4, payload: deflated(LONG) });
    const answer = await without.next();
    expect([answer.compressed, inflated(answer.payload) === LONG]).toEqual([true, true]);

    peers[0]!.socket.destroy();
    await closed.promise;
    expect((await opened(port, "permessage-deflate")).answer).toBe("permessage-deflate");
  }),
);

describe("Z3: what a message inflates to", () => {
  const noInflatedLimit = async (): Promise<void> => {
    const listener = await listen();
    const service = { get: () => ECHO, maxInflatedBytesPerSecond: 10_000 };
    expectUnsupported(await failure(() => listener.attach("/x", service)), "maxInflatedBytesPerSecond");
  };
  it(
    "Z3: is bounded by maxMessageSize, inclusive, for the listener",
    differs(UNCOMPRESSED, async () => {
      const { port } = await listen(ECHO, { maxMessageSize: 2_000 });
      const peer = await agreed(port);
      await peer.send({ opcode: 1, rsv: 4, payload: deflated("x".repeat(2_000)) });
      expect(inflated((await peer.next()).payload).length).toBe(2_000);
      await peer.send({ opcode: 1, rsv: 4, payload: deflated("x".repeat(2_001)) });
      expect(await peer.closeCode()).toBe(1009);
    }),
  );

  it(
    "Z3: is bounded within a second by maxInflatedBytesPerSecond, inclusive",
    differs({
      "deno native": refuses("deno-no-compression", noInflatedLimit),
      "bun native": refuses("bun-own-compression", noInflatedLimit),
    }, async () => {
      const { port } = await listen(ECHO, { maxInflatedBytesPerSecond: 10_000 });
      const peer = await agreed(port);
      const message = { opcode: 1, rsv: 4, payload: deflated("x".repeat(5_000)) };
      const plain = { opcode: 1, payload: "y".repeat(20_000) };
      await peer.send(message, plain, message, plain);
      for (let i = 0; i < 4; i++) expect((await peer.next()).opcode).toBe(1);
      await peer.send({ opcode: 1, rsv: 4, payload: deflated("x") });
      expect(await peer.closeCode()).toBe(1008);
    }),
  );
});
