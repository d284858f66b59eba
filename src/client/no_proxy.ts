/** What stands in `NO_PROXY`: the hosts that are reached without the proxy. Resolves no name. */

import { parseAuthority } from "../handshake/authority.ts";
import { compileRanges, parseAddress, type RangeCheck } from "../handshake/ip_range.ts";
import type { DialTarget } from "../transport/dialer.ts";

/**
 * Whether `list` names the host of `target`. Its entries stand between commas or spaces, in any case: `*` for every host;
 * `example.com` for that host and those below it; `.example.com` or `*.example.com` for those below it only; an IP
 * address or a range such as `10.0.0.0/8`, for hosts that are given as addresses; each but a range also with a `:port`
 * behind it, an IPv6 address then in brackets. What is none of these, other programs may understand: it names nothing.
 */
export function isNamedBy(list: string, { hostname, port }: DialTarget): boolean {
  // The root's dot is no part of a name.
  const host = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  return list.split(/[\s,]+/).some((entry) => entry !== "" && isNamedByEntry(entry, host, port));
}

function isNamedByEntry(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const range = rangeOf(entry);
  if (range !== undefined) return range(host);
  const [prefix = ""] = /^\*?\./.exec(entry) ?? [];
  const named = parseAuthority(entry.slice(prefix.length));
  if (named === undefined || (named.port ?? port) !== port) return false;
  if (named.host.startsWith("[")) return rangeOf(named.host.slice(1, -1))?.(host) ?? false;
  if (prefix === "" && host === named.host) return true;
  // "0.0.1" is not above 127.0.0.1.
  return host.endsWith(`.${named.host}`) && parseAddress(host) === undefined;
}

function rangeOf(text: string): RangeCheck | undefined {
  try {
    return compileRanges([text]);
  } catch {
    return undefined;
  }
}
