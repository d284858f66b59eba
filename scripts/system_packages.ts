/**
 * What the interop tests need of the system: programs and Python modules that npm does not have. On Debian, as root,
 * they are installed; elsewhere it is said loudly what is missing. By itself (`npx tsx scripts/system_packages.ts`) it
 * does that for all of them.
 */

import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { runCommand } from "./command.ts";

/** What is needed, a command or `python:module`, and the Debian package that has it. */
export const SYSTEM_PACKAGES = {
  "python:websockets": "python3-websockets",
  "python:wsproto": "python3-wsproto",
  "nginx": "nginx-light",
  "systemd-analyze": "systemd",
  "curl": "curl",
  "tinyproxy": "tinyproxy-bin",
  "chromium": "chromium",
  "openssl": "openssl",
  "ip": "iproute2",
  "unshare": "util-linux",
  "slapd": "slapd",
} as const;

export type SystemNeed = keyof typeof SYSTEM_PACKAGES;

/** The longest that installing may take, in seconds. */
const INSTALL_TIMEOUT = 600;

/**
 * Sees to it that what is named is there, as far as it can. Returns what is there in the end.
 *
 * @param packages a command or `python:module`, to the Debian package that has it
 */
export async function ensure<Need extends string>(packages: Readonly<Record<Need, string>>): Promise<Set<Need>> {
  const needs = Object.keys(packages) as Need[];
  const there = await present(needs);
  const missing = needs.filter((need) => !there.has(need));
  if (missing.length === 0) return there;

  const wanted = missing.map((need) => packages[need]).join(" ");
  if (!canInstall()) {
    console.warn(`MISSING, and its tests will not run: ${missing.join(", ")}. Install it: apt-get install ${wanted}`);
    return there;
  }
  console.log(`Installing ${wanted} with apt-get`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...missing.map((need) => packages[need])];
  for (const args of [["update"], install]) {
    const { ok, output, failure } = await runCommand("apt-get", args, { env, timeout: INSTALL_TIMEOUT });
    if (!ok) console.warn(`apt-get ${args[0]} FAILED, ${failure}\n${output.trim()}`);
  }
  const now = await present(needs);
  const still = needs.filter((need) => !now.has(need));
  if (still.length > 0) console.warn(`STILL MISSING, and its tests will not run: ${still.join(", ")}`);
  return now;
}

/** Which of them are there. */
export async function present<Need extends string>(needs: readonly Need[]): Promise<Set<Need>> {
  const answers = await Promise.all(needs.map((need) => isThere(need)));
  return new Set(needs.filter((_, i) => answers[i]));
}

/** The Python that Debian's packages are for: another one may stand before it on the PATH. */
export function python(): string {
  return existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
}

/** Where a command is. Debian's daemons are not on everybody's PATH. */
export function commandPath(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/bin"];
  return folders.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function isThere(need: string): Promise<boolean> {
  if (!need.startsWith("python:")) return commandPath(need) !== undefined;
  return (await runCommand(python(), ["-c", `import ${need.slice("python:".length)}`])).ok;
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && commandPath("apt-get") !== undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const there = await ensure(SYSTEM_PACKAGES);
  console.log(`There: ${[...there].join(", ")}`);
  process.exitCode = there.size === Object.keys(SYSTEM_PACKAGES).length ? 0 : 1;
}
