import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { bundleForBrowsers, checkBrowserSize } from "../../scripts/browser_size.ts";
import { ROOT } from "../../scripts/command.ts";

it("the client in a page takes along neither the engine nor a handshake, nor anything of a server or a runtime", async () => {
  const { inputs } = await bundleForBrowsers(`export { Client } from "hawser";`);
  const files = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  expect(files).toContain("src/adapters/browser/mod.ts");
  const folders = /^src\/(protocol|handshake|service|adapters\/(node|deno|bun)|connection\/(?!closure_of))/;
  expect(files.filter((file) => folders.test(file))).toEqual([]);
  // What only a client has that speaks the handshake itself, or sees pings.
  const others = ["client/options", "client/connect", "streams/keep_alive", "streams/endpoint"];
  expect(files.filter((file) => others.includes(file.slice("src/".length, -".ts".length)))).toEqual([]);
});

it("its size is said in two numbers, and is within the budget", async () => {
  const { ok, output, failure } = await checkBrowserSize();
  expect(output).toMatch(/^browser client: \d{1,3}( \d{3})+ bytes minified, \d{1,3}( \d{3})+ gzip$/);
  expect(failure).toMatch(/^\d{1,3}( \d{3})+ is the most$/);
  expect(ok).toBe(true);
});

it("what the documents say of its size is within a twentieth", async () => {
  const said = readFileSync(join(ROOT, "docs/browsers.md"), "utf8").match(
    /it is ([\d.]+) KB minified and ([\d.]+) KB\s+with gzip/,
  );
  const { output } = await checkBrowserSize();
  const measured = output.replaceAll(/(?<=\d) (?=\d)/g, "").match(/\d+/g);
  for (const i of [0, 1]) {
    const ratio = Number(said?.[i + 1]) * 1_000 / Number(measured?.[i]);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.05);
  }
});
