/** Random transcripts, good and bad, as lists of steps that can be made shorter. */

import type { Role } from "../../src/protocol/engine.ts";
import { deflated } from "../support/deflated.ts";
import { bytesOf, frame } from "../support/frames.ts";
import { fromHex, hex, toHex } from "../support/hex.ts";
import type { Random } from "../support/random.ts";

/** Something to try: made from a seed, printed when it fails, and made shorter by leaving steps out. */
export interface Sample {
  readonly role: Role;
  /** Of what is random in the playing: cuts and pauses. */
  readonly seed: number;
  /** Each in words; for a transcript, a frame or a few bytes in hex. */
  readonly steps: readonly string[];
}

const CLOSE_PAYLOADS = [hex``, hex`03 e8`, hex`0f a0 62 79 65`, hex`13 87 e2 82 ac`];

export function wireOf({ steps }: Sample): Uint8Array {
  return fromHex(steps.join(" "));
}

/**
 * Frames that break no rule, as the peer of `role` sends them; now and then with a close frame at the end. With `deflate`
 * every other message is compressed, without reference to those before it.
 */
export function validFrames(random: Random, role: Role, deflate = false): string[] {
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
    const compressed = deflate && random.oneIn(2);
    const payload = compressed ? deflated(message) : message;
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

/** `steps` with a few bytes changed, left out, put in, doubled, or cut off at the end. */
export function mutated(random: Random, steps: readonly string[]): string[] {
  const result = [...steps];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(result.length);
    const bytes = Array.from(fromHex(result[at]!));
    // The header is where a change matters most.
    const where = random.oneIn(2) ? random.below(Math.min(bytes.length, 8) || 1) : random.below(bytes.length || 1);
    switch (random.below(6)) {
      case 0:
        bytes[where] = (bytes[where] ?? 0) ^ 1 << random.below(8);
        break;
      case 1:
        bytes[where] = random.below(256);
        break;
      case 2:
        bytes.splice(where, 1 + random.below(4));
        break;
      case 3:
        bytes.splice(where, 0, ...random.bytes(1 + random.below(4)));
        break;
      case 4:
        result.splice(at, 0, result[random.below(result.length)]!);
        continue;
      case 5:
        bytes.length = where;
        break;
    }
    result[at] = toHex(Uint8Array.from(bytes));
  }
  return result;
}

/** The fewest steps that still fail, found by leaving out ever smaller runs of them. */
export function shortest(sample: Sample, fails: (sample: Sample) => boolean): Sample {
  let best = sample;
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.steps.length;) {
      const less = { ...best, steps: [...best.steps.slice(0, at), ...best.steps.slice(at + size)] };
      if (less.steps.length > 0 && fails(less)) best = less;
      else at += size;
    }
  }
  return best;
}
