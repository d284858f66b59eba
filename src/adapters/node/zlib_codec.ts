/**
 * `node:zlib`, by its synchronous functions, as the codec of RFC 7692: the same on Node, Deno and Bun. No zlib object
 * outlives a call, so a connection costs its windows and no more. Knows no connection.
 */

import { constants as bufferConstants } from "node:buffer";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { concat } from "../../bytes.ts";
import type { DeflateCodec } from "../../deflate_codec.ts";

/** What `info: true` makes of the result, on all three runtimes; no type declares it. */
interface Inflated {
  readonly buffer: Uint8Array;
  /** Its `bytesWritten` is the input that was read: less than there was when a final block ended it. */
  readonly engine: { readonly bytesWritten: number };
}

/** 16 KiB of tables, set up for each message, where 8 takes 128: as small, and not slower (1 KiB of JSON, Node and Bun). */
const MEM_LEVEL = 5;
/** The 00 00 ff ff at the end of every flush, which does not travel (§7.2.1). */
const FLUSH_BYTES = 4;
/**
 * What is put behind a payload, to tell a whole message from one that was cut: for 00 00 ff ff, the length of an empty
 * stored block (§7.2.2), stands that of one with four bytes, which must be the last that come out; then an empty final
 * block. With 00 00 ff ff, two of five cuts of a message passed for a shorter one (measured on Node). The final block
 * finds most of them, not all: a Huffman code may take the ff for the end of its block.
 */
const LENGTH = [0x04, 0x00, 0xfb, 0xff];
const MARK = [0xa7, 0x3c, 0xe1, 0x5d];
const FINAL_BLOCK = [0x03, 0x00];
const TAIL = Uint8Array.from([...LENGTH, ...MARK, ...FINAL_BLOCK]);
/** RFC 1951 §2: no reference reaches back further. */
const LARGEST_WINDOW = 32_768;
/** RFC 1951 §3.2.4: the header of a stored block, and its length twice. */
const STORED_HEADER_BYTES = 5;
/**
 * A sender may flush with final blocks (§7.2.3.4), one for each of its writes. After each, zlib starts anew, which takes
 * 4 to 30 µs, a full window in front: at most half a millisecond for these, whatever comes out.
 */
const MAX_FINAL_BLOCKS = 16;
/** The buffers that zlib writes into; its own 16 KiB cost a short message up to 14 of 47 µs (670 B, Node 20). */
const SMALLEST_CHUNK = 2_048;
const LARGEST_CHUNK = 65_536;
/** JSON inflates to about so many times its size: in one buffer mostly, since joining several costs a copy. */
const LIKELY_RATIO = 8;

export const zlibCodec: DeflateCodec = {
  deflate(message, window, windowBits, level) {
    const compressed = deflateRawSync(message, {
      windowBits,
      level,
      memLevel: MEM_LEVEL,
      finishFlush: constants.Z_SYNC_FLUSH,
      chunkSize: chunkSizeFor(message.length),
      ...(window.length > 0 && usesDictionary() ? { dictionary: window } : {}),
    });
    return compressed.subarray(0, compressed.length - FLUSH_BYTES);
  },

  inflate(payload, window, limit) {
    let at = roomFor(window);
    let input = new Uint8Array(at + payload.length + TAIL.length);
    input.set(payload, at);
    input.set(TAIL, at + payload.length);
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      at -= roomFor(window);
      storeAt(input, at, window);
      const stream = input.subarray(at);
      const { buffer, engine } = inflateStream(stream, window.length, limit - size);
      const output = buffer.subarray(window.length);
      at += engine.bytesWritten;
      // §7.2.1 step 2: the block that the mark is in may be a final one.
      if (at >= input.length - FINAL_BLOCK.length) {
        const last = withoutMark(output);
        if (last === undefined || swallowsTail(stream, window.length, last)) {
          throw new Error("Cannot inflate: cut short");
        }
        return parts.length === 0 ? last : concat(...parts, last);
      }

      // §7.2.3.4: what follows on a final block belongs to the message, and zlib, which stops there, starts again.
      size += output.length;
      if (parts.length === MAX_FINAL_BLOCKS) throw new Error(`Cannot inflate: over ${MAX_FINAL_BLOCKS} final blocks`);
      parts.push(output.slice());
      window = buffer.subarray(-LARGEST_WINDOW);
      // The next window takes the place of what was read. Where that is too short, all the rest moves, once.
      if (at < roomFor(window)) {
        const rest = input.subarray(at);
        at = STORED_HEADER_BYTES + LARGEST_WINDOW;
        input = new Uint8Array(at + rest.length);
        input.set(rest, at);
      }
    }
  },
};

let dictionaryHelps: boolean | undefined;

/**
 * Deno 2.9.6 ignores the dictionary of a deflate: its output is valid, as large as without takeover, and takes up to twice
 * as long. Tried out at the first need, so that a Deno that heeds it is given one.
 */
function usesDictionary(): boolean {
  if (dictionaryHelps === undefined) {
    const sample = Uint8Array.from({ length: 64 }, (_, i) => i * i);
    dictionaryHelps = deflateRawSync(sample, { dictionary: sample }).length < sample.length;
  }
  return dictionaryHelps;
}

/**
 * One deflate stream, from the beginning of `input`, which a window of `windowBytes` takes, to its final block. Past the
 * limit zlib throws a RangeError (ERR_BUFFER_TOO_LARGE), on all three runtimes.
 */
function inflateStream(input: Uint8Array, windowBytes: number, limit: number): Inflated {
  return inflateRawSync(input, {
    info: true,
    maxOutputLength: Math.min(windowBytes + limit + MARK.length, bufferConstants.MAX_LENGTH),
    chunkSize: chunkSizeFor(windowBytes + (input.length - windowBytes) * LIKELY_RATIO),
  }) as unknown as Inflated;
}

/** What came out before the mark; undefined when something else came last. */
function withoutMark(output: Uint8Array): Uint8Array | undefined {
  return endsWith(output, MARK) ? output.subarray(0, output.length - MARK.length) : undefined;
}

/**
 * Whether the length in the tail was taken for data, by a stored block that was cut just so. Then the output ends like it,
 * which hardly a message does, and a wrong length makes no difference.
 */
function swallowsTail(stream: Uint8Array, windowBytes: number, output: Uint8Array): boolean {
  if (!endsWith(output, LENGTH)) return false;
  stream[stream.length - TAIL.length]! ^= 0xff;
  try {
    inflateStream(stream, windowBytes, output.length);
    return true;
  } catch {
    return false;
  }
}

function endsWith(bytes: Uint8Array, end: readonly number[]): boolean {
  const start = bytes.length - end.length;
  return start >= 0 && end.every((byte, i) => bytes[start + i] === byte);
}

/** The bytes that `window` takes in front of a stream. */
function roomFor(window: Uint8Array): number {
  return window.length === 0 ? 0 : STORED_HEADER_BYTES + window.length;
}

/** Writes `window` at `at` as a stored block, and so into the history of what is inflated behind it. */
function storeAt(input: Uint8Array, at: number, window: Uint8Array): void {
  const { length } = window;
  if (length === 0) return;
  // A dictionary would do, but Deno 2.9.6 fails on that of a raw inflate.
  input.set([0, length & 0xff, length >>> 8, ~length & 0xff, (~length >>> 8) & 0xff], at);
  input.set(window, at + STORED_HEADER_BYTES);
}

function chunkSizeFor(bytes: number): number {
  return Math.max(SMALLEST_CHUNK, Math.min(bytes, LARGEST_CHUNK));
}
