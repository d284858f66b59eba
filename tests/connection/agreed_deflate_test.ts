import { describe, expect, it } from "vitest";

import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { answerCompression, CompressionOffer } from "../../src/connection/agreed_deflate.ts";
import { parseExtensions, serializeExtensions } from "../../src/handshake/extension_offer.ts";
import type { PermessageDeflate } from "../../src/protocol/permessage_deflate.ts";
import { checkCompression, type CompressionOptions } from "../../src/streams/compression_options.ts";
import type { DeflateTools } from "../../src/transport/runtime.ts";
import { WindowBudget } from "../../src/transport/window_budget.ts";
import { bytesOf } from "../support/frames.ts";
import { toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";

const settings = (options: CompressionOptions = {}) => checkCompression({ webSocketCompressionEnabled: options })!;
const tools = (): DeflateTools => ({ codec: zlibCodec, windows: new WindowBudget() });

/** Both sides after a handshake, each in a process of its own. */
function agree(client: CompressionOptions, server: CompressionOptions) {
  const [clientTools, serverTools] = [tools(), tools()];
  const ours = new CompressionOffer(settings(client), clientTools);
  const offer = serializeExtensions(ours.extensions);
  const answered = answerCompression(parseExtensions(offer)!, settings(server), serverTools)!;
  const answer = serializeExtensions([answered.answer]);
  const verified = ours.verify(parseExtensions(answer)!);
  if ("problem" in verified) throw new Error(verified.problem);
  return { offer, answer, client: verified.deflate!, server: answered.deflate, clientTools, serverTools };
}

describe("Z1: what two of us agree on", () => {
  it("by default: windows of 12 bits that go on", () => {
    const { offer, answer } = agree({}, {});
    expect(offer).toBe("permessage-deflate; client_max_window_bits=12; server_max_window_bits=12, permessage-deflate");
    expect(answer).toBe("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
  });

  it("is understood by both, whatever each of them wants", () => {
    const random = new Random(11);
    const bits = [9, 10, 12, 15];
    const any = (): CompressionOptions => ({
      serverMaxWindowBits: random.pick(bits),
      clientMaxWindowBits: random.pick(bits),
      serverNoContextTakeover: random.oneIn(3),
      clientNoContextTakeover: random.oneIn(3),
      level: random.below(10),
    });
    for (let round = 0; round < 60; round++) {
      const { client, server } = agree(any(), any());
      for (let i = 0; i < 12; i++) {
        const message = random.bytes(200 + random.below(3_000)).fill(i, 0, 150);
        for (const [from, to] of [[client, server], [server, client]] as const) {
          const compressed = from.compress(message);
          if (compressed === undefined) continue;
          expect(toHex(to.decompress(compressed, 1e6))).toBe(toHex(message));
        }
      }
    }
  });
});

describe("Z2: what may be remembered", () => {
  it("is at most 64 KiB for a connection by default, whatever the peer offers and answers", () => {
    const most = [];
    for (const offer of ["permessage-deflate", "permessage-deflate; client_max_window_bits"]) {
      const shared = tools();
      answerCompression(parseExtensions(offer)!, settings(), shared);
      most.push(shared.windows.used);
    }
    for (const answer of ["permessage-deflate", "permessage-deflate; server_max_window_bits=12"]) {
      const shared = tools();
      new CompressionOffer(settings(), shared).verify(parseExtensions(answer)!);
      most.push(shared.windows.used);
    }
    expect(most).toEqual([36_864, 8_192, 36_864, 8_192]);
  });

  it("Z1: compresses with the level of the options", () => {
    const { deflate } = answerCompression(parseExtensions("permessage-deflate")!, settings({ level: 0 }), tools())!;
    expect(deflate.compress(bytesOf("level 0 stores ".repeat(50)))).toBeUndefined();
  });

  it("counts what others have taken when a client makes its offer", () => {
    const shared = tools();
    shared.windows.take(1, 1);
    const limit = 4_096 + 32_768;
    const offer = new CompressionOffer(settings({ maxTotalWindows: limit }), shared);
    expect(serializeExtensions(offer.extensions)).toContain("no_context_takeover");
  });

  it("counts the windows of both directions, until the connection is over", () => {
    const { client, server, clientTools, serverTools } = agree({ serverMaxWindowBits: 10 }, {});
    expect([clientTools.windows.used, serverTools.windows.used]).toEqual([4_096 + 1_024, 4_096 + 1_024]);
    client.clear();
    server.clear();
    expect([clientTools.windows.used, serverTools.windows.used]).toEqual([0, 0]);
  });

  it("a server whose room is taken agrees without history, and takes none", () => {
    const shared = tools();
    const offers = parseExtensions("permessage-deflate; client_max_window_bits")!;
    const answer = () => {
      const answered = answerCompression(offers, settings({ maxTotalWindows: 10_000 }), shared)!;
      return { text: serializeExtensions([answered.answer]), deflate: answered.deflate };
    };
    const first = answer();
    expect(first.text).toBe("permessage-deflate; client_max_window_bits=12");
    expect(answer().text).toBe(
      "permessage-deflate; client_max_window_bits=12; server_no_context_takeover; client_no_context_takeover",
    );
    expect(shared.windows.used).toBe(8_192);
    first.deflate.clear();
    expect(answer().text).toBe(first.text);
  });

  it("a client whose room is taken asks for none", () => {
    const offer = (options: CompressionOptions) =>
      serializeExtensions(new CompressionOffer(settings(options), tools()).extensions.slice(1));
    // The server may still answer 32 KiB for itself.
    expect(offer({ maxTotalWindows: 4_096 + 32_768 })).toBe("permessage-deflate");
    const without = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    expect(offer({ maxTotalWindows: 4_096 + 32_767 })).toBe(without);
    expect(offer({ maxTotalWindows: 4_096, serverNoContextTakeover: true })).toBe(
      "permessage-deflate; server_no_context_takeover",
    );
    expect(offer({ maxTotalWindows: 0 })).toBe(without);
  });

  it("a client's room is spoken for while it waits for the answer: many at once fall back, and none fails", () => {
    const shared = tools();
    const offers = Array.from({ length: 4 }, () => new CompressionOffer(settings({ maxTotalWindows: 80_000 }), shared));
    const plain = ({ extensions }: CompressionOffer) =>
      !serializeExtensions(extensions).includes("no_context_takeover");
    expect(offers.map(plain)).toEqual([true, true, false, false]);
    const verified = offers.map((offer) =>
      offer.verify(
        parseExtensions(
          plain(offer) ? "permessage-deflate" : "permessage-deflate; server_no_context_takeover",
        )!,
      )
    );
    expect(verified.every((result) => "deflate" in result && result.deflate !== undefined)).toBe(true);
    expect(shared.windows.used).toBe(2 * (4_096 + 32_768));
  });

  it("what was offered binds the client, also when room comes free before the answer", () => {
    const shared = tools();
    const first = new CompressionOffer(settings({ maxTotalWindows: 40_000 }), shared);
    const second = new CompressionOffer(settings({ maxTotalWindows: 40_000 }), shared);
    first.withdraw();
    first.withdraw();
    expect(shared.windows.used).toBe(0);
    // §7.1.1.2: the server relies on it, whether or not it says so.
    const verified = second.verify(parseExtensions("permessage-deflate; server_no_context_takeover")!);
    const { deflate } = verified as { deflate: PermessageDeflate };
    const message = bytesOf("a message, a message, a message, and a message again");
    expect(toHex(deflate.compress(message)!)).toBe(toHex(deflate.compress(message)!));
    expect(shared.windows.used).toBe(0);
    expect(second.verify(parseExtensions("permessage-deflate")!)).toHaveProperty("problem");
    expect(second.verify([])).toEqual({ deflate: undefined });
  });
});

it("reads a window of 8 bits as the 9 that some compressors really use, and never writes into one", () => {
  const offers = parseExtensions("permessage-deflate; client_max_window_bits=8")!;
  const shared = tools();
  const { answer, deflate } = answerCompression(offers, settings(), shared)!;
  expect(serializeExtensions([answer])).toBe("permessage-deflate; client_max_window_bits=8");
  const random = new Random(2);
  const head = random.bytes(500);
  deflate.decompress(zlibCodec.deflate(head, new Uint8Array(0), 9, 6), 1e6);
  // 500 bytes back: more than 8 bits reach, and less than 9 do.
  const again = zlibCodec.deflate(head.slice(0, 100), head, 10, 6);
  expect(toHex(deflate.decompress(again, 1e6))).toBe(toHex(head.slice(0, 100)));
  expect(shared.windows.used).toBe(4_096 + 512);

  const asClient = new CompressionOffer(settings(), tools()).verify(offers);
  expect("deflate" in asClient && asClient.deflate!.threshold).toBe(Infinity);
});
