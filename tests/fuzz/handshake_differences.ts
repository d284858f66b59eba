/** As differences.ts, of requests and of lists of extensions. */

import type { Difference } from "./differences.ts";
import type { Opened } from "./ws_handshake.ts";

/** A request as both have judged it. */
export interface Judged {
  readonly headers: Headers;
  readonly ours: Opened | undefined;
  /** Why we refused it. */
  readonly refusal: string | undefined;
  readonly theirs: Opened | undefined;
  /** What ws makes of it without that header. */
  readonly open: (without: string) => Opened | undefined;
}

export const HANDSHAKE_DIFFERENCES: readonly Difference<Judged>[] = [
  {
    name: "a request without a well-formed Host, without a Connection, of HTTP/1.0, or with a body",
    why: "RFC 6455 §4.2.1: we refuse it. ws leaves all this to node:http.",
    explains: ({ refusal = "" }) => /Host header|HTTP\/1\.1|Connection header|has no body/.test(refusal),
  },
  {
    name: "another way to write version 13, or version 8",
    why: "RFC 6455 §4.2.1 has 13. ws takes what JavaScript reads as that number, and a draft of before the RFC.",
    explains: ({ refusal, headers }) =>
      refusal?.includes("version 13") === true && [13, 8].includes(Number(headers.get("sec-websocket-version"))),
  },
  {
    name: "a key with stray bits",
    why: "RFC 6455 §4.2.1: base64 of 16 bytes, whose last letter before the == carries two bits. ws lets it carry six.",
    explains: ({ refusal, headers }) =>
      refusal?.includes("Sec-WebSocket-Key") === true &&
      /^[+/\w]{21}[^AQgw]==$/.test(headers.get("sec-websocket-key") ?? ""),
  },
  {
    name: "an Upgrade header with more than WebSocket",
    why: "RFC 9110 §7.8: it is a list of products, perhaps with versions. ws takes a bare websocket only.",
    explains: ({ ours, theirs, headers }) =>
      ours !== undefined && theirs === undefined && headers.get("upgrade")?.toLowerCase() !== "websocket",
  },
  {
    name: "extensions that cannot be agreed on",
    why: "RFC 7692 §5.1: an offer that is wrong is declined, and the next one may do. ws refuses the request with 400.",
    explains: ({ ours, theirs, headers, open }) =>
      ours !== undefined && theirs === undefined && headers.has("sec-websocket-extensions") &&
      open("sec-websocket-extensions")?.protocol === ours.protocol,
  },
  {
    name: "a window that we cannot keep, or that is not written as the RFC wants",
    why:
      "RFC 7692 §7.1.2: we decline 8 bits for the server, which zlib does not keep, and numbers in other forms than its.",
    explains: ({ ours, theirs, headers }) =>
      ours !== undefined && theirs?.deflate !== undefined && ours.protocol === theirs.protocol &&
      /window_bits\s*=/.test(headers.get("sec-websocket-extensions") ?? "") && ours.deflate !== theirs.deflate,
  },
];

/** A list of extensions as both have read it, written in one way; undefined: not at all. */
export interface ListRead {
  readonly header: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

export const LIST_DIFFERENCES: readonly Difference<ListRead>[] = [
  {
    name: "space around the = of a parameter or the whole list, and empty elements of it",
    why: "RFC 6455 §9.1 has the list rule of RFC 2616 §2.1, which allows both. ws refuses them.",
    explains: ({ header, ours, theirs }) =>
      ours !== undefined && theirs === undefined && /\s=|=\s|^\s*,|,\s*,|,\s*$|^\s|\s$/.test(header),
  },
];
