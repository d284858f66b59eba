/** Samples made of other samples: a few changes where they matter most. */

import { frame, readFrames } from "../support/frames.ts";
import { fromHex, toHex } from "../support/hex.ts";
import type { Random } from "../support/random.ts";
import { type Kind, KINDS } from "./property.ts";

/** What parsers of text stumble over. */
const MARKS = [
  ",",
  ";",
  "=",
  '"',
  "\\",
  ":",
  " ",
  "\t",
  "\r\n",
  "\0",
  "/",
  "//",
  "*",
  "[",
  "]",
  "%",
  "%00",
  "%ff",
  "%2f",
]
  .concat(["@", "#", "?", "-1", "0", "00", "8", "16", "1e9", "99999999999", "__proto__", "constructor", "toString"])
  .concat(["null", "{}", "[]", "\u00e9", "\u00ff"]);

/** Where the length of a frame changes its form, or meets a limit of somebody's numbers. */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53].map(BigInt)
  .concat([(1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]);

/**
 * `steps` with one to three changes: steps doubled, moved, left out, or put in from `other`; frames with another header;
 * bytes or letters changed, left out, put in, or cut off at the end.
 */
export function mutated(
  random: Random,
  kind: Kind,
  steps: readonly string[],
  other: readonly string[] = steps,
): string[] {
  let result = [...steps];
  for (let count = 1 + random.below(3); count > 0; count--) {
    if (KINDS[kind] === "words" || random.oneIn(3)) result = rearranged(random, result, other);
    if (KINDS[kind] === "words" || result.length === 0) continue;
    const at = random.below(result.length);
    const step = result[at]!;
    if (KINDS[kind] === "text") result[at] = changedText(random, step);
    else result[at] = kind === "frames" && random.oneIn(3) ? reframed(random, step) : changedBytes(random, step);
  }
  return result.length === 0 ? [...steps] : result;
}

function rearranged(random: Random, steps: readonly string[], other: readonly string[]): string[] {
  const result = [...steps];
  const at = random.below(result.length + 1);
  const from = random.below(other.length || 1);
  switch (random.below(5)) {
    case 0:
      result.splice(at, 0, ...result.slice(from, from + 1));
      break;
    case 1:
      result.splice(at, 1);
      break;
    case 2:
      result.splice(at, 0, ...other.slice(from, from + 1 + random.below(3)));
      break;
    case 3:
      return [...result.slice(0, at), ...other.slice(from)];
    case 4:
      result.splice(random.below(result.length + 1), 0, ...result.splice(at, 1));
      break;
  }
  return result;
}

/** The first frame in `step` with another header before the same payload. */
function reframed(random: Random, step: string): string {
  const [seen, ...more] = readFrames(fromHex(step));
  if (seen === undefined || more.length > 0) return changedBytes(random, step);
  const { payload, masked, header } = seen;
  const change = random.below(6);
  return toHex(frame({
    payload,
    opcode: change === 0 ? random.below(16) : seen.opcode,
    fin: change === 1 ? !seen.fin : seen.fin,
    rsv: change === 2 ? random.pick([0, 4, 4, random.below(8)]) : header[0]! >> 4 & 7,
    key: masked !== (change === 3) ? random.pick([[0, 0, 0, 0], Array.from(random.bytes(4))]) : undefined,
    ...(change === 4 ? { length: random.oneIn(3) ? random.pick(LENGTHS) : payload.length + random.below(5) - 2 } : {}),
    ...(change === 5 ? { lengthBytes: random.pick([0, 2, 8]) } : {}),
  }));
}

function changedBytes(random: Random, step: string): string {
  const bytes = Array.from(fromHex(step));
  // The header is where a change matters most.
  const where = random.oneIn(2) ? random.below(Math.min(bytes.length, 8) || 1) : random.below(bytes.length || 1);
  switch (random.below(5)) {
    case 0:
      bytes[where] = (bytes[where] ?? 0) ^ 1 << random.below(8);
      break;
    case 1:
      bytes[where] = random.pick([0x00, 0x7f, 0x80, 0xff, random.below(256)]);
      break;
    case 2:
      bytes.splice(where, 1 + random.below(4));
      break;
    case 3:
      bytes.splice(where, 0, ...random.bytes(1 + random.below(4)));
      break;
    case 4:
      bytes.length = Math.min(where, bytes.length);
      break;
  }
  return toHex(Uint8Array.from(bytes));
}

function changedText(random: Random, step: string): string {
  const at = random.below(step.length + 1);
  const end = Math.min(step.length, at + 1 + random.below(4));
  switch (random.below(6)) {
    case 0:
      return step.slice(0, at) + step.slice(end);
    case 1:
      return step.slice(0, at) + random.pick(MARKS) + step.slice(at);
    case 2:
      return step.slice(0, at) + random.pick(MARKS) + step.slice(end);
    case 3:
      return step.slice(0, at) + String.fromCharCode(random.below(256)) + step.slice(at + 1);
    case 4:
      return step.slice(0, at) + step.slice(at, end).repeat(2 + random.below(40)) + step.slice(end);
    default:
      return step.slice(0, at) + swapCase(step.slice(at, end)) + step.slice(end);
  }
}

function swapCase(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase();
}
