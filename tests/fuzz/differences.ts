/**
 * Where we and `ws` make different things of the same bytes, and why. What none of these explains is a finding, and what
 * nothing in the corpus shows any more is to be taken out.
 */

import { inflateRawSync } from "node:zlib";
import type { Role, Violation } from "../../src/protocol/engine.ts";
import type { DeflateDirection } from "../../src/protocol/permessage_deflate.ts";
import { bytesOf, joined, readFrames } from "../support/frames.ts";
import { fromHex, hex } from "../support/hex.ts";
import { Recorder } from "../support/recorder.ts";
import { WS_INFLATES, wsWords } from "./ws_reader.ts";

/** The same bytes, as both have read them. */
export interface Pair {
  readonly wire: Uint8Array;
  readonly role: Role;
  readonly limits: { readonly maxMessageSize: number; readonly maxFragments: number };
  readonly incoming: DeflateDirection | undefined;
  /** What we said, without the sections of the RFC, and what ended it, if we did. */
  readonly ours: readonly string[];
  readonly violation: Violation | undefined;
  readonly theirs: readonly string[];
}

/** From the first word on in which they differ. */
interface Apart extends Pair {
  /** How many words are the same. */
  readonly at: number;
  /** What of ours and theirs follows; undefined: nothing does. */
  readonly our: string | undefined;
  readonly their: string | undefined;
  /** Whether a message of theirs follows. */
  readonly theyGoOn: boolean;
}

/** One that is meant to be. */
export interface Difference<Seen> {
  readonly name: string;
  readonly why: string;
  explains(seen: Seen): boolean | Promise<boolean>;
}

const PLAIN_DIFFERENCES: readonly Difference<Apart>[] = [
  {
    name: "a length in more bytes than it needs",
    why: "RFC 6455 §5.2: the minimal number of bytes MUST be used. ws reads it as any other; we fail with 1002.",
    explains: ({ violation }) => isOf(violation, /not in minimal form/),
  },
  {
    name: "a length with its highest bit set",
    why: "RFC 6455 §5.2: it MUST be 0, so it is a protocol error to us, 1002. ws takes it for a large number, 1009.",
    explains: ({ violation, their }) => isOf(violation, /negative length/) && their === "failed 1009",
  },
  {
    name: "text that cannot become UTF-8 any more",
    why: "RFC 6455 §8.1 lets us fail at the first wrong byte, and we do; ws looks when the message has ended.",
    explains: ({ violation, theyGoOn }) => isOf(violation, /not UTF-8/) && !theyGoOn,
  },
  {
    name: "too many fragments",
    why: "We fail with 1009 at the header of the one too many, ws with 1008 once all of it has come.",
    explains: ({ violation, theyGoOn }) => isOf(violation, /more than \d+ fragments/) && !theyGoOn,
  },
  {
    name: "a frame that is too large, and has no place where it is",
    why: "We look at the length first, and fail with 1009; ws looks at the opcode first, and fails with 1002.",
    explains: ({ violation, their }) => isOf(violation, /^Frame of \d+ bytes/) && their === "failed 1002",
  },
  {
    name: "a header that has not come whole",
    why:
      "ws judges the first two bytes, and a length before the mask; we wait for the rest of the header, or of a close frame.",
    explains: ({ our, their, at, ...pair }) =>
      our === undefined && /^failed 10(02|09)$/.test(their ?? "") && failsWithMore(pair, at),
  },
];

const COMPRESSED_DIFFERENCES: readonly Difference<Apart>[] = [
  {
    name: "a compressed message that is cut short",
    why: "RFC 7692 §7.2.2: ws flushes what zlib has, and takes it for a shorter message; we fail with 1007.",
    explains: (apart) => apart.theyGoOn && isOf(apart.violation, /cannot be inflated/) && readOf(apart) === "cut short",
  },
  {
    name: "bytes behind the final block of a compressed message",
    why: "RFC 7692 §7.2.3.4: they belong to the message. ws does not look at them; we inflate them, or fail with 1007.",
    explains: (apart) => isMessage(apart.their) && readOf(apart) === "final block",
  },
  {
    name: "a message after a final block",
    why:
      "RFC 7692 §7.2.3.4: a final block may end any message. ws cannot read what follows on a fragmented one of these.",
    explains: (apart) => apart.incoming !== undefined && followsFinalBlock(apart),
  },
  {
    name: "a compressed fragment that is wrong",
    why: "ws inflates each fragment when it has come, and fails at once; we inflate the message when it has ended.",
    explains: ({ incoming, ours, their, at }) =>
      incoming !== undefined && /^failed 10(07|09)$/.test(their ?? "") && !ours.slice(at).some(isMessage),
  },
  {
    name: "a reference beyond the window that was agreed on",
    why: "We inflate every message with 32 KiB, whatever the sender may use; ws fails with 1007.",
    explains: async ({ incoming, their, our, at, ...pair }) =>
      incoming !== undefined && our !== undefined && their === "failed 1007" &&
      (await wsWords([pair.wire], { ...pair, ...pair.limits, incoming: { ...incoming, windowBits: 15 } }))[at] === our,
  },
  {
    name: "a message that compressing has made longer than the limit",
    why: "To us the limit is of what comes out; ws holds it against the compressed bytes too.",
    explains: (apart) =>
      apart.incoming !== undefined && apart.their === "failed 1009" &&
      payloadOf(apart).length > apart.limits.maxMessageSize,
  },
];

export const FRAME_DIFFERENCES: readonly Difference<Apart>[] = [
  ...PLAIN_DIFFERENCES,
  ...WS_INFLATES ? COMPRESSED_DIFFERENCES : [],
];

/** Those that something has shown since this began. */
export const SHOWN: Set<object> = new Set();

/** Whether one of `differences` explains what was seen. */
export async function isExplained<Seen>(differences: readonly Difference<Seen>[], seen: Seen): Promise<boolean> {
  for (const difference of differences) {
    if (!await difference.explains(seen)) continue;
    SHOWN.add(difference);
    return true;
  }
  return false;
}

export function comeApart(pair: Pair): Apart {
  const { ours, theirs } = pair;
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  return { ...pair, at, our: ours[at], their: theirs[at], theyGoOn: theirs.slice(at).some(isMessage) };
}

function isOf(violation: Violation | undefined, message: RegExp): boolean {
  return violation !== undefined && message.test(violation.message);
}

function isMessage(word: string | undefined): boolean {
  return word !== undefined && /^(text|binary)/.test(word);
}

/** Whether the rest of a header, whatever it is, makes us fail there, too. */
function failsWithMore(
  { wire, role, limits, incoming }: Pick<Pair, "wire" | "role" | "limits" | "incoming">,
  at: number,
): boolean {
  const recorder = new Recorder({ role, ...limits, ...(incoming && { deflate: { incoming } }) });
  recorder.engine.receive(joined([wire, new Uint8Array(14)]));
  return recorder.words[at]?.startsWith("failed") === true;
}

/** The payload of the message at which they come apart, as much of it as there is, and whether it is compressed. */
function messageAt({ wire, ours, at }: Apart): { payload: Uint8Array; compressed: boolean } {
  let before = ours.slice(0, at).filter(isMessage).length;
  const parts: Uint8Array[] = [];
  let compressed = false;
  for (const { fin, opcode, header, payload } of readFrames(wire)) {
    if (opcode >= 8) continue;
    if (before === 0) {
      if (parts.length === 0) compressed = (header[0]! & 0x40) !== 0;
      parts.push(payload);
      if (fin) break;
    } else if (fin) before--;
  }
  return { payload: joined(parts), compressed };
}

function payloadOf(apart: Apart): Uint8Array {
  return messageAt(apart).payload;
}

/** How zlib, not ours and not theirs, reads the message at which they come apart. */
function readOf(apart: Apart): "whole" | "cut short" | "final block" | undefined {
  const { payload, compressed } = messageAt(apart);
  if (!compressed) return undefined;
  const history = apart.incoming?.takeover === true
    ? joined(compressedBefore(apart)).slice(-32_768)
    : new Uint8Array(0);
  const before = joined([storedBlock(history), payload]);
  const [empty, one] = [hex`00 00 ff ff`, hex`01 00 fe ff 2a`].map((tail) =>
    inflated(before, joined([tail, FINAL_BLOCK]))
  );
  if (empty === "final block" || empty === undefined) return empty ?? "cut short";
  // Data that was to come may have taken the tail for itself.
  return one === undefined || one === "final block" || one.length !== empty.length + 1 ? "cut short" : "whole";
}

const FINAL_BLOCK = hex`03 00`;

function storedBlock(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length === 0) return bytes;
  return joined([Uint8Array.of(0, length & 255, length >> 8, ~length & 255, ~length >> 8 & 255), bytes]);
}

/** `final block`: there was one before the end of `tail`. */
function inflated(payload: Uint8Array, tail: Uint8Array): Uint8Array | "final block" | undefined {
  const stream = joined([payload, tail]);
  try {
    const { buffer, engine } = inflateRawSync(stream, { info: true }) as unknown as Inflated;
    return engine.bytesWritten < stream.length ? "final block" : buffer;
  } catch {
    return undefined;
  }
}

/** What `info` makes of it. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** What the compressed messages before came to. */
function compressedBefore(apart: Apart): Uint8Array[] {
  const said = apart.ours.slice(0, apart.at).filter(isMessage);
  const starts = readFrames(apart.wire).filter(({ opcode }) => opcode === 1 || opcode === 2);
  return said.filter((_, i) => (starts[i]!.header[0]! & 0x40) !== 0)
    .map((word) => word.startsWith("text") ? bytesOf(word.slice(5)) : fromHex(word.slice(7)));
}

/** Whether an earlier message ended with a final block. */
function followsFinalBlock(apart: Apart): boolean {
  return apart.ours.slice(0, apart.at).some((word, at) =>
    isMessage(word) && readOf({ ...apart, at }) === "final block"
  );
}
