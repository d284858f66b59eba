/**
 * From the handshake's terms to a connection's compression (RFC 7692 §7.1), in either role, within what all connections
 * together may remember. Knows no frame and no socket.
 */

import { answerDeflate, type DeflateTerms, offerDeflate, verifyDeflate } from "../handshake/deflate_negotiation.ts";
import type { Extension } from "../handshake/extension_offer.ts";
import type { Role } from "../protocol/engine.ts";
import { type DeflateDirection, PermessageDeflate } from "../protocol/permessage_deflate.ts";
import type { DeflateTools } from "../transport/runtime.ts";
import type { CompressionSettings } from "../transport/upgrade.ts";

/** A server's answer to `offers`, and what it means; undefined: it goes without compression. */
export function answerCompression(
  offers: readonly Extension[],
  settings: CompressionSettings,
  tools: DeflateTools,
): { readonly answer: Extension; readonly deflate: PermessageDeflate } | undefined {
  const agreed = answerDeflate(offers, settings);
  if (agreed === undefined) return undefined;
  const deflate = deflateOf("server", agreed.terms, settings, tools);
  if (deflate !== undefined) return { answer: agreed.answer, deflate };
  // Without history there is always room.
  return answerCompression(offers, withoutHistory(settings), tools);
}

/** A client's offer, and the room that it speaks for until it is known what becomes of it. */
export class CompressionOffer {
  readonly extensions: readonly Extension[];
  readonly #settings: CompressionSettings;
  readonly #tools: DeflateTools;
  #held = 0;

  constructor(settings: CompressionSettings, tools: DeflateTools) {
    const bytes = mostHistory(settings);
    const hasRoom = tools.windows.take(bytes, settings.maxTotalWindows);
    if (hasRoom) this.#held = bytes;
    // What is offered binds us, whether or not the server repeats it (§7.1.1.2): it is what the answer is held against.
    this.#settings = hasRoom ? settings : withoutHistory(settings);
    this.#tools = tools;
    this.extensions = offerDeflate(this.#settings);
  }

  /** What the server's answer means: how to compress, undefined for not at all, or what is wrong with it. */
  verify(
    answered: readonly Extension[],
  ): { readonly deflate: PermessageDeflate | undefined } | { readonly problem: string } {
    this.withdraw();
    const verified = verifyDeflate(answered, this.#settings);
    if ("problem" in verified) return verified;
    // No answer takes more than was spoken for.
    return { deflate: verified.terms && deflateOf("client", verified.terms, this.#settings, this.#tools) };
  }

  /** Nothing came of it. Harmless when something did. */
  withdraw(): void {
    this.#tools.windows.give(this.#held);
    this.#held = 0;
  }
}

/** The most that an answer to this offer makes us remember: a server may use 32 KiB, whatever was offered. */
function mostHistory(settings: CompressionSettings): number {
  const ours = historyOf({ windowBits: settings.clientMaxWindowBits, takeover: !settings.clientNoContextTakeover });
  return ours + historyOf({ windowBits: LARGEST_WINDOW_BITS, takeover: !settings.serverNoContextTakeover });
}

/** Undefined: there is no room for what it would remember. */
function deflateOf(
  role: Role,
  terms: DeflateTerms,
  { threshold, level, maxTotalWindows }: CompressionSettings,
  { codec, windows }: DeflateTools,
): PermessageDeflate | undefined {
  const server: DeflateDirection = { windowBits: terms.serverMaxWindowBits, takeover: !terms.serverNoContextTakeover };
  const client: DeflateDirection = { windowBits: terms.clientMaxWindowBits, takeover: !terms.clientNoContextTakeover };
  const [outgoing, peers] = role === "server" ? [server, client] : [client, server];
  // A zlib that was told 8 uses 9.
  const incoming = { ...peers, windowBits: Math.max(peers.windowBits, 9) };
  const bytes = historyOf(outgoing) + historyOf(incoming);
  if (!windows.take(bytes, maxTotalWindows)) return undefined;
  return new PermessageDeflate({ codec, incoming, outgoing, threshold, level, onClear: () => windows.give(bytes) });
}

function historyOf({ windowBits, takeover }: DeflateDirection): number {
  return takeover ? 2 ** windowBits : 0;
}

/** What the other side may answer or use where nothing smaller was agreed on. */
const LARGEST_WINDOW_BITS = 15;

/** Every message anew, both ways: that needs no room. */
function withoutHistory(settings: CompressionSettings): CompressionSettings {
  return { ...settings, serverNoContextTakeover: true, clientNoContextTakeover: true };
}
