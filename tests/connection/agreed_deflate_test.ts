import { describe, expect, it } from "vitest";

import { zlibCodec } from "../../src/adapters/node/zlib_codec.ts";
import { answerCompression, offerCompression, verifyCompression } from "../../src/connection/agreed_deflate.ts";
import { parseExtensions, serializeExtensions } from "../../src/handshake/extension_offer.ts";
import { checkCompression, type CompressionOptions } from "../../src/streams/compression_options.ts";
import type { DeflateTools } from "../../src/transport/runtime.ts";
import { WindowBudget } from "../../src/transport/window_budget.ts";
import { toHex } from "../support/hex.ts";
import { Random } from "../support/random.ts";

const settings = (options: CompressionOptions = {}) => checkCompression({ webSocketCompressionEnabled: options })!;
const tools = (): DeflateTools => ({ codec: zlibCodec, windows: new WindowBudget() });

/** Both sides after a handshake, each in a process of its own. */
function agree(client: CompressionOptions, server: CompressionOptions) {
  const [clientTools, serverTools] = [tools(), tools()];
  const offer = serializeExtensions(offerCompression(settings(client), clientTools));
  const answered = answerCompression(parseExtensions(offer)!, settings(server), serverTools)!;
  const answer = serializeExtensions([answered.answer]);
  const verified = verifyCompression(parseExtensions(answer)!, settings(client), clientTools);
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
    const offer = (maxTotalWindows: number) =>
      serializeExtensions(offerCompression(settings({ maxTotalWindows }), tools()).slice(1));
    // The server may still answer 32 KiB for itself.
    expect(offer(4_096 + 32_768)).toBe("permessage-deflate");
    expect(offer(4_096 + 32_767)).toBe("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  });

  it("a client refuses a server that takes more than there is room for", () => {
    const answered = parseExtensions("permessage-deflate; client_no_context_takeover")!;
    expect(verifyCompression(answered, settings({ maxTotalWindows: 100 }), tools()))
      .toEqual({ problem: "the server chose a history that there is no room for" });
    expect(verifyCompression([], settings(), tools())).toEqual({ deflate: undefined });
  });
});

it("reads a window of 8 bits as the 9 that some compressors really use, and never writes into one", () => {
  const offers = parseExtensions("permessage-deflate; client_max_window_bits=8")!;
  const shared = tools();
  const { answer, deflate } = answerCompression(offers, settings(), shared)!;
  expect(serializeExtensions([answer])).toBe("permessage-deflate; client_max_window_bits=8");
  const random = new Random(2);
  const head = random.bytes(500);
  const window = zlibCodec.deflate(head, new Uint8Array(0), 9, 6);
  deflate.decompress(window, 1e6);
  const again = zlibCodec.deflate(head, head, 9, 6);
  expect(toHex(deflate.decompress(again, 1e6))).toBe(toHex(head));

  const asClient = verifyCompression(offers, settings(), tools());
  expect("deflate" in asClient && asClient.deflate!.threshold).toBe(Infinity);
});
