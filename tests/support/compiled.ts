/** Programs as Node starts them at once. The loader that runs TypeScript as it is costs a second of a processor each. */

import process from "node:process";

/**
 * The program in `file`, and our sources with it, as one `.mjs`: `outfile`, beside it when it is not given, for an `.mts`.
 * npm's packages stay outside. Deno and Bun take the file as it is.
 */
export async function compiled(file: string, outfile = file.replace(/\.mts$/, ".mjs")): Promise<string> {
  if ("Deno" in globalThis || "Bun" in globalThis) return file;
  const { build } = await import("esbuild");
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: `node${process.versions.node}`,
    keepNames: true,
    sourcemap: "inline",
    logLevel: "silent",
  });
  return outfile;
}
