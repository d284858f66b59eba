/**
 * How to copy a few bytes: into a buffer that gathers frames, and out of a chunk into an array of its own, with the
 * chunk a plain `Uint8Array` and, where there is one, the `Buffer` that a Node socket delivers. And how to copy many,
 * where it counts whether memory is filled with zeros first.
 */

import { type Candidate, compare } from "./measure.ts";

const SIZES = [8, 16, 20, 32, 48, 64, 96, 125, 200, 256, 512, 1024];

const LARGE_SIZES = [4_096, 16_384, 65_536, 262_144, 1_048_576];

interface BufferMaker {
  from(buffer: ArrayBufferLike): Uint8Array;
  allocUnsafeSlow(size: number): Uint8Array;
}
const NodeBuffer = Reflect.get(globalThis, "Buffer") as BufferMaker | undefined;

type Append = (source: Uint8Array, into: Uint8Array, at: number) => void;
type Take = (chunk: Uint8Array, start: number, end: number) => Uint8Array;

function appendByLoop(source: Uint8Array, into: Uint8Array, at: number): void {
  for (let i = 0, length = source.length; i < length; i++) into[at + i] = source[i]!;
}

function appendBySet(source: Uint8Array, into: Uint8Array, at: number): void {
  into.set(source, at);
}

function takeByView(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset + start, end - start);
}

function takeByLoop(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  for (let i = start, to = 0; i < end; i++, to++) copy[to] = chunk[i]!;
  return copy;
}

function takeBySet(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(chunk.subarray(start, end));
  return copy;
}

function takeByConstructor(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(chunk.subarray(start, end));
}

function takeBySlice(chunk: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(chunk, start, end);
}

function takeByBufferSlice(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const base = chunk.byteOffset;
  return new Uint8Array(chunk.buffer.slice(base + start, base + end));
}

function takeWithoutZeros(chunk: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(NodeBuffer!.allocUnsafeSlow(end - start).buffer);
  copy.set(chunk.subarray(start, end));
  return copy;
}

function appending(name: string, append: Append | undefined, size: number): Candidate {
  const sources = Array.from({ length: 32 }, () => new Uint8Array(size).fill(7));
  const into = new Uint8Array(16_384);
  return {
    name,
    run(times) {
      let at = 2;
      for (let n = 0; n < times; n++) {
        if (append) append(sources[n & 31]!, into, at);
        at = at + size + 2 > 16_000 - size ? 2 : at + size + 2;
      }
      return into[8]!;
    },
  };
}

function taking(name: string, take: Take | undefined, size: number, buffer: boolean): Candidate {
  const frame = size + 6, plain = new Uint8Array(Math.max(1, Math.floor(65_536 / frame)) * frame);
  const chunk = buffer ? NodeBuffer!.from(plain.buffer) : plain;
  return {
    name,
    run(times) {
      let at = 0, sum = 0;
      for (let n = 0; n < times; n++) {
        const end = at + frame;
        if (take) sum += take(chunk, end - size, end)[0]!;
        at = end + frame > chunk.length ? 0 : end;
      }
      return sum;
    },
  };
}

function takers(size: number, buffer: boolean): Candidate[] {
  return [
    taking("control", undefined, size, buffer),
    taking("view, no copy", takeByView, size, buffer),
    taking("loop", takeByLoop, size, buffer),
    taking("set(subarray)", takeBySet, size, buffer),
    taking("new Uint8Array(subarray)", takeByConstructor, size, buffer),
    taking("slice", takeBySlice, size, buffer),
    taking("buffer.slice", takeByBufferSlice, size, buffer),
  ];
}

compare("Append to a gather buffer", SIZES, (size) => [
  appending("control", undefined, size),
  appending("loop", appendByLoop, size),
  appending("set", appendBySet, size),
]);
compare("Take out of a Uint8Array chunk", SIZES, (size) => takers(size, false));
if (NodeBuffer) compare("Take out of a Buffer chunk", SIZES, (size) => takers(size, true));
compare("Take many bytes out of a Uint8Array chunk", LARGE_SIZES, (size) => [
  ...takers(size, false).filter(({ name }) => name !== "view, no copy" && name !== "loop"),
  ...(NodeBuffer ? [taking("Buffer.allocUnsafeSlow", takeWithoutZeros, size, false)] : []),
]);
