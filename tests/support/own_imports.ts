/** The programs of the documents import `hawser`, as a user does; here that is the checkout. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../scripts/command.ts";

/** The same program, with imports of files. */
export function withOurImports(program: string): string {
  return program.replaceAll(
    /from "hawser(\/[\w/]+)?"/g,
    (_, entry: string = "") => `from ${JSON.stringify(fileOf(entry))}`,
  );
}

/** The file that a user's `hawser` or `hawser/…` stands for. */
function fileOf(entry: string): string {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { exports: Record<string, string> };
  const file = exports[`.${entry}`];
  if (file === undefined) throw new Error(`There is no hawser${entry}`);
  return join(ROOT, file);
}
