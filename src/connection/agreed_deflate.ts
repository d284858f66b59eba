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
  for (const wishes of [settings, withoutHistory(settings)]) {
    const agreed = answerDeflate(offers, wishes);
    const deflate = agreed && deflateOf("server", agreed.terms, settings, tools);
    if (deflate !== undefined) return { answer: agreed!.answer, deflate };
  }
  return undefined;
}

/** What a client offers, as far as there is room to remember what it asks for. */
export function offerCompression(settings: CompressionSettings, { windows }: DeflateTools): readonly Extension[] {
  const bytes = 2 ** settings.clientMaxWindowBits + 2 ** LARGEST_WINDOW_BITS;
  const hasRoom = windows.used + bytes <= settings.maxTotalWindows;
  return offerDeflate(hasRoom ? settings : withoutHistory(settings));
}

/** What the server's answer to `offerCompression` means. */
export function verifyCompression(
  answered: readonly Extension[],
  settings: CompressionSettings,
  tools: DeflateTools,
): { readonly deflate: PermessageDeflate | undefined } | { readonly problem: string } {
  const verified = verifyDeflate(answered, settings);
  if ("problem" in verified) return verified;
  if (verified.terms === undefined) return { deflate: undefined };
  const deflate = deflateOf("client", verified.terms, settings, tools);
  return deflate === undefined ? { problem: "the server chose a history that there is no room for" } : { deflate };
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
  const bytes = historyOf(server) + historyOf(client);
  if (!windows.take(bytes, maxTotalWindows)) return undefined;
  const [outgoing, peers] = role === "server" ? [server, client] : [client, server];
  // A zlib that was told 8 uses 9.
  const incoming = { ...peers, windowBits: Math.max(peers.windowBits, 9) };
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
