/**
 * IP addresses and ranges of them in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.2 and §2.3), as text. An IPv4 address that
 * is written as IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address. Asks no network and resolves no name.
 */

/** Where an IPv4 address lies among the 16 bytes of an IPv6 one. */
const V4_AT = 12;
/** What stands before it: ten bytes of 0 and two of 255. */
const V4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** Whether an address lies in one of some ranges. What is no address lies in none. */
export type RangeCheck = (address: string) => boolean;

/**
 * The check for `ranges`, such as `10.0.0.0/8`, `::1` or `fd00::/8`.
 *
 * @throws {TypeError} naming the first that is none
 */
export function compileRanges(ranges: readonly string[]): RangeCheck {
  const compiled = ranges.map(parseRange);
  return (address) => {
    const bytes = parseAddress(address);
    return bytes !== undefined && compiled.some(({ base, bits }) => sharesBits(bytes, base, bits));
  };
}

/**
 * What counts as one place that connects: an IPv4 address, or the first 64 bits of an IPv6 one, all of whose addresses are
 * one customer's (RFC 6177 §2). Undefined when `address` is none.
 */
export function networkOf(address: string): string | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined) return undefined;
  return (isV4(bytes) ? bytes.subarray(V4_AT) : bytes.subarray(0, IPV6_NETWORK)).join(".");
}

/** Bytes of an IPv6 address that name a network (RFC 4291 §2.5.4). */
const IPV6_NETWORK = 8;

function isV4(bytes: Uint8Array): boolean {
  return V4_PREFIX.every((byte, i) => bytes[i] === byte);
}

interface Range {
  readonly base: Uint8Array;
  /** How many bits of it count, of 128. */
  readonly bits: number;
}

function parseRange(text: string): Range {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const base = parseAddress(address);
  const most = address.includes(":") ? 128 : 32;
  const bits = slash === -1 ? most : parseNumber(text.slice(slash + 1), most);
  if (base === undefined || bits === undefined) {
    throw new TypeError(`${JSON.stringify(text)} is no IP address and no range of them, such as "10.0.0.0/8"`);
  }
  return { base, bits: bits + 128 - most };
}

function sharesBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (a[whole]! ^ b[whole]!) >> (8 - rest) === 0;
}

/** Its 16 bytes, undefined when `text` is no address. A zone behind `%` is not looked at (RFC 4007 §11). */
export function parseAddress(text: string): Uint8Array | undefined {
  const zone = text.indexOf("%");
  const address = zone === -1 ? text : text.slice(0, zone);
  if (!address.includes(":")) {
    const v4 = zone === -1 ? parseV4(address) : undefined;
    return v4 && Uint8Array.from([...V4_PREFIX, ...v4]);
  }
  const halves = address.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (head === undefined || halves.length === 2 && tail === undefined) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  // RFC 4291 §2.2: "::" is one group of zeros at least.
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail ?? []]);
}

/** The bytes of groups between colons; `atEnd` the last of them may be an IPv4 address. */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    if (atEnd && i === groups.length - 1 && group.includes(".")) {
      const v4 = parseV4(group);
      if (v4 === undefined || bytes.length > V4_AT) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group) || bytes.length > 14) return undefined;
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split(".").map((part) => parseNumber(part, 255));
  return parts.length === 4 && parts.every((part) => part !== undefined) ? parts as number[] : undefined;
}

/** A decimal number without leading zeros, which some would read as octal. */
function parseNumber(text: string, most: number): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}
