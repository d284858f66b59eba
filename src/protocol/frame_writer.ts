/**
 * Frames to bytes (RFC 6455 §5.2), gathered: frames are appended to one buffer, which is handed over when it is full or
 * when `flush` says so, and given away with that. What is written is read before the call returns; nothing of the
 * caller's is kept or changed.
 */

import { concatAll } from "../bytes.ts";
import { type ByteOutput, GATHER_BYTES, GatherBuffer } from "./gather_buffer.ts";
import { mask, type MaskKeys, rotate } from "./mask.ts";
import { BINARY, CONTINUATION, RSV1, TEXT } from "./opcode.ts";
import type { PermessageDeflate } from "./permessage_deflate.ts";

export interface FrameWriterOptions {
  /** The keys to mask with; absent: a server's frames, which are not masked (§5.1). */
  readonly keys?: MaskKeys | undefined;
  /** Bytes of one data frame; a longer message is split there. Infinity: never. */
  readonly maxFrameSize: number;
}

const FIN = 0x80;
const MASK = 0x80;
/** The longest header: two bytes, eight of length, four of key. */
const MAX_HEADER = 14;
/** A frame longer than this is not gathered: that would copy it twice. */
const LARGE_FRAME = 32_768;
/**
 * Who reads at once is lent larger ones in pieces of up to this, which need no memory of their own; smaller pieces are
 * more system calls, larger ones leave the second cache (measured: a mebibyte from 64 KiB on, best here). None is less
 * than half of it, as one that is kept all the same keeps all of it.
 */
const PIECE_BYTES = 524_288;
/** Text up to here is encoded in place, at three bytes a character for the worst case. */
const IN_PLACE_TEXT = 4_096;
/** Up to here a loop over character codes beats the encoder's call (bench/micro/text.ts). */
const LOOP_TEXT_UP_TO = 40;
/** Up to here a loop beats the call of `set` (bench/micro/copy.ts). */
const LOOP_COPY_UP_TO = 40;

const encoder = new TextEncoder();

/** What is lent piece by piece. Made at the first need, and anew when it was lent and kept. */
let lent: Uint8Array | undefined;

export class FrameWriter {
  readonly #keys: MaskKeys | undefined;
  readonly #maxFrameSize: number;
  readonly #output: ByteOutput;
  readonly #gather = new GatherBuffer();

  constructor(output: ByteOutput, options: FrameWriterOptions) {
    this.#output = output;
    this.#keys = options.keys;
    this.#maxFrameSize = options.maxFrameSize;
  }

  /** Bytes gathered and not handed over yet. */
  get pending(): number {
    return this.#gather.length;
  }

  /** Appends one data frame, or several when it is longer than `maxFrameSize`. `opcode` is the first one's. */
  text(opcode: number, text: string, fin: boolean): void {
    if (text.length <= LOOP_TEXT_UP_TO && text.length <= this.#maxFrameSize && this.#shortAscii(opcode, text, fin)) {
      return;
    }
    if (text.length > IN_PLACE_TEXT || text.length * 3 > this.#maxFrameSize) {
      this.#bytes(opcode, encoder.encode(text), fin, true);
      return;
    }
    // The header's size depends on the length in bytes, which is known only afterwards: try as if it were ASCII.
    const headerSize = this.#headerSize(text.length);
    this.#reserve(MAX_HEADER + text.length * 3);
    const { bytes: buffer, length: at } = this.#gather;
    let start = at + headerSize;
    const length = encoder.encodeInto(text, buffer.subarray(start)).written;
    const moved = this.#headerSize(length) - headerSize;
    if (moved > 0) {
      buffer.copyWithin(start + moved, start, start + length);
      start += moved;
    }
    this.#header(buffer, at, opcode, fin, length);
    if (this.#keys !== undefined) this.#mask(buffer, start, length);
    this.#advance(start + length);
  }

  /** Appends a frame of short text, unless it is not ASCII: then false, and nothing is appended. */
  #shortAscii(opcode: number, text: string, fin: boolean): boolean {
    const { length } = text;
    const headerSize = this.#keys === undefined ? 2 : 6;
    this.#reserve(headerSize + length);
    const { bytes: buffer, length: at } = this.#gather;
    const start = at + headerSize;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[start + i] = code;
    }
    this.#header(buffer, at, opcode, fin, length);
    if (this.#keys !== undefined) this.#mask(buffer, start, length);
    this.#advance(start + length);
    return true;
  }

  /** As `text`, for bytes, which stay the caller's. */
  binary(opcode: number, bytes: Uint8Array, fin: boolean): void {
    this.#bytes(opcode, bytes, fin, false);
  }

  /**
   * Appends a whole message, compressed (RFC 7692 §6.1) where that is worth it, and for many receivers without history.
   * Hands back the bytes that were compressed; undefined: it goes as it is.
   */
  message(message: string | Uint8Array, deflate?: PermessageDeflate, forMany = false): Uint8Array | undefined {
    const text = typeof message === "string";
    // A character takes three bytes at the most.
    if (deflate === undefined || message.length * (text ? 3 : 1) < deflate.threshold) {
      if (text) this.text(TEXT, message, true);
      else this.binary(BINARY, message, true);
      return undefined;
    }
    const bytes = text ? encoder.encode(message) : message;
    const opcode = text ? TEXT : BINARY;
    let compressed: Uint8Array | undefined;
    if (bytes.length >= deflate.threshold) {
      compressed = forMany ? deflate.compressForMany(bytes) : deflate.compress(bytes);
    }
    if (compressed === undefined) this.#bytes(opcode, bytes, true, text);
    else this.#bytes(RSV1 | opcode, compressed, true, false);
    return compressed && bytes;
  }

  /** Appends what `frameMessage` has made, and nobody changes any more. Whoever has nothing else to send sends no copy. */
  framed(bytes: Uint8Array): void {
    if (bytes.length > LARGE_FRAME) {
      this.flush();
      this.#output.write(bytes);
      return;
    }
    if (this.#gather.length + bytes.length > GATHER_BYTES) this.flush();
    if (this.#gather.share(bytes)) return;
    this.#reserve(bytes.length);
    this.#gather.bytes.set(bytes, this.#gather.length);
    this.#advance(this.#gather.length + bytes.length);
  }

  /** Appends one control frame of at most 125 bytes, which stay the caller's. */
  control(opcode: number, payload: Uint8Array): void {
    this.#frame(opcode, payload, true);
  }

  /** Hands over what was gathered. */
  flush(): void {
    this.#gather.flush(this.#output);
  }

  /** What was gathered stays for a while. */
  settle(): void {
    if (this.#gather.length > 0) this.#gather.settle();
  }

  #bytes(opcode: number, bytes: Uint8Array, fin: boolean, utf8: boolean): void {
    const max = this.#maxFrameSize;
    let at = 0;
    while (bytes.length - at > max) {
      const end = utf8 ? characterEnd(bytes, at, at + max) : at + max;
      this.#frame(opcode, bytes.subarray(at, end), false);
      opcode = CONTINUATION;
      at = end;
    }
    this.#frame(opcode, at === 0 ? bytes : bytes.subarray(at), fin);
  }

  #frame(opcode: number, payload: Uint8Array, fin: boolean): void {
    const length = payload.length;
    const headerSize = this.#headerSize(length);
    if (headerSize + length > LARGE_FRAME) return this.#large(opcode, payload, fin, headerSize);
    this.#reserve(headerSize + length);
    const { bytes, length: at } = this.#gather;
    this.#header(bytes, at, opcode, fin, length);
    copy(payload, bytes, at + headerSize);
    if (this.#keys !== undefined) this.#mask(bytes, at + headerSize, length);
    this.#advance(at + headerSize + length);
  }

  /** Who reads at once is lent one piece after the other, who does not is given all the rest. */
  #large(opcode: number, payload: Uint8Array, fin: boolean, headerSize: number): void {
    this.flush();
    const { length } = payload;
    const most = Math.ceil(length / Math.ceil(length / PIECE_BYTES));
    const key = this.#keys?.next();
    for (let at = 0, end = 0; at < length; at = end) {
      const lends = this.#output.eager && most * 2 >= PIECE_BYTES;
      const start = at === 0 ? headerSize : 0;
      end = lends ? Math.min(length, at + most) : length;
      const size = start + end - at;
      const piece = lends ? lent ?? new Uint8Array(MAX_HEADER + PIECE_BYTES) : new Uint8Array(size);
      if (lends) lent = undefined;
      if (at === 0) this.#header(piece, 0, opcode, fin, length);
      if (at === 0 && key !== undefined) writeKey(piece, start, key);
      piece.set(payload.subarray(at, end), start);
      if (key !== undefined) mask(piece, start, size, rotate(key, at));
      if (this.#output.write(lends ? piece.subarray(0, size) : piece) && lends) lent = piece;
    }
  }

  #headerSize(length: number): number {
    return (length < 126 ? 2 : length < 65_536 ? 4 : 10) + (this.#keys === undefined ? 0 : 4);
  }

  /** Writes the header but for the key, which `#mask` puts in front of the payload. */
  #header(buffer: Uint8Array, at: number, opcode: number, fin: boolean, length: number): void {
    const maskBit = this.#keys === undefined ? 0 : MASK;
    buffer[at] = fin ? FIN | opcode : opcode;
    if (length < 126) buffer[at + 1] = maskBit | length;
    else writeLength(buffer, at + 1, maskBit, length);
  }

  /** Masks our own copy of the payload at `start`, and writes the key in front of it. */
  #mask(buffer: Uint8Array, start: number, length: number): void {
    const key = this.#keys!.next();
    writeKey(buffer, start, key);
    mask(buffer, start, start + length, key);
  }

  #reserve(size: number): void {
    if (this.#gather.length + size <= this.#gather.bytes.length) return;
    if (this.#gather.length + size > GATHER_BYTES) this.flush();
    this.#gather.reserve(size);
  }

  #advance(length: number): void {
    this.#gather.length = length;
    if (length >= GATHER_BYTES) this.flush();
  }
}

/** A server's message, framed. */
export interface FramedMessage {
  readonly bytes: Uint8Array;
  /** What was compressed: each receiver's history slides by it. Undefined: the message goes as it is. */
  readonly inflated: Uint8Array | undefined;
}

/**
 * The frames of a server's message, in bytes of their own, for as many writers of that `maxFrameSize` as there are, and
 * whose `deflate` is of one kind.
 */
export function frameMessage(
  message: string | Uint8Array,
  maxFrameSize: number,
  deflate?: PermessageDeflate,
): FramedMessage {
  const parts: Uint8Array[] = [];
  const output: ByteOutput = { eager: false, write: (bytes) => parts.push(bytes) === 0 };
  const writer = new FrameWriter(output, { maxFrameSize });
  const inflated = writer.message(message, deflate, true);
  writer.flush();
  return { bytes: concatAll(parts), inflated };
}

/** The key that masks what begins at `start`, in front of it. */
function writeKey(buffer: Uint8Array, start: number, key: number): void {
  buffer[start - 4] = key >>> 24;
  buffer[start - 3] = key >>> 16;
  buffer[start - 2] = key >>> 8;
  buffer[start - 1] = key;
}

/** A length of 126 bytes and more, behind its marker. */
function writeLength(buffer: Uint8Array, at: number, maskBit: number, length: number): void {
  if (length < 65_536) {
    buffer[at] = maskBit | 126;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    return;
  }
  buffer[at] = maskBit | 127;
  // Of 64 bits the upper 16 stay 0: no typed array has 2^48 bytes, and `>>>` sees 32 only.
  const high = Math.floor(length / 0x1_0000_0000);
  buffer[at + 1] = buffer[at + 2] = 0;
  buffer[at + 3] = high >>> 8;
  buffer[at + 4] = high;
  buffer[at + 5] = length >>> 24;
  buffer[at + 6] = length >>> 16;
  buffer[at + 7] = length >>> 8;
  buffer[at + 8] = length;
}

/** Where to cut at or before `end` so that no character is split; `end` itself when one character fills it all. */
function characterEnd(bytes: Uint8Array, start: number, end: number): number {
  let cut = end;
  while (cut > start && (bytes[cut]! & 0xc0) === 0x80) cut--;
  return cut === start ? end : cut;
}

function copy(from: Uint8Array, to: Uint8Array, at: number): void {
  const { length } = from;
  if (length > LOOP_COPY_UP_TO) return to.set(from, at);
  const whole = length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    to[at + i] = from[i]!;
    to[at + i + 1] = from[i + 1]!;
    to[at + i + 2] = from[i + 2]!;
    to[at + i + 3] = from[i + 3]!;
  }
  for (; i < length; i++) to[at + i] = from[i]!;
}
