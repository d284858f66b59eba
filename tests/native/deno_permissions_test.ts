/** What Deno's permissions keep from a client, and when it asks for one. */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runProgram } from "../support/program.ts";

const PROGRAM = fileURLToPath(new URL("no_environment.ts", import.meta.url));

it("the environment is read only where it is asked for; without --allow-env that is refused by name", async () => {
  const { output, ok } = await runProgram(PROGRAM);
  expect(ok, output).toBe(true);
  expect(output.trim().split("\n").slice(-2)).toEqual([
    "it went without",
    'TypeError: Cannot use the option "proxy": Requires env access to "http_proxy", run again with the --allow-env flag',
  ]);
});
