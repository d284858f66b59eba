/**
 * How the suite runs, the same on Node, Deno and Bun. `HAWSER_RUNTIME` names the runtime that is expected, "node" when
 * it is not set; `tests/runtime_test.ts` holds each run to it.
 */

import { defineConfig } from "vitest/config";

/** A test file, or a folder of them, that one runtime cannot run yet. */
interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
}

/** The only place where a runtime is let off anything. Best when empty. */
const EXCLUDED: Readonly<Record<string, readonly Exclusion[]>> = {
  deno: [],
  bun: [],
};

const runtime = process.env["HAWSER_RUNTIME"] ?? "node";

export default defineConfig({
  test: {
    include: ["tests/**/*_test.ts"],
    exclude: (EXCLUDED[runtime] ?? []).map(({ pattern }) => pattern),
    // A forgotten `.only` would switch the rest of the file off.
    allowOnly: false,
    testTimeout: 10_000,
    hookTimeout: 10_000,
    teardownTimeout: 5_000,
    // A process for each file costs more than most files take; no test of ours leaves a global changed.
    isolate: false,
  },
});
