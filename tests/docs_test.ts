/**
 * The programs in README.md and docs/ do what they say. Every `ts` block is a whole program and is type-checked. Marks
 * behind the language say more: `run` ends by itself, with exit code 0; `server` listens on port 9090 until it is
 * stopped; `client` runs against the last `server` of its document and ends with exit code 0. A block `text output`
 * behind a program is what that prints, where `…` stands for anything. Ports are free ones: 9090 is replaced. The files
 * key.pem and cert.pem are made for the run, by an authority that every program trusts.
 */

import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { ROOT, runCommand } from "../scripts/command.ts";
import { makeCertificates } from "./support/certificates.ts";
import { type Block, blocksOf } from "./support/documents.ts";
import { type RunningServer, runProgram, startServer } from "./support/program.ts";

const DOCUMENTS = ["README.md", ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`)]
  .filter((file) => file.endsWith(".md"));
const PORT = "9090";
const SLOW = { timeout: 60_000 };
/** The marks of programs for one runtime, and the one that is meant here. */
const NATIVE = ["deno", "bun"];
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : undefined;

interface Program extends Block {
  readonly name: string;
  readonly mark: string;
  /** What it is to print. */
  readonly output: string | undefined;
  /** The server that it talks to. */
  readonly server: Program | undefined;
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), "hawser-docs-")));
// For the frameworks that some of them import.
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
const TRUST = { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"), DENO_CERT: join(folder, "ca.pem") };
for (const [name, pem] of Object.entries(makeCertificates())) writeFileSync(join(folder, `${name}.pem`), pem);
/** Each is started once, for all of its clients. */
const servers = new Map<Program, Promise<RunningServer>>();
afterAll(async () => {
  for (const server of await Promise.allSettled(servers.values())) {
    if (server.status === "fulfilled") await server.value.stop();
  }
  rmSync(folder, { recursive: true });
});

const programs = DOCUMENTS.flatMap(programsOf);

describe("the programs of the documents", () => {
  it("are marked with what this test knows", () => {
    const unknown = programs.filter(({ mark }) => !["", "run", "server", "client", "deno", "bun"].includes(mark));
    expect(unknown.map(({ name, mark }) => `${name}: ${mark}`)).toEqual([]);
    expect(programs.length).toBeGreaterThan(0);
  });

  it("compile", SLOW, async () => {
    // Those of one runtime have names that this compiler knows nothing of.
    const files = programs.filter(({ mark }) => !NATIVE.includes(mark)).map((program) => write(program, PORT));
    const compilerOptions = {
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
      declaration: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      rewriteRelativeImportExtensions: false,
    };
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ extends: join(ROOT, "tsconfig.base.json"), compilerOptions, files }));
    // The compiler is a program of Node, whichever runtime runs this.
    const { output } = await runCommand("node", [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
    expect(output).toBe("");
  });

  for (const program of programs.filter(({ mark }) => mark === "run" || mark === RUNTIME)) {
    it.concurrent(`${program.name} runs`, SLOW, async () => {
      expectToHavePrinted(program, await runProgram(write(program, PORT), TRUST));
    });
  }

  for (const program of programs.filter(({ mark }) => mark === "client")) {
    it.concurrent(`${program.name} runs against its server`, SLOW, async () => {
      if (program.server === undefined) throw new Error("There is no server above it");
      const { url } = await serve(program.server);
      expectToHavePrinted(program, await runProgram(write(program, url.port), TRUST));
    });
  }

  it("have a client for each server", () => {
    const alone = programs.filter(({ mark }) => mark === "server")
      .filter((server) => !programs.some((program) => program.server === server));
    expect(alone.map(({ name }) => name)).toEqual([]);
  });
});

describe("the demo", () => {
  it("prints what the README says", SLOW, async () => {
    const said = blocksOf(readFileSync(join(ROOT, "README.md"), "utf8")).find(({ info }) => info === "text demo");
    const { ok, output } = await runProgram(join(ROOT, "examples/demo.ts"));
    expect(ok, output).toBe(true);
    // The lines of two clients may come in another order.
    const unsaid = (said?.text ?? "nothing").split("\n").filter((line) => !matcher(line, "m").test(output));
    expect(unsaid).toEqual([]);
  });
});

function programsOf(document: string): Program[] {
  const blocks = blocksOf(readFileSync(join(ROOT, document), "utf8"));
  const found: Program[] = [];
  blocks.forEach((block, i) => {
    const [language, mark = ""] = block.info.split(" ");
    if (language !== "ts") return;
    const next = blocks[i + 1];
    const output = next?.info === "text output" ? next.text : undefined;
    const server = mark === "client" ? found.findLast((program) => program.mark === "server") : undefined;
    found.push({ ...block, name: `${document}:${block.line}`, mark, output, server });
  });
  return found;
}

function serve(program: Program): Promise<RunningServer> {
  let server = servers.get(program);
  if (server === undefined) servers.set(program, server = startServer(write(program, "0")));
  return server;
}

/** Writes `program` to a file whose lines have the numbers they have in the document. */
function write({ name, line, text }: Program, port: string): string {
  const file = join(folder, `${name.replace(/\W/g, "_")}_${port}.mts`);
  const code = text.replaceAll(/from "hawser(\/\w+)?"/g, (_, entry = "") => `from ${JSON.stringify(fileOf(entry))}`)
    .replaceAll(PORT, port)
    .replace(/"(key|cert)\.pem"/g, (_, name) => JSON.stringify(join(folder, `${name}.pem`)));
  writeFileSync(file, "\n".repeat(line - 1) + code);
  return file;
}

/** The file that a user's `hawser` or `hawser/…` stands for. */
function fileOf(entry: string): string {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { exports: Record<string, string> };
  const file = exports[`.${entry}`];
  if (file === undefined) throw new Error(`There is no hawser${entry}`);
  return join(ROOT, file);
}

function expectToHavePrinted(program: Program, { ok, output, failure }: Awaited<ReturnType<typeof runProgram>>): void {
  expect(ok, `${failure}\n${output}`).toBe(true);
  if (program.output !== undefined) expect(output.trim()).toMatch(matcher(program.output.trim()));
}

/** Takes exactly `text`, where `…` stands for anything within a line. */
function matcher(text: string, flags = ""): RegExp {
  const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
  return new RegExp(`^${escaped}$`, flags);
}
