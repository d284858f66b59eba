/**
 * The option `proxy`: an HTTP proxy by its URL, what it is told beside the target, and the credentials in the URL
 * (RFC 7617). Connects to nothing, and repeats no secret in a refusal.
 */

import { basicAuthorization, problemOf } from "../auth/authorization.ts";
import { checkNames, wrongKind } from "../option_check.ts";
import type { DialTarget } from "../transport/dialer.ts";
import { type CheckedHeaders, checkHeaders } from "./header_option.ts";

/** The option `proxy` as an object: an HTTP proxy (RFC 9110 §9.3.6), and what it is told. */
export interface ProxyOptions {
  /**
   * `http:`, or `https:` for TLS to the proxy, with its host and port. A user name and a password in it, percent-encoded,
   * become `Proxy-Authorization: Basic`.
   */
  readonly url: string | URL;
  /** Headers for the proxy, which the server does not see. Default: none. */
  readonly headers?: Headers | Readonly<Record<string, string | readonly string[]>>;
}

/** An HTTP proxy, checked. */
export interface HttpProxy {
  readonly dial: DialTarget;
  /** For the proxy alone: they may hold its password. */
  readonly headers: CheckedHeaders;
}

/** The option `proxy`, checked. */
export type ProxySetting = HttpProxy | "environment" | undefined;

const OPTION = 'the option "proxy"';
const AUTHORIZATION = "proxy-authorization";

/**
 * Checks the option `proxy`.
 *
 * @throws {TypeError} when it cannot be used
 */
export function checkProxy(proxy: unknown): ProxySetting {
  if (proxy === undefined || proxy === "environment") return proxy;
  if (typeof proxy === "string" || proxy instanceof URL) return parseProxy(proxy, OPTION);
  const { url, headers } = Object(proxy) as Partial<ProxyOptions>;
  if (Array.isArray(proxy) || !(typeof url === "string" || url instanceof URL)) {
    throw wrongKind("proxy", 'a URL, "environment", or an object with a "url"');
  }
  checkNames(proxy as ProxyOptions, ["url", "headers"], undefined, "proxy.");
  const { dial, headers: credentials } = parseProxy(url, OPTION);
  const objection = (name: string): string | undefined =>
    credentials.length > 0 && name === AUTHORIZATION ? "is set by the URL too" : undefined;
  return { dial, headers: [...credentials, ...checkHeaders("proxy.headers", headers, objection)] };
}

/**
 * A proxy by its URL.
 *
 * @param what what holds the URL, for a refusal
 * @throws {TypeError} when it cannot be used; neither its message nor its cause repeats the URL, which may hold a password
 */
export function parseProxy(url: string | URL, what: string): HttpProxy {
  const refuse = (reason: string): never => {
    throw new TypeError(`Cannot use ${what}: ${reason}`);
  };
  const parsed = parse(url) ?? refuse("it is not a URL");
  const { protocol, hostname, port, pathname, search, hash, username, password } = parsed;
  if (protocol !== "http:" && protocol !== "https:") refuse('its scheme is not "http:" or "https:"');
  if (pathname !== "/" || search !== "" || hash !== "") refuse("its URL has more than a host and a port");
  const secure = protocol === "https:";
  return {
    dial: {
      hostname: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
      port: port === "" ? (secure ? 443 : 80) : Number(port),
      secure,
      isProxy: true,
    },
    headers: username === "" && password === "" ? [] : [["Proxy-Authorization", basic(username, password, refuse)]],
  };
}

/** The credentials of a URL, where they are percent-encoded. */
function basic(username: string, password: string, refuse: (reason: string) => never): string {
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      return refuse("its user name or password has a broken percent escape");
    }
  };
  const credentials = { username: decode(username), password: decode(password) };
  if (problemOf(credentials) !== undefined) {
    refuse("its user name has a colon, or it or the password a control character");
  }
  return basicAuthorization(credentials);
}

/** Not by `URL.canParse`: Node 20.20 says false of a URL that is not ASCII once that call is optimised. */
function parse(url: string | URL): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
