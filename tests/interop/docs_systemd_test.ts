/**
 * The units of the documents: systemd reads them without a complaint, calls them well protected, and what they start runs
 * with the arguments and the environment that stand there, and ends in time. Not tested is what only a running systemd
 * does: its sandbox, its limits, and that it starts a service again.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, describe, expect, it } from "vitest";
import { runCommand } from "../../scripts/command.ts";
import { blocksIn, blocksWritten, readDocument } from "../support/documents.ts";
import { withOurImports } from "../support/own_imports.ts";
import { spawnPlainly } from "./support/bare_process.ts";
import { needs } from "./support/needs.ts";
import { connect } from "./support/ours.ts";
import { readUnit } from "./support/unit_file.ts";

const SLOW = { timeout: 30_000 };
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** The most that `systemd-analyze security` may say, of 10: "OK" begins below 4, and without any protection it is 9.6. */
const EXPOSURE = 2;

const folder = mkdtempSync(join(tmpdir(), "hawser-unit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(blocksWritten("ini"))("the unit of $name", ({ document, text }) => {
  const server = blocksIn(document).find(({ info }) => info === "ts server")!.text;
  writeFileSync(join(folder, "server.ts"), withOurImports(server));
  // It makes a module of the program.
  writeFileSync(
    join(folder, "package.json"),
    blocksIn(document).find(({ info }) => info === "json package.json")!.text,
  );

  /** With this runtime's own line, which stands below the unit unless it is Node's. */
  const here = (unit: string): string => {
    const [line] = new RegExp(`ExecStart=/usr/bin/${RUNTIME} [^\`\n]+`).exec(readDocument(document)) ?? [];
    expect(line, "there is a line for this runtime").toBeDefined();
    return unit.replace(/ExecStart=.*/, line!)
      .replaceAll(`/usr/bin/${RUNTIME}`, process.execPath)
      .replaceAll("/srv/hawser", folder);
  };

  it(
    "is one that systemd understands, and protects what it starts",
    SLOW,
    needs("systemd-analyze", async () => {
      const file = join(folder, "hawser@.service");
      writeFileSync(file, here(text));
      // It says nothing of a unit that is in order; of a name that it does not know it only warns.
      expect(await runCommand("systemd-analyze", ["verify", file])).toMatchObject({ ok: true, output: "" });
      const { output } = await runCommand("systemd-analyze", ["security", "--offline=true", "--no-pager", file]);
      expect(Number(/exposure level for \S+: ([\d.]+)/.exec(output)?.[1]), output).toBeLessThan(EXPOSURE);
    }),
  );

  it("starts the program, which ends at SIGTERM with its connections closed, in time", SLOW, async () => {
    const unit = readUnit(here(text), "0");
    expect(unit.get("Type")).toBe("exec");
    expect(unit.get("KillSignal")).toBe("SIGTERM");
    const child = spawnPlainly(unit.command, unit.environment, unit.get("WorkingDirectory")!);
    const [url] = await child.wrote(/ws:\/\/[\d.:]+/);
    const client = await connect(`${url}/echo`);
    await client.writeTextMessage("hello");
    expect(await client.readTextMessage()).toBe("hello");
    const asked = performance.now();
    expect(await child.kill("SIGTERM")).toBe(0);
    expect((performance.now() - asked) / 1_000).toBeLessThan(unit.seconds("TimeoutStopSec"));
    expect(await client.closed).toMatchObject({ code: 1012, reason: "restart", clean: true });
  });

  it("gives it time and descriptors for all the connections that it takes", () => {
    const unit = readUnit(text, "9091");
    const number = (pattern: RegExp): number => Number(pattern.exec(server)?.[1]?.replaceAll("_", ""));
    const connections = number(/maxConnections: ([\d_]+)/);
    const longest = connections / Number(unit.environment["DRAIN_RATE"]) + number(/gracefulStop\(\{ timeout: ([\d_]+)/);
    expect(unit.seconds("TimeoutStopSec")).toBeGreaterThan(longest);
    expect(Number(unit.get("LimitNOFILE"))).toBeGreaterThan(connections + 100);
    expect(unit.environment["PORT"]).toBe("9091");
  });
});
