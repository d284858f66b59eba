/**
 * Bytes to frames, as RFC 6455 §5.2 draws them. Each `read` moves on by one header, one payload, or the piece of a
 * payload that has arrived; what it found stands in the fields until the next. Knows nothing of messages.
 */

import { EMPTY } from "../bytes.ts";
import { CorruptedFrameError, PayloadTooLargeError } from "../errors.ts";
import type { ByteQueue } from "./byte_queue.ts";
import { rotate } from "./mask.ts";
import { BINARY, CLOSE, isKnown, opcodeName, RSV1, TEXT } from "./opcode.ts";

export interface FrameReaderOptions {
  /** Whose frames these are: a client masks, a server does not (§5.1). */
  readonly masked: boolean;
  /** Bytes of one data frame, inclusive. */
  readonly maxFrameSize: number;
  /** Bytes of one message that is not compressed, inclusive: `readShort` reads whole ones. */
  readonly maxMessageSize: number;
  /** An extension gives RSV1 a meaning: the message is compressed (RFC 7692 §6). */
  readonly compression?: boolean;
}

const FIN = 0x80;
/** The most a control frame carries (§5.5), and any frame whose length is in its second byte (§5.2). */
const MAX_CONTROL_PAYLOAD = 125;

export class FrameReader {
  fin = false;
  opcode = 0;
  /** The frame begins a compressed message. */
  compressed = false;
  /** Bytes of payload that the frame has in all. */
  length = 0;
  /** This read began the frame, and this one ended it. */
  first = false;
  last = true;
  /** The piece of payload that was read, still masked with `key`, in the queue's own bytes. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  key = 0;

  readonly #queue: ByteQueue;
  readonly #masked: boolean;
  readonly #maxFrameSize: number;
  readonly #compression: boolean;
  /** The second byte of a short frame is this and its length; where that frame's payload begins; and its longest. */
  readonly #maskBit: number;
  readonly #shortHeader: number;
  readonly #short: number;
  /** Bytes of payload that have not come yet. */
  #missing = 0;

  constructor(queue: ByteQueue, options: FrameReaderOptions) {
    this.#queue = queue;
    this.#masked = options.masked;
    this.#shortHeader = options.masked ? 6 : 2;
    this.#maskBit = options.masked ? 0x80 : 0;
    this.#short = Math.min(MAX_CONTROL_PAYLOAD, options.maxFrameSize, options.maxMessageSize);
    this.#maxFrameSize = options.maxFrameSize;
    this.#compression = options.compression === true;
  }

  /**
   * Reads on. False: more bytes are needed first.
   * @throws {CorruptedFrameError} at a header that breaks a rule
   * @throws {PayloadTooLargeError} at a header that announces too much
   */
  read(): boolean {
    const queue = this.#queue;
    if (this.last) {
      if (!this.#readHeader(queue)) return false;
      this.first = true;
    } else {
      if (queue.at === queue.end && !queue.fill(1)) return false;
      this.key = rotate(this.key, this.end - this.start);
      this.first = false;
    }
    const piece = Math.min(this.#missing, queue.end - queue.at);
    if (this.bytes !== queue.bytes) this.bytes = queue.bytes;
    this.start = queue.at;
    this.end = queue.at += piece;
    this.#missing -= piece;
    this.last = this.#missing === 0;
    return true;
  }

  /**
   * Reads a whole message of up to 125 bytes in one frame, if that is what comes next and it is all there: so is nearly
   * every frame of a chat, and nothing else has to be asked of it. To be called between messages. False: nothing was
   * read, and only `opcode`, `bytes`, `start`, `end` and `key` tell of what was.
   */
  readShort(): boolean {
    const queue = this.#queue;
    const { bytes, at, end } = queue;
    if (!this.last || end - at < this.#shortHeader) return false;
    const b0 = bytes[at]!;
    const length = bytes[at + 1]! - this.#maskBit;
    if (b0 !== (FIN | TEXT) && b0 !== (FIN | BINARY) || length < 0 || length > this.#short) return false;
    const start = at + this.#shortHeader;
    if (end - start < length) return false;
    if (this.#masked) {
      this.key = (bytes[start - 4]! << 24) | (bytes[start - 3]! << 16) | (bytes[start - 2]! << 8) | bytes[start - 1]!;
    }
    this.opcode = b0 & 0x0f;
    if (this.bytes !== bytes) this.bytes = bytes;
    this.start = start;
    this.end = queue.at = start + length;
    return true;
  }

  /** Lets go of the chunk that was read last. What is still missing of a frame will come in another. */
  release(): void {
    this.bytes = EMPTY;
    this.#queue.release();
  }

  /** Forgets the frame in progress. */
  clear(): void {
    this.last = true;
    this.#missing = 0;
  }

  #readHeader(queue: ByteQueue): boolean {
    if (queue.end - queue.at < 2 && !queue.fill(2)) return false;
    const b0 = queue.bytes[queue.at]!;
    const b1 = queue.bytes[queue.at + 1]!;
    const opcode = b0 & 0x0f;

    const compressed = (b0 & 0x70) === RSV1 && this.#compression && (opcode === TEXT || opcode === BINARY);
    // §5.2: without an extension that gives them a meaning, the reserved bits are 0. RFC 7692 §6: RSV1 has one on the
    // first frame of a message only
    if ((b0 & 0x70) !== 0 && !compressed) throw new CorruptedFrameError("Frame with a reserved bit set", 1002, "§5.2");
    // §5.2: an unknown opcode fails the connection
    if (!isKnown(opcode)) throw new CorruptedFrameError(`Frame with unknown opcode ${opcode}`, 1002, "§5.2");
    // §5.1: a server refuses what is not masked, a client what is
    if ((b1 & 0x80) !== 0 !== this.#masked) {
      throw new CorruptedFrameError(this.#masked ? "Frame without a mask" : "Frame with a mask", 1002, "§5.1");
    }
    let length = b1 & 0x7f;
    if (opcode >= CLOSE) {
      // §5.5: control frames are short, and never fragmented
      if (length > MAX_CONTROL_PAYLOAD) {
        throw new CorruptedFrameError(`A ${opcodeName(opcode)} frame of more than 125 bytes`, 1002, "§5.5");
      }
      if ((b0 & 0x80) === 0) {
        throw new CorruptedFrameError(`A fragmented ${opcodeName(opcode)} frame`, 1002, "§5.5");
      }
    }

    let size = 2;
    if (length > MAX_CONTROL_PAYLOAD) {
      size = length === 126 ? 4 : 10;
      if (queue.end - queue.at < size && !queue.fill(size)) return false;
      length = readLength(queue.bytes, queue.at + 2, size - 2);
    }
    if (length > this.#maxFrameSize && opcode < CLOSE) {
      throw new PayloadTooLargeError(
        `Frame of ${length} bytes: ${this.#maxFrameSize} is the most`,
        length,
        this.#maxFrameSize,
      );
    }
    if (this.#masked) {
      if (queue.end - queue.at < size + 4 && !queue.fill(size + 4)) return false;
      const { bytes } = queue;
      const at = queue.at + size;
      this.key = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      size += 4;
    }
    queue.at += size;
    this.fin = (b0 & 0x80) !== 0;
    this.opcode = opcode;
    this.compressed = compressed;
    this.length = length;
    this.#missing = length;
    return true;
  }
}

/** The extended payload length: 2 or 8 bytes, network byte order (§5.2). */
function readLength(bytes: Uint8Array, at: number, size: number): number {
  if (size === 2) {
    const length = (bytes[at]! << 8) | bytes[at + 1]!;
    if (length < 126) throw new CorruptedFrameError("Frame with a length not in minimal form", 1002, "§5.2");
    return length;
  }
  // §5.2: the most significant bit must be 0
  if (bytes[at]! > 0x7f) throw new CorruptedFrameError("Frame with a negative length", 1002, "§5.2");
  let length = 0;
  // Above 2^53 the sum is not exact, and far above any limit.
  for (let i = 0; i < 8; i++) length = length * 256 + bytes[at + i]!;
  if (length < 65_536) throw new CorruptedFrameError("Frame with a length not in minimal form", 1002, "§5.2");
  return length;
}
