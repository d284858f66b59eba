/**
 * Where Deno and Bun are, in the versions that are tested. One on the PATH is used when it has that very version;
 * otherwise both are installed from npm into `.tools/`, beside the project. They are no dependencies of it because
 * `npm ci` refuses a lock file in which some platforms' Deno packages are missing, as a registry may lack them.
 * The Nodes and the older TypeScript that try the npm package are installed there, too, when they are asked for.
 * By itself (`npm run runtimes`) it prints where Deno and Bun are.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { ROOT, runCommand } from "./command.ts";

/** The pinned versions. */
export const VERSIONS = { deno: "2.9.6", bun: "1.4.5" } as const;

/** What the npm package is tried on: the oldest Node that it promises, and one of each later line that has support. */
export const NODE_VERSIONS = ["20.19.0", "22.23.3", "24.21.0", "26.10.0"] as const;

/** The oldest TypeScript that reads the declarations of the npm package. */
export const OLDEST_TYPESCRIPT = "5.6.3";

const TOOLS = join(ROOT, ".tools");

/** The commands to run, installed when they have to be. */
export interface Runtimes {
  readonly deno: string;
  readonly bun: string;
}

/**
 * Finds Deno and Bun, or installs them.
 * @throws {Error} with npm's own words, when they cannot be installed
 */
export async function findRuntimes(): Promise<Runtimes> {
  const found = { deno: await find("deno"), bun: await find("bun") };
  if (found.deno === undefined || found.bun === undefined) {
    await install(TOOLS, Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`));
  }
  return {
    deno: found.deno ?? await insist("deno"),
    bun: found.bun ?? await insist("bun"),
  };
}

/** A Node, and the types that go with it. */
export interface NodeRuntime {
  readonly command: string;
  /** The folder that has its `@types/node`, for `typeRoots`. */
  readonly types: string;
}

/**
 * Finds a Node of that very version, or installs it.
 * @throws {Error} with npm's own words, when it cannot be installed
 */
export async function findNode(version: string): Promise<NodeRuntime> {
  const folder = join(TOOLS, "node", version);
  const command = join(folder, "node_modules", nodePackage(), "bin", platformName() === "win" ? "node.exe" : "node");
  const starts = async (): Promise<boolean> =>
    (await runCommand(command, ["--version"])).output.trim() === `v${version}`;
  if (!await starts()) {
    const major = version.slice(0, version.indexOf("."));
    await install(folder, [`${nodePackage()}@${version}`, `@types/node@${major}`]);
    if (!await starts()) throw new Error(`Cannot run Node ${version}: it was installed, but does not start`);
  }
  return { command, types: join(folder, "node_modules", "@types") };
}

/**
 * Finds the `tsc` of that very version, or installs it.
 * @throws {Error} with npm's own words, when it cannot be installed
 */
export async function findTypeScript(version: string): Promise<string> {
  const folder = join(TOOLS, "typescript", version);
  const tsc = join(folder, "node_modules", "typescript", "bin", "tsc");
  if (!existsSync(tsc)) await install(folder, [`typescript@${version}`]);
  return tsc;
}

/** The npm package with this platform's binary. The one called `node` would only fetch it, from an install script. */
function nodePackage(): string {
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${prefix}-${platformName()}-${process.arch}`;
}

function platformName(): string {
  return process.platform === "win32" ? "win" : process.platform;
}

async function find(name: keyof Runtimes): Promise<string | undefined> {
  for (const command of [name, installed(name)]) {
    const { ok, output } = await runCommand(command, ["--version"]);
    const version = /\d+\.\d+\.\d+\S*/.exec(output)?.[0];
    if (ok && version === VERSIONS[name]) return command;
  }
  return undefined;
}

async function insist(name: keyof Runtimes): Promise<string> {
  const command = await find(name);
  if (command === undefined) {
    throw new Error(`Cannot run ${name} ${VERSIONS[name]}: it was installed, but does not start`);
  }
  return command;
}

function installed(name: keyof Runtimes): string {
  return join(TOOLS, "node_modules", ".bin", name);
}

async function install(folder: string, packages: readonly string[]): Promise<void> {
  const names = packages.join(" and ");
  console.log(`Installing ${names} into .tools/`);
  const flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
  const { ok, output, failure } = await runCommand("npm", ["install", ...flags, "--prefix", folder, ...packages]);
  if (!ok) throw new Error(`Cannot install ${names}: ${failure}\n${output}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { deno, bun } = await findRuntimes();
  console.log(`deno ${VERSIONS.deno}: ${deno}\nbun ${VERSIONS.bun}: ${bun}`);
}
