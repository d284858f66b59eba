import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type Export, publicEntries } from "../../scripts/api_docs.ts";
import { type Subject, writePages } from "../../scripts/api_markdown.ts";
import { checkReference, differences, makeReference, type Reference, subjectsOf } from "../../scripts/api_reference.ts";
import { ROOT, runCommand } from "../../scripts/command.ts";
import { findRuntimes } from "../../scripts/runtimes.ts";
import { exportedNames, withoutComments } from "../support/source_text.ts";

const SLOW = 30_000;
const ENTRIES = publicEntries();

let deno: string;
let pages: Reference;
let missing: readonly string[];
let folder: string;

beforeAll(async () => {
  ({ deno } = await findRuntimes());
  ({ pages, missing } = await makeReference(deno));
  folder = await mkdtemp(join(tmpdir(), "hawser-api-"));
}, SLOW);
afterAll(() => rm(folder, { recursive: true }));

/** The exports that pages are about, by entry; read from the pages, as a reader would. */
function documented(pages: Reference): Record<string, string[]> {
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(ENTRIES).map((entry) => [entry, []]));
  for (const page of pages.values()) {
    for (const section of page.split(/^## /m).slice(1)) {
      const [, name = ""] = /^\w+ ([\w$]+)\n/.exec(section) ?? [];
      const [, from = ""] = /^From ([^.]*)\. Source:/m.exec(section) ?? [];
      for (const [, entry = ""] of from.matchAll(/`([^`]*)`/g)) found[entry]?.push(name);
    }
  }
  return found;
}

describe("the reference", () => {
  it("has every export of every entry, and nothing else", async () => {
    const said = documented(pages);
    for (const [entry, file] of Object.entries(ENTRIES)) {
      const names = exportedNames(withoutComments(await readFile(join(ROOT, file), "utf8")));
      expect(said[entry]?.sort(), entry).toEqual(names.sort());
    }
  });

  it("has every export in its index, once", () => {
    const index = pages.get("api.md") ?? "";
    const linked = [...index.matchAll(/^- \w+ \[`([\w$]+)`\]\((api\/\w+\.md#[\w-]+)\): \S/gm)];
    const links = linked.map(([, , link]) => link);
    expect(new Set(links).size).toBe(links.length);
    const sections = [...pages].filter(([file]) => file !== "api.md").flatMap(([file, page]) =>
      [...page.matchAll(/^## (\w+ [\w$]+)$/gm)].map(([, title = ""]) =>
        `${file}#${title.toLowerCase().replace(" ", "-")}`
      )
    );
    expect(links.sort()).toEqual(sections.sort());
  });

  it("has one anchor for each heading, so that no link leads to another when something is added", () => {
    for (const [file, page] of pages) {
      const anchors = [...page.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
      );
      expect(anchors.filter((anchor, i) => anchors.indexOf(anchor) !== i), file).toEqual([]);
    }
  });

  it("lacks no docstring", () => {
    expect(missing).toEqual([]);
  });

  it("is the committed one, and is formatted", { timeout: SLOW }, async () => {
    const { ok, output } = await checkReference(deno);
    expect(output).toBe("");
    expect(ok).toBe(true);
    const paths = [...pages.keys()].map((file) => join(ROOT, "docs", file));
    expect((await runCommand(deno, ["fmt", "--check", ...paths])).ok).toBe(true);
  });
});

describe("the check", () => {
  it("names each page that is not what the docstrings say, is missing, or is about nothing", async () => {
    await cp(join(ROOT, "docs"), folder, { recursive: true });
    expect(await differences(pages, folder)).toEqual([]);
    await writeFile(join(folder, "api/client.md"), `${pages.get("api/client.md")}More.\n`);
    await rm(join(folder, "api/errors.md"));
    await writeFile(join(folder, "api/others.md"), "# Others\n");
    expect((await differences(pages, folder)).sort()).toEqual([
      "docs/api/client.md is not what the docstrings say",
      "docs/api/errors.md is missing",
      "docs/api/others.md is about nothing that is exported",
    ]);
  });

  it("fails for whatever lacks a docstring", { timeout: SLOW }, async () => {
    const file = join(folder, "mod.ts");
    const source = `
/** A function. */
export function told(a: string): void;
export function told(a: number): void;
export function told(_a: unknown): void {}
export const untold = 1;
/** A class. */
export class Told {
  field = 1;
  /** A method. */
  method(): void {}
  /***/
  empty(): void {}
  private own(): void {}
  /** @ignore */
  ignored(): void {}
}
/** An interface. */
export interface Shape {
  /** A field. */
  a: string;
  b: string;
  [name: string]: unknown;
}
`;
    await writeFile(file, source);
    const { missing } = await makeReference(deno, { hawser: file });
    expect(missing.map((sentence) => sentence.replace(/^.*?: /, "")).sort()).toEqual([
      '"Shape.(…)" has no docstring',
      '"Shape.b" has no docstring',
      '"Told.empty" has no docstring',
      '"Told.field" has no docstring',
      '"told" has no docstring',
      '"untold" has no docstring',
    ]);
  });
});

describe("a page", () => {
  it("tells kind, signature, docstring, members, errors thrown, defaults and source", { timeout: SLOW }, async () => {
    const file = join(folder, "page.ts");
    const source = `
/** Options, such as a {@link Thing} has. Times are seconds. */
export interface Options {
  /** Seconds to wait. Default 3. */
  readonly wait?: number;
}
/** One \`Thing\` among others. It has a name (RFC 6455 §4.1), e.g. "a". */
export class Thing {
  /** Does it with \`Options\`.
   * @param how with which
   * @throws {RangeError} when \`how\` is too large
   * @throws as others do
   * @example
   * \`\`\`ts
   * new Thing().act();
   * \`\`\`
   */
  act(how = 1): void { void how; }
}
/** A thing that can more. @category Elsewhere */
export class More extends Thing {
  /** The more of it. */
  readonly more: Options = {};
}
`;
    await writeFile(file, source.replace(" @category", "\n * @category").replace("more. ", "more.\n *"));
    const { pages } = await makeReference(deno, { hawser: file });
    expect([...pages.keys()]).toEqual(["api.md", "api/hawser.md", "api/elsewhere.md"]);
    expect(pages.get("api.md")).toContain("- class [`Thing`](api/hawser.md#class-thing): One `Thing` among others.\n");
    const page = pages.get("api/hawser.md") ?? "";
    expect(page).toContain("## interface Options\n\n```ts\ninterface Options\n```\n\n");
    expect(page).toContain("Options, such as a [`Thing`](#class-thing) has. Times are seconds.");
    expect(page).toContain("- `wait?: number`: Seconds to wait. Default 3.\n");
    expect(page).toContain(`### Thing.act()

\`\`\`ts
act(how?: number): void
\`\`\`

Does it with [\`Options\`](#interface-options).

- \`how\`: with which

Throws:

- \`RangeError\`: when \`how\` is too large
- as others do

Example:

\`\`\`ts
new Thing().act();
\`\`\`
`);
    const other = pages.get("api/elsewhere.md") ?? "";
    expect(other).toContain("Inherits from [`Thing`](hawser.md#class-thing): [`act()`](hawser.md#thingact).");
    expect(other).toContain("See [`Thing`](hawser.md#class-thing), [`Options`](hawser.md#interface-options).");
  });

  it("of a folder that has an entry of its own name is that of the entry", () => {
    const at = (name: string, source: string, ...entries: string[]): Export => ({
      name,
      declarations: [{ kind: "typeAlias", location: { filename: "", line: 1, col: 0 }, def: {} }],
      entries,
      source,
    });
    const exports = [
      at("A", "src/magic/a.ts", "hawser", "hawser/magic"),
      at("B", "src/peers/b.ts", "hawser/magic"),
      at("C", "src/other/c.ts", "hawser"),
    ];
    const subjects = subjectsOf(exports, new Map([["hawser", ""], ["hawser/magic", "Magic."]]));
    expect(subjects.map(({ title, exports }) => [title, exports.map(({ name }) => name)])).toEqual([
      ["hawser/magic", ["A", "B"]],
      ["Other", ["C"]],
    ]);
  });

  it("leaves no tag out", { timeout: SLOW }, async () => {
    const file = join(folder, "tags.ts");
    await writeFile(file, "/**\n * A thing.\n *\n * @since 1.2\n */\nexport const thing = 1;\n");
    await expect(makeReference(deno, { hawser: file })).rejects.toThrow(
      'Cannot tell a docstring: the tag "@since" is not known',
    );
  });

  it("is never written twice", () => {
    const subject = (title: string): Subject => ({ title, about: "", exports: [] });
    expect(() => writePages([subject("Magic"), subject("hawser/magic")], "")).toThrow(
      'Cannot write "api/magic.md": two subjects are called so',
    );
  });
});
