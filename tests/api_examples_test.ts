/**
 * The examples in docstrings, as docs/api/ has them, are programs that do what they say: each imports "hawser", is
 * type-checked, ends by itself, and prints what stands in the comments behind its `console.log`. Those marked `deno` or
 * `bun` are for one runtime, and only run; one marked `browser` is only type-checked.
 */

import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import { publicEntries } from "../scripts/api_docs.ts";
import { ROOT, runCommand } from "../scripts/command.ts";
import { compiled } from "./support/compiled.ts";
import { runProgram } from "./support/program.ts";

const SLOW = { timeout: 60_000 };
const RUNTIME = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
/** Those that users look for, by the heading that they stand under. */
const WANTED = [
  "class Client",
  "Client.connect()",
  "class Listener",
  "AnyListener.attach()",
  "class Router",
  "function upgrade",
  "function bind",
  "function dispatch",
  "function broadcast",
  "interface RetryConfig",
  "interface RequestConfiguration",
  "interface ReplyStream",
  "type Bindable",
];

interface Example {
  readonly heading: string;
  readonly name: string;
  readonly mark: string;
  readonly code: string;
}

const ENTRIES = publicEntries();
const folder = realpathSync(mkdtempSync(join(tmpdir(), "hawser-examples-")));
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
afterAll(() => rmSync(folder, { recursive: true }));

const examples = readdirSync(join(ROOT, "docs/api")).sort().flatMap(examplesOf);

describe("the examples in docstrings", () => {
  it("are there for what is most used", () => {
    const headings = new Set(examples.map(({ heading }) => heading));
    expect(WANTED.filter((heading) => !headings.has(heading))).toEqual([]);
  });

  it("are all the code in docstrings", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
    const blocks = sources.filter((file) => file.endsWith(".ts")).flatMap((file) =>
      readFileSync(join(ROOT, "src", file), "utf8").match(/^ *\* ```ts.*$/gm) ?? []
    );
    expect(examples.length).toBe(blocks.length);
  });

  it("are marked with what this test knows, and import what users import", () => {
    const odd = examples.filter(({ mark, code }) =>
      !["", "deno", "bun", "browser"].includes(mark) || !/^import .* from "hawser(\/\w+)?";$/m.test(code)
    );
    expect(odd.map(({ name }) => name)).toEqual([]);
  });

  it("compile", SLOW, async () => {
    // Those of one runtime have names that this compiler knows nothing of.
    const files = examples.filter(({ mark }) => mark === "" || mark === "browser").map(write);
    const compilerOptions = {
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
      declaration: false,
      isolatedDeclarations: false,
      rewriteRelativeImportExtensions: false,
    };
    const config = join(folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ extends: join(ROOT, "tsconfig.base.json"), compilerOptions, files }));
    // The compiler is a program of Node, whichever runtime runs this.
    const { output } = await runCommand("node", [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
    expect(output).toBe("");
  });

  const programs = examples.filter(({ mark }) => mark === "" || mark === RUNTIME);
  let files: ReturnType<typeof compiled> | undefined;
  for (const [i, example] of programs.entries()) {
    it.concurrent(`${example.name} prints what it says`, SLOW, async () => {
      files ??= compiled(programs.map(write), join(folder, "compiled"));
      const { ok, output, failure } = await runProgram((await files)[i]!);
      expect(ok, `${failure}\n${output}`).toBe(true);
      expect(output.trim().split("\n")).toEqual(saidBy(example));
    });
  }
});

/** The blocks below "Example:", each with the heading that it stands under. */
function examplesOf(file: string): Example[] {
  const page = readFileSync(join(ROOT, "docs/api", file), "utf8");
  const sections = page.split(/^(?=##+ )/m);
  return sections.flatMap((section) => {
    const [, heading = ""] = /^##+ (.*)$/m.exec(section) ?? [];
    const blocks = [...section.matchAll(/^Example[^\n]*:\n\n```ts([^\n]*)\n([\s\S]*?)^```$/gm)];
    return blocks.map(([, mark = "", code = ""], i) => {
      const name = `${file} "${heading}"${i === 0 ? "" : ` ${i + 1}`}`;
      return { heading, name, mark: mark.trim(), code };
    });
  });
}

function write({ name, code }: Example): string {
  const file = join(folder, `${name.replace(/\W+/g, "_")}.mts`);
  const own = code.replaceAll(/from "(hawser(?:\/\w+)?)"/g, (whole, entry: string) => {
    const source = ENTRIES[entry];
    return source === undefined ? whole : `from ${JSON.stringify(join(ROOT, source))}`;
  });
  writeFileSync(file, own);
  return file;
}

/** The lines that the comments behind `console.log` promise; in a loop "a, then b" stands for several. */
function saidBy({ code }: Example): string[] {
  const comments = [...code.matchAll(/console\.log\(.*\)[;,].*?\/\/ (.*)$/gm)].map(([, comment = ""]) => comment);
  return comments.flatMap((comment) => comment.split(", then "));
}
