/**
 * Nothing stands in a document's block that nobody tries: each is of a kind that a test runs, and a new kind needs one.
 * Pictures of the code are held to the code here; what runs is elsewhere, see KINDS.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";

import { ROOT } from "../scripts/command.ts";
import { blocksIn, blocksWritten, DOCUMENTS, readDocument } from "./support/documents.ts";

/** The info strings that there are, and the test that runs all blocks of their language. */
const KINDS: readonly (readonly [info: RegExp, test: string])[] = [
  [/^ts( run| server| client| deno| bun| deno bun)?$/, "tests/docs_test.ts"],
  [/^text (output|demo)$/, "tests/docs_test.ts"],
  [/^text$/, "tests/docs_blocks_test.ts"],
  [/^sh$/, "tests/interop/docs_commands_test.ts"],
  [/^nginx$/, "tests/interop/docs_nginx_test.ts"],
  [/^ini systemd$/, "tests/interop/docs_systemd_test.ts"],
  [/^dockerfile (node|deno|bun)$/, "tests/interop/docs_docker_test.ts"],
  // What a Dockerfile copies.
  [/^json (package|deno)\.json$/, "tests/interop/docs_docker_test.ts"],
];

/** The marks of programs that print. */
const PROGRAM = /^ts (run|client|deno|bun|deno bun)$/;

const blocks = DOCUMENTS.flatMap(blocksIn);

describe("the blocks of the documents", () => {
  it("are each of a kind that a test runs", () => {
    const unknown = blocks.filter(({ info }) => !KINDS.some(([kind]) => kind.test(info)));
    expect(unknown.map(({ name, info }) => `${name}: no test runs "${info}"`)).toEqual([]);
  });

  it("are all that is fenced, and every one is closed", () => {
    for (const document of DOCUMENTS) {
      // Also those in a list, or of tildes, which nobody would read.
      const fences = readDocument(document).match(/^[ \t>]*(```|~~~)/gm) ?? [];
      expect(fences.length, document).toBe(2 * blocksIn(document).length);
    }
  });

  it("have a test that asks for their language", () => {
    const unasked = blocks.filter(({ info }) => {
      const test = KINDS.find(([kind]) => kind.test(info))?.[1] ?? "";
      return !readFileSync(join(ROOT, test), "utf8").includes(`"${info.split(" ")[0]}`);
    });
    expect(unasked.map(({ name }) => name)).toEqual([]);
  });

  it("of output stand behind the program that prints it", () => {
    const alone = blocks.filter(({ info, document }, i) => {
      const before = blocks[i - 1];
      return info === "text output" && (before?.document !== document || !PROGRAM.test(before.info));
    });
    expect(alone.map(({ name }) => name)).toEqual([]);
  });
});

describe("the pictures of the code", () => {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts")
  );
  const code = files.map((file) => readFileSync(join(ROOT, "src", file), "utf8")).join("\n");

  it.each(blocksWritten("text").filter(({ info }) => info === "text"))("$name shows what there is", ({ text }) => {
    // A path, or the name of a file of the sources.
    const paths = text.match(/\b[\w./]+(?:\.ts|\/)(?=[\s;,]|$)/g) ?? [];
    const missing = paths.filter((path) =>
      path.includes("/")
        ? !existsSync(join(ROOT, path))
        : path !== "mod.ts" && !files.some((file) => basename(file) === path)
    );
    expect(missing).toEqual([]);
    const names = text.match(/\b(?:[A-Z][a-z]+){2,}\b/g) ?? [];
    const unknown = names.filter((name) => !new RegExp(`\\b(class|interface|type|const) ${name}\\b`).test(code));
    expect(unknown).toEqual([]);
    expect(paths.length).toBeGreaterThan(0);
  });
});
