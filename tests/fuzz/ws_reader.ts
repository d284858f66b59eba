/** What `ws` makes of bytes, in the words of our recorder. */

import { Buffer } from "node:buffer";
import type { Role } from "../../src/protocol/engine.ts";
import type { DeflateDirection } from "../../src/protocol/permessage_deflate.ts";
import { toHex } from "../support/hex.ts";
import { PerMessageDeflate, Receiver, type WsDeflate } from "../support/ws_package.ts";

/**
 * Whether its compression works. On Deno 2.9.6 the zlib below it does not: an error comes without its code, and what was
 * closed is reset, which ends the process.
 */
export const WS_INFLATES: boolean = !("Deno" in globalThis);

export interface WsReading {
  readonly role: Role;
  readonly maxMessageSize: number;
  readonly maxFragments: number;
  /** Compression was agreed on, so for what comes in. */
  readonly incoming: DeflateDirection | undefined;
}

/** Reads `chunks` one after the other, until it is told of the end. */
export async function wsWords(chunks: readonly Uint8Array[], reading: WsReading): Promise<string[]> {
  const { role, maxMessageSize, maxFragments, incoming } = reading;
  const words: string[] = [];
  const say = (what: string, rest: string): number => words.push(rest === "" ? what : `${what} ${rest}`);
  const deflate = incoming && wsDeflate(role, incoming, { maxPayload: maxMessageSize });
  const receiver = new Receiver({
    isServer: role === "server",
    maxPayload: maxMessageSize,
    maxFragments,
    extensions: deflate === undefined ? {} : { "permessage-deflate": deflate },
  });
  let over = false;
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    if (isBinary) say("binary", toHex(data));
    else say("text", data.toString());
  });
  receiver.on("ping", (data: Buffer) => say("ping", toHex(data)));
  receiver.on("pong", (data: Buffer) => say("pong", toHex(data)));
  receiver.on("conclude", (code: number, reason: Buffer) => {
    over = true;
    say(`closing ${code}`, reason.toString());
  });
  receiver.on("error", (error: Error) => {
    over = true;
    words.push(`failed ${statusOf(error)}`);
  });
  for (const chunk of chunks) {
    if (over) break;
    // It keeps views of what it is given.
    await new Promise((resolve) => receiver.write(Buffer.from(chunk), resolve));
  }
  // The error is told after the write has ended.
  await new Promise((resolve) => setImmediate(resolve));
  deflate?.cleanup();
  return words;
}

/** What its close frame would say. */
function statusOf(error: Error): number {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code");
  return (error as unknown as Record<symbol, number>)[symbol!] ?? 0;
}

/** Its compression for `role`, the same both ways. */
export function wsDeflate(role: Role, { windowBits, takeover }: DeflateDirection, options: object): WsDeflate {
  const deflate = new PerMessageDeflate({ isServer: role === "server", ...options });
  deflate.params = {
    client_max_window_bits: windowBits,
    client_no_context_takeover: !takeover,
    server_max_window_bits: windowBits,
    server_no_context_takeover: !takeover,
  };
  return deflate;
}
