/**
 * What a document points at and what is not there: a relative link, its `#heading`, a path of ours in the README, an
 * npm script. Reads Markdown as far as that takes, and the network never.
 */

import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

const NOT_OURS = new Set(["node_modules", ".git", ".tools", "npm", "coverage"]);

/** The folders whose paths the README may name. */
const OUR_PATH = /(?<![\w./-])(?:src|tests|scripts|bench|docs|examples|\.ci)\/[\w./-]*[\w/]/g;

/** One sentence for each broken reference in the Markdown files under `root`. */
export async function findBrokenReferences(root: string): Promise<string[]> {
  const files = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(/[\\/]/).some((part) => NOT_OURS.has(part)))
    .sort();
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
  const documents = new Map<string, string>();
  for (const file of files) documents.set(file, await readFile(join(root, file), "utf8"));

  const broken: string[] = [];
  for (const [file, text] of documents) {
    for (const [target, heading] of links(text)) {
      const path = target === "" ? file : join(dirname(file), target);
      if (!existsSync(join(root, path))) {
        broken.push(`${file}: "${target}" does not exist`);
      } else if (heading !== "" && !headings(documents.get(path) ?? "").has(heading)) {
        broken.push(`${file}: "${path}" has no heading "#${heading}"`);
      }
    }
    for (const [, script = ""] of text.matchAll(/\bnpm run ([\w:-]+)/g)) {
      if (!(script in scripts)) broken.push(`${file}: there is no npm script "${script}"`);
    }
  }
  for (const [path] of (documents.get("README.md") ?? "").matchAll(OUR_PATH)) {
    if (!existsSync(join(root, path))) broken.push(`README.md: "${path}" does not exist`);
  }
  // A path of ours may stand in a link, too.
  return [...new Set(broken)];
}

/** The relative links of a document: the path, and the heading without its `#`. */
function links(text: string): [target: string, heading: string][] {
  const found: [string, string][] = [];
  for (const [, inline, reference] of withoutCode(text).matchAll(/\]\(<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)/gm)) {
    const link = inline ?? reference ?? "";
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(link)) continue;
    const [target = "", heading = ""] = link.split("#");
    found.push([decodeURI(target), heading]);
  }
  return found;
}

/** The anchors GitHub gives a document's headings. */
function headings(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, title = ""] of withoutFences(text).matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  return anchors;
}

function withoutCode(text: string): string {
  return withoutFences(text).replace(/`[^`\n]*`/g, "");
}

function withoutFences(text: string): string {
  return text.replace(/^(\s*)(```+|~~~+)[^\n]*\n[\s\S]*?^\s*\2\s*$/gm, "");
}
