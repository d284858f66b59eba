/** Which of our source V8 has run: how the fuzzer tells an input that reaches something new. Node only. */

import type { Profiler, Session } from "node:inspector";

/** Begins to watch; undefined where the runtime cannot. What it gives says whether something new ran since it was asked. */
export async function watchCoverage(): Promise<(() => boolean) | undefined> {
  if (process.versions.bun !== undefined || "Deno" in globalThis) return undefined;
  const inspector = await import("node:inspector");
  const session = new inspector.Session();
  session.connect();
  ask(session, "Profiler.enable");
  ask(session, "Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  /** By script, and by place in it. */
  const reached = new Map<string, Uint8Array>();
  return () => {
    const { result } = ask(session, "Profiler.takePreciseCoverage") as Profiler.TakePreciseCoverageReturnType;
    let isNew = false;
    for (const { url, functions } of result) {
      if (url.includes("/src/") && !url.includes("/node_modules/")) isNew = add(reached, url, functions) || isNew;
    }
    return isNew;
  };
}

function add(reached: Map<string, Uint8Array>, url: string, functions: readonly Profiler.FunctionCoverage[]): boolean {
  const end = Math.max(...functions.map(({ ranges }) => ranges[0]!.endOffset));
  let before = reached.get(url) ?? new Uint8Array(end);
  if (before.length < end) {
    const longer = new Uint8Array(end);
    longer.set(before);
    before = longer;
  }
  reached.set(url, before);
  let isNew = false;
  for (const { ranges } of functions) {
    const [{ startOffset, endOffset }] = ranges as [Profiler.CoverageRange];
    const ran = new Uint8Array(endOffset - startOffset);
    // An inner range comes behind the one that it is in. What did not run is not told of the functions inside of it.
    for (const { startOffset: from, endOffset: to, count } of ranges) {
      ran.fill(count > 0 ? 1 : 0, from - startOffset, to - startOffset);
    }
    for (let i = 0; i < ran.length; i++) {
      if (ran[i] === 0 || before[startOffset + i] === 1) continue;
      before[startOffset + i] = 1;
      isNew = true;
    }
  }
  return isNew;
}

/** The session answers before `post` returns. */
function ask(session: Session, method: string, params?: object): unknown {
  let answer: unknown;
  session.post(method, params, (error, result) => {
    if (error !== null) throw error;
    answer = result;
  });
  return answer;
}
