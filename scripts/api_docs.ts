/**
 * What `deno doc --json` says of our public entries: its shape, as far as the reference needs it, and the list of exports
 * in which each declaration stands once, with all entries that export it. The shape is that of the pinned Deno; another
 * version of it is refused.
 */

import { readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { ROOT, runCommand } from "./command.ts";

/** A type, as a tree; `scripts/api_signature.ts` knows the kinds. */
export interface TypeNode {
  readonly kind: string;
  readonly value?: unknown;
}

export interface TypeParam {
  readonly name: string;
  readonly constraint?: TypeNode;
  readonly default?: TypeNode;
}

export interface Param {
  readonly kind: string;
  readonly name?: string;
  readonly optional?: boolean;
  readonly tsType?: TypeNode;
  /** Of a rest parameter. */
  readonly arg?: Param;
  /** Of a parameter with a default. */
  readonly left?: Param;
}

export interface Tag {
  readonly kind: string;
  readonly name?: string;
  readonly doc?: string;
  readonly tsType?: { readonly repr?: string };
}

export interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly Tag[];
}

export interface Location {
  readonly filename: string;
  readonly line: number;
  readonly col: number;
}

export interface Signature {
  readonly params: readonly Param[];
  readonly typeParams?: readonly TypeParam[];
  readonly returnType?: TypeNode;
  /** The same of a call or an index signature. */
  readonly tsType?: TypeNode;
  readonly hasBody?: boolean;
}

/** A member of a class or an interface. */
export interface Member extends Partial<Signature> {
  readonly name?: string;
  readonly kind?: string;
  readonly jsDoc?: JsDoc;
  readonly location: Location;
  readonly functionDef?: Signature;
  readonly isStatic?: boolean;
  readonly optional?: boolean;
  readonly readonly?: boolean;
  /** Our own: whether it is a class whose member it is. */
  readonly inClass?: boolean;
  readonly accessibility?: "private" | "protected" | "public";
}

/** What a declaration says, by its kind; what a kind does not have is absent. */
export interface Definition extends Partial<Signature> {
  readonly extends?: string | readonly TypeNode[];
  readonly superTypeParams?: readonly TypeNode[];
  readonly implements?: readonly TypeNode[];
  readonly isAbstract?: boolean;
  readonly constructors?: readonly Member[];
  readonly properties?: readonly Member[];
  readonly methods?: readonly Member[];
  readonly callSignatures?: readonly Member[];
  readonly indexSignatures?: readonly Member[];
  /** Of a reference: where the declaration is. */
  readonly target?: Location;
}

/** One declaration of a name. */
export interface Declaration {
  readonly kind: string;
  readonly location: Location;
  readonly jsDoc?: JsDoc;
  readonly def: Definition;
}

export interface DocNode {
  readonly module_doc?: JsDoc;
  readonly symbols: readonly { readonly name: string; readonly declarations: readonly Declaration[] }[];
}

export interface DenoDoc {
  readonly version: number;
  readonly nodes: Readonly<Record<string, DocNode>>;
}

/** What users import by one name. */
export interface Export {
  readonly name: string;
  /** Several for a function with overloads. */
  readonly declarations: readonly [Declaration, ...Declaration[]];
  /** The entries that export it, such as "hawser/node"; that of all others first. */
  readonly entries: readonly string[];
  /** Its source, from the root of the repository. */
  readonly source: string;
}

/** An entry: what users import it by, and its source. */
export type Entries = Readonly<Record<string, string>>;

/** The version of the shape above. */
const VERSION = 2;

/** The public entries, "hawser" first. */
export function publicEntries(): Entries {
  const { exports } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as { exports: Entries };
  return Object.fromEntries(Object.entries(exports).map(([key, file]) => [key.replace(/^\./, "hawser"), file]));
}

/**
 * Reads the docstrings of `files`.
 * @throws {Error} with Deno's own words when it cannot, and when it says them in another shape
 */
export async function readDocs(deno: string, files: readonly string[]): Promise<DenoDoc> {
  const args = ["doc", "--json", "--quiet", "--node-modules-dir=manual", ...files];
  const { ok, output, failure } = await runCommand(deno, args);
  if (!ok) throw new Error(`Cannot read the docstrings: ${failure}\n${output}`);
  const docs = JSON.parse(output) as DenoDoc;
  if (docs.version !== VERSION) {
    throw new Error(`Cannot read the docstrings: version ${docs.version} is not ${VERSION}`);
  }
  return docs;
}

/** The docstrings of the modules themselves, by entry. */
export function modulesOf(docs: DenoDoc, entries: Entries): ReadonlyMap<string, string> {
  return new Map(Object.entries(entries).map(([entry, file]) => [entry, nodeOf(docs, file).module_doc?.doc ?? ""]));
}

/**
 * The exports of all entries; one that several entries export stands here once.
 * @throws {Error} when an entry exports again what no entry declares
 */
export function exportsOf(docs: DenoDoc, entries: Entries): Export[] {
  const declared = new Map<string, readonly Declaration[]>();
  const symbols = Object.entries(entries).flatMap(([entry, file]) =>
    nodeOf(docs, file).symbols.map((symbol) => ({ entry, ...symbol }))
  );
  for (const { declarations } of symbols) {
    if (declarations[0]?.kind !== "reference") declared.set(placeOf(declarations[0]?.location), declarations);
  }
  const found = new Map<string, { name: string; declarations: readonly Declaration[]; entries: string[] }>();
  for (const { entry, name, declarations: [first] } of symbols) {
    const place = placeOf(first?.def.target ?? first?.location);
    const declarations = declared.get(place);
    if (declarations === undefined) throw new Error(`Cannot document "${name}" of "${entry}": it is declared nowhere`);
    const known = found.get(`${place} ${name}`);
    if (known === undefined) found.set(`${place} ${name}`, { name, declarations, entries: [entry] });
    else known.entries.push(entry);
  }
  return [...found.values()].map(({ name, declarations, entries }) => {
    const overloads = withoutBodies(declarations, ({ def }) => def.hasBody);
    return { name, declarations: overloads, entries, source: pathOf(overloads[0].location) };
  });
}

/** The members of a class or an interface that users see, in the order of the source; overloads are together. */
export function membersOf({ kind, def }: Declaration): (readonly [Member, ...Member[]])[] {
  const groups = new Map<string, [Member, ...Member[]]>();
  const all = [
    ...def.callSignatures ?? [],
    ...def.constructors ?? [],
    ...[...indexSignatures(def), ...def.properties ?? [], ...def.methods ?? []].sort(byPlace),
  ];
  for (const member of all.map((one) => ({ ...one, inClass: kind === "class" }))) {
    if (member.accessibility === "private" || member.accessibility === "protected") continue;
    // A getter and its setter are one thing, with one docstring.
    const name = `${member.isStatic === true ? "static " : ""}${member.name ?? `[${member.params?.[0]?.name ?? ""}]`}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [member]);
    else if (member.kind !== "setter") group.push(member);
  }
  return [...groups.values()].map((group) => withoutBodies(group, (member) => signatureOf(member)?.hasBody));
}

/** Those of a declaration or a type, told from its calls by their kind. */
export function indexSignatures({ indexSignatures = [] }: Pick<Definition, "indexSignatures">): readonly Member[] {
  return indexSignatures.map((member) => ({ ...member, kind: "index" }));
}

/** What a method, a constructor or a call takes and returns; undefined for a field. */
export function signatureOf(member: Member): Signature | undefined {
  if (member.kind === "getter" || member.kind === "setter") return undefined;
  if (member.functionDef !== undefined) return member.functionDef;
  const { params, typeParams, returnType, tsType, hasBody } = member;
  if (params !== undefined) return { params, ...defined({ typeParams, returnType: returnType ?? tsType, hasBody }) };
  // A method that works unbound is declared as a field that is a function.
  return isMethodField(member) ? member.tsType?.value as Signature : undefined;
}

/** An option that is a function is a field: it is given, not called. */
function isMethodField({ optional, readonly, tsType, inClass }: Member): boolean {
  return inClass === true && readonly === true && optional !== true && tsType?.kind === "fnOrConstructor";
}

function defined<T extends object>(fields: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** What lacks a docstring, each as a sentence. */
export function undocumented(exports: readonly Export[]): string[] {
  return exports.flatMap(({ name, declarations, source }) => {
    const missing = declarations.filter(({ jsDoc }) => isEmpty(jsDoc)).map(() =>
      `${source}: "${name}" has no docstring`
    );
    const members = declarations.flatMap((declaration) => membersOf(declaration)).flat();
    return [
      ...missing,
      ...members.filter(({ jsDoc }) => isEmpty(jsDoc)).map((member) =>
        `${source}: "${name}.${member.name ?? "(…)"}" has no docstring`
      ),
    ];
  });
}

function isEmpty(jsDoc: JsDoc | undefined): boolean {
  return (jsDoc?.doc ?? "").trim() === "";
}

/** Of overloads the one that has the code is nobody's to call. */
function withoutBodies<T>(all: readonly T[], hasBody: (of: T) => boolean | undefined): readonly [T, ...T[]] {
  const bodiless = all.filter((one) => hasBody(one) !== true);
  const [first, ...rest] = all.length > 1 && bodiless.length > 0 ? bodiless : all;
  if (first === undefined) throw new Error("Cannot document nothing");
  return [first, ...rest];
}

function nodeOf(docs: DenoDoc, file: string): DocNode {
  const node = docs.nodes[pathToFileURL(resolve(ROOT, file)).href];
  if (node === undefined) throw new Error(`Cannot find the docstrings of "${file}"`);
  return node;
}

function pathOf({ filename }: Location): string {
  return relative(ROOT, fileURLToPath(filename)).split(sep).join("/");
}

function placeOf(location: Location | undefined): string {
  return `${location?.filename}:${location?.line}:${location?.col}`;
}

function byPlace(a: Member, b: Member): number {
  return a.location.line - b.location.line || a.location.col - b.location.col;
}
