/**
 * The programs that try the package. In `tests/package/` they import what is tried by its path in the repository, as
 * everything there does; here they get the names that a user would write. Those that go through every subpath are
 * written for the subpaths there are.
 */

import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ROOT } from "./command.ts";

/** The programs of `tests/package/` that import, and the one that requires. */
const IMPORTING = ["consumer.ts", "server_consumer.ts", "xml_consumer.ts", "auth_consumer.ts"] as const;
const REQUIRING = "required.cjs";

/** A subpath, and the names of what it exports. */
export type Names = ReadonlyMap<string, readonly string[]>;

/** What a subpath is called in an `import`, such as `"./node"` in `"hawser/node"`. */
export type Specify = (subpath: string) => string;

/** The names that a package's users write, from its name alone or with a version. */
export function packageSpecifier(name: string): Specify {
  return (subpath) => name + subpath.slice(1);
}

/**
 * Writes the programs that import into `folder`: those of `tests/package/`, and `subpaths.ts`.
 *
 * @param sources the subpaths, and the files of the repository that they come from
 */
export async function writeImporting(
  folder: string,
  specify: Specify,
  sources: Readonly<Record<string, string>>,
  names: Names,
): Promise<void> {
  for (const file of IMPORTING) {
    const text = await readFile(join(ROOT, "tests/package", file), "utf8");
    await writeFile(join(folder, file), renameImports(text, specify, sources));
  }
  await writeFile(join(folder, "subpaths.ts"), importEach(specify, names));
}

/**
 * Writes those that require, for which the package has to be in a `node_modules`: `required.cjs` and `subpaths.cjs`; and
 * `types.cts`, which only has to compile.
 */
export async function writeRequiring(folder: string, name: string, names: Names): Promise<void> {
  await copyFile(join(ROOT, "tests/package", REQUIRING), join(folder, REQUIRING));
  await writeFile(join(folder, "subpaths.cjs"), requireEach(packageSpecifier(name), names));
  // Not in the repository: type stripping could not remove it.
  await writeFile(join(folder, "types.cts"), `import required = require("${name}");\nexport = required.Client;\n`);
}

/** @throws {Error} when an import leads into the repository still: a user could not write it */
export function renameImports(text: string, specify: Specify, sources: Readonly<Record<string, string>>): string {
  let renamed = text;
  for (const [subpath, source] of Object.entries(sources)) {
    renamed = renamed.replaceAll(`"../../${source.slice("./".length)}"`, JSON.stringify(specify(subpath)));
  }
  const left = /"\.\.\/[^"]*"/.exec(renamed);
  if (left !== null) throw new Error(`${left[0]} is no subpath of the package`);
  return renamed;
}

/** Imports each subpath by itself and prints, as JSON, the names it found. Compiles when the types have all of them. */
export function importEach(specify: Specify, names: Names): string {
  const lines = [...names].flatMap(([subpath, expected], i) => {
    const specifier = JSON.stringify(specify(subpath));
    return [
      `export const names${i}: readonly (keyof typeof import(${specifier}))[] = ${JSON.stringify(expected)};`,
      `found[${JSON.stringify(subpath)}] = await import(${specifier}).then(`,
      `  (module) => Object.keys(module).sort(), () => "does not load");`,
    ];
  });
  return [
    "const found: Record<string, readonly string[] | string> = {};",
    ...lines,
    "console.log(JSON.stringify(found));",
    "",
  ].join("\n");
}

/** The same with `require`. */
function requireEach(specify: Specify, names: Names): string {
  const lines = [...names.keys()].flatMap((subpath) => [
    `try { found[${JSON.stringify(subpath)}] = Object.keys(require(${JSON.stringify(specify(subpath))})).sort(); }`,
    `catch { found[${JSON.stringify(subpath)}] = "does not load"; }`,
  ]);
  return ["const found = {};", ...lines, "console.log(JSON.stringify(found));", ""].join("\n");
}
