/**
 * A request target and its Host become one absolute URL (RFC 7230 §5.3 to §5.5). What a client writes there is never
 * resolved as a relative reference: `//elsewhere/x` is a path. Knows no route.
 */

import { parseAuthority } from "./authority.ts";

/**
 * A path and perhaps a query that a parser of URLs leaves as they are: no segment that begins with a dot or an escape, and
 * only characters that stand for themselves. The path is a group.
 */
const PLAIN_TARGET = /^((?:\/(?![.%])[\w~!$&()*+,;=:@%.-]*)+)(?:\?[\w~!$&()*+,;=:@%.\-/?]*)?$/;
/** In the origin stands nothing of what ends an authority (`?`, a backslash). */
const PLAIN_URL = new RegExp(`^https?://[\\w.:[\\]-]+${PLAIN_TARGET.source.slice(1)}`);

/** The last origin that was asked for, as parsed: nearly all requests ask for the same. */
let known: { readonly host: string; readonly secure: boolean; readonly origin: string } | undefined;

/**
 * The URL that was asked for, `http:` or `https:`, as a parser of URLs writes it; or undefined when there is none: a target
 * that is neither a path nor absolute, a target with a fragment, or an ill-formed host. A bad percent-escape is kept as it
 * is, for whoever decodes the path.
 */
export function requestUrl(target: string, host: string, secure: boolean): string | undefined {
  if (target.includes("#")) return undefined; // §5.1: a fragment is never sent
  if (target.startsWith("/")) {
    const isPlain = PLAIN_TARGET.test(target);
    if (isPlain && known?.host === host && known.secure === secure) return known.origin + target;
    if (parseAuthority(host) === undefined) return undefined;
    const url = parseUrl(`${secure ? "https" : "http"}://${host}${target}`);
    if (isPlain && url !== undefined) known = { host, secure, origin: url.origin };
    return url?.href;
  }
  // §5.3.2: an absolute target overrides the Host header.
  const url = parseUrl(target);
  if (url === undefined || !isAbsolute(target) || url.username !== "" || url.password !== "") return undefined;
  url.protocol = secure ? "https:" : "http:";
  return url.href;
}

/** The path of an `http:` or `https:` URL whose host is known to be well-formed; undefined where it is no URL. */
export function pathOf(url: string): string | undefined {
  return PLAIN_URL.exec(url)?.[1] ?? parseUrl(url)?.pathname;
}

/** `ws:` and `wss:` too: that is what some clients write. */
function isAbsolute(target: string): boolean {
  const scheme = target.slice(0, target.indexOf("://") + 3).toLowerCase();
  return scheme === "http://" || scheme === "https://" || scheme === "ws://" || scheme === "wss://";
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
