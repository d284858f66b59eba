/**
 * Data frames to messages (RFC 6455 §5.4, §5.6), within limits that are refused at the header, or to the parts of a message
 * for whom it need not be whole. Memory follows the bytes that arrived, never the length that was announced. Every message
 * and every part it hands out owns its buffer.
 */

import { type Allocate, type DecodeAscii, EMPTY } from "../bytes.ts";
import { CorruptedFrameError, InvalidContinuationFrameError, PayloadTooLargeError } from "../errors.ts";
import type { FrameReader } from "./frame_reader.ts";
import { mask, maskedCopy, maskInto } from "./mask.ts";
import { CONTINUATION, TEXT } from "./opcode.ts";
import { compressedBound, type PermessageDeflate } from "./permessage_deflate.ts";
import { decodeShortAscii, decodeText, SHORT_TEXT } from "./text_decoder.ts";
import { TextParts } from "./text_parts.ts";
import { Utf8Check } from "./utf8_check.ts";

export interface AssemblerOptions {
  /** Bytes of one message, inclusive. */
  readonly maxMessageSize: number;
  /** Frames of one message, inclusive. */
  readonly maxFragments: number;
  /** The runtime's fastest way to a string, if it has one. */
  readonly decodeAscii?: DecodeAscii | undefined;
  /** The runtime's fastest way to memory, if it has one. */
  readonly allocate?: Allocate | undefined;
  /** Bytes of one message that `parts` takes, inclusive. Undefined: every message is handed out whole. */
  readonly streamedSize?: number | undefined;
}

/** Takes those messages in parts that do not come whole, and are not compressed. */
export interface PartTaker {
  /** The next part, what has arrived of it; text is never cut inside a character. The first and the last may be empty. */
  messagePart(part: string | Uint8Array, fin: boolean): void;
}

/** The first buffer of a message in pieces: two network packets. */
const FIRST_BUFFER_BYTES = 4_096;
/** By how much the buffer outgrows what arrived: fewer copies than doubling, still in proportion. */
const GROWTH = 4;
/**
 * So many pieces, each of this size at least, stay in the chunks they came in, as long as no buffer for the whole message
 * is in proportion yet: smaller ones would only be outgrown. One that is less than half of its chunk would keep more than
 * it counts for.
 */
const MOST_HELD = 4;
const LARGE_PIECE = 16_384;

const NONE: Uint8Array[] = [];

export class Assembler {
  /** Who takes messages in parts, if any go in parts. */
  parts: PartTaker | undefined;
  /** Present when permessage-deflate was agreed on. */
  deflate: PermessageDeflate | undefined;
  readonly #options: AssemblerOptions;
  /** The opcode of the message in progress; 0 between messages. */
  #opcode = 0;
  /** It is compressed, and how many bytes it may have come to before it is inflated. */
  #compressed = false;
  #mostBytes = 0;
  #fragments = 0;
  /** Bytes that the frames of this message announced so far. */
  #announced = 0;
  #buffer: Uint8Array = EMPTY;
  #filled = 0;
  /** Its first pieces, unmasked, where there is no buffer yet. */
  #held: Uint8Array[] = NONE;
  #utf8: Utf8Check | undefined;
  /** The message in progress is handed on in parts, and this is the text of the next one. */
  #inParts = false;
  #text: TextParts | undefined;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /** A message has begun and not ended. */
  get unfinished(): boolean {
    return this.#opcode !== 0;
  }

  /** Bytes of it that are kept. */
  get filled(): number {
    return this.#filled;
  }

  /**
   * Takes what `frame` has just read, and hands out the message when that was its last byte and it does not go in parts.
   * @throws {CorruptedFrameError} when the frame does not belong here, or text is not UTF-8
   * @throws {PayloadTooLargeError} when the frame announces more than a limit allows
   */
  take(frame: FrameReader): string | Uint8Array | undefined {
    if (frame.first) {
      // The common case, a whole message in one frame and all there, keeps nothing here.
      const whole = frame.last && frame.fin && this.#opcode === 0 && frame.opcode !== CONTINUATION;
      if (whole && frame.length <= this.#mostOf(frame.compressed)) {
        return frame.compressed ? this.#inflateWhole(frame) : this.takeWhole(frame);
      }
      this.#begin(frame);
    }
    if (this.#inParts) return this.#handOn(frame);
    this.#append(frame);
    return frame.last && frame.fin ? this.#finish() : undefined;
  }

  /** Forgets the message in progress. */
  clear(): void {
    this.#opcode = 0;
    this.#compressed = false;
    this.#buffer = EMPTY;
    this.#filled = 0;
    this.#held = NONE;
    this.#utf8 = undefined;
    this.#inParts = false;
    this.#text = undefined;
  }

  #begin(frame: FrameReader): void {
    if (frame.opcode === CONTINUATION) {
      if (this.#opcode === 0) throw new InvalidContinuationFrameError("Continuation frame without a message");
      this.#fragments++;
      this.#announced += frame.length;
    } else {
      if (this.#opcode !== 0) throw new InvalidContinuationFrameError("New message inside an unfinished one");
      this.#opcode = frame.opcode;
      this.#compressed = frame.compressed;
      const { streamedSize } = this.#options;
      this.#inParts = streamedSize !== undefined && !frame.compressed;
      this.#mostBytes = this.#inParts ? streamedSize! : this.#mostOf(frame.compressed);
      if (this.#inParts && frame.opcode === TEXT) this.#text = new TextParts();
      this.#fragments = 1;
      this.#announced = frame.length;
    }
    const { maxMessageSize, maxFragments } = this.#options;
    if (this.#announced > this.#mostBytes) {
      const most = this.#inParts ? this.#mostBytes : maxMessageSize;
      throw new PayloadTooLargeError(
        `Message of ${this.#announced} bytes: ${most} is the most`,
        this.#announced,
        most,
      );
    }
    // What is handed on at once does not pile up, however small its fragments are.
    if (this.#fragments > maxFragments && !this.#inParts) {
      throw new PayloadTooLargeError(
        `Message of more than ${maxFragments} fragments`,
        this.#fragments,
        maxFragments,
      );
    }
  }

  /** As `take`, when `frame` is a whole message within the limits, not compressed, and none is in progress. */
  takeWhole(frame: FrameReader): string | Uint8Array {
    const { bytes, start, end, key } = frame;
    if (frame.opcode !== TEXT) return maskedCopy(bytes, start, end, key);
    if (end - start <= SHORT_TEXT && this.#options.decodeAscii?.always !== true) {
      const text = decodeShortAscii(bytes, start, end, key);
      if (text !== undefined) return text;
    }
    mask(bytes, start, end, key);
    return this.#decode(bytes, start, end);
  }

  /** Bytes of a frame that is a whole message. One that could come in parts has their limit, however it came. */
  #mostOf(compressed: boolean): number {
    const { maxMessageSize, streamedSize = Infinity } = this.#options;
    return compressed ? compressedBound(maxMessageSize) : Math.min(maxMessageSize, streamedSize);
  }

  #inflateWhole({ bytes, start, end, key, opcode }: FrameReader): string | Uint8Array {
    mask(bytes, start, end, key);
    return this.#inflate(bytes.subarray(start, end), opcode);
  }

  /** RFC 7692 §6.2: what is inflated is the message; its text is checked only now. */
  #inflate(payload: Uint8Array, opcode: number): string | Uint8Array {
    const message = this.deflate!.decompress(payload, this.#options.maxMessageSize);
    return opcode === TEXT ? this.#decode(message, 0, message.length) : new Uint8Array(message);
  }

  #decode(bytes: Uint8Array, start: number, end: number): string {
    try {
      return decodeText(bytes, start, end, this.#options.decodeAscii);
    } catch (cause) {
      throw notUtf8(cause);
    }
  }

  #handOn(frame: FrameReader): undefined {
    const { bytes, start, end, key } = frame;
    const fin = frame.last && frame.fin;
    const text = this.#text;
    let part: string | Uint8Array;
    if (text === undefined) part = maskedCopy(bytes, start, end, key);
    else {
      mask(bytes, start, end, key);
      const decoded = text.decode(bytes, start, end, fin);
      if (decoded === undefined) throw notUtf8();
      part = decoded;
    }
    const first = frame.first && frame.opcode !== CONTINUATION;
    if (fin) this.clear();
    // Nothing to hand on, but that it has begun, or is over.
    if (part.length > 0 || first || fin) this.parts!.messagePart(part, fin);
    return undefined;
  }

  #append(frame: FrameReader): void {
    const { bytes, start, end, key } = frame;
    const at = this.#filled;
    const filled = at + end - start;
    if (this.#holds(frame, filled)) {
      mask(bytes, start, end, key);
      this.#check(bytes, start, end);
      if (this.#held === NONE) this.#held = [];
      this.#held.push(bytes.subarray(start, end));
    } else {
      if (filled > this.#buffer.length) this.#grow(filled, frame.fin);
      maskInto(this.#buffer, at, bytes, start, end, key);
      this.#check(this.#buffer, at, filled);
    }
    this.#filled = filled;
  }

  /** Only the last frame of a message tells how long it is, so only its pieces can be held. */
  #holds({ bytes, start, end, fin }: FrameReader, filled: number): boolean {
    const length = end - start;
    return fin && this.#buffer.length === 0 && length >= LARGE_PIECE && length * 2 >= bytes.buffer.byteLength &&
      filled * GROWTH < this.#announced && this.#held.length < MOST_HELD;
  }

  /** §8.1: text fails at its first bad byte. */
  #check(bytes: Uint8Array, start: number, end: number): void {
    if (this.#opcode !== TEXT || this.#compressed) return;
    this.#utf8 ??= new Utf8Check();
    if (!this.#utf8.accept(bytes, start, end)) throw notUtf8();
  }

  #grow(filled: number, fin: boolean): void {
    // Only the last frame tells where the message ends: to grow by what each announces would be quadratic.
    const most = fin ? this.#announced : this.#mostBytes;
    const size = Math.min(most, Math.max(FIRST_BUFFER_BYTES, filled * GROWTH));
    const { allocate } = this.#options;
    const buffer = allocate === undefined ? new Uint8Array(size) : allocate(size);
    const before = this.#held === NONE ? [this.#buffer.subarray(0, this.#filled)] : this.#held;
    let at = 0;
    for (const piece of before) {
      buffer.set(piece, at);
      at += piece.length;
    }
    this.#held = NONE;
    this.#buffer = buffer;
  }

  #finish(): string | Uint8Array {
    const buffer = this.#buffer;
    const filled = this.#filled;
    const opcode = this.#opcode;
    if (this.#compressed) {
      this.clear();
      return this.#inflate(buffer.subarray(0, filled), opcode);
    }
    const text = opcode === TEXT;
    // §8.1: a text must not end inside a character
    if (text && this.#utf8?.complete === false) throw notUtf8();
    this.clear();
    if (text) return this.#decode(buffer, 0, filled);
    // What was allocated beyond was not written, and is not handed out.
    return filled === buffer.length ? buffer : new Uint8Array(buffer.subarray(0, filled));
  }
}

function notUtf8(cause?: unknown): CorruptedFrameError {
  return new CorruptedFrameError("Text that is not UTF-8", 1007, "§8.1", { cause });
}
