/**
 * Times small functions against each other on whatever runtime this is, and prints nanoseconds per call. Candidates are
 * run in turn (A B C A B C) and the median of the turns counts, so that a noisy neighbour hurts all of them alike.
 */

/** One way of doing the work: does it `times` times and returns something that depends on it. */
export interface Candidate {
  readonly name: string;
  run(times: number): number;
}

/** Candidates for one size; the first is the control, whose time is taken off the others. */
export type CandidatesOf = (size: number) => readonly Candidate[];

const TURNS = 7;
const TURN_MS = 8;

/** What the candidates return ends here, so that no compiler drops the work. */
let kept = 0;

/** The name and version of the runtime. */
export function runtimeName(): string {
  const { Deno, Bun, process } = globalThis as {
    Deno?: { version: { deno: string } };
    Bun?: { version: string };
    process?: { versions: { node: string } };
  };
  if (Deno) return `Deno ${Deno.version.deno}`;
  if (Bun) return `Bun ${Bun.version}`;
  return `Node ${process?.versions.node}`;
}

/** Prints one table: a row per size, a column per candidate, in ns per call with the control taken off. */
export function compare(title: string, sizes: readonly number[], candidatesOf: CandidatesOf): void {
  // A first round over all sizes: every candidate has met every size before anything counts.
  for (const size of sizes) for (const candidate of candidatesOf(size)) time(candidate, 200);
  const rows = sizes.map((size) => ({ size, times: measure(candidatesOf(size)) }));
  const names = candidatesOf(sizes[0]!).map((candidate) => candidate.name).slice(1);
  console.log(`\n${title} (${runtimeName()}, ns per call, median of ${TURNS}; * the fastest)\n`);
  console.log(`| bytes | ${names.join(" | ")} |`);
  console.log(`|---:|${names.map(() => "---:|").join("")}`);
  for (const { size, times } of rows) {
    const [control, ...others] = times as [number, ...number[]];
    const net = others.map((ns) => Math.max(0, ns - control));
    const best = Math.min(...net);
    console.log(`| ${size} | ${net.map((ns) => `${show(ns)}${ns === best ? " *" : ""}`).join(" | ")} |`);
  }
  if (kept === 0.5) console.log(kept);
}

function measure(candidates: readonly Candidate[]): number[] {
  const times = candidates.map((candidate) => calibrate(candidate));
  const samples: number[][] = candidates.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    candidates.forEach((candidate, i) => samples[i]!.push(time(candidate, times[i]!)));
  }
  return samples.map((turns) => turns.sort((a, b) => a - b)[TURNS >> 1]!);
}

function calibrate(candidate: Candidate): number {
  let times = 64;
  for (;;) {
    const ms = time(candidate, times) * times / 1e6;
    if (ms >= TURN_MS / 2) return Math.ceil(times * TURN_MS / ms);
    times *= 2;
  }
}

function time(candidate: Candidate, times: number): number {
  const start = performance.now();
  kept += candidate.run(times);
  return (performance.now() - start) * 1e6 / times;
}

function show(ns: number): string {
  return ns < 100 ? ns.toFixed(1) : Math.round(ns).toString();
}
