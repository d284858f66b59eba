/** Programs as Node starts them at once. The loader that runs TypeScript as it is costs a second of a processor each. */

import { basename } from "node:path";
import process from "node:process";

/**
 * The programs in `files`, `.mts` or `.ts`, and our sources with them, as `.mjs` in `outdir`, in the same order; what they
 * share is compiled once. npm's packages stay outside. Deno and Bun take the files as they are.
 */
export async function compiled(files: readonly string[], outdir: string): Promise<readonly string[]> {
  if ("Deno" in globalThis || "Bun" in globalThis) return files;
  const { build } = await import("esbuild");
  const programs = files.map((file) => ({ file, out: basename(file).replace(/\.m?ts$/, "") }));
  await build({
    entryPoints: programs.map(({ file, out }) => ({ in: file, out })),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: files.length > 1,
    packages: "external",
    platform: "node",
    format: "esm",
    target: `node${process.versions.node}`,
    keepNames: true,
    sourcemap: "inline",
    logLevel: "silent",
  });
  return programs.map(({ out }) => `${outdir}/${out}.mjs`);
}
