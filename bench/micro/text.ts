/**
 * When a loop over characters beats `TextDecoder` and `encodeInto` for ASCII text, and what a round trip costs, which
 * counts what a loop leaves behind: a string joined from characters is a rope until somebody flattens it.
 */

import { type Candidate, compare } from "./measure.ts";

const SIZES = [8, 20, 32, 64, 125, 256, 1024];

interface NodeBuffer extends Uint8Array {
  latin1Slice(start: number, end: number): string;
  write(text: string, at: number, encoding: string): number;
}
type BufferFrom = { from(buffer: ArrayBufferLike): NodeBuffer };
const NodeBuffer = (globalThis as { readonly Buffer?: unknown }).Buffer as BufferFrom | undefined;

type Decode = (bytes: Uint8Array, start: number, end: number) => string;
type Encode = (text: string, into: Uint8Array, at: number) => number;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function byDecoder(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

function byCharacter(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 127) return byDecoder(bytes, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function byEight(bytes: Uint8Array, start: number, end: number): string {
  let text = "", i = start;
  for (; i + 7 < end; i += 8) {
    const a = bytes[i]!, b = bytes[i + 1]!, c = bytes[i + 2]!, d = bytes[i + 3]!;
    const e = bytes[i + 4]!, f = bytes[i + 5]!, g = bytes[i + 6]!, h = bytes[i + 7]!;
    if ((a | b | c | d | e | f | g | h) > 127) return byDecoder(bytes, start, end);
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 127) return byDecoder(bytes, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function byLatin1Slice(bytes: Uint8Array, start: number, end: number): string {
  let any = 0;
  for (let i = start; i < end; i++) any |= bytes[i]!;
  if (any > 127) return byDecoder(bytes, start, end);
  return (bytes as NodeBuffer).latin1Slice(start, end);
}

function byEncodeInto(text: string, into: Uint8Array, at: number): number {
  return encoder.encodeInto(text, at === 0 ? into : into.subarray(at)).written;
}

function byCharCodeAt(text: string, into: Uint8Array, at: number): number {
  const length = text.length;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return byEncodeInto(text, into, at);
    into[at + i] = code;
  }
  return length;
}

function byBufferWrite(text: string, into: Uint8Array, at: number): number {
  return (into as NodeBuffer).write(text, at, "utf8");
}

function asciiChunk(frame: number): Uint8Array {
  const chunk = new Uint8Array(Math.max(1, Math.floor(65_536 / frame)) * frame);
  for (let i = 0; i < chunk.length; i++) chunk[i] = 97 + (i * 7 + (i >> 8)) % 26;
  return NodeBuffer ? NodeBuffer.from(chunk.buffer) : chunk;
}

function decoding(name: string, decode: Decode | undefined, size: number): Candidate {
  const frame = size + 6, chunk = asciiChunk(frame);
  return {
    name,
    run(times) {
      let at = 0, sum = 0;
      for (let n = 0; n < times; n++) {
        const end = at + frame;
        if (decode) sum += decode(chunk, end - size, end).length;
        at = end + frame > chunk.length ? 0 : end;
      }
      return sum;
    },
  };
}

function encoding(name: string, encode: Encode | undefined, size: number): Candidate {
  const source = asciiChunk(size);
  const texts = Array.from({ length: 32 }, (_, i) => decoder.decode(source.subarray(i * 26, i * 26 + size)));
  const gather = new Uint8Array(16_384), into = NodeBuffer ? NodeBuffer.from(gather.buffer) : gather;
  return {
    name,
    run(times) {
      let at = 2, sum = 0;
      for (let n = 0; n < times; n++) {
        if (encode) sum += encode(texts[n & 31]!, into, at);
        at = at + size + 2 > 16_000 - size ? 2 : at + size + 2;
      }
      return sum;
    },
  };
}

function roundTrip(name: string, decode: Decode | undefined, encode: Encode | undefined, size: number): Candidate {
  const frame = size + 6, chunk = asciiChunk(frame);
  const gather = new Uint8Array(16_384), into = NodeBuffer ? NodeBuffer.from(gather.buffer) : gather;
  return {
    name,
    run(times) {
      let at = 0, to = 2, sum = 0;
      for (let n = 0; n < times; n++) {
        const end = at + frame;
        if (decode && encode) sum += encode(decode(chunk, end - size, end), into, to);
        at = end + frame > chunk.length ? 0 : end;
        to = to + size + 2 > 16_000 - size ? 2 : to + size + 2;
      }
      return sum;
    },
  };
}

compare("Decode ASCII", SIZES, (size) => [
  decoding("control", undefined, size),
  decoding("TextDecoder fatal", byDecoder, size),
  decoding("character by character", byCharacter, size),
  decoding("eight at a time", byEight, size),
  ...(NodeBuffer ? [decoding("ASCII check + Buffer latin1Slice", byLatin1Slice, size)] : []),
]);

compare("Encode ASCII into a larger buffer", SIZES, (size) => [
  encoding("control", undefined, size),
  encoding("encodeInto", byEncodeInto, size),
  encoding("charCodeAt loop", byCharCodeAt, size),
  ...(NodeBuffer ? [encoding("Buffer write", byBufferWrite, size)] : []),
]);

compare("Decode, then encode the string that came out", SIZES, (size) => [
  roundTrip("control", undefined, undefined, size),
  roundTrip("TextDecoder, encodeInto", byDecoder, byEncodeInto, size),
  roundTrip("TextDecoder, charCodeAt", byDecoder, byCharCodeAt, size),
  roundTrip("character, encodeInto", byCharacter, byEncodeInto, size),
  roundTrip("character, charCodeAt", byCharacter, byCharCodeAt, size),
  roundTrip("eight, encodeInto", byEight, byEncodeInto, size),
  roundTrip("eight, charCodeAt", byEight, byCharCodeAt, size),
  ...(NodeBuffer
    ? [
      roundTrip("latin1Slice, charCodeAt", byLatin1Slice, byCharCodeAt, size),
      roundTrip("latin1Slice, Buffer write", byLatin1Slice, byBufferWrite, size),
    ]
    : []),
]);
