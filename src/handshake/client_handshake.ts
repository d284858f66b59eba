/**
 * The client's half of the opening handshake (RFC 6455 §4.1): what to ask, and whether the answer opens a WebSocket.
 * Knows no socket: whoever dialled writes the bytes, reads the head, and has the body of a refusal.
 */

import { InvalidHandshakeError } from "../errors.ts";
import { quote } from "../printable.ts";
import { type Extension, serializeExtensions, verifyExtensions } from "./extension_offer.ts";
import { hasToken } from "./header_grammar.ts";
import { type HeaderLines, type HttpHeadError, type ResponseHead, serializeRequest } from "./http_head.ts";
import { isReservedHeader } from "./reserved_header.ts";
import { validateProtocols, verifyProtocol } from "./subprotocol.ts";

/** What a client asks for. */
export interface HandshakeOffer {
  /** `ws:`, `wss:`, `http:` or `https:`, without user information and fragment. */
  readonly url: URL;
  /** From `createKey`. */
  readonly key: string;
  /** Sub-protocols, the favourite first. None by default. */
  readonly protocols?: readonly string[];
  /** Extensions, the favourite first. None by default. */
  readonly extensions?: readonly Extension[];
  /** The `Origin` header. None by default. */
  readonly origin?: string;
  /** Headers to add. None by default. */
  readonly headers?: HeaderLines;
}

/** What the answer is held against. */
export interface HandshakeExpectation {
  /** What `acceptKey` made of the key. */
  readonly accept: string;
  /** The offer's. */
  readonly protocols?: readonly string[];
  /** The offer's. */
  readonly extensions?: readonly Extension[];
}

/** What both sides agreed on. */
export interface HandshakeAgreement {
  /** Empty for none. */
  readonly protocol: string;
  /** As the server answered them, empty for none. */
  readonly extensions: readonly Extension[];
}

/**
 * The bytes of the request, which are the caller's.
 *
 * @throws {TypeError} when the URL cannot be asked for, a sub-protocol or an extension is ill-formed, or a header is
 * ill-formed or belongs to the handshake
 */
export function serializeOffer(offer: HandshakeOffer): Uint8Array {
  const { url, key, protocols = [], extensions = [], origin, headers = [] } = offer;
  validateUrl(url);
  validateProtocols(protocols);
  const lines: (readonly [string, string])[] = [
    ["Host", url.host], // without the default port
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  if (protocols.length > 0) lines.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  if (extensions.length > 0) lines.push(["Sec-WebSocket-Extensions", serializeExtensions(extensions)]);
  if (origin !== undefined) lines.push(["Origin", origin]);
  for (const [name, value] of headers) {
    if (isReservedHeader(name)) {
      throw new TypeError(`Cannot send the header ${quote(name)}: it belongs to the handshake`);
    }
    if (origin !== undefined && name.toLowerCase() === "origin") {
      throw new TypeError('Cannot send the header "Origin": the option "origin" is set too');
    }
    lines.push([name, value]);
  }
  return serializeRequest("GET", url.pathname + url.search, lines);
}

function validateUrl(url: URL): void {
  if (!["ws:", "wss:", "http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`Cannot connect: the scheme "${url.protocol}" is not "ws:", "wss:", "http:" or "https:"`);
  }
  // The message must not repeat the password.
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("Cannot connect: a user name or password in the URL is not supported");
  }
  // §3: no fragment, not even an empty one.
  if (url.href.includes("#")) throw new TypeError("Cannot connect: the URL has a fragment");
}

/**
 * Holds the server's answer against what was offered.
 *
 * @param readBody reads at most 64 KiB of the answer's body; called only if the error's `body()` is, and not for a 101
 * @throws {InvalidHandshakeError} when the answer opens no WebSocket; its message names the cause
 */
export function judgeAnswer(
  answer: ResponseHead,
  expected: HandshakeExpectation,
  readBody: () => Promise<string>,
): HandshakeAgreement {
  const { status, version, headers } = answer;
  if (status !== 101) {
    const message = `Cannot open the WebSocket: the server answered with status ${status}`;
    throw new InvalidHandshakeError(message, { status, headers, body: readBody });
  }
  const fail = (problem: string): never => {
    throw unusableAnswer(problem, status, headers);
  };

  if (version !== "1.1") fail("the server switched protocols in HTTP/1.0");
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") fail('the answer has no "Upgrade: websocket"');
  if (!hasToken(headers.get("connection") ?? "", "upgrade")) fail('the answer has no "Connection: Upgrade"');
  const accept = headers.get("sec-websocket-accept");
  if (accept === null) fail('the answer has no "Sec-WebSocket-Accept"');
  if (accept !== expected.accept) fail('the answer has a wrong "Sec-WebSocket-Accept"');

  const extended = verifyExtensions(expected.extensions ?? [], headers.get("sec-websocket-extensions"));
  if ("problem" in extended) return fail(extended.problem);
  const chosen = verifyProtocol(expected.protocols ?? [], headers.get("sec-websocket-protocol"));
  if ("problem" in chosen) return fail(chosen.problem);
  return { protocol: chosen.protocol, extensions: extended.extensions };
}

/** The error of an answer that has no usable head, and so neither a status (0) nor headers (none). */
export function unreadableAnswer(cause: HttpHeadError): InvalidHandshakeError {
  return unusableAnswer("the answer is not a usable HTTP head", 0, new Headers(), { cause });
}

/** The error of an answer that opens no WebSocket: `problem` is what is wrong with it. */
export function unusableAnswer(
  problem: string,
  status: number,
  headers: Headers,
  options?: ErrorOptions,
): InvalidHandshakeError {
  const response = { status, headers, body: () => Promise.resolve("") };
  return new InvalidHandshakeError(`Cannot open the WebSocket: ${problem}`, response, options);
}
