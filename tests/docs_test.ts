/**
 * The programs of the documents do what they say. Every `ts` block is a whole program, is type-checked, and runs. Marks
 * behind the language say how: `server` listens on port 9090 until it is stopped; `client` runs against the last `server`
 * of its document; `deno` and `bun` are for one runtime, and `deno bun` for either; `run`, and a block without a mark, run
 * by themselves. What is no server ends, with exit code 0. A block `text output` behind a program is what that prints,
 * where `…` stands for anything. Ports are free ones: 9090 is replaced. The files key.pem, cert.pem and ca.pem are made for the
 * run, by an authority that every program trusts; example.com is tests/support/example_host.ts.
 */

import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { ROOT, runCommand } from "../scripts/command.ts";
import { makeCertificates } from "./support/certificates.ts";
import { compiled } from "./support/compiled.ts";
import { blocksIn, DOCUMENTS, type PlacedBlock } from "./support/documents.ts";
import { type ExampleHost, startExampleHost } from "./support/example_host.ts";
import { withOurImports } from "./support/own_imports.ts";
import { type RunningServer, runProgram, startServer } from "./support/program.ts";

const PORT = "9090";
const SLOW = { timeout: 60_000 };
/** The marks of programs for one runtime or both, and where they run. */
const NATIVE: Readonly<Record<string, readonly string[]>> = {
  deno: ["deno"],
  bun: ["bun"],
  "deno bun": ["deno", "bun"],
};
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

interface Program extends PlacedBlock {
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
const certificates = makeCertificates();
for (const [name, pem] of Object.entries(certificates)) writeFileSync(join(folder, `${name}.pem`), pem);
let exampleHost: Promise<ExampleHost> | undefined;
/** Each is started once, for all of its clients. */
const servers = new Map<Program, Promise<RunningServer>>();
afterAll(async () => {
  for (const server of await Promise.allSettled(servers.values())) {
    if (server.status === "fulfilled") await server.value.stop();
  }
  await (await exampleHost)?.stop();
  rmSync(folder, { recursive: true });
});

const programs = DOCUMENTS.flatMap(programsOf);
const SERVERS = programs.filter(({ mark }) => mark === "server");
const CLIENTS = programs.filter(({ mark }) => mark === "client");
const ALONE = programs.filter(({ mark }) => mark === "" || mark === "run" || NATIVE[mark]?.includes(RUNTIME));

describe("the programs of the documents", () => {
  it("are marked with what this test knows", () => {
    const known = ["", "run", "server", "client", ...Object.keys(NATIVE)];
    const unknown = programs.filter(({ mark }) => !known.includes(mark));
    expect(unknown.map(({ name, mark }) => `${name}: ${mark}`)).toEqual([]);
    expect(programs.length).toBeGreaterThan(0);
  });

  it("compile", SLOW, async () => {
    // Those of one runtime have names that this compiler knows nothing of.
    const files = programs.filter(({ mark }) => !(mark in NATIVE)).map((program) => write(program, PORT));
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

  for (const program of ALONE) {
    const isInside = program.mark === "" ? ", as far as it goes without the world outside" : "";
    it.concurrent(`${program.name} runs${isInside}`, SLOW, async () => {
      expectToHavePrinted(program, await runProgram(await fileOf(program), TRUST));
    });
  }

  for (const program of CLIENTS) {
    it.concurrent(`${program.name} runs against its server`, SLOW, async () => {
      if (program.server === undefined) throw new Error("There is no server above it");
      await serve(program.server);
      expectToHavePrinted(program, await runProgram(await fileOf(program), TRUST));
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
    const said = blocksIn("README.md").find(({ info }) => info === "text demo");
    const { ok, output } = await runProgram(join(ROOT, "examples/demo.ts"));
    expect(ok, output).toBe(true);
    // The lines of two clients may come in another order.
    const unsaid = (said?.text ?? "nothing").split("\n").filter((line) => !matcher(line, "m").test(output));
    expect(unsaid).toEqual([]);
  });
});

function programsOf(document: string): Program[] {
  const blocks = blocksIn(document);
  const found: Program[] = [];
  blocks.forEach((block, i) => {
    const [language, ...marks] = block.info.split(" ");
    const mark = marks.join(" ");
    if (language !== "ts") return;
    const next = blocks[i + 1];
    const output = next?.info === "text output" ? next.text : undefined;
    const server = mark === "client" ? found.findLast((program) => program.mark === "server") : undefined;
    found.push({ ...block, mark, output, server });
  });
  return found;
}

function serve(program: Program): Promise<RunningServer> {
  let server = servers.get(program);
  if (server === undefined) servers.set(program, server = fileOf(program).then((file) => startServer(file)));
  return server;
}

/** Compiled, with all that need no other first: what they share is compiled once. */
let needingNone: Promise<ReadonlyMap<Program, string>> | undefined;
let needingServers: typeof needingNone;

/** The file that is started for `program`. */
async function fileOf(program: Program): Promise<string> {
  const files = program.mark === "client" ? needingServers ??= compileClients() : needingNone ??= compileOthers();
  return (await files).get(program)!;
}

async function compileOthers(): Promise<ReadonlyMap<Program, string>> {
  const host = await (exampleHost ??= startExampleHost(certificates));
  const inside = (program: Program) => program.mark === "" ? { ...program, text: host.meetIn(program.text) } : program;
  const alone = ALONE.map((program) => [program, write(inside(program), PORT)] as const);
  return await compileAll([...alone, ...SERVERS.map((program) => [program, write(program, "0")] as const)]);
}

/** They name the ports of their servers. Without its server one has none: its test tells why. */
async function compileClients(): Promise<ReadonlyMap<Program, string>> {
  return await compileAll(
    await Promise.all(CLIENTS.map(async (program) => {
      const server = program.server === undefined ? undefined : await serve(program.server).catch(() => undefined);
      return [program, write(program, server?.url.port ?? PORT)] as const;
    })),
  );
}

async function compileAll(written: readonly (readonly [Program, file: string])[]): Promise<Map<Program, string>> {
  const files = await compiled(written.map(([, file]) => file), join(folder, "compiled"));
  return new Map(written.map(([program], i) => [program, files[i]!]));
}

/** Writes `program` to a file whose lines have the numbers they have in the document. */
function write({ name, line, text }: Program, port: string): string {
  const file = join(folder, `${name.replace(/\W/g, "_")}_${port}.mts`);
  const code = withOurImports(text)
    .replaceAll(PORT, port)
    .replace(/"(key|cert|ca)\.pem"/g, (_, name) => JSON.stringify(join(folder, `${name}.pem`)));
  writeFileSync(file, "\n".repeat(line - 1) + code);
  return file;
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
