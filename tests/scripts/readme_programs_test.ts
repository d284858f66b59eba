import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import { pairsOf, runPair } from "../../scripts/readme_programs.ts";

const block = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n\nWords.\n\n`;

it("finds servers with their clients and what those print", () => {
  const markdown = block("sh", "npm ci") + block("ts server", "one") + block("ts client", "two") +
    block("text output", "three");
  expect(pairsOf(markdown)).toEqual([{ server: "one\n", client: "two\n", output: "three\n" }]);
  expect(() => pairsOf(block("ts server", "one") + block("ts client", "two"))).toThrow("needs a client and its output");
});

it("fails with what was printed, unless the client says what it has to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hawser-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [server, client] = [join(folder, "server.mjs"), join(folder, "client.mjs")] as const;
  await writeFile(server, "console.log('Listening on ws://127.0.0.1:4321'); setInterval(() => {}, 1000);");
  await writeFile(client, "console.log('port 9090');");
  const command = ["node"] as const;
  await runPair(command, [server, client], "port 4321\n");
  await expect(runPair(command, [server, client], "port 9090")).rejects.toThrow("port 4321\nand not\nport 9090");
  await writeFile(server, "console.log('No.'); process.exit(1);");
  await expect(runPair(command, [server, client], "")).rejects.toThrow("ended before it listened: No.");
});
