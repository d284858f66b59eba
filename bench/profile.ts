/** Reads a `.cpuprofile` and tells which functions the time went into, without those they called. */

import { readdirSync, readFileSync } from "node:fs";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds from sample to sample. */
  readonly timeDeltas: readonly number[];
}

/** What stands for waiting, not working. */
const WAITING = new Set(["(idle)", "(root)"]);

/** The `count` most expensive functions of the only profile in `folder`, as lines of a table. */
export function topFunctions(folder: string, count: number): string[] {
  const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`Cannot read a profile: none was written to "${folder}"`);
  const profile: Profile = JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  let total = 0;
  profile.samples.forEach((id, i) => {
    const name = names.get(id) ?? "(unknown)";
    if (WAITING.has(name)) return;
    const spent = Math.max(0, profile.timeDeltas[i] ?? 0);
    micros.set(name, (micros.get(name) ?? 0) + spent);
    total += spent;
  });
  return [...micros].sort((a, b) => b[1] - a[1]).slice(0, count).map(([name, spent]) =>
    `${(spent / total * 100).toFixed(1).padStart(6)} %  ${name}`
  );
}

function nameOf({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
  const name = functionName || "(anonymous)";
  return url === "" ? name : `${name}  ${url.slice(url.lastIndexOf("/") + 1)}:${lineNumber + 1}`;
}
