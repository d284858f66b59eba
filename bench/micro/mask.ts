/**
 * Which loop masks fastest at which size (RFC 6455 §5.3): in place at whatever offset a frame lies in its chunk, and
 * when the payload is copied out anyway.
 */

import { copyByVector, maskByVector } from "../../src/protocol/vector_mask.ts";
import { type Candidate, compare } from "./measure.ts";

type Mask = (bytes: Uint8Array, start: number, end: number, key: number, view: Int32Array) => void;

const SIZES = [8, 16, 20, 32, 48, 64, 96, 125, 200, 256, 512, 1024, 2048, 4096, 16_384, 65_536];

function nothing(): void {}

function plain(bytes: Uint8Array, start: number, end: number, key: number): void {
  for (let i = start, shift = 0; i < end; i++, shift = (shift + 8) & 31) bytes[i]! ^= key >>> shift;
}

function locals(bytes: Uint8Array, start: number, end: number, key: number): void {
  const a = key & 255, b = (key >>> 8) & 255, c = (key >>> 16) & 255, d = key >>> 24;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    bytes[i]! ^= a;
    bytes[i + 1]! ^= b;
    bytes[i + 2]! ^= c;
    bytes[i + 3]! ^= d;
  }
  if (i < end) bytes[i++]! ^= a;
  if (i < end) bytes[i++]! ^= b;
  if (i < end) bytes[i]! ^= c;
}

/** Bytes up to an aligned address, words after it with the key turned, bytes at the end. */
function words(bytes: Uint8Array, start: number, end: number, key: number): void {
  let i = start;
  for (; ((bytes.byteOffset + i) & 3) !== 0 && i < end; i++) {
    bytes[i]! ^= key;
    key = (key >>> 8) | (key << 24);
  }
  const length = (end - i) >> 2;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + i, length);
  for (let j = 0; j < length; j++) view[j]! ^= key;
  for (i += length << 2; i < end; i++, key >>>= 8) bytes[i]! ^= key;
}

/** Four words a turn. */
function wordsByFour(bytes: Uint8Array, start: number, end: number, key: number): void {
  let i = start;
  for (; ((bytes.byteOffset + i) & 3) !== 0 && i < end; i++) {
    bytes[i]! ^= key;
    key = (key >>> 8) | (key << 24);
  }
  const length = (end - i) >> 2;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + i, length);
  let j = 0;
  for (const last = length - 3; j < last; j += 4) {
    view[j]! ^= key;
    view[j + 1]! ^= key;
    view[j + 2]! ^= key;
    view[j + 3]! ^= key;
  }
  for (; j < length; j++) view[j]! ^= key;
  for (i += length << 2; i < end; i++, key >>>= 8) bytes[i]! ^= key;
}

/** As `words`, over a view that was made once for the whole chunk. */
function wordsOfSharedView(bytes: Uint8Array, start: number, end: number, key: number, view: Int32Array): void {
  let i = start;
  for (; (i & 3) !== 0 && i < end; i++) {
    bytes[i]! ^= key;
    key = (key >>> 8) | (key << 24);
  }
  const last = end >> 2;
  let j = i >> 2;
  for (; j < last; j++) view[j]! ^= key;
  for (i = Math.max(i, j << 2); i < end; i++, key >>>= 8) bytes[i]! ^= key;
}

/** With WebAssembly's vectors, in a memory that the bytes are copied into and out of again. */
function vector(bytes: Uint8Array, start: number, end: number, key: number): void {
  maskByVector(bytes, start, end, key);
}

/** As in a chunk: one frame after the other, each behind a header with its key. */
function walk(name: string, mask: Mask, size: number): Candidate {
  const frame = size + 6 + (size < 126 ? 0 : size < 65_536 ? 2 : 8);
  const count = Math.max(1, Math.floor(65_536 / frame));
  const chunk = new Uint8Array((count * frame + 3) & ~3);
  const view = new Int32Array(chunk.buffer);
  return {
    name,
    run(times) {
      let at = 0;
      for (let n = 0; n < times; n++) {
        const end = at + frame;
        mask(chunk, end - size, end, 0x3d21fa37, view);
        at = end + frame > chunk.length ? 0 : end;
      }
      return chunk[chunk.length >> 1]!;
    },
  };
}

type Copy = (chunk: Uint8Array, start: number, end: number, key: number) => Uint8Array;

function copyOnly(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(chunk.subarray(start, end));
  return copy;
}

function copyThenLocals(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array {
  const copy = copyOnly(chunk, start, end);
  locals(copy, 0, copy.length, key);
  return copy;
}

function copyThenWords(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array {
  const copy = copyOnly(chunk, start, end);
  const length = copy.length >> 2;
  const view = new Int32Array(copy.buffer, 0, length);
  for (let j = 0; j < length; j++) view[j]! ^= key;
  for (let i = length << 2; i < copy.length; i++, key >>>= 8) copy[i]! ^= key;
  return copy;
}

function copyInTheLoop(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array {
  const size = end - start, copy = new Uint8Array(size);
  const a = key & 255, b = (key >>> 8) & 255, c = (key >>> 16) & 255, d = key >>> 24;
  let i = 0, from = start;
  for (; i < size - 3; i += 4, from += 4) {
    copy[i] = chunk[from]! ^ a;
    copy[i + 1] = chunk[from + 1]! ^ b;
    copy[i + 2] = chunk[from + 2]! ^ c;
    copy[i + 3] = chunk[from + 3]! ^ d;
  }
  for (; i < size; i++, from++, key >>>= 8) copy[i] = chunk[from]! ^ key;
  return copy;
}

function copyInTheVectorsMemory(chunk: Uint8Array, start: number, end: number, key: number): Uint8Array {
  const copy = end - start <= 16_384 ? copyByVector(chunk, start, end, key) : undefined;
  return copy ?? copyThenWords(chunk, start, end, key);
}

function copies(name: string, copy: Copy | undefined, size: number): Candidate {
  const frame = size + 6, count = Math.max(1, Math.floor(65_536 / frame));
  const chunk = new Uint8Array(count * frame);
  return {
    name,
    run(times) {
      let at = 0, sum = 0;
      for (let n = 0; n < times; n++) {
        const end = at + frame;
        if (copy) sum += copy(chunk, end - size, end, 0x3d21fa37)[0]!;
        at = end + frame > chunk.length ? 0 : end;
      }
      return sum;
    },
  };
}

compare("Mask in place, frame after frame in a chunk", SIZES, (size) => [
  walk("control", nothing, size),
  walk("plain", plain, size),
  walk("four locals", locals, size),
  walk("words", words, size),
  walk("words, four a turn", wordsByFour, size),
  walk("words, one view a chunk", wordsOfSharedView, size),
  walk("vector", vector, size),
]);

compare("Copy out of the chunk and unmask", SIZES, (size) => [
  copies("control", undefined, size),
  copies("copy only", copyOnly, size),
  copies("copy, then four locals", copyThenLocals, size),
  copies("copy, then words", copyThenWords, size),
  copies("one loop, locals", copyInTheLoop, size),
  copies("vector", copyInTheVectorsMemory, size),
]);
