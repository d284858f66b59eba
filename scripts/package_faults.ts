/**
 * What is wrong with a built npm package, told from its files alone: files that do not belong into it, entries and
 * imports that lead nowhere, source maps that do not find their sources, paths of the machine that built it.
 */

import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";

import { type Conditions, DOCUMENTS, FOLDERS, isDocument, type Manifest } from "./npm_manifest.ts";

const { code, types, sources } = FOLDERS;

/** Every other file of the package matches one of these. A polyfill of dnt's does not: its name begins with `_`. */
const EXPECTED = [
  /^package\.json$/,
  new RegExp(`^${code}/(?!.*\\b_)[\\w./-]+\\.js(?:\\.map)?$`),
  new RegExp(`^${types}/(?!.*\\b_)[\\w./-]+\\.d\\.ts(?:\\.map)?$`),
  new RegExp(`^${sources}/(?!.*\\b_)[\\w./-]+\\.ts$`),
];

/** Whatever it is, it is there to test us. */
const TEST = /(?:^|[/_.-])tests?(?:[/_.-]|$)/;

/** A relative import, export or `import()` in JavaScript or in declarations, and the lines that have only a comment. */
const SPECIFIER = /\b(?:from|import)\s*\(?\s*"(\.[^"]*)"/g;
/** The same of what is neither a file of ours nor a module of the runtime's. */
const FOREIGN = /\b(?:from|import)\s*\(?\s*"(?!node:|\.)([^"]*)"/g;
const COMMENT_LINE = /^\s*(?:\/?\*|\/\/).*$/gm;

/**
 * One sentence for each fault of the package in `folder`.
 *
 * @param machinePaths what must not stand in any file, as the folder where it was built
 */
export async function findPackageFaults(folder: string, machinePaths: readonly string[]): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).split(sep).join("/"), await readFile(path, "utf8"));
  }

  const faults: string[] = [];
  for (const name of ["package.json", ...DOCUMENTS]) if (!files.has(name)) faults.push(`${name} is missing`);
  for (const [file, text] of files) {
    if (!isDocument(file) && !EXPECTED.some((pattern) => pattern.test(file)) || TEST.test(file)) {
      faults.push(`${file} does not belong into the package`);
    }
    for (const path of machinePaths) if (text.includes(path)) faults.push(`${file} names ${path}`);
    if (file.endsWith(".map")) faults.push(...mapFaults(file, text, files));
    else if (/^(?:esm|types)\/.*\.(?:js|d\.ts)$/.test(file)) faults.push(...codeFaults(file, text, files));
  }
  const manifest = files.get("package.json");
  if (manifest !== undefined) faults.push(...manifestFaults(JSON.parse(manifest) as Partial<Manifest>, files));
  return faults;
}

function manifestFaults(
  { exports = {}, bin = {}, ...rest }: Partial<Manifest>,
  files: ReadonlyMap<string, string>,
): string[] {
  const faults: string[] = [];
  for (const [command, path] of Object.entries(bin)) {
    if (!files.get(posix.normalize(path))?.startsWith("#!/usr/bin/env node\n")) {
      faults.push(`The command "${command}" leads to ${path}, which is no program`);
    }
  }
  for (const [subpath, target] of Object.entries(exports)) {
    const conditions: Conditions = typeof target === "string" ? { default: target } : target;
    for (const [condition, path] of Object.entries(conditions)) {
      if (!files.has(posix.normalize(path))) faults.push(`"${subpath}" leads to ${path} (${condition}), not there`);
    }
    if (typeof target !== "string" && Object.keys(target)[0] !== "types") {
      faults.push(`"${subpath}" does not have its types first`);
    }
  }
  const { peerDependencies = {}, peerDependenciesMeta = {}, ...others } = rest;
  for (const peer of Object.keys(peerDependencies)) {
    if (peerDependenciesMeta[peer]?.optional !== true) faults.push(`package.json asks everybody for "${peer}"`);
  }
  for (const key of Object.keys(others)) {
    if (/dependencies$|^(?:private|scripts)$/i.test(key)) faults.push(`package.json has "${key}"`);
  }
  return faults;
}

/** Of JavaScript and declarations: each has its map, and what it imports is there, under a name that Node resolves. */
function codeFaults(file: string, text: string, files: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const map = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(text)?.[1];
  if (map !== `${posix.basename(file)}.map` || !files.has(`${file}.map`)) faults.push(`${file} has no source map`);
  const code = text.replace(COMMENT_LINE, "");
  for (const [, specifier = ""] of code.matchAll(FOREIGN)) {
    if (!file.includes("/peers/")) faults.push(`${file} imports "${specifier}", which not everybody has`);
  }
  for (const [, specifier = ""] of code.matchAll(SPECIFIER)) {
    const target = posix.join(posix.dirname(file), specifier);
    const resolved = file.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
    if (!specifier.endsWith(".js") || !files.has(resolved)) faults.push(`${file} imports "${specifier}", not there`);
  }
  return faults;
}

function mapFaults(file: string, text: string, files: ReadonlyMap<string, string>): string[] {
  const map = JSON.parse(text) as { readonly sources?: readonly string[]; readonly sourceRoot?: string };
  const named = map.sources ?? [];
  const faults = named.length > 0 ? [] : [`${file} names no source`];
  if (map.sourceRoot !== undefined && map.sourceRoot !== "") faults.push(`${file} has a root: ${map.sourceRoot}`);
  for (const source of named) {
    // An absolute path or a URL leads to no file of ours either.
    const target = /^\.{1,2}\//.test(source) ? posix.join(posix.dirname(file), source) : source;
    if (!files.has(target)) faults.push(`${file} names the source "${source}", not there`);
  }
  return faults;
}
