/** Plays a case to a fresh engine, and says what came of it in the words of `expected.json`. */

import type { Role } from "../../src/protocol/engine.ts";
import { asPeerOf, type FrameSeen, joined, readFrames } from "../support/frames.ts";
import { fromHex, spellOut, toHex } from "../support/hex.ts";
import { Recorder } from "../support/recorder.ts";
import type { Case } from "./cases.ts";

/** What the RFC demands of a case. */
export interface Verdict {
  /** What the application hears, in order: `text a`, `binary 01`, `ping`, `pong 61`, `closing 1000 bye`. */
  readonly events: readonly string[];
  /** The frames that are sent, without their masks, up to our close frame. `2a×125` is a byte 125 times. */
  readonly out: string;
  /** The code of our close frame, 1005 for none in it; null when there is no close frame. */
  readonly close: number | null;
}

export function rolesOf({ role }: Case): readonly Role[] {
  return role === undefined ? ["server", "client"] : [role];
}

/** The bytes of a case as an engine in `role` reads them. */
export function inputOf(item: Case, role: Role): Uint8Array {
  const bytes = fromHex(spellOut(item.in));
  return item.raw ? bytes : asPeerOf(role, bytes);
}

export function play(item: Case, role: Role, chunks: readonly Uint8Array[]): Verdict {
  const { maxMessageSize = 1_048_576, maxFrameSize, maxFragments = 100, closes, deflate } = item;
  const limits = { maxMessageSize, maxFrameSize, maxFragments };
  const { engine, words, writes } = new Recorder({ role, ...limits, ...(deflate && { deflate: {} }) });
  if (closes !== undefined) engine.close(closes === 1005 ? undefined : closes, "");
  for (const chunk of chunks) engine.receive(chunk.slice());
  engine.flush();
  const frames = readFrames(joined(writes));
  for (const { masked } of frames) {
    if (masked !== (role === "client")) throw new Error(`A ${role} sent a frame ${masked ? "with" : "without"} a mask`);
  }
  const at = frames.findIndex(({ opcode }) => opcode === 8);
  if (at !== -1 && at !== frames.length - 1) throw new Error("Something was sent after the close frame");
  const before = at === -1 ? frames : frames.slice(0, at);
  return {
    events: words.filter((word) => !word.startsWith("failed ")).map(abridge),
    out: toHex(joined(before.flatMap(({ header, payload }) => [header, payload]))),
    close: at === -1 ? null : closeCode(frames[at]!),
  };
}

/** A verdict of `expected.json`, its bytes written out. */
export function spelledOut(verdict: Verdict): Verdict {
  return { ...verdict, out: toHex(fromHex(spellOut(verdict.out))) };
}

/** `text 125 × *` instead of 125 stars. */
function abridge(word: string): string {
  return word.replace(/([^ ])\1{32,}$/su, (run, unit: string) => `${run.length} × ${unit}`)
    .replace(/([0-9a-f]{2})( \1){32,}$/, (run, unit: string) => `${(run.length + 1) / 3} × ${unit}`);
}

function closeCode({ payload }: FrameSeen): number {
  if (payload.length === 0) return 1005;
  // Also what we say must keep the rules.
  if (payload.length === 1 || payload.length > 125) throw new Error(`A close frame of ${payload.length} bytes`);
  new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(2));
  return payload[0]! * 256 + payload[1]!;
}
