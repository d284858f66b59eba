import { spawn } from "node:child_process";
import process from "node:process";
import { expect, it, onTestFinished } from "vitest";

import { familyOf, runCommand } from "../../scripts/command.ts";

it("hands back both outputs and how the command ended", async () => {
  const script =
    "process.stdout.write('out '); setImmediate(() => { process.stderr.write('err'); process.exitCode = 3 })";
  const finished = await runCommand("node", ["-e", script]);
  expect(finished).toEqual({ ok: false, output: "out err", failure: "exit code 3" });
});

it("reports a command that cannot be started", async () => {
  const finished = await runCommand("hawser-no-such-command", []);
  expect(finished.ok).toBe(false);
  expect(finished.failure).toMatch(/^cannot start: /);
});

it("kills a command that takes too long", async () => {
  const finished = await runCommand("node", ["-e", "setInterval(() => {}, 1000)"], { timeout: 0.05 });
  expect(finished).toMatchObject({ ok: false, failure: "killed by SIGKILL (0.05 s is the most)" });
});

it("shows a process and those it has started, and nobody else", () => {
  const child = spawn("node", ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(() => {
    child.kill();
  });
  const family = familyOf(process.pid);
  expect(family).toContain("process.stdin.resume()");
  expect(family).toMatch(new RegExp(`^ *${process.pid} `, "m"));
  expect(familyOf(child.pid).split("\n")).toHaveLength(1);
});
