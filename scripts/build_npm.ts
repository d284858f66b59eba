/**
 * Makes the npm package in `npm/`, ready for `npm pack` or `npm publish` in there: `npm run build`. dnt compiles it
 * where JSR answers, `tsc` elsewhere; a line says which of them it was, and why. The manifest, the folders and what may
 * be in them are the same for both, and so is the check of the result. `--with tsc` or `--with dnt` insists on one.
 */

import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { ROOT, runCommand } from "./command.ts";
import { type DenoConfig, DOCUMENTS, FOLDERS, makeManifest, type Manifest, type OwnPackage } from "./npm_manifest.ts";
import { findPackageFaults } from "./package_faults.ts";
import { findRuntimes } from "./runtimes.ts";

/** Where the package is made. */
export const PACKAGE_FOLDER = join(ROOT, "npm");

export type Compiler = "dnt" | "tsc";

/** How the package was made. */
export interface Build {
  readonly manifest: Manifest;
  /** The subpaths and the files of the repository that they come from. */
  readonly sources: DenoConfig["exports"];
  /** The packages that some of those import, as Deno is to find them. */
  readonly imports: Readonly<Record<string, string>>;
  readonly compiler: Compiler;
  /** Why it was that one, as a phrase. */
  readonly why: string;
}

/** Composed here because Deno would fetch a specifier that it can read, and there may be no JSR. */
const DNT = ["jsr", "@deno/dnt@0.43.2"].join(":");

/** The longest that JSR may take to answer, and a compiler to compile, in seconds. */
const ANSWER_TIMEOUT = 20;
const COMPILE_TIMEOUT = 180;

/** Plain words: what Deno prints goes into our own line. */
const PLAIN = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };

/**
 * Makes the package anew.
 *
 * @param wanted the compiler to insist on; without it, dnt if it can be had and does its work, else tsc
 * @throws {Error} with the compiler's own words, or with what is wrong with the package it made
 */
export async function buildPackage(wanted?: Compiler): Promise<Build> {
  const deno = await readJson<DenoConfig>("deno.json");
  const { exports: sources, imports = {} } = deno;
  const own = await readJson<OwnPackage>("package.json");
  const manifest = makeManifest(deno, own);
  // Commands are compiled as entries are.
  const entries = { ...deno, exports: { ...sources, ...own.bin } };
  if (wanted !== undefined) {
    await make(wanted, entries, manifest);
    return { manifest, sources, imports, compiler: wanted, why: "as asked" };
  }
  const unanswered = await askJsr();
  if (unanswered === undefined) {
    try {
      await make("dnt", entries, manifest);
      return { manifest, sources, imports, compiler: "dnt", why: "JSR answers" };
    } catch (error) {
      console.warn(error);
      await make("tsc", entries, manifest);
      return { manifest, sources, imports, compiler: "tsc", why: "JSR answers, but dnt failed" };
    }
  }
  await make("tsc", entries, manifest);
  return { manifest, sources, imports, compiler: "tsc", why: `JSR does not answer (${unanswered})` };
}

async function make(compiler: Compiler, deno: DenoConfig, manifest: Manifest): Promise<void> {
  await rm(PACKAGE_FOLDER, { recursive: true, force: true });
  await mkdir(PACKAGE_FOLDER);
  await (compiler === "dnt" ? compileWithDnt(deno, manifest) : compileWithTsc(deno, manifest));
  await writeManifest(manifest);
  for (const file of DOCUMENTS) await copyFile(join(ROOT, file), join(PACKAGE_FOLDER, file));
  const faults = await findPackageFaults(PACKAGE_FOLDER, [ROOT]);
  if (faults.length > 0) throw new Error(`What ${compiler} made is not the package:\n${faults.join("\n")}`);
}

/** Why dnt cannot be had, as Deno says it, or nothing. Deno is asked because it is the one that will fetch it. */
async function askJsr(): Promise<string | undefined> {
  const { ok, output, failure } = await runCommand(await findDeno(), ["info", "--no-config", DNT], {
    env: PLAIN,
    timeout: ANSWER_TIMEOUT,
  });
  if (ok) return undefined;
  // Not all of it: what follows may be a stack.
  return /^error: (.+?)\.?$/m.exec(output)?.[1] ?? failure;
}

async function compileWithDnt(deno: DenoConfig, manifest: Manifest): Promise<void> {
  const options = {
    entryPoints: Object.entries(deno.exports).map(([name, path]) => ({ name, path })),
    outDir: PACKAGE_FOLDER,
    shims: {},
    package: { name: manifest.name, version: manifest.version }, // replaced by ours
    // The types are checked by `npm run check`, and what a user sees of them by `npm run test:package`.
    typeCheck: false,
    test: false,
    skipNpmInstall: true,
    esModule: true,
    scriptModule: false,
    declaration: "separate",
    declarationMap: true,
    compilerOptions: {
      target: "ES2022",
      lib: ["ES2023", "DOM", "DOM.Iterable", "ESNext"],
      sourceMap: true,
      experimentalDecorators: false,
    },
  };
  const folder = await mkdtemp(join(tmpdir(), "hawser-dnt-"));
  try {
    const script = join(folder, "build.ts");
    const importMap = join(folder, "import_map.json");
    await writeFile(importMap, JSON.stringify({ imports: deno.imports ?? {} }));
    const all = JSON.stringify({ ...options, importMap });
    await writeFile(script, `import { build } from "${DNT}";\nawait build(${all});\n`);
    await runCompiler(await findDeno(), ["run", "-A", "--no-config", "--no-lock", script]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  // Our manifest says which files are packed, and that all of them are modules.
  await rm(join(PACKAGE_FOLDER, ".npmignore"), { force: true });
  await rm(join(PACKAGE_FOLDER, FOLDERS.code, "package.json"), { force: true });
}

/** The sources are copied first, so that the maps lead to files of the package, as dnt's do. */
async function compileWithTsc(deno: DenoConfig, manifest: Manifest): Promise<void> {
  const sources = join(PACKAGE_FOLDER, FOLDERS.sources);
  await mkdir(sources);
  await copyFile(join(ROOT, "mod.ts"), join(sources, "mod.ts"));
  await cp(join(ROOT, "src"), join(sources, "src"), { recursive: true });
  await writeManifest(manifest); // it makes modules of them
  const project = join(PACKAGE_FOLDER, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    types: ["node"],
    rootDir: FOLDERS.sources,
    outDir: FOLDERS.code,
    declarationDir: FOLDERS.types,
    declarationMap: true,
    sourceMap: true,
  };
  const files = Object.values(deno.exports).map((path) => `${FOLDERS.sources}/${path.slice("./".length)}`);
  await writeFile(project, JSON.stringify({ extends: "../tsconfig.base.json", compilerOptions, files }));
  await runCompiler(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", project]);
  await rm(project);

  for (const file of await filesIn(sources, ".ts")) {
    // What no entry leads to was not compiled, and is not shipped.
    const compiled = join(PACKAGE_FOLDER, FOLDERS.code, file.replace(/\.ts$/, ".js"));
    if (!existsSync(compiled)) await rm(join(sources, file));
  }
  const declarations = join(PACKAGE_FOLDER, FOLDERS.types);
  for (const file of await filesIn(declarations, ".d.ts")) {
    const path = join(declarations, file);
    await writeFile(path, nameJavaScript(await readFile(path, "utf8")));
  }
}

/** tsc rewrites the relative imports of the code only; the declarations go on naming `.ts` files. */
export function nameJavaScript(declarations: string): string {
  return declarations.replace(/(\b(?:from|import)\s*\(?\s*"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"');
}

async function runCompiler(file: string, args: readonly string[]): Promise<void> {
  const { ok, output, failure } = await runCommand(file, args, { env: PLAIN, timeout: COMPILE_TIMEOUT });
  if (!ok) throw new Error(`Cannot compile the package: ${failure}\n${output}`);
}

async function findDeno(): Promise<string> {
  return (await findRuntimes()).deno;
}

async function writeManifest(manifest: Manifest): Promise<void> {
  await writeFile(join(PACKAGE_FOLDER, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** The files below a folder with that ending, relative to it. */
async function filesIn(folder: string, ending: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(ending));
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(ROOT, file), "utf8")) as T;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { with: { type: "string" } } });
  const wanted = values.with;
  if (wanted !== undefined && wanted !== "tsc" && wanted !== "dnt") {
    throw new TypeError("Cannot build: --with is tsc or dnt");
  }
  const { manifest, compiler, why } = await buildPackage(wanted);
  console.log(`Built with ${compiler}: ${why}`);
  console.log(`${manifest.name} ${manifest.version} is in npm/: ${Object.keys(manifest.exports).join(" ")}`);
}
