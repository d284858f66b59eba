/**
 * Which documents there are; and reads Markdown as far as their tests need it: fenced blocks, and tables by the heading
 * above them.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "../../scripts/command.ts";

/** All whose blocks are held to what they say. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "examples/README.md",
  ...readdirSync(join(ROOT, "docs")).filter((file) => file.endsWith(".md")).map((file) => `docs/${file}`),
];

/** A fenced block. */
export interface Block {
  /** What stands behind the opening fence: the language, then our own marks. */
  readonly info: string;
  /** The line of its first line of text, from 1. */
  readonly line: number;
  readonly text: string;
}

/** A block, and where it is. */
export interface PlacedBlock extends Block {
  readonly document: string;
  /** The document and the line. */
  readonly name: string;
}

export function readDocument(document: string): string {
  return readFileSync(join(ROOT, document), "utf8");
}

/** The blocks of one document, in their order. */
export function blocksIn(document: string): PlacedBlock[] {
  return blocksOf(readDocument(document)).map((block) => ({ ...block, document, name: `${document}:${block.line}` }));
}

/** Those in one language, of all documents: whoever runs a language runs all of them. */
export function blocksWritten(language: string): PlacedBlock[] {
  return DOCUMENTS.flatMap(blocksIn).filter(({ info }) => info.split(" ")[0] === language);
}

export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [, info = "", text = ""] = match;
    return { info: info.trim(), line: markdown.slice(0, match.index).split("\n").length + 1, text };
  });
}

/** The rows of the tables under a heading of that text, without their heads; a cell is found by its column's name. */
export function rowsUnder(markdown: string, heading: string): ReadonlyMap<string, string>[] {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (start === -1) throw new Error(`There is no heading "${heading}"`);
  const rows: Map<string, string>[] = [];
  let columns: string[] | undefined;
  for (const line of lines.slice(start + 1)) {
    if (/^#+ /.test(line)) break;
    if (!line.startsWith("|")) columns = undefined;
    else if (columns === undefined) columns = cellsOf(line);
    else if (!/^\|[\s|:-]+$/.test(line)) {
      const names = columns;
      rows.push(new Map(cellsOf(line).map((cell, i) => [names[i] ?? "", cell])));
    }
  }
  return rows;
}

/**
 * What the API reference says of the members of an interface, by name: the text of a field's item, or below a method's
 * heading, on one line.
 */
export function membersUnder(markdown: string, name: string): ReadonlyMap<string, string> {
  const [, section] = new RegExp(`^## interface ${name}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(markdown) ?? [];
  if (section === undefined) throw new Error(`There is no interface "${name}"`);
  const fields = [...section.matchAll(/^- `(\w+)\??: [^`]*`:\s([\s\S]*?)(?=^\S|(?![\s\S]))/gm)];
  const methods = [...section.matchAll(/^### \w+\.(\w+)\(\)\n([\s\S]*?)(?=^#|(?![\s\S]))/gm)];
  return new Map(
    [...fields, ...methods].map(([, member = "", text = ""]) => [member, text.replace(/\s+/g, " ").trim()]),
  );
}

/** What stands in backquotes in `cell`, the first of it. */
export function codeIn(cell: string | undefined): string | undefined {
  return cell?.match(/`([^`]*)`/)?.[1];
}

function cellsOf(line: string): string[] {
  return line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.replaceAll("\\|", "|").trim());
}
