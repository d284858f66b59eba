/**
 * How the suite runs, the same on Node, Deno and Bun. `HAWSER_RUNTIME` names the runtime that is expected, "node" when
 * it is not set; `tests/runtime_test.ts` holds each run to it.
 */

import { defineConfig } from "vitest/config";

/** A test file, or a folder of them, that one runtime cannot run. */
interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
}

/** The only place where a runtime is let off anything. Best when empty. */
const EXCLUDED: Readonly<Record<string, readonly Exclusion[]>> = {
  node: [
    { pattern: "tests/native/**", reason: "Node has no server of its own for WebSockets" },
    { pattern: "tests/behaviours/{deno,bun}_router_test.ts", reason: "Node has neither Deno.serve nor Bun.serve" },
  ],
  deno: [
    { pattern: "tests/native/bun_*", reason: "about the traps of Bun.serve" },
    { pattern: "tests/behaviours/bun_router_test.ts", reason: "about routers in Bun.serve" },
  ],
  bun: [
    { pattern: "tests/native/deno_*", reason: "about the traps of Deno.serve" },
    { pattern: "tests/behaviours/deno_router_test.ts", reason: "about routers in Deno.serve" },
  ],
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
    // Tests wait for programs and clocks, too: one more than the two cores that there may be keeps those busy.
    maxWorkers: 3,
    // A process for each file costs more than most files take; no test of ours leaves a global changed.
    isolate: false,
  },
});
