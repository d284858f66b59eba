/**
 * Reads TypeScript as text, as far as the architecture test needs: what it imports and exports, without its comments or
 * its strings. No parser: code formatted by `deno fmt` is regular enough.
 */

/** The code without its comments; strings are kept, as one may hold what looks like a comment. */
export function withoutComments(code: string): string {
  const strings = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return code.replace(strings, (_, text?: string) => text ?? "");
}

/** The code without its strings; of a template, what stands in its holes is code and stays. */
export function withoutText(code: string): string {
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""')
    .replace(/`(?:[^`\\]|\\.)*`/g, (template) => template.match(/\$\{[^}]*\}/g)?.join(" ") ?? "");
}

/** What code without comments imports, types too, in whatever way. */
export function importSpecifiers(code: string): string[] {
  const statements = /\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\s*\(\s*"([^"]+)"/gm;
  return [...code.matchAll(statements)].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? "");
}

/** The names that code without comments exports; `*` for an export that hides them. */
export function exportedNames(code: string): string[] {
  const lists = [...code.matchAll(/\bexport\s+(?:type\s+)?\{([^}]*)\}/g)].flatMap(([, list = ""]) => list.split(","));
  const declared = /\bexport\s+(?:abstract\s+|async\s+)*(?:class|function\*?|const|let|interface|type)\s+([\w$]+)/g;
  return [
    ...lists.map((item) => item.trim().split(/\s+/).pop() ?? "").filter((name) => name !== ""),
    ...[...code.matchAll(declared)].map(([, name = ""]) => name),
    ...[...code.matchAll(/\bexport\s+\*/g)].map(() => "*"),
  ];
}
