/** The small parsers of what a peer, a proxy or a user has written: they say what is so, and never throw. */

import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { parseProxy } from "../../src/client/http_proxy.ts";
import { isNamedBy } from "../../src/client/no_proxy.ts";
import { boundReason, checkClose, isCloseCode } from "../../src/close_code.ts";
import { parseAuthority, writeAuthority } from "../../src/handshake/authority.ts";
import { senderOf } from "../../src/handshake/forwarded.ts";
import { isToken, parseElements, parseTokens, trimSpace } from "../../src/handshake/header_grammar.ts";
import { compileRanges, networkOf, parseAddress } from "../../src/handshake/ip_range.ts";
import { compileOrigins, sameOrigin } from "../../src/handshake/origin.ts";
import { pathOf, requestUrl } from "../../src/handshake/request_target.ts";
import { parseProtocols } from "../../src/handshake/subprotocol.ts";
import { quote } from "../../src/printable.ts";
import { readClosePayload, writeClosePayload } from "../../src/protocol/close_payload.ts";
import { handlerName, isErrorHandler, reachedAs } from "../../src/service/handler_name.ts";
import type { Random } from "../support/random.ts";
import { mutated } from "./mutated.ts";
import { type Property, type Sample, sampleOf } from "./property.ts";

const TEXTS = [
  "example.com:8080",
  "[2001:db8::1]:443",
  "https://example.com",
  "https://chat.example.com:444",
  "http://user:secret@example.com//a/../b?c#d",
  "/chat/%7eada;x=1/%00?q=%ff",
  "//elsewhere/x",
  "10.0.0.1",
  "::ffff:1.2.3.4",
  "10.0.0.0/8",
  "for=192.0.2.43;proto=https, for=10.0.0.7",
  'for="[2001:db8:cafe::17]:4711"',
  "203.0.113.7, 10.0.0.7",
  "*.example.com, .example.org:8080 10.0.0.0/8",
  "chat, superchat",
  'permessage-deflate; a="b\\c"; d',
  "price.get",
  "un-subscribe e\u0301t\u00e9",
  "ada:p%40ss",
];

export const TEXT_PROPERTIES: readonly Property[] = [
  {
    name: "the small parsers say what is so, and never throw",
    kind: "texts",
    make: (random) => sampleOf(random, () => mutated(random, "texts", texts(random), texts(random))),
    check: areRead,
  },
];

function texts(random: Random): string[] {
  return Array.from({ length: 2 + random.below(3) }, () => random.oneIn(6) ? random.text(12) : random.pick(TEXTS));
}

function areRead({ steps, seed }: Sample): string | undefined {
  for (const [i, text] of steps.entries()) {
    const other = steps[(i + 1) % steps.length]!;
    for (const [name, wrong] of Object.entries(RULES)) {
      const problem = wrong(text, other, seed);
      if (problem !== undefined) return `${name} of ${JSON.stringify([text, other])}: ${problem}`;
    }
  }
  return undefined;
}

const trusts = compileRanges(["10.0.0.0/8", "fd00::/8"]);
const ofExample = compileOrigins(["https://example.com", "https://*.example.com"]);

/** What UTF-8 makes of it: a character that was cut in half is another one. */
function wellFormed(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
}

/** Each says what is wrong with what is made of a text and another one. */
const RULES: Record<string, (text: string, other: string, seed: number) => string | undefined> = {
  authority(text) {
    const read = parseAuthority(text);
    if (read === undefined) return undefined;
    const again = parseAuthority(writeAuthority(read.host.replace(/^\[|\]$/g, ""), read.port ?? 80));
    return again?.host === read.host && again.port === (read.port ?? 80) ? undefined : "written, it is another one";
  },
  origin(text, other) {
    sameOrigin(text, other);
    if (!ofExample(text, other)) return undefined;
    // A browser's view of it.
    const { protocol, hostname } = new URL(text);
    const isOurs = protocol === "https:" && (hostname === "example.com" || hostname.endsWith(".example.com"));
    return isOurs ? undefined : `it lets ${hostname} in`;
  },
  target(text, other) {
    const asked = requestUrl(text, other, false);
    if (asked === undefined) return undefined;
    const url = new URL(asked);
    if (url.href !== asked || pathOf(asked) !== url.pathname) return `it is written ${asked}`;
    if (url.protocol !== "http:" || url.hash !== "" || url.username !== "" || url.password !== "") return url.href;
    // What a client writes behind the slash must not name another host.
    const host = text.startsWith("/") ? new URL(`http://${other}/`).host : url.host;
    return url.host === host ? undefined : `it asks ${url.host}`;
  },
  address(text) {
    // A zone may be empty here, and be any.
    if (text.includes("%")) return undefined;
    if ((parseAddress(text) !== undefined) !== (isIP(text) !== 0)) return "node:net says another thing";
    return networkOf(text) === undefined && isIP(text) !== 0 ? "it is in no network" : undefined;
  },
  range(text, other) {
    try {
      compileRanges([text])(other);
      return undefined;
    } catch (error) {
      return error instanceof TypeError ? undefined : `it threw ${String(error)}`;
    }
  },
  "NO_PROXY"(text, other) {
    isNamedBy(text, { hostname: other, port: 80, secure: false });
    return isNamedBy(`${text},*`, { hostname: other, port: 80, secure: false }) ? undefined : "* is not everybody";
  },
  forwarded(text, other) {
    const headers = new Map([["forwarded", text], ["x-forwarded-for", other], ["x-forwarded-proto", text]]);
    const get = (name: string): string | null => headers.get(name) ?? null;
    const stranger = { remoteAddress: "192.0.2.1", secure: true };
    if (senderOf(stranger, { get }, trusts) !== stranger) return "a stranger was believed";
    const { remoteAddress = "" } = senderOf({ remoteAddress: "10.0.0.1", secure: false }, { get }, trusts);
    return parseAddress(remoteAddress) === undefined ? `the sender is ${remoteAddress}` : undefined;
  },
  list(text) {
    const [tokens, elements, protocols] = [parseTokens(text), parseElements(text), parseProtocols(text)];
    if (isToken(text) && (tokens?.[0] !== text || elements?.[0]?.name !== text)) return "a token is no list of one";
    if (tokens !== undefined && !tokens.every(isToken)) return "an element is no token";
    if (protocols !== undefined && new Set(protocols).size < protocols.length) return "a protocol twice";
    const names = elements?.map(({ name }) => name);
    // Without parameters it is the same list.
    const isBare = elements?.every(({ parameters }) => parameters.length === 0) === true;
    if (isBare && JSON.stringify(names) !== JSON.stringify(tokens)) return `${names} and ${tokens}`;
    return trimSpace(trimSpace(text)) === trimSpace(text) ? undefined : "it can be trimmed twice";
  },
  quote(text) {
    const quoted = quote(text);
    // deno-lint-ignore no-control-regex
    return /[\x00-\x1f\x7f-\x9f]/.test(quoted) || quoted.length > 6 * 66 + 2 ? "a terminal would obey it" : undefined;
  },
  "close frame"(text, _other, seed) {
    const code = [1000, 1001, 1003, 1007, 1014, 3000, 4999, seed % 5_000][seed % 8]!;
    if (!isCloseCode(code)) return undefined;
    const reason = boundReason(text);
    checkClose(code, reason);
    if (!text.startsWith(reason)) return "the reason is another one";
    const read = readClosePayload(writeClosePayload(code, reason));
    return read.code === code && read.reason === wellFormed(reason) ? undefined : "read again, it is another one";
  },
  "handler's name"(text) {
    const name = handlerName(text);
    if (name === undefined || isErrorHandler(name)) return undefined;
    return name.startsWith("on") && reachedAs(name) === name ? undefined : `no word leads to ${name}`;
  },
  proxy(text) {
    const secret = encodeURIComponent(wellFormed(text));
    try {
      const { headers } = parseProxy(`http://ada:${secret}@proxy:3128`, "it");
      const sent = new TextDecoder().decode(Buffer.from(headers[0]![1].replace("Basic ", ""), "base64"));
      return sent === `ada:${wellFormed(text)}` ? undefined : `it sends ${sent}`;
    } catch (error) {
      if (!(error instanceof TypeError)) return `it threw ${String(error)}`;
      return text.length > 8 && error.message.includes(text) ? "the refusal tells the password" : undefined;
    }
  },
};
