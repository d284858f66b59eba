/**
 * Who really sent a request that came through proxies, as `Forwarded` (RFC 7239) or `X-Forwarded-For` and
 * `X-Forwarded-Proto` tell it. Anybody can write these headers: only what a trusted proxy added counts, and so they are
 * read from the end. Knows no network.
 */

import { parseAddress, type RangeCheck } from "./ip_range.ts";

/** What is known of a sender. */
export interface Sender {
  readonly remoteAddress: string | undefined;
  /** Its connection, to us or to the first proxy that we trust, is encrypted. */
  readonly secure: boolean;
}

/** The most hops that are looked at: a longer list was not written by a few proxies. */
const MAX_HOPS = 32;

/** `name=value`, or `name="value"`. Short, and read once from left to right. */
const PAIR = /^\s*([a-z-]+)=("?)([^"\\\s]*)\2\s*$/i;

/** What one proxy says of whoever it had the request from; undefined: nothing that can be used. */
interface Hop {
  readonly address: string | undefined;
  readonly secure: boolean | undefined;
}

/** The sender of a request that was received from `direct`. */
export function senderOf(direct: Sender, headers: { get(name: string): string | null }, trusts: RangeCheck): Sender {
  if (direct.remoteAddress === undefined || !trusts(direct.remoteAddress)) return direct;
  const standard = headers.get("forwarded");
  const usual = headers.get("x-forwarded-for");
  const told = standard === null ? [] : [walk(direct, readForwarded(standard), trusts)];
  if (usual !== null || standard === null) told.push(walk(direct, readUsual(headers), trusts));
  const [one, other] = told as [Sender, Sender?];
  // A proxy that writes one of them passes the other one on, as the client made it up.
  if (other === undefined || one.remoteAddress === other.remoteAddress && one.secure === other.secure) return one;
  return direct;
}

/** From the nearest hop on, as long as each was told by somebody we trust. */
function walk(direct: Sender, hops: readonly Hop[], trusts: RangeCheck): Sender {
  let sender = direct;
  for (const { address, secure } of hops) {
    sender = { remoteAddress: address ?? sender.remoteAddress, secure: secure ?? sender.secure };
    if (address === undefined || !trusts(address)) break;
  }
  return sender;
}

/** The hops of `X-Forwarded-For`, the nearest first. The nearest proxy's `X-Forwarded-Proto` counts for all of them. */
function readUsual(headers: { get(name: string): string | null }): Hop[] {
  const schemes = headers.get("x-forwarded-proto")?.split(",");
  const secure = secureOf(schemes?.at(-1)?.trim());
  const addresses = headers.get("x-forwarded-for")?.split(",").slice(-MAX_HOPS).reverse() ?? [];
  if (addresses.length === 0) return secure === undefined ? [] : [{ address: undefined, secure }];
  return addresses.map((address) => ({ address: addressOf(address.trim()), secure }));
}

/** The hops of `Forwarded`, the nearest first; none when it is ill-formed. RFC 7239 §4 */
function readForwarded(header: string): Hop[] {
  return splitForwarded(header).slice(-MAX_HOPS).reverse().map((pairs) => ({
    address: addressOf(pairs.get("for") ?? ""),
    secure: secureOf(pairs.get("proto")),
  }));
}

/** Each element's pairs by their names in lower case; the first of a name counts. */
function splitForwarded(header: string): Map<string, string>[] {
  const elements: Map<string, string>[] = [];
  // A node may be quoted because of its colons and brackets; there is no comma, semicolon or escape in one.
  for (const element of header.split(",")) {
    const pairs = new Map<string, string>();
    for (const pair of element.split(";")) {
      const [, name, , value] = PAIR.exec(pair) ?? [];
      if (name === undefined || value === undefined) return [];
      if (!pairs.has(name.toLowerCase())) pairs.set(name.toLowerCase(), value);
    }
    elements.push(pairs);
  }
  return elements;
}

function secureOf(scheme: string | undefined): boolean | undefined {
  switch (scheme?.toLowerCase()) {
    case "https":
    case "wss":
      return true;
    case "http":
    case "ws":
      return false;
    default:
      return undefined;
  }
}

/** An address without brackets and port; undefined for `unknown`, a name, and what else is no address. RFC 7239 §6 */
function addressOf(node: string): string | undefined {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(node)?.[1];
  const address = bracketed ?? (node.split(":").length === 2 ? node.slice(0, node.indexOf(":")) : node);
  return parseAddress(address) === undefined ? undefined : address;
}
