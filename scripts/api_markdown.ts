/**
 * Writes exports as Markdown: a page for each subject, and the index of all. Knows how a docstring becomes prose and where
 * each export stands; neither where docstrings come from nor where pages go.
 */

import {
  type Declaration,
  type Export,
  type JsDoc,
  type Member,
  membersOf,
  signatureOf,
  type Tag,
} from "./api_docs.ts";
import { kindOf, printDeclaration, printMember } from "./api_signature.ts";

/** What is told together, on one page. */
export interface Subject {
  readonly title: string;
  /** What it is about, as Markdown whose links are those of a file in docs/. */
  readonly about: string;
  readonly exports: readonly Export[];
  /** What the entry that it is about exports besides, told elsewhere. */
  readonly others?: readonly Export[];
}

/**
 * The pages by their path in docs/, and the index among them.
 * @throws {Error} when two subjects would share a page
 */
export function writePages(subjects: readonly Subject[], preface: string): ReadonlyMap<string, string> {
  const book = new Book(subjects);
  const pages = new Map([["api.md", book.index(preface)]]);
  for (const subject of subjects) {
    const file = book.fileOf(subject);
    if (pages.has(file)) throw new Error(`Cannot write "${file}": two subjects are called so`);
    pages.set(file, book.page(subject));
  }
  return pages;
}

/** GitHub's anchor of the heading of an export. */
export function anchorOf(one: Export): string {
  return slug(headingOf(one));
}

function slug(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

/** The kind stands in it because names that differ in case only would have one anchor. */
function headingOf(one: Export): string {
  return `${kindOf(one)} ${one.name}`;
}

/** The first sentence of a docstring, or what stands before its first example. */
export function summaryOf(jsDoc: JsDoc | undefined): string {
  const paragraph = (jsDoc?.doc ?? "").trim().split(/\n\s*\n|\n```/, 1)[0]?.replace(/\s+/g, " ") ?? "";
  // Not at an abbreviation, a version or the dots of a code span.
  return /^(?:`[^`]*`|[^`])*?\.(?=\s+[\p{Lu}`]|$)/u.exec(paragraph)?.[0] ?? paragraph;
}

/** All subjects, and the way from any page to any export. */
class Book {
  readonly #subjects: readonly Subject[];

  constructor(subjects: readonly Subject[]) {
    this.#subjects = subjects;
  }

  fileOf({ title }: Subject): string {
    return `api/${title.replace(/^hawser\//, "").toLowerCase().replaceAll(/\W+/g, "_")}.md`;
  }

  index(preface: string): string {
    const parts = this.#subjects.map((subject) => {
      const file = this.fileOf(subject);
      const lines = subject.exports.map((one) => {
        const [declaration] = one.declarations;
        const link = `[\`${one.name}\`](${file}#${anchorOf(one)})`;
        return `- ${kindOf(one)} ${link}: ${summaryOf(declaration.jsDoc)}${errorCodesOf(declaration)}`;
      });
      return `## ${subject.title}\n\n${subject.about} [In full](${file}).\n\n${lines.join("\n")}\n`;
    });
    return `# API\n\n${preface}\n\n${parts.join("\n")}`;
  }

  page(subject: Subject): string {
    const about = subject.about.replaceAll(/\]\((?!https?:)/g, "](../");
    const parts = subject.exports.map((one) => this.#section(one, subject));
    const others = (subject.others ?? []).map((one) => `[\`${one.name}\`](${this.#linkTo(one, subject)})`);
    const also = others.length === 0 ? [] : [`\`${subject.title}\` exports these too: ${others.join(", ")}.`];
    return `${[`# ${subject.title}`, `${about} All subjects: [API](../api.md).`, ...also, ...parts].join("\n\n")}\n`;
  }

  #section(one: Export, subject: Subject): string {
    const { declarations, entries, source } = one;
    const from = entries.map((entry) => `\`${entry}\``).join(", ");
    const prose = (text: string): string => this.#linked(text, one, subject);
    const [first] = declarations;
    return [
      `## ${headingOf(one)}`,
      ...declarations.flatMap((declaration) => [
        fenced(printDeclaration(one.name, declaration)),
        ...tellAll(declaration.jsDoc, prose),
      ]),
      `From ${from}. Source: [${source}](../../${source}).`,
      ...this.#inherited(first, subject, new Set(membersOf(first).map(([{ name }]) => name))),
      ...this.#seen(one, subject),
      ...this.#members(one.name, first, prose),
    ].join("\n\n");
  }

  /** Fields are a list; what can be called has a heading of its own. */
  #members(name: string, declaration: Declaration, prose: (text: string) => string): string[] {
    const members = membersOf(declaration);
    const fields = members.filter(([member]) => signatureOf(member) === undefined || member.kind === "index");
    const list = fields.map(([member]) => {
      const [summary = "", ...more] = tellAll(member.jsDoc, prose);
      const item = `- ${code(printMember(member))}: ${indented(summary)}`;
      return [item, ...more.map((part) => `  ${indented(part)}`)].join("\n\n");
    });
    const calls = members.filter((group) => !fields.includes(group)).map((group) => {
      const told = group.flatMap((member) => [fenced(printMember(member)), ...tellAll(member.jsDoc, prose)]);
      return [`### ${callHeading(name, group[0])}`, ...told].join("\n\n");
    });
    return [...list.length === 0 ? [] : [list.join("\n")], ...calls];
  }

  /** What parents have is told there, and here by name, but for what is `known` already. */
  #inherited(
    { def: { extends: parent = [] } }: Declaration,
    subject: Subject,
    known: Set<string | undefined>,
  ): string[] {
    const names = typeof parent === "string" ? [parent] : parent.map(({ value }) => (value as Named).typeName ?? "");
    return names.flatMap((name) => {
      const found = this.#find(name, subject);
      if (found === undefined) return [];
      const [declaration] = found.declarations;
      const link = this.#linkTo(found, subject);
      const members = membersOf(declaration).map(([member]) => member).filter((member) =>
        member.name !== "constructor" && member.isStatic !== true && !known.has(member.name)
      ).map((member) => memberLink(name, member, link.slice(0, link.indexOf("#"))));
      for (const [member] of membersOf(declaration)) known.add(member.name);
      // Of a type alias there are no members to tell.
      const own = members.length > 0 || declaration.kind === "typeAlias"
        ? [`Inherits from [\`${name}\`](${link})${members.length === 0 ? "" : `: ${members.join(", ")}`}.`]
        : [];
      return [...own, ...this.#inherited(declaration, subject, known)];
    });
  }

  /** The exports that its signatures name, which code cannot link. */
  #seen(one: Export, subject: Subject): string[] {
    const { name, declarations } = one;
    const signatures = declarations.flatMap((declaration) => [
      printDeclaration(name, declaration),
      ...membersOf(declaration).flat().map(printMember),
    ]);
    const words = new Set(signatures.join("\n").match(/\b\p{Lu}[\w$]*/gu));
    const links = [...words].flatMap((word) => {
      const found = this.#find(word, subject);
      return found === undefined || found === one ? [] : [`[\`${word}\`](${this.#linkTo(found, subject)})`];
    });
    return links.length === 0 ? [] : [`See ${links.join(", ")}.`];
  }

  /** Links the names of exports where a docstring has them as code. */
  #linked(text: string, self: Export, subject: Subject): string {
    const plain = text.replaceAll(/\{@link\w*\s+([^\s}|]+)[^}]*\}/g, "`$1`");
    return plain.split(/(^```[\s\S]*?^```$)/m).map((part) =>
      part.startsWith("```")
        ? part
        : part.replaceAll(/(?<!\[)`([\w$]+)(\(\))?`/g, (code: string, name: string, call?: string) => {
          // A lower-case word alone is more often an argument or an option than the function.
          if (call === undefined && name === name.toLowerCase()) return code;
          const found = this.#find(name, subject);
          return found === undefined || found === self ? code : `[${code}](${this.#linkTo(found, subject)})`;
        })
    ).join("");
  }

  /** Of several with one name the one on the same page is meant, else that of "hawser". */
  #find(name: string, subject: Subject): Export | undefined {
    const named = (one: Export): boolean => one.name === name;
    return subject.exports.find(named) ?? this.#subjects.flatMap(({ exports }) => exports).find(named);
  }

  #linkTo(one: Export, from: Subject): string {
    const subject = this.#subjects.find(({ exports }) => exports.includes(one)) ?? from;
    const file = subject === from ? "" : this.fileOf(subject).slice("api/".length);
    return `${file}#${anchorOf(one)}`;
  }
}

/** The tags that are told, and that of the chapter. */
const TAGS = ["param", "return", "default", "throws", "deprecated", "example", "category"];

/**
 * A docstring: prose, parameters, what is thrown, examples.
 * @throws {Error} for a tag that it would leave out
 */
function tellAll(jsDoc: JsDoc | undefined, prose: (text: string) => string): string[] {
  const unknown = jsDoc?.tags?.find(({ kind }) => !TAGS.includes(kind));
  if (unknown !== undefined) throw new Error(`Cannot tell a docstring: the tag "@${unknown.kind}" is not known`);
  const of = (kind: string): readonly Tag[] => (jsDoc?.tags ?? []).filter((tag) => tag.kind === kind);
  const params = of("param").map(({ name, doc = "" }) => `- \`${name}\`: ${indented(prose(doc))}`);
  const thrown = of("throws").map(({ tsType, doc = "" }) => {
    const error = tsType?.repr === undefined ? "" : `\`${tsType.repr}\`: `;
    return `- ${indented(prose(`${error}${doc}`))}`;
  });
  return [
    prose((jsDoc?.doc ?? "").trim()),
    ...params.length === 0 ? [] : [params.join("\n")],
    ...of("return").map(({ doc = "" }) => `Returns ${prose(doc)}`),
    ...of("default").map(({ doc = "" }) => `Default: ${prose(doc)}`),
    ...thrown.length === 0 ? [] : [`Throws:\n\n${thrown.join("\n")}`],
    ...of("deprecated").map(({ doc = "" }) => `Deprecated: ${prose(doc)}`),
    ...of("example").map(({ doc = "" }) => exampleOf(doc)),
  ].filter((part) => part !== "");
}

/** What stands above the code of an example is its title. */
function exampleOf(doc: string): string {
  const [, title = "", code = ""] = /^([\s\S]*?)(```[\s\S]*)$/.exec(doc.trim()) ?? ["", doc];
  return `Example${title.trim() === "" ? "" : `, ${title.trim()}`}:\n\n${code}`;
}

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}

/** Code within a line, whatever is in it. */
function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** For what goes on in an item of a list. */
function indented(text: string): string {
  return text.trim().replaceAll("\n", "\n  ");
}

/** The codes of a class of errors, which are what one looks for. */
function errorCodesOf(declaration: Declaration): string {
  const code = declaration.kind === "class" &&
    membersOf(declaration).map(([one]) => one).find(({ name }) => name === "code");
  const codes = code ? [...printMember(code).matchAll(/"(\w+)"/g)].map(([, name]) => `\`${name}\``) : [];
  return codes.length === 0 ? "" : ` Code ${codes.join(" or ")}.`;
}

interface Named {
  readonly typeName?: string;
}

/** A method has a heading to link to, a field stands in a list. */
function memberLink(owner: string, member: Member, page: string): string {
  if (signatureOf(member) === undefined) return code(member.name ?? "");
  const heading = callHeading(owner, member);
  return `[${code(heading.slice(owner.length).replace(/^\./, ""))}](${page}#${slug(heading)})`;
}

function callHeading(owner: string, { name }: Member): string {
  if (name === undefined) return `${owner}()`;
  if (name === "constructor") return `new ${owner}()`;
  return name.startsWith("[") ? `${owner}${name}()` : `${owner}.${name}()`;
}
