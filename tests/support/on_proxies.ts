/** What the tests of proxies have in common: certificates in files, and clients in a program that trusts them. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sockets } from "./on_sockets.ts";
import { runProgram } from "./program.ts";
import type { Attempt, Outcome } from "./proxied_client.ts";

const PROGRAM = fileURLToPath(new URL("proxied_client.ts", import.meta.url));

/** Environment variables that would choose a proxy; empty ones are as good as none. */
export const NO_PROXIES: Readonly<Record<string, string>> = Object.fromEntries(
  ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].flatMap((name) => [[name, ""], [name.toUpperCase(), ""]]),
);

/** What comes of `attempts` where `authority` is trusted. */
export async function outcomesOf(
  whenOver: Sockets["whenOver"],
  authority: string,
  attempts: readonly Attempt[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), "hawser-proxy-"));
  whenOver(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "ca.pem");
  writeFileSync(path, authority);
  const { output, ok } = await runProgram(PROGRAM, {
    ...NO_PROXIES,
    ...env,
    ATTEMPTS: JSON.stringify(attempts),
    NODE_EXTRA_CA_CERTS: path,
    DENO_CERT: path,
  });
  if (!ok) throw new Error(`The program failed: ${output}`);
  return JSON.parse(output.trim().split("\n").at(-1)!) as Outcome[];
}
