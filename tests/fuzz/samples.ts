/** Random transcripts, good and bad, as lists of frames that can be made shorter. */

import { constants, deflateRawSync } from "node:zlib";
import type { Role } from "../../src/protocol/engine.ts";
import { bytesOf, frame, joined } from "../support/frames.ts";
import { fromHex, hex, toHex } from "../support/hex.ts";
import type { Random } from "../support/random.ts";
import type { Sample } from "./property.ts";

const CLOSE_PAYLOADS = [hex``, hex`03 e8`, hex`0f a0 62 79 65`, hex`13 87 e2 82 ac`];

export function wireOf({ steps }: Sample): Uint8Array {
  return fromHex(steps.join(" "));
}

/** Frames that break no rule, as the peer of `role` sends them; now and then with a close frame at the end. */
export function validFrames(random: Random, role: Role): string[] {
  return framesOf(random, role, () => undefined);
}

/** The same, of messages of which every other one is compressed, some with the history of those before them. */
export function compressedFrames(random: Random, role: Role): string[] {
  const windowBits = random.pick([9, 10, 12, 15]);
  const takeover = random.oneIn(2);
  let history: Uint8Array = new Uint8Array(0);
  return framesOf(random, role, (message) => {
    if (random.oneIn(2)) return undefined;
    const payload = deflated(random, message, windowBits, history);
    if (takeover) history = joined([history, message]).slice(-(2 ** windowBits));
    return payload;
  });
}

/** In one of the ways that RFC 7692 §7.2.1 and §7.2.3 allow. */
function deflated(random: Random, message: Uint8Array, windowBits: number, dictionary: Uint8Array): Uint8Array {
  const { Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH, Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
  const options = {
    windowBits,
    level: random.below(10),
    strategy: random.pick([Z_DEFAULT_STRATEGY, Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]),
    ...(dictionary.length > 0 && { dictionary }),
  };
  // §7.2.3.4: one with a final block needs a byte more.
  if (random.oneIn(5)) return joined([deflateRawSync(message, { ...options, finishFlush: Z_FINISH }), hex`00`]);
  const finishFlush = random.oneIn(4) ? Z_FULL_FLUSH : Z_SYNC_FLUSH;
  return deflateRawSync(message, { ...options, finishFlush }).subarray(0, -4);
}

/** @param compress what travels instead of a message; undefined: it goes as it is */
function framesOf(random: Random, role: Role, compress: (message: Uint8Array) => Uint8Array | undefined): string[] {
  const frames: string[] = [];
  const push = (opcode: number, payload: Uint8Array | string, fin = true, rsv = 0): void => {
    const key = role === "server" ? Array.from(random.bytes(4)) : undefined;
    frames.push(toHex(frame({ opcode, payload, fin, key, rsv })));
  };
  const control = (): void => {
    while (random.oneIn(3)) push(random.pick([9, 10]), random.bytes(random.length(125)));
  };
  for (let count = 1 + random.below(6); count > 0; count--) {
    control();
    const text = random.oneIn(2);
    const length = random.oneIn(30) ? random.length(70_000) : random.length(300);
    const message = text ? bytesOf(random.text(length)) : random.bytes(length);
    const compressed = compress(message);
    const payload = compressed ?? message;
    let opcode = text ? 1 : 2;
    let rsv = compressed ? 4 : 0;
    let at = 0;
    while (random.oneIn(2)) {
      const end = at + random.below(payload.length - at + 1);
      push(opcode, payload.subarray(at, end), false, rsv);
      control();
      opcode = rsv = 0;
      at = end;
    }
    push(opcode, payload.subarray(at), true, rsv);
  }
  if (random.oneIn(4)) push(8, random.pick(CLOSE_PAYLOADS));
  return frames;
}

/** Bytes that begin like frames more often than chance would have it. */
export function anyBytes(random: Random, role: Role): string[] {
  return Array.from({ length: 1 + random.below(20) }, () => {
    if (random.oneIn(3)) return toHex(random.bytes(1 + random.below(12)));
    const masked = random.oneIn(12) !== (role === "server") ? 0x80 : 0;
    const first = random.pick([0x81, 0x82, 0x80, 0x01, 0x02, 0x00, 0x88, 0x89, 0x8a, 0x8a, 0x89, random.below(256)]);
    const length = random.pick([0, 1, 2, 3, 5, 8, 125, 126, 127]);
    const payload = random.oneIn(2) ? bytesOf(random.text(9)).subarray(0, 9) : random.bytes(random.below(12));
    return toHex(Uint8Array.of(first, masked | length, ...random.bytes(masked === 0 ? 0 : 4), ...payload));
  });
}
