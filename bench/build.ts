/** Turns servers, clients and micro benchmarks into plain JavaScript, once and beforehand: nothing is translated while it runs. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BENCH = fileURLToPath(new URL(".", import.meta.url));
/** All that is written and not kept. */
export const OUT: string = `${BENCH}results/`;
const BUILT = `${OUT}build`;

/** Builds `bench/<path>.ts` for each, as in `servers/net`; hands back the path of the JavaScript, by the same path. */
export async function buildAll(paths: Iterable<string>): Promise<Map<string, string>> {
  const all = new Set(paths);
  await build({
    entryPoints: [...all].map((path) => `${BENCH}${path}.ts`),
    outdir: BUILT,
    outbase: BENCH,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
    // `ws` goes in whole: Bun answers its bare name with a module of its own, Deno cannot read it from here. What it
    // requires itself, the addons among them, it still requires.
    external: ["bufferutil", "utf-8-validate"],
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  return new Map([...all].map((path) => [path, `${BUILT}/${path}.mjs`]));
}
