/** Turns servers and micro benchmarks into plain JavaScript, once and beforehand: nothing is translated while it runs. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const BENCH = fileURLToPath(new URL(".", import.meta.url));
const OUT = `${BENCH}results/build`;

/** Builds `bench/<folder>/<name>.ts`; hands back the path of the JavaScript, by name. */
export async function buildAll(folder: "servers" | "micro", names: Iterable<string>): Promise<Map<string, string>> {
  const all = new Set(names);
  await build({
    entryPoints: [...all].map((name) => `${BENCH}${folder}/${name}.ts`),
    outdir: OUT,
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
  return new Map([...all].map((name) => [name, `${OUT}/${name}.mjs`]));
}
