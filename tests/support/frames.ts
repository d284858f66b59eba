/**
 * Frames made and read by hand, as RFC 6455 §5.2 draws them, slowly and without a line of src/: what the tests compare
 * the engine with. Makes wrong frames too.
 */

import type { Role } from "../../src/protocol/engine.ts";

/** The key of the RFC's own masked examples (§5.7). */
export const KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

/** A source of randomness that always says `KEY`. */
export function fixedRandom(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = KEY[i % 4]!;
}

export interface FrameParts {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  /** True when it is not given. */
  readonly fin?: boolean;
  /** The reserved bits, 0 to 7. */
  readonly rsv?: number;
  /** The mask key; a frame without one is not masked. */
  readonly key?: readonly number[] | undefined;
  /** Bytes of the extended length: 0, 2 or 8. The least that does it when it is not given. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** What the header says; the payload's own length when it is not given. */
  readonly length?: number | bigint;
}

/** One frame. */
export function frame(parts: FrameParts): Uint8Array {
  const { opcode, fin = true, rsv = 0, key } = parts;
  const payload = bytesOf(parts.payload ?? "");
  const length = BigInt(parts.length ?? payload.length);
  const size = parts.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const extended = Array.from({ length: size }, (_, i) => Number(length >> BigInt(8 * (size - 1 - i)) & 0xffn));
  const short = size === 0 ? Number(length) : size === 2 ? 126 : 127;
  return Uint8Array.from([
    (fin ? 0x80 : 0) | rsv << 4 | opcode,
    (key ? 0x80 : 0) | short,
    ...extended,
    ...(key ?? []),
    ...(key ? xor(payload, key) : payload),
  ]);
}

/** `payload` under `key`: the loop of §5.3, which every faster one must agree with. */
export function xor(payload: Uint8Array, key: readonly number[]): Uint8Array {
  return payload.map((octet, i) => octet ^ key[i % 4]!);
}

/** Whole unmasked frames as the peer of `role` would send them: masked with `KEY` when they go to a server. */
export function asPeerOf(role: Role, frames: Uint8Array): Uint8Array {
  if (role === "client") return frames;
  return joined(
    readFrames(frames).map(({ header, payload }) => {
      const masked = header.slice();
      masked[1]! |= 0x80;
      return joined([masked, Uint8Array.from(KEY), xor(payload, KEY)]);
    }),
  );
}

export interface FrameSeen {
  readonly fin: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  /** The header but for its mask key and its mask bit. */
  readonly header: Uint8Array;
  /** Without its mask. */
  readonly payload: Uint8Array;
}

/** The frames that stand in `bytes`; the last may be cut short. */
export function readFrames(bytes: Uint8Array): FrameSeen[] {
  const frames: FrameSeen[] = [];
  for (let at = 0; at < bytes.length;) {
    const masked = (bytes[at + 1]! & 0x80) !== 0;
    let length = bytes[at + 1]! & 0x7f;
    let headerEnd = at + 2;
    if (length > 125) {
      const size = length === 126 ? 2 : 8;
      length = bytes.slice(headerEnd, headerEnd + size).reduce((sum, octet) => sum * 256 + octet, 0);
      headerEnd += size;
    }
    const header = bytes.slice(at, headerEnd);
    header[1]! &= 0x7f;
    const key = masked ? Array.from(bytes.slice(headerEnd, headerEnd + 4)) : [0, 0, 0, 0];
    const start = masked ? headerEnd + 4 : headerEnd;
    const payload = xor(bytes.slice(start, start + length), key);
    frames.push({ fin: bytes[at]! >= 0x80, opcode: bytes[at]! & 0x0f, masked, header, payload });
    at = start + length;
  }
  return frames;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function bytesOf(text: Uint8Array | string): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}
