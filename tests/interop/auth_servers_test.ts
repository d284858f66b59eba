/** `npm run servers`: what it starts answers to the commands that it prints. */

import { decodeJwt, decodeProtectedHeader } from "jose";
import { expect, it } from "vitest";
import { runCommand } from "../../scripts/command.ts";
import { PipedProgram } from "../support/piped_program.ts";
import { needs } from "./support/needs.ts";

const body = async (): Promise<void> => {
  const program = new PipedProgram(["node", "--import", "tsx", "scripts/auth_servers.ts"], {});
  await program.wrote(/^Enter: /m);
  const { output } = program;
  const commands = output.match(/^ {2}.*$/gm)!.map((line) => line.trim());
  const answers = await Promise.all(
    commands.map(async (command) => (await runCommand("sh", ["-c", `${command} </dev/null`], { timeout: 10 })).output),
  );
  expect(answers).toEqual([
    expect.stringContaining("DN: uid=ada,ou=people,dc=test"),
    expect.stringMatching(/"access_token":"[^"]+".*"scope":"write"/),
    expect.stringMatching(/"keys":\[\{.*"kid":"first"/),
    expect.stringMatching(/New, TLSv1\.3, Cipher is TLS_AES_256_GCM_SHA384[^]*Verify return code: 0 \(ok\)/),
  ]);
  const [, first = ""] = /^a token of its key: (.*)$/m.exec(output)!;
  expect([decodeProtectedHeader(first).kid, decodeJwt(first).sub]).toEqual(["first", "ada"]);

  program.write("\n");
  const [, other = ""] = await program.wrote(/^a token of its other key: (.*)$/m);
  const { kid } = decodeProtectedHeader(other);
  const { output: set } = await runCommand("sh", ["-c", commands[2]!]);
  expect([kid === "first", set.includes(`"kid":"${kid}"`)]).toEqual([false, true]);
  program.end();
  expect(await program.ended, program.output).toBe(0);
};

it(
  "servers: slapd, oidc-provider, a key set that rotates, and a listener, as a person starts them",
  { timeout: 60_000 },
  needs("slapd", needs("curl", needs("openssl", body))),
);
