/** Where a URL leads: what to dial, and what to ask there. Knows the schemes; resolves no name. */

import type { DialTarget } from "../transport/dialer.ts";

/** A client's URL, taken apart. */
export interface Target {
  /** As it was given, in its normal form. */
  readonly href: string;
  readonly dial: DialTarget;
  /** What the handshake asks for: `ws:` or `wss:`; for a Unix socket its host is `localhost`. */
  readonly request: URL;
}

/**
 * Takes `url` apart: `ws:`, `wss:`, `http:`, `https:`, or `ws+unix:/path/to.sock:/request/path` for a Unix socket, whose
 * path may be percent-encoded and ends at the first colon.
 *
 * @throws {TypeError} when it is no URL, of another scheme, or has a fragment, a user name or a password
 */
export function parseTarget(url: string | URL): Target {
  const parsed = parseUrl(url, '; use "customHeaders" for them');
  return parsed.protocol === "ws+unix:" ? overUnix(parsed) : overTcp(parsed);
}

/**
 * Where a redirect from `from` to `to` leads: on the same origin through the same Unix socket, if there is one.
 *
 * @param to `ws:` or `wss:`, without a fragment and user information
 */
export function redirectedTarget(from: Target, to: URL): Target {
  if (from.dial.socketPath === undefined || from.request.origin !== to.origin) return overTcp(to);
  const url = new URL(from.href);
  url.pathname = `${url.pathname.split(":", 1)[0]}:${to.pathname}`;
  url.search = to.search;
  return overUnix(url);
}

/**
 * What holds for every URL.
 *
 * @param hint how else to say who one is, for the refusal of a password
 * @throws {TypeError} when it is no URL, or has a fragment, a user name or a password
 */
export function parseUrl(url: string | URL, hint = ""): URL {
  const parsed = parse(url);
  // RFC 6455 §3: no fragment, not even an empty one.
  if (parsed.href.includes("#")) throw new TypeError("Cannot connect: the URL has a fragment");
  // The message must not repeat the password.
  if (parsed.username !== "" || parsed.password !== "") {
    throw new TypeError(`Cannot connect: the URL has a user name or a password${hint}`);
  }
  return parsed;
}

/**
 * `url` with the scheme `ws:` or `wss:`, of which `http:` and `https:` are other names.
 *
 * @throws {TypeError} when its scheme is none of the four
 */
export function webSocketUrl(url: URL): URL {
  const request = new URL(url);
  request.protocol = url.protocol.replace("http", "ws");
  if (/^wss?:$/.test(request.protocol)) return request;
  const schemes = '"ws:", "wss:", "http:", "https:" or "ws+unix:"';
  throw new TypeError(`Cannot connect: the scheme "${url.protocol}" is not ${schemes}`);
}

function parse(url: string | URL): URL {
  try {
    return new URL(url);
  } catch (cause) {
    throw new TypeError(
      `Cannot connect: ${JSON.stringify(String(url))} is not a URL, such as "wss://example.com/chat"`,
      {
        cause,
      },
    );
  }
}

function overTcp(url: URL): Target {
  const request = webSocketUrl(url);
  const secure = request.protocol === "wss:";
  const hostname = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  return { href: url.href, dial: { hostname, port, secure }, request };
}

function overUnix(url: URL): Target {
  const colon = url.pathname.indexOf(":");
  const path = colon === -1 ? url.pathname : url.pathname.slice(0, colon);
  const asked = colon === -1 ? "/" : url.pathname.slice(colon + 1);
  if (url.host !== "" || !path.startsWith("/") || path === "/" || !asked.startsWith("/")) {
    throw new TypeError('Cannot connect: the URL is not of the form "ws+unix:/path/to.sock:/request/path"');
  }
  const request = new URL("ws://localhost/");
  request.pathname = asked;
  request.search = url.search;
  const socketPath = decodePath(path);
  return { href: url.href, dial: { hostname: "localhost", port: 0, secure: false, socketPath }, request };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new TypeError("Cannot connect: the path of the Unix socket has a broken percent escape", { cause });
  }
}
