/**
 * The option `cookies`: a list that never changes, or a jar that somebody's library keeps; and which cookies of a list a
 * URL gets (RFC 6265 §5.4). Knows no handshake, and stores nothing.
 */

import { ConnectionError } from "../errors.ts";
import { isFieldValue, isToken } from "../handshake/header_grammar.ts";
import { checkNames, type Given, wrongKind } from "../option_check.ts";

/** A cookie of the list in the option `cookies`: its fields are checked like options. */
export interface Cookie {
  /** A token (RFC 6265 §4.1.1). Required. */
  readonly name: string;
  /**
   * What RFC 6265 §4.1.1 allows: visible ASCII without quotes, commas, semicolons and backslashes; quotes may stand around
   * it. For anything else there is `encodeURIComponent`. Required.
   */
  readonly value: string;
  /** The host that gets it, and all below it; an address is itself only. Default: only the host of the client's URL. */
  readonly domain?: string;
  /** Whether the hosts below `domain` do not get it. Default false. */
  readonly hostOnly?: boolean;
  /** The path that gets it, and all below that path. Default `"/"`. */
  readonly path?: string;
  /** Whether only `wss:` gets it. Default false. */
  readonly secure?: boolean;
  /** For a browser: no script may see it. Here it changes nothing. Default false. */
  readonly httpOnly?: boolean;
  /** From when on nobody gets it. Default: never. */
  readonly expires?: Date;
  /** Seconds from the making of the client until nobody gets it any more. Counts before `expires`. Default: never. */
  readonly maxAge?: number;
}

/** The option `cookies` as a jar, which keeps cookies: the `CookieJar` of `tough-cookie`, or any other object of this shape. */
export interface CookieJar {
  /** The value of the Cookie header for `url`, which is an `http:` or `https:` one; empty for none. */
  getCookieString(url: string): string | Promise<string>;
  /**
   * Takes the value of one `Set-Cookie` header that an answer from `url` had. One that it will not keep is no error:
   * `ignoreError` says so to jars that would throw.
   */
  setCookie(setCookie: string, url: string, options: { readonly ignoreError: true }): unknown;
}

/** Cookies to send, and perhaps a place for those that come. */
export interface CookieSource {
  /**
   * The value of the `Cookie` header for `url`, empty for none. May reject with a `ConnectionError`.
   *
   * @param url `ws:` or `wss:`
   * @param home the host of the URL that the client was given
   */
  headerFor(url: URL, home: string): string | Promise<string>;
  /** Takes the `Set-Cookie` headers of an answer from `url`. Rejects with a `ConnectionError` when that fails. */
  keep(setCookies: readonly string[], url: URL): Promise<void>;
}

/**
 * Checks the option, and copies a list.
 *
 * @throws {TypeError} for what is neither, and for a field of the wrong kind or with what no cookie can have
 * @throws {RangeError} for a `maxAge` that is no number of seconds
 */
export function checkCookies(cookies: unknown): CookieSource | undefined {
  if (cookies === undefined) return undefined;
  if (Array.isArray(cookies)) return new CookieList(cookies);
  if (isJar(cookies)) return new Jar(cookies);
  throw wrongKind("cookies", 'a list of cookies, or a jar with "getCookieString" and "setCookie"');
}

/** What a list has to know of each. */
interface Entry {
  /** As it is sent. */
  readonly pair: string;
  /** In the form that `URL.hostname` has; undefined for the host of the client's URL. */
  readonly domain: string | undefined;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  /** Milliseconds as `Date.now` tells them, Infinity for never. */
  readonly expiresAt: number;
}

class CookieList implements CookieSource {
  readonly #entries: readonly Entry[];

  constructor(cookies: readonly unknown[]) {
    const places = new Map<string, number>();
    const entries = cookies.map((cookie, i) => {
      const entry = checkCookie(cookie, `cookies[${i}]`);
      const place = JSON.stringify([entry.pair.split("=", 1), entry.domain, entry.path]);
      const other = places.get(place);
      if (other !== undefined) throw refusal(`cookies[${i}]`, `cookies[${other}] has the same name, domain and path`);
      places.set(place, i);
      return entry;
    });
    // §5.4: longer paths first; those of the same length in the order of the list, as the earlier ones.
    this.#entries = entries.sort((a, b) => b.path.length - a.path.length);
  }

  headerFor(url: URL, home: string): string {
    const now = Date.now();
    const matching = this.#entries.filter(({ domain, hostOnly, path, secure, expiresAt }) =>
      (domain === undefined || hostOnly ? url.hostname === (domain ?? home) : domainMatches(url.hostname, domain)) &&
      pathMatches(url.pathname, path) && (!secure || url.protocol === "wss:") && now < expiresAt
    );
    return matching.map(({ pair }) => pair).join("; ");
  }

  keep(): Promise<void> {
    return Promise.resolve();
  }
}

class Jar implements CookieSource {
  readonly #jar: CookieJar;

  constructor(jar: CookieJar) {
    this.#jar = jar;
  }

  headerFor(url: URL): Promise<string> {
    return ask(async () => {
      const header: unknown = await this.#jar.getCookieString(httpUrl(url));
      if (typeof header === "string" && isFieldValue(header)) return header;
      throw new TypeError("The cookie jar gave what no header can carry");
    });
  }

  keep(setCookies: readonly string[], url: URL): Promise<void> {
    return ask(async () => {
      for (const setCookie of setCookies) await this.#jar.setCookie(setCookie, httpUrl(url), { ignoreError: true });
    });
  }
}

async function ask<Value>(jar: () => Promise<Value>): Promise<Value> {
  try {
    return await jar();
  } catch (cause) {
    throw new ConnectionError("Cannot connect: the cookie jar failed", { cause });
  }
}

/** Jars know the schemes of HTTP only. */
function httpUrl(url: URL): string {
  return url.href.replace(/^ws/, "http");
}

function isJar(value: unknown): value is CookieJar {
  if (typeof value !== "object" || value === null) return false;
  const { getCookieString, setCookie } = value as Partial<CookieJar>;
  return typeof getCookieString === "function" && typeof setCookie === "function";
}

/**
 * §5.1.3. Both are in the form that `URL.hostname` has: there a domain that ends in a number is a whole address, so that
 * no address has a domain above it.
 */
function domainMatches(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/** §5.1.4. */
function pathMatches(asked: string, path: string): boolean {
  return asked === path || (asked.startsWith(path) && (path.endsWith("/") || asked[path.length] === "/"));
}

const NAMES: readonly (keyof Cookie)[] = [
  "name",
  "value",
  "domain",
  "hostOnly",
  "path",
  "secure",
  "httpOnly",
  "expires",
  "maxAge",
];

/** §4.1.1: cookie-octets, all of them perhaps in quotes. */
const VALUE = /^(?:[!#-+\--:<-[\]-~]*|"[!#-+\--:<-[\]-~]*")$/;

/** @param where how the sentence calls it, such as `cookies[1]` */
function checkCookie(cookie: unknown, where: string): Entry {
  if (typeof cookie !== "object" || cookie === null || Array.isArray(cookie)) throw wrongKind(where, "a cookie");
  checkNames(cookie, NAMES, undefined, `${where}.`);
  const { name, value, domain, hostOnly, path = "/", secure, httpOnly, expires, maxAge } = cookie as Given;
  if (typeof name !== "string" || !isToken(name)) throw wrongKind(`${where}.name`, "a token");
  if (typeof value !== "string" || !VALUE.test(value)) {
    throw wrongKind(`${where}.value`, "a text that a cookie can carry, encodeURIComponent makes one");
  }
  for (const [field, flag] of Object.entries({ hostOnly, secure, httpOnly })) {
    if (flag !== undefined && typeof flag !== "boolean") throw wrongKind(`${where}.${field}`, "a boolean");
  }
  if (hostOnly === false && domain === undefined) throw refusal(`${where}.hostOnly`, 'it is false without a "domain"');
  if (typeof path !== "string" || !isPath(path)) throw wrongKind(`${where}.path`, "a path in the form that URLs have");
  return {
    pair: `${name}=${value}`,
    domain: domain === undefined ? undefined : checkDomain(domain, `${where}.domain`),
    hostOnly: hostOnly === true,
    path,
    secure: secure === true,
    expiresAt: checkExpiry(expires, maxAge, where),
  };
}

function checkDomain(domain: unknown, where: string): string {
  // §5.2.3: a dot in front counts for nothing.
  const bare = typeof domain === "string" ? domain.replace(/^\./, "") : "";
  const host = bare.includes(":") && !bare.startsWith("[") ? `[${bare}]` : bare;
  if (/[\s/\\?#@%]|^\.|\.\.|\]./.test(host)) throw wrongKind(where, "a host");
  try {
    return new URL(`ws://${host}/`).hostname;
  } catch {
    throw wrongKind(where, "a host");
  }
}

/** What no URL's path can equal would match nothing, in silence. */
function isPath(path: string): boolean {
  return path.startsWith("/") && new URL(`ws://localhost${path}`).pathname === path;
}

function checkExpiry(expires: unknown, maxAge: unknown, where: string): number {
  if (expires !== undefined && !(expires instanceof Date && !Number.isNaN(expires.getTime()))) {
    throw wrongKind(`${where}.expires`, "a valid Date");
  }
  if (maxAge === undefined) return expires === undefined ? Infinity : expires.getTime();
  if (typeof maxAge !== "number") throw wrongKind(`${where}.maxAge`, "a number of seconds");
  if (!Number.isFinite(maxAge)) throw new RangeError(`Cannot use the option "${where}.maxAge": ${maxAge} is no time`);
  return Date.now() + maxAge * 1_000;
}

function refusal(where: string, reason: string): TypeError {
  return new TypeError(`Cannot use the option "${where}": ${reason}`);
}
