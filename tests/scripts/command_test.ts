import { expect, it } from "vitest";

import { runCommand } from "../../scripts/command.ts";

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
