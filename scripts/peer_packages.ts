/**
 * The packages that a subpath of ours needs and its user installs, with all that those need in turn: as npm has put them
 * into our own `node_modules`. Nothing is fetched.
 */

import { existsSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";

import { ROOT, runCommand } from "./command.ts";

/** What is read of a package's manifest. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * These packages and what they depend on, each once.
 *
 * @throws {Error} when one of them is not at the top of our `node_modules`
 */
export function findPackages(names: readonly string[]): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const file = join(folderOf(name), "package.json");
    if (!existsSync(file)) throw new Error(`"${name}" is not installed`);
    const manifest = JSON.parse(readFileSync(file, "utf8")) as InstalledPackage;
    found.set(name, manifest);
    Object.keys(manifest.dependencies ?? {}).forEach(visit);
  };
  names.forEach(visit);
  return [...found.values()];
}

/** Puts packages into the `node_modules` of `folder`. */
export async function installPackages(packages: readonly InstalledPackage[], folder: string): Promise<void> {
  for (const { name } of packages) {
    await cp(folderOf(name), join(folder, "node_modules", name), { recursive: true, dereference: true });
  }
}

/** Packs them into `folder`, with one start of npm, and says where the tarball of each is. */
export async function packPackages(packages: readonly InstalledPackage[], folder: string): Promise<string[]> {
  const folders = packages.map(({ name }) => folderOf(name));
  const args = ["pack", ...folders, "--ignore-scripts", "--pack-destination", folder];
  const { ok, output, failure } = await runCommand("npm", args, { timeout: 60 });
  if (!ok) throw new Error(`Cannot pack ${packages.map(({ name }) => name).join(", ")}: ${failure}\n${output}`);
  return packages.map(({ name, version }) =>
    join(folder, `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`)
  );
}

function folderOf(name: string): string {
  return join(ROOT, "node_modules", name);
}
