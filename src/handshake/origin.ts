/**
 * Which pages may open a WebSocket here (RFC 6455 §10.2, RFC 6454 §7): the `Origin` header against a rule that is
 * compiled once. A client that sends no `Origin` is no page, and passes. Knows nothing of what is refused, or how.
 */

import { parseAuthority } from "./authority.ts";

/**
 * The option `origins` as a function: whether a page may connect. `origin` is as it was sent (`"null"` too; RFC 6454 §7),
 * `host` as in the Host header. Must answer a boolean, at once: anything else, a promise too, is a `TypeError`, and a 500.
 */
export type OriginCheck = (origin: string, host: string) => boolean;

/**
 * The option `origins`: either a list, which then replaces the rule of the same origin, or a check of your own. An entry is an origin
 * (`"https://example.com"`), or a pattern with one `*` in the first label of its host: `"https://*.example.com"` takes
 * sub-domains of any depth but not `example.com` itself, `"https://app-*.example.com"` what fits into that label.
 */
export type Origins = readonly string[] | OriginCheck;

/** The compiled rule: `origin` is null when the client sent none. */
export type OriginRule = (origin: string | null, host: string) => boolean;

/**
 * An `OriginCheck` that lets every page in the world open a WebSocket here, with the cookies of whoever looks at it
 * (RFC 6455 §10.2).
 */
export const allowAnyOrigin: OriginCheck = (): boolean => true;

interface Origin {
  readonly scheme: string;
  readonly host: string;
  /** Undefined when the scheme has no default and none was told. */
  readonly port: number | undefined;
}

/** `prefix*suffix` for the host; the suffix begins with a dot when sub-domains of any depth are meant. */
interface Pattern extends Origin {
  readonly prefix: string;
  readonly suffix: string;
  readonly deep: boolean;
}

/**
 * Compiles the option; undefined is the rule of the same origin.
 *
 * @throws {TypeError} when an entry is neither an origin nor a pattern, naming it
 */
export function compileOrigins(origins: Origins | undefined): OriginRule {
  if (origins === undefined) return (origin, host) => origin === null || sameOrigin(origin, host);
  if (typeof origins === "function") {
    return (origin, host) => origin === null || ask(origins, origin, host);
  }
  if (!Array.isArray(origins)) {
    throw new TypeError('Cannot use the option "origins": it is neither a list nor a function');
  }

  const exact = new Set<string>();
  const patterns: Pattern[] = [];
  for (const entry of origins as readonly string[]) {
    const pattern = compilePattern(entry);
    if (pattern !== undefined) patterns.push(pattern);
    else exact.add(key(parseOrigin(entry) ?? refuse(entry, 'it is not an origin such as "https://example.com"')));
  }
  return (text, _host) => {
    if (text === null) return true;
    const origin = parseOrigin(text);
    return origin !== undefined && (exact.has(key(origin)) || patterns.some((pattern) => matches(pattern, origin)));
  };
}

/**
 * The default rule, to build on: whether `origin` names the host and port of the Host header. The scheme is not compared, because TLS may end at a
 * proxy; it only tells which port is meant by none. `"null"` and what is ill-formed are nobody's origin.
 */
export function sameOrigin(origin: string, host: string): boolean {
  const from = parseOrigin(origin);
  const to = parseAuthority(host);
  if (from === undefined || to === undefined) return false;
  return from.host === to.host && from.port === (to.port ?? defaultPort(from.scheme));
}

function ask(check: OriginCheck, origin: string, host: string): boolean {
  const answer: unknown = check(origin, host);
  // A promise is truthy: an asynchronous check would let everybody in.
  if (typeof answer !== "boolean") throw new TypeError('Cannot use the option "origins": it did not answer a boolean');
  return answer;
}

function compilePattern(entry: string): Pattern | undefined {
  if (typeof entry !== "string") return refuse(String(entry), "it is not a string");
  const star = entry.indexOf("*");
  if (star === -1) return undefined;
  // With a letter in place of the star a pattern is an origin like any other.
  const origin = parseOrigin(`${entry.slice(0, star)}x${entry.slice(star + 1)}`);
  const at = star - (entry.indexOf("://") + 3);
  if (origin === undefined || at < 0) return refuse(entry, 'it is not a pattern such as "https://*.example.com"');

  const prefix = origin.host.slice(0, at);
  const suffix = origin.host.slice(at + 1);
  if (at >= origin.host.length || prefix.includes(".") || prefix.startsWith("[")) {
    return refuse(entry, 'a "*" may only stand in the first label of the host');
  }
  const deep = prefix === "" && suffix.startsWith(".");
  const labelsBehind = suffix.split(".").length - 1;
  // "*example.com" would take "evilexample.com", and "*" everything.
  if (labelsBehind < (deep ? 1 : 2) || suffix.endsWith(".")) {
    return refuse(entry, 'its "*" would take the domains of strangers');
  }
  return { ...origin, prefix, suffix, deep };
}

function matches(pattern: Pattern, origin: Origin): boolean {
  const { prefix, suffix } = pattern;
  if (origin.scheme !== pattern.scheme || origin.port !== pattern.port) return false;
  if (origin.host.length <= prefix.length + suffix.length) return false;
  if (!origin.host.startsWith(prefix) || !origin.host.endsWith(suffix)) return false;
  return pattern.deep || !origin.host.slice(prefix.length, -suffix.length).includes(".");
}

function parseOrigin(text: string): Origin | undefined {
  const end = text.indexOf("://");
  const scheme = text.slice(0, Math.max(end, 0)).toLowerCase();
  if (!isScheme(scheme)) return undefined;
  const authority = parseAuthority(text.slice(end + 3));
  return authority && { scheme, host: authority.host, port: authority.port ?? defaultPort(scheme) };
}

/** A letter, then letters, digits, `+`, `-` and `.` (RFC 3986 §3.1), in lower case. */
function isScheme(scheme: string): boolean {
  for (let at = 0; at < scheme.length; at++) {
    const code = scheme.charCodeAt(at);
    const letter = code >= 0x61 && code <= 0x7a;
    const other = (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (!letter && (at === 0 || !other)) return false;
  }
  return scheme !== "";
}

function defaultPort(scheme: string): number | undefined {
  if (scheme === "https" || scheme === "wss") return 443;
  return scheme === "http" || scheme === "ws" ? 80 : undefined;
}

function key({ scheme, host, port }: Origin): string {
  return `${scheme}://${host}:${port ?? ""}`;
}

function refuse(entry: string, reason: string): never {
  throw new TypeError(`Cannot use ${JSON.stringify(entry)} in the option "origins": ${reason}`);
}
