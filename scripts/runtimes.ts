/**
 * Where Deno and Bun are, in the versions that are tested. One on the PATH is used when it has that very version;
 * otherwise both are installed from npm into `.tools/`, beside the project. They are no dependencies of it because
 * `npm ci` refuses a lock file in which some platforms' Deno packages are missing, as a registry may lack them.
 * By itself (`npm run runtimes`) it prints where they are.
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ROOT, runCommand } from "./command.ts";

/** The pinned versions. */
export const VERSIONS = { deno: "2.9.6", bun: "1.4.5" } as const;

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
  if (found.deno === undefined || found.bun === undefined) await install();
  return {
    deno: found.deno ?? await insist("deno"),
    bun: found.bun ?? await insist("bun"),
  };
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

async function install(): Promise<void> {
  const packages = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  console.log(`Installing ${packages.join(" and ")} into .tools/`);
  const args = ["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", TOOLS, ...packages];
  const { ok, output, failure } = await runCommand("npm", args);
  if (!ok) throw new Error(`Cannot install ${packages.join(" and ")}: ${failure}\n${output}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { deno, bun } = await findRuntimes();
  console.log(`deno ${VERSIONS.deno}: ${deno}\nbun ${VERSIONS.bun}: ${bun}`);
}
