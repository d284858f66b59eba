/**
 * `Sec-WebSocket-Protocol`: read the offers, choose one, verify the choice (RFC 6455 §1.9 and §4). Names are compared
 * exactly, case included. Knows no sub-protocol.
 */

import { quote } from "../printable.ts";
import { isToken, parseTokens } from "./header_grammar.ts";

/**
 * The option `subProtocols` (RFC 6455 §1.9): what a service speaks. Of a list the client's first offer that is in it is
 * taken. A function is handed the client's offers, at least one, in the client's order, and picks one of them, or none with
 * `undefined`.
 */
export type SubProtocols = readonly string[] | ((offered: readonly string[]) => string | undefined);

/** The offers in the client's order, empty without the header, undefined when they are not distinct tokens. §4.1 */
export function parseProtocols(header: string | null): readonly string[] | undefined {
  if (header === null) return [];
  const offered = parseTokens(header);
  return offered === undefined || new Set(offered).size !== offered.length ? undefined : offered;
}

/**
 * Refuses a list that cannot travel.
 *
 * @throws {TypeError} when a name is not a token, or stands there twice
 */
export function validateProtocols(protocols: readonly string[]): void {
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol)) {
      throw new TypeError(`Cannot use ${quote(String(protocol))} as a sub-protocol: it is not a token`);
    }
    if (seen.has(protocol)) throw new TypeError(`Cannot use the sub-protocol "${protocol}" twice`);
    seen.add(protocol);
  }
}

/**
 * The first of the client's offers that the service lists, or the function's choice; undefined for none. The function is
 * not asked when nothing was offered.
 *
 * @throws {TypeError} when the function chose what was not offered
 */
export function chooseProtocol(
  offered: readonly string[],
  supported: SubProtocols | undefined,
): string | undefined {
  if (supported === undefined || offered.length === 0) return undefined;
  if (typeof supported !== "function") return offered.find((protocol) => supported.includes(protocol));
  const chosen = supported(offered);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(`Cannot choose the sub-protocol ${quote(String(chosen))}: the client did not offer it`);
  }
  return chosen;
}

/** Whether the server's choice stands, `null` being no header: the protocol (empty for none), or what is wrong. §4.1 */
export function verifyProtocol(
  offered: readonly string[],
  answered: string | null,
): { readonly protocol: string } | { readonly problem: string } {
  if (answered === null) {
    return offered.length === 0 ? { protocol: "" } : { problem: "the server chose none of the sub-protocols offered" };
  }
  if (offered.includes(answered)) return { protocol: answered };
  return { problem: `the server chose the sub-protocol ${quote(answered)}, which was not offered` };
}
