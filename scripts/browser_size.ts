/**
 * How large the client is in a page: minified, and compressed with gzip as a server would send it. By itself
 * (`npm run size`) it prints that; with `--by-file` also which file has how many of the minified bytes.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

import { type Finished, ROOT } from "./command.ts";

/**
 * The most that the compressed client may have, in bytes. Whoever adds to it says what for: 2 400 of them are the
 * client that reconnects, which a page needs more than anybody, at half the size of the smallest package for it alone;
 * 2 048 are requests, with their streams, which are methods of the client and so cannot be left out of a bundle; 800
 * are the turns that a message in parts takes among the writes, and what says that a page has none; 300 are where reads
 * and writes say what they keep, for the limit of a listener that a page does not have; 300 are a message that is there
 * being read without a line to wait in, handlers' values that throw when they are asked, and peers' words made fit for
 * a log; 100 are what a connection has made only when it first writes, or has something wait.
 */
export const BUDGET = 18_532;

/** What an application that uses the client, and nothing else of it, has of it in its bundle. */
const CLIENT_ONLY = `export { Client } from "hawser";`;

export interface Bundle {
  readonly code: string;
  readonly inputs: Metafile["outputs"][string]["inputs"];
}

/** Bundles and minifies a module of the repository's root for browsers; `hawser` is the entry that they get. */
export async function bundleForBrowsers(contents: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    alias: { hawser: join(ROOT, "src/adapters/browser/mod.ts") },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return { code: outputFiles[0]!.text, inputs: Object.values(metafile.outputs)[0]!.inputs };
}

/** A step of the checks: says how large the client is, and fails when it is larger than it may be. */
export async function checkBrowserSize(): Promise<Finished> {
  const { code } = await bundleForBrowsers(CLIENT_ONLY);
  const compressed = gzipSync(code, { level: 9 }).length;
  const output = `browser client: ${grouped(code.length)} bytes minified, ${grouped(compressed)} gzip`;
  return { ok: compressed <= BUDGET, output, failure: `${grouped(BUDGET)} is the most` };
}

function grouped(bytes: number): string {
  return String(bytes).replace(/\B(?=(\d{3})+$)/g, " ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ok, output, failure } = await checkBrowserSize();
  if (process.argv.includes("--by-file")) {
    const files = Object.entries((await bundleForBrowsers(CLIENT_ONLY)).inputs);
    files.sort(([, one], [, other]) => other.bytesInOutput - one.bytesInOutput);
    for (const [file, { bytesInOutput }] of files) console.log(`${String(bytesInOutput).padStart(6)} ${file}`);
  }
  console.log(ok ? output : `${output}: ${failure}`);
  process.exitCode = ok ? 0 : 1;
}
