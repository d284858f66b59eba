/**
 * The server's half of the opening handshake (RFC 6455 §4.2): judge the request, build the 101, or build the refusal.
 * Knows no socket, no route and no service; what it tells a peer is one plain sentence.
 */

import { concat, EMPTY, encodeUtf8 } from "../bytes.ts";
import { quote } from "../printable.ts";
import { isValidKey } from "./accept_key.ts";
import { parseAuthority } from "./authority.ts";
import { type Extension, parseExtensions, serializeExtensions } from "./extension_offer.ts";
import { hasProduct, hasToken, isToken } from "./header_grammar.ts";
import { type HeaderLines, serializeResponse, serializeSwitch } from "./http_head.ts";
import type { Refusal } from "./refusal.ts";
import { isReservedHeader } from "./reserved_header.ts";
import { parseProtocols } from "./subprotocol.ts";

/** What a request says before anybody asks what it is for. */
export interface HandshakeRequest {
  /** As it was sent: upper case means something else than lower case. */
  readonly method: string;
  /** Such as `"1.1"`. */
  readonly httpVersion: string;
  /** A `Headers`, or whatever finds a header by its lower-case name; repeated ones joined by `", "`, `Host` too. */
  readonly headers: { get(name: string): string | null };
  /** Whether a body came that the headers do not tell of. */
  readonly hasBody?: boolean;
}

/** What a valid request asks for. */
export interface HandshakeTerms {
  /** Base64 of 16 bytes. */
  readonly key: string;
  /** The sub-protocols offered, the client's favourite first. */
  readonly protocols: readonly string[];
  /** The extensions offered. To decline one is to leave it out of the answer. */
  readonly extensions: readonly Extension[];
  /** The Host header, well-formed. */
  readonly host: string;
  /** The Origin header as it was sent. */
  readonly origin: string | null;
}

/** The terms of a 101. */
export interface UpgradeAnswer {
  /** What `acceptKey` made of the request's key. */
  readonly accept: string;
  /** The sub-protocol, one of those offered. */
  readonly protocol?: string | undefined;
  /** The extensions agreed on. None by default. */
  readonly extensions?: readonly Extension[];
  /** Headers to add, `Set-Cookie` as often as it is there. */
  readonly headers?: HeaderLines | undefined;
}

/** Bytes of a refusal's body; what is longer is cut there. */
export const MAX_REFUSAL_BODY = 65_536;

/** Judges a request that asks for an upgrade. Never throws, whatever the headers hold. §4.2.1 */
export function judgeRequest(request: HandshakeRequest): HandshakeTerms | Refusal {
  const { headers } = request;
  // A method that needs a body comes first: its sender is told what is wrong, not that bodies are.
  if (request.method !== "GET") {
    return { status: 405, headers: [["Allow", "GET"]], message: "The method of an upgrade is GET" };
  }
  if (request.httpVersion !== "1.1") return bad("An upgrade needs HTTP/1.1");

  const host = headers.get("host");
  if (host === null || parseAuthority(host) === undefined) return bad("An upgrade needs one well-formed Host header");
  if (!hasProduct(headers.get("upgrade") ?? "", "websocket")) return bad('The Upgrade header has no "websocket"');
  if (!hasToken(headers.get("connection") ?? "", "upgrade")) return bad('The Connection header has no "Upgrade"');
  if (headers.get("sec-websocket-version") !== "13") return WRONG_VERSION;
  const key = headers.get("sec-websocket-key");
  if (key === null || !isValidKey(key)) return bad("An upgrade needs one Sec-WebSocket-Key of 16 bytes in base64");
  if (request.hasBody === true || announcesBody(headers)) return bad("An upgrade has no body");

  const protocols = parseProtocols(headers.get("sec-websocket-protocol"));
  if (protocols === undefined) return bad("The Sec-WebSocket-Protocol header is not a list of distinct tokens");
  const extensions = parseExtensions(headers.get("sec-websocket-extensions"));
  if (extensions === undefined) return bad("The Sec-WebSocket-Extensions header is ill-formed");
  return { key, protocols, extensions, host, origin: headers.get("origin") };
}

/** Whether `judgeRequest` said no. */
export function isRefusal(verdict: HandshakeTerms | Refusal): verdict is Refusal {
  return "status" in verdict;
}

// §4.2.2 names our version; RFC 7231 §6.5.15 demands the Upgrade header of a 426.
const WRONG_VERSION: Refusal = {
  status: 426,
  headers: [["Sec-WebSocket-Version", "13"], ["Upgrade", "websocket"], ["Connection", "Upgrade"]],
  message: "This server speaks version 13 of the WebSocket protocol",
};

function bad(message: string): Refusal {
  return { status: 400, headers: [], message };
}

function announcesBody(headers: HandshakeRequest["headers"]): boolean {
  if (headers.get("transfer-encoding") !== null) return true;
  const length = headers.get("content-length");
  return length !== null && length !== "0";
}

/**
 * The bytes of the 101, which are the caller's. §4.2.2
 *
 * @throws {TypeError} when the sub-protocol is not a token, or a header is ill-formed or belongs to the handshake
 */
export function answerUpgrade(answer: UpgradeAnswer): Uint8Array {
  const { accept, protocol, extensions = [], headers = [] } = answer;
  if (protocol !== undefined && !isToken(protocol)) {
    throw new TypeError(`Cannot answer the upgrade: the sub-protocol ${quote(protocol)} is not a token`);
  }
  const added: (readonly [string, string])[] = [];
  for (const line of headers) {
    if (isReservedHeader(line[0])) {
      throw new TypeError(`Cannot answer the upgrade: the header ${quote(line[0])} belongs to the handshake`);
    }
    added.push(line);
  }
  let lines = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
  if (protocol !== undefined) lines += `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  if (extensions.length > 0) lines += `Sec-WebSocket-Extensions: ${serializeExtensions(extensions)}\r\n`;
  return serializeSwitch(lines, added);
}

/** A refusal as a platform's `Response`, for a host that answers with those. */
export function refusalResponse(refusal: Refusal): Response {
  const response = new Response(refusal.message, { status: refusal.status, statusText: reasonOf(refusal.status) });
  for (const [name, value] of refusal.headers) response.headers.set(name, value);
  return response;
}

/** The bytes of a refusal, which are the caller's. The connection ends behind them. */
export function serializeRefusal(refusal: Refusal): Uint8Array {
  const headers: HeaderLines = [["Content-Type", "text/plain;charset=utf-8"], ...refusal.headers];
  const body = encodeUtf8(refusal.message);
  return serializeLast(refusal.status, reasonOf(refusal.status), headers, body, true);
}

/**
 * The bytes of any `Response`, which are the caller's. The connection ends behind them. At most 64 KiB of the body are
 * sent, the rest is cancelled; with `omitBody` (a HEAD) only its length is told. Reads the body, and takes as long.
 *
 * Rejects with the body's error, or with a `RangeError` for `Response.error()`.
 */
export async function serializeRejection(response: Response, omitBody = false): Promise<Uint8Array> {
  const body = await readBounded(response.body, MAX_REFUSAL_BODY);
  return serializeLast(
    response.status,
    response.statusText || reasonOf(response.status),
    response.headers,
    body,
    !omitBody,
  );
}

function serializeLast(
  status: number,
  reason: string,
  headers: HeaderLines,
  body: Uint8Array,
  withBody: boolean,
): Uint8Array {
  const lines: (readonly [string, string])[] = [];
  let upgrades = false;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (lower === "connection") upgrades = hasToken(value, "upgrade");
    else if (!FRAMING.has(lower)) lines.push([name, value]);
  }
  lines.push(["Connection", upgrades ? "Upgrade, close" : "close"]);
  // RFC 7230 §3.3.2 forbids a length on 204, and a body on 304.
  const bodiless = status === 204 || status === 304;
  if (!bodiless) lines.push(["Content-Length", String(body.length)]);
  return serializeResponse(status, reason, lines, withBody && !bodiless ? body : undefined);
}

/** What tells how long an answer is: only we know. */
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "trailer", "keep-alive"]);

async function readBounded(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (stream === null) return EMPTY;
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const chunk = value.subarray(0, limit - size);
    chunks.push(chunk);
    size += chunk.length;
    if (size < limit) continue;
    // The source's answer to being cancelled is nobody's concern: the bytes are here.
    reader.cancel().catch(() => {});
    break;
  }
  return concat(...chunks);
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [410, "Gone"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [426, "Upgrade Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [503, "Service Unavailable"],
]);

/** The reason phrase of a status, empty when it is none of those a listener answers with by itself. */
export function reasonOf(status: number): string {
  return REASONS.get(status) ?? "";
}
