/**
 * The body of an HTTP answer that is no upgrade, as far as it is worth reading: its first 64 KiB, whichever way it is
 * framed (RFC 7230 §3.3.3). Knows no socket.
 */

import { concat } from "../bytes.ts";

/** The most that is kept. */
export const MAX_BODY = 65_536;
/** A chunk's size line is longer only when somebody plays games. */
const MAX_SIZE_LINE = 1_024;
const LINE_FEED = 0x0a;

export class ResponseBody {
  readonly #parts: Uint8Array[] = [];
  #kept = 0;
  /** Bytes until the body, or its current chunk, is over; Infinity: until the connection ends. */
  #left: number;
  readonly #chunked: boolean;
  /** The size line of the next chunk, as far as it has come. */
  #line = "";
  #complete: boolean;

  constructor(status: number, headers: Headers) {
    this.#chunked = /(^|,)\s*chunked\s*$/i.test(headers.get("transfer-encoding") ?? "");
    const length = headers.get("content-length");
    this.#left = this.#chunked ? 0 : length !== null && /^\d{1,15}$/.test(length) ? Number(length) : Infinity;
    this.#complete = status < 200 || status === 204 || status === 304 || (!this.#chunked && this.#left === 0);
  }

  /** Nothing more is wanted: it is whole, or as much as is kept, or ill-formed from here on. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** Keeps no reference to `chunk`. */
  receive(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#complete;) {
      if (this.#left === 0) {
        this.#readSize(chunk[at++]!);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#left, at + MAX_BODY - this.#kept);
      this.#parts.push(chunk.slice(at, end));
      this.#kept += end - at;
      this.#left -= end - at;
      at = end;
      this.#complete = this.#kept === MAX_BODY || (this.#left === 0 && !this.#chunked);
    }
  }

  /** What was kept, as text; what is not UTF-8 in it becomes U+FFFD. */
  text(): string {
    return new TextDecoder().decode(concat(...this.#parts));
  }

  /** One byte between two chunks: the line end of the last, or the size of the next (RFC 7230 §4.1). */
  #readSize(byte: number): void {
    if (byte !== LINE_FEED) {
      this.#line += String.fromCharCode(byte);
      this.#complete = this.#line.length > MAX_SIZE_LINE;
      return;
    }
    const line = this.#line.trim();
    this.#line = "";
    if (line === "") return;
    const size = /^[0-9a-f]{1,8}(?=\s*(;|$))/i.exec(line)?.[0];
    this.#left = size === undefined ? 0 : parseInt(size, 16);
    this.#complete = this.#left === 0;
  }
}
