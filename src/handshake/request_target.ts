/**
 * A request target and its Host become one absolute URL (RFC 7230 §5.3 to §5.5). What a client writes there is never
 * resolved as a relative reference: `//elsewhere/x` is a path. Knows no route.
 */

import { parseAuthority } from "./authority.ts";

/**
 * The URL that was asked for, `http:` or `https:`, or undefined when there is none: a target that is neither a path nor
 * absolute, a target with a fragment, or an ill-formed host. A bad percent-escape is kept as it is, for whoever decodes
 * the path.
 */
export function requestUrl(target: string, host: string, secure: boolean): URL | undefined {
  if (target.includes("#")) return undefined; // §5.1: a fragment is never sent
  if (target.startsWith("/")) {
    if (parseAuthority(host) === undefined) return undefined;
    return parseUrl(`${secure ? "https" : "http"}://${host}${target}`);
  }
  // §5.3.2: an absolute target overrides the Host header.
  const url = parseUrl(target);
  if (url === undefined || !isAbsolute(target) || url.username !== "" || url.password !== "") return undefined;
  url.protocol = secure ? "https:" : "http:";
  return url;
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
