/**
 * `host[:port]` as it stands in a Host header and in an origin (RFC 3986 §3.2). Refuses user information and everything
 * that would end the authority early. Resolves no name.
 */

/** A host, and perhaps a port. */
export interface Authority {
  /** In lower case; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** 0 to 65 535, undefined when it is not told. */
  readonly port: number | undefined;
}

/** Undefined when `text` is not exactly one host with at most one port, as when two Host headers were joined. */
export function parseAuthority(text: string): Authority | undefined {
  const hostEnd = text.startsWith("[") ? text.indexOf("]") + 1 : endOfName(text);
  if (hostEnd === 0) return undefined;
  const host = text.slice(0, hostEnd).toLowerCase();
  if (host.startsWith("[") && !isAddress(host)) return undefined;
  if (hostEnd === text.length) return { host, port: undefined };
  if (text[hostEnd] !== ":") return undefined;
  const digits = text.slice(hostEnd + 1);
  // RFC 3986 §3.2.3: an empty port is no port.
  if (digits === "") return { host, port: undefined };
  const port = parsePort(digits);
  return port === undefined ? undefined : { host, port };
}

/** `hostname`, an IPv6 address without its brackets, and `port` as one text. */
export function writeAuthority(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function endOfName(text: string): number {
  let at = 0;
  while (at < text.length && isNameCharacter(text.charCodeAt(at))) at++;
  return at;
}

/** Letters, digits, `-`, `.` and `_`: what names are made of once a browser has put them in order. */
function isNameCharacter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) ||
    code === 0x2d || code === 0x2e || code === 0x5f;
}

/** Whether only the characters of an IPv6 address stand between the brackets. */
function isAddress(host: string): boolean {
  for (let at = 1; at < host.length - 1; at++) {
    const code = host.charCodeAt(at);
    const hex = (code >= 0x30 && code <= 0x3a) || (code >= 0x61 && code <= 0x66); // the colon follows the 9
    if (!hex && code !== 0x2e) return false;
  }
  return host.length > 3;
}

function parsePort(digits: string): number | undefined {
  if (digits.length > 5) return undefined;
  let port = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
  }
  return port <= 65_535 ? port : undefined;
}
