/**
 * Every command in a `sh` block of the documents is run, or held to what is. Programs of examples/ are started as they
 * stand there, each behind the one above it, and have to say something and to end well at SIGTERM; tests/examples has what
 * they do. What installs, builds or takes minutes is compared with the scripts that the suite itself is run by.
 */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { ROOT, runCommand } from "../../scripts/command.ts";
import { makeManifest } from "../../scripts/npm_manifest.ts";
import { run } from "../examples/programs.ts";
import { blocksWritten, type PlacedBlock } from "../support/documents.ts";
import { starter } from "../support/program.ts";

const SLOW = { timeout: 60_000 };

/** Of the document whose commands docs_nginx_test.ts runs, against nginx and two servers. */
const DEPLOYMENT = "docs/deployment.md";

const EXAMPLE = /^(?:npx tsx|node --import tsx) examples\/(\S+\.ts)(?: (.*))?$/;

interface OwnPackage {
  readonly name: string;
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
}

/** The program behind the command of the package. */
const USERS = "src/adapters/auth/hawser_users.ts";

/** A user's. */
const project = mkdtempSync(join(tmpdir(), "hawser-project-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** All others: most are not run here, and what is said of them is true instead. */
const COMPARED: readonly (readonly [command: RegExp, compare: (...words: string[]) => unknown])[] = [
  [/^npm ci$/, () => expect(read(".ci/run").trim().split("\n").at(-1)).toMatch(/^npm ci && npm test$/)],
  [/^npm (test|run [\w:-]+)$/, (words) => {
    const script = ownPackage().scripts[words!.replace("run ", "")];
    expect(script, words).toMatch(/^(tsx|vitest) /);
    const file = script!.match(/^tsx (\S+)/)?.[1];
    if (file !== undefined) expect(existsSync(join(ROOT, file)), file).toBe(true);
  }],
  [/^npm (init -y|pkg set type=module)$/, async (words) => {
    const { ok, output } = await runCommand("sh", ["-c", `cd "$PROJECT" && npm ${words}`], {
      env: { PROJECT: project },
    });
    expect(ok, output).toBe(true);
    const made = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { type?: string };
    if (words!.includes("module")) expect(made.type).toBe("module");
  }],
  [/^npm pack \.\/npm$/, () => expect(read("scripts/build_npm.ts")).toContain('join(ROOT, "npm")')],
  [/^(?:npx|bunx|deno run -RW npm:hawser\/)\s*hawser-users \.\/users (\w+)(.*)$/, async (action, rest) => {
    const file = join(project, "users");
    if (action !== "set") expect(existsSync(file), "there is nobody to list or to remove").toBe(true);
    const child = spawn(starter()[0], [
      ...starter().slice(1),
      join(ROOT, USERS),
      file,
      action!,
      ...rest!.trim().split(" "),
    ], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin!.end("correct horse\n");
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    const { bin } = makeManifest(JSON.parse(read("deno.json")), JSON.parse(read("package.json")));
    expect(Object.keys(bin ?? {})).toEqual(["hawser-users"]);
  }],
  [/^npm install \S*?([\w.-]+\.tgz)((?: [@\w/.-]+)*)$/, (tarball, others) => {
    const { name, version } = makeManifest(JSON.parse(read("deno.json")), JSON.parse(read("package.json")));
    expect(tarball).toBe(`${name}-${version}.tgz`);
    for (const other of others!.trim().split(" ").filter(Boolean)) {
      expect(existsSync(join(ROOT, "node_modules", other)), other).toBe(true);
    }
  }],
];

const blocks = blocksWritten("sh").filter(({ document }) => document !== DEPLOYMENT);

describe("the commands of the documents", () => {
  for (const block of blocks) {
    const commands = commandsOf(block);
    if (commands.every((command) => EXAMPLE.test(command))) {
      it(`${block.name} start programs that talk to each other, and end`, SLOW, () => runExamples(commands));
    } else {
      it(`${block.name} are those of the scripts`, SLOW, async () => {
        for (const command of commands) {
          const found = COMPARED.find(([pattern]) => pattern.test(command));
          expect(found, `nothing is run for "${command}"`).toBeDefined();
          const [pattern, compare] = found!;
          await compare(...pattern.exec(command)!.slice(1));
        }
      });
    }
  }

  it("are there", () => expect(blocks.length).toBeGreaterThan(3));
});

/** The first is the server of the others. */
async function runExamples(commands: readonly string[]): Promise<void> {
  const programs = [];
  let port = "0";
  for (const command of commands) {
    const [, file = "", args] = EXAMPLE.exec(command)!;
    const program = run(file, { PORT: port }, ...(args?.split(" ") ?? []));
    programs.push(program);
    if (port === "0") [, port = ""] = await program.wrote(/\b(?:ws|http):\/\/127\.0\.0\.1:(\d+)/);
    else await program.wrote(/\S/);
  }
  for (const program of programs.reverse()) expect(await program.kill("SIGTERM"), program.output).toBe(0);
}

/** One a line, or several between `&&`; without the comments behind them. */
function commandsOf({ text }: PlacedBlock): string[] {
  const lines = text.split("\n").map((line) => line.replace(/\s+#.*$/, ""));
  return lines.flatMap((line) => line.split("&&")).map((command) => command.trim()).filter((command) => command !== "");
}

function ownPackage(): OwnPackage {
  return JSON.parse(read("package.json")) as OwnPackage;
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}
