/**
 * One HTTP/1.1 head, request or answer: bytes to head with limits, head to bytes (RFC 7230 §3). Stricter than it has to
 * be: a line ends in CR LF, nothing is folded, nothing stands before a colon. Knows no header by name, and no body.
 */

import { quote } from "../printable.ts";
import { isFieldValue, isToken, trimSpace } from "./header_grammar.ts";

/** Header lines in the order they are written: a `Headers`, or pairs, whose names then keep their case. */
export type HeaderLines = Iterable<readonly [name: string, value: string]>;

/** The head of a request. */
export interface RequestHead {
  /** A token, its case kept. */
  readonly method: string;
  /** As it was sent: visible ASCII, in whatever form. */
  readonly target: string;
  /** `"1.0"` or `"1.1"`. */
  readonly version: string;
  /** Repeated ones are joined by `", "`, `Host` too. */
  readonly headers: Headers;
}

/** The head of an answer. */
export interface ResponseHead {
  /** 100 to 999. */
  readonly status: number;
  /** The reason phrase, often empty. */
  readonly reason: string;
  /** `"1.0"` or `"1.1"`. */
  readonly version: string;
  /** Repeated ones are joined by `", "`. */
  readonly headers: Headers;
}

/** What a head may cost, both inclusive. */
export interface HeadLimits {
  /** Bytes from the first to the end of the blank line. */
  readonly maxSize: number;
  /** Header lines. */
  readonly maxHeaders: number;
}

/** 64 KiB and 256 lines. */
export const DEFAULT_HEAD_LIMITS: HeadLimits = { maxSize: 65_536, maxHeaders: 256 };

/** A head that cannot be used: which limit it passed, or that it is no HTTP. */
export class HttpHeadError extends Error {
  override readonly name: string = "HttpHeadError";
  /** What a server would answer with 400, and with 431. */
  readonly problem: "malformed" | "too large" | "too many headers";

  constructor(message: string, problem: HttpHeadError["problem"]) {
    super(`Cannot read an HTTP head: ${message}`);
    this.problem = problem;
  }
}

/** A whole head, and what came behind it. */
export interface ParsedHead<Head> {
  /** The request or the answer. */
  readonly head: Head;
  /** A view of the chunk that was received last, not a copy: it belongs to whoever the chunk belongs to. */
  readonly rest: Uint8Array;
}

/** Reads one head from chunks of any size. Its work is linear in the bytes it is given. */
export interface HeadParser<Head> {
  /**
   * Takes the next bytes. Keeps no reference to `chunk`. Undefined: the head is not complete.
   *
   * @throws {HttpHeadError} as soon as the head is known to be unusable
   * @throws {TypeError} when it has already returned a head or thrown
   */
  receive(chunk: Uint8Array): ParsedHead<Head> | undefined;
}

/** A parser of one request. Empty lines before the request line are refused. */
export function requestHeadParser(limits: HeadLimits = DEFAULT_HEAD_LIMITS): HeadParser<RequestHead> {
  return new LineParser(limits, "", parseRequestLine, () => false);
}

/**
 * A parser of one answer. Interim answers (1xx, but not 101) are read and passed over, as RFC 7231 §6.2 demands; they
 * count towards the limits.
 */
export function responseHeadParser(limits: HeadLimits = DEFAULT_HEAD_LIMITS): HeadParser<ResponseHead> {
  return new LineParser(limits, "HTTP/", parseStatusLine, ({ status }) => status < 200 && status !== 101);
}

const LINE_FEED = 0x0a;

class LineParser<Start, Head extends Start & { headers: Headers }> implements HeadParser<Head> {
  readonly #limits: HeadLimits;
  readonly #prefix: string;
  readonly #parseStart: (line: string) => Start;
  readonly #passesOver: (start: Start) => boolean;
  /** The unfinished line. Text, because appending to it copies nothing and pins no chunk. */
  #line = "";
  #size = 0;
  #lines = 0;
  #start: Start | undefined;
  #headers = new Headers();
  #done = false;

  constructor(
    limits: HeadLimits,
    prefix: string,
    parseStart: (line: string) => Start,
    passesOver: (start: Start) => boolean,
  ) {
    this.#limits = limits;
    this.#prefix = prefix;
    this.#parseStart = parseStart;
    this.#passesOver = passesOver;
  }

  receive(chunk: Uint8Array): ParsedHead<Head> | undefined {
    if (this.#done) throw new TypeError("Cannot read an HTTP head: this parser has done its work");
    this.#done = true;
    const parsed = this.#read(chunk);
    this.#done = parsed !== undefined;
    return parsed;
  }

  #read(chunk: Uint8Array): ParsedHead<Head> | undefined {
    const allowed = chunk.subarray(0, this.#limits.maxSize - this.#size);
    let at = 0;
    while (at < allowed.length) {
      const found = allowed.indexOf(LINE_FEED, at);
      const end = found === -1 ? allowed.length : found;
      const checked = this.#line.length;
      this.#line += latin1(allowed, at, end);
      if (this.#start === undefined && checked < this.#prefix.length) this.#refuseForeign();
      if (found === -1) break;
      at = end + 1;
      const head = this.#endLine();
      if (head !== undefined) return { head, rest: chunk.subarray(at) };
    }
    this.#size += allowed.length;
    if (this.#size < this.#limits.maxSize) return undefined;
    throw new HttpHeadError(`it is larger than ${this.#limits.maxSize} bytes`, "too large");
  }

  /** Tells a TLS alert or the banner of another protocol before a line has ended, which may be never. */
  #refuseForeign(): void {
    const length = Math.min(this.#line.length, this.#prefix.length);
    if (this.#line.slice(0, length) !== this.#prefix.slice(0, length)) {
      throw malformed(`it starts with ${quote(this.#line)}`);
    }
  }

  #endLine(): Head | undefined {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r")) throw malformed("a line ends without a carriage return");
    const text = line.slice(0, -1);
    if (this.#start === undefined) {
      this.#start = this.#parseStart(text);
    } else if (text !== "") {
      this.#addHeader(text);
    } else if (this.#passesOver(this.#start)) {
      this.#start = undefined;
      this.#headers = new Headers();
    } else {
      return { ...this.#start, headers: this.#headers } as Head;
    }
    return undefined;
  }

  #addHeader(line: string): void {
    this.#lines++;
    if (this.#lines > this.#limits.maxHeaders) {
      throw new HttpHeadError(`it has more than ${this.#limits.maxHeaders} headers`, "too many headers");
    }
    // RFC 7230 §3.2.4: neither folded lines nor space before the colon.
    if (line.startsWith(" ") || line.startsWith("\t")) throw malformed("a header is folded");
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (!isToken(name)) throw malformed(`${quote(line)} is no header`);
    const value = trimSpace(line.slice(colon + 1));
    if (!isFieldValue(value)) throw malformed(`the header "${name}" has control characters`);
    this.#headers.append(name, value);
  }
}

function parseRequestLine(line: string): Omit<RequestHead, "headers"> {
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(first, 0));
  const target = line.slice(first + 1, Math.max(last, 0));
  const version = parseVersion(line.slice(last + 1));
  if (!isToken(method) || !isTarget(target) || version === undefined) {
    throw malformed(`${quote(line)} is no request line`);
  }
  return { method, target, version };
}

function parseStatusLine(line: string): Omit<ResponseHead, "headers"> {
  const version = parseVersion(line.slice(0, 8));
  const status = line.slice(9, 12);
  const reason = line.slice(13);
  // RFC 7230 §3.1.2 demands the space before an empty reason; many servers leave it out.
  const spaced = line[8] === " " && (line.length === 12 || line[12] === " ");
  if (version === undefined || !spaced || !isStatus(status) || !isFieldValue(reason)) {
    throw malformed(`${quote(line)} is no status line`);
  }
  return { status: Number(status), reason, version };
}

function parseVersion(text: string): string | undefined {
  return text === "HTTP/1.1" ? "1.1" : text === "HTTP/1.0" ? "1.0" : undefined;
}

function isStatus(text: string): boolean {
  return text.length === 3 && text >= "100" && text <= "999" && isDigit(text, 1) && isDigit(text, 2);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Visible ASCII. */
function isTarget(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text !== "";
}

/**
 * The bytes of a request without a body, which are the caller's.
 *
 * @throws {TypeError} when a part would break out of its place (CR, LF, NUL …) or is not Latin-1
 */
export function serializeRequest(method: string, target: string, headers: HeaderLines): Uint8Array {
  if (!isToken(method)) throw new TypeError(`Cannot write a request: ${quote(method)} is no method`);
  if (!isTarget(target)) throw new TypeError(`Cannot write a request: ${quote(target)} is no target`);
  return encode(`${method} ${target} HTTP/1.1\r\n${serializeHeaders(headers)}\r\n`);
}

/**
 * The bytes of an answer, which are the caller's. `body` is copied; the header that tells its length is not added.
 *
 * @throws {TypeError} when a part would break out of its place (CR, LF, NUL …) or is not Latin-1
 * @throws {RangeError} when `status` is not an integer from 100 to 999
 */
export function serializeResponse(
  status: number,
  reason: string,
  headers: HeaderLines,
  body?: Uint8Array,
): Uint8Array {
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new RangeError(`Cannot write an answer: ${status} is no status`);
  }
  if (!isFieldValue(reason)) throw new TypeError(`Cannot write an answer: ${quote(reason)} is no reason phrase`);
  return encode(`HTTP/1.1 ${status} ${reason}\r\n${serializeHeaders(headers)}\r\n`, body);
}

/**
 * The bytes of a 101, which are the caller's.
 *
 * @param lines header lines that are known to be well-formed, each with its end
 * @param headers those to add
 * @throws {TypeError} as `serializeResponse`
 */
export function serializeSwitch(lines: string, headers: HeaderLines): Uint8Array {
  return encode(`HTTP/1.1 101 Switching Protocols\r\n${lines}${serializeHeaders(headers)}\r\n`);
}

function serializeHeaders(headers: HeaderLines): string {
  let lines = "";
  for (const [name, value] of headers) {
    if (!isToken(name)) throw new TypeError(`Cannot write a header: ${quote(name)} is no header name`);
    if (!isFieldValue(value)) {
      throw new TypeError(
        `Cannot write the header "${name}": ${quote(value)} has control characters or is not Latin-1`,
      );
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function encode(head: string, body?: Uint8Array): Uint8Array {
  const bytes = allocate(head.length + (body?.length ?? 0));
  for (let at = 0; at < head.length; at++) bytes[at] = head.charCodeAt(at);
  if (body !== undefined) bytes.set(body, head.length);
  return bytes;
}

/** Heads are cut from this: an array of its own for each costs more than filling it, and leaves holes in the memory. */
let slab = new Uint8Array(0);
const SLAB_BYTES = 16_384;

function allocate(size: number): Uint8Array {
  if (size > SLAB_BYTES / 4) return new Uint8Array(size);
  if (size > slab.length) slab = new Uint8Array(SLAB_BYTES);
  const piece = slab.subarray(0, size);
  slab = slab.subarray(size);
  return piece;
}

/** `TextDecoder("latin1")` would be windows-1252. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}

function malformed(message: string): HttpHeadError {
  return new HttpHeadError(message, "malformed");
}
