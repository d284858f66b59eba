/**
 * permessage-deflate (RFC 7692 §7) of one connection once it is agreed on: which messages are worth compressing, and the
 * history each way. Knows no frame and no handshake; somebody else has the deflate algorithm.
 */

import { CorruptedFrameError, PayloadTooLargeError } from "../errors.ts";
import type { DeflateCodec } from "../deflate_codec.ts";
import { SlidingWindow } from "./sliding_window.ts";

/** What was agreed on for one direction. */
export interface DeflateDirection {
  /** 8 to 15: no distance reaches back further than 2 to that power. */
  readonly windowBits: number;
  /** The history goes on from message to message. */
  readonly takeover: boolean;
}

export interface PermessageDeflateOptions {
  readonly codec: DeflateCodec;
  readonly incoming: DeflateDirection;
  readonly outgoing: DeflateDirection;
  /** Bytes from which on a message is compressed, inclusive. */
  readonly threshold: number;
  /** zlib's, 0 to 9. */
  readonly level: number;
  /** Called once, by `clear`. */
  readonly onClear?: () => void;
}

/** What zlib's setting up costs for each message, an empty one too: some 50 µs (bench/micro/deflate.ts). */
const MESSAGE_WORK = 16_384;
/** zlib cannot compress with a smaller window: where it is told 8 it takes 9, which the peer may not keep. */
const SMALLEST_WINDOW_BITS = 9;

export class PermessageDeflate {
  readonly threshold: number;
  /** Receivers of one kind take each other's `compressForMany`. */
  readonly kind: string;
  readonly #codec: DeflateCodec;
  readonly #level: number;
  readonly #windowBits: number;
  readonly #outgoing: SlidingWindow;
  readonly #incoming: SlidingWindow;
  #inflated = 0;
  #messages = 0;
  #onClear: (() => void) | undefined;

  constructor({ codec, incoming, outgoing, threshold, level, onClear }: PermessageDeflateOptions) {
    this.#codec = codec;
    this.#level = level;
    this.#windowBits = outgoing.windowBits;
    // A message may always go as it is (§6): a peer that keeps too little is sent no other.
    this.threshold = outgoing.windowBits < SMALLEST_WINDOW_BITS ? Infinity : threshold;
    this.kind = `${this.threshold} ${level} ${outgoing.windowBits}`;
    this.#outgoing = windowOf(outgoing);
    this.#incoming = windowOf(incoming);
    this.#onClear = onClear;
  }

  /** `message` compressed, which stays the caller's; undefined when that does not make it shorter. The result is too. */
  compress(message: Uint8Array): Uint8Array | undefined {
    const compressed = this.#codec.deflate(message, this.#outgoing.bytes, this.#windowBits, this.#level);
    if (compressed.length >= message.length) return undefined;
    // What goes as it is, the peer's decompressor never sees.
    this.#outgoing.slide(message);
    return compressed;
  }

  /** As `compress`, without any history: for as many receivers of this `kind` as there are. Each `slide`s by it. */
  compressForMany(message: Uint8Array): Uint8Array | undefined {
    const compressed = this.#codec.deflate(message, NOTHING, this.#windowBits, this.#level);
    return compressed.length < message.length ? compressed : undefined;
  }

  /** `message` went out, as `compressForMany` made it. */
  slide(message: Uint8Array): void {
    this.#outgoing.slide(message);
  }

  /**
   * What the peer compressed. The result may be a view into a larger buffer.
   * @throws {PayloadTooLargeError} once it would pass `limit` bytes
   * @throws {CorruptedFrameError} when it is not what a deflate of a whole message leaves
   */
  decompress(payload: Uint8Array, limit: number): Uint8Array {
    let message: Uint8Array;
    try {
      message = this.#codec.inflate(payload, this.#incoming.bytes, limit);
    } catch (cause) {
      if (cause instanceof RangeError) {
        throw new PayloadTooLargeError(`Message of more than ${limit} bytes once it is inflated`, limit + 1, limit);
      }
      throw new CorruptedFrameError("Message that cannot be inflated", 1007, "RFC 7692 §7.2.2", { cause });
    }
    this.#incoming.slide(message);
    this.#inflated += message.length;
    this.#messages++;
    return message;
  }

  /** How many bytes `decompress` has made since this was asked last. */
  takeInflated(): number {
    const inflated = this.#inflated;
    this.#inflated = 0;
    return inflated;
  }

  /** What `decompress` has cost since this was asked last, in bytes that would have cost as much to read. */
  takeWork(): number {
    const work = this.#inflated + this.#messages * MESSAGE_WORK;
    this.#messages = 0;
    return work;
  }

  /** Lets go of the history: nothing more is compressed or decompressed. */
  clear(): void {
    this.#outgoing.clear();
    this.#incoming.clear();
    this.#onClear?.();
    this.#onClear = undefined;
  }
}

const NOTHING = new Uint8Array(0);

/** Without takeover every message starts anew (§7.1.1): there is nothing to remember. */
function windowOf({ windowBits, takeover }: DeflateDirection): SlidingWindow {
  return new SlidingWindow(takeover ? 2 ** windowBits : 0);
}

/** How long a message of at most `size` bytes may be when it is compressed badly: as stored blocks, and some more. */
export function compressedBound(size: number): number {
  return size + Math.ceil(size / 16) + 64;
}
