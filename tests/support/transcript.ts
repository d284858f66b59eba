/** A transcript is a test: bytes in, words out, however the network cuts them. */

import { expect } from "vitest";

import { cuts } from "./cuts.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";

export interface Transcript {
  readonly role: RecorderOptions["role"];
  readonly options?: Omit<RecorderOptions, "role">;
  /** Done to each engine before any byte comes. */
  readonly before?: (recorder: Recorder) => void;
  readonly in: Uint8Array;
  /** What `Recorder.transcript` must say. A `write` may leave out its end with `…`. */
  readonly expect: readonly string[];
}

/** Demands the same words whole, paused before each frame, byte by byte, and split in two at each point. */
export function transcript(told: Transcript): void {
  for (const [how, chunks] of cuts(told.in)) {
    const said = run(told, chunks);
    if (!same(said, told.expect)) expect(said, how).toEqual(told.expect);
  }
  expect(runPaused(told), "paused before each frame").toEqual(told.expect);
}

/** How many bytes it took, byte by byte, until the engine failed the connection; undefined if it never did. */
export function failsAfter(told: Pick<Transcript, "role" | "options" | "in">): number | undefined {
  const recorder = new Recorder({ role: told.role, ...told.options });
  for (let i = 0; i < told.in.length; i++) {
    recorder.engine.receive(told.in.slice(i, i + 1));
    if (recorder.violation !== undefined) return i + 1;
  }
  return undefined;
}

/** What lies around a chunk in the buffer it is part of. */
const AROUND = 0xa5;

function run(told: Transcript, chunks: readonly Uint8Array[]): string[] {
  const recorder = new Recorder({ role: told.role, ...told.options });
  told.before?.(recorder);
  for (const chunk of chunks) {
    // A chunk is the engine's, what lies around it is not.
    const around = new Uint8Array(chunk.length + 8).fill(AROUND);
    around.set(chunk, 3);
    recorder.engine.receive(around.subarray(3, 3 + chunk.length));
    const [before, after] = [around.subarray(0, 3), around.subarray(3 + chunk.length)];
    if (![...before, ...after].every((byte) => byte === AROUND)) throw new Error("The engine wrote beside its chunk");
  }
  return abridge(recorder.transcript(), told.expect);
}

function runPaused(told: Transcript): string[] {
  const { onWord } = told.options ?? {};
  let busy = false;
  const recorder: Recorder = new Recorder({
    role: told.role,
    ...told.options,
    onWord(self, word) {
      if (busy) throw new Error("The engine spoke from inside its own word");
      busy = true;
      self.engine.pause();
      onWord?.(self, word);
      busy = false;
    },
  });
  told.before?.(recorder);
  recorder.engine.pause();
  recorder.engine.receive(told.in.slice());
  for (let said = -1; said !== recorder.words.length;) {
    said = recorder.words.length;
    recorder.engine.resume();
  }
  return abridge(recorder.transcript(), told.expect);
}

/** Cuts a `write` where the expected one ends with `…`: the words of a close reason are not the RFC's. */
function abridge(said: string[], expected: readonly string[]): string[] {
  const last = expected.at(-1);
  const open = last?.startsWith("write ") && last.endsWith("…") ? last.slice(0, -1) : undefined;
  if (open !== undefined && said.at(-1)?.startsWith(open)) said[said.length - 1] = last!;
  return said;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}
