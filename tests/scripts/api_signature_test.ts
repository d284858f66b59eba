import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { type Export, exportsOf, membersOf, readDocs } from "../../scripts/api_docs.ts";
import { kindOf, printDeclaration, printMember, printType } from "../../scripts/api_signature.ts";
import { findRuntimes } from "../../scripts/runtimes.ts";

const TYPES = [
  "type A = string | 1 | -1 | true | null | undefined;",
  'type B = readonly "b"[];',
  "type C = [string, number?, ...unknown[]];",
  "type D<T extends object = object> = keyof T & string;",
  "type E = typeof globalThis;",
  "type F = (this: void, a: string, b?: number, ...rest: unknown[]) => void;",
  "type G = new (...args: never[]) => object;",
  "type H<T> = T extends (infer U)[] ? U : never;",
  "type I<K extends string> = { readonly [Name in K]?: number };",
  "type J = `on${string}End`;",
  "type K = A[number];",
  "type L = (value: unknown) => value is string;",
  'type M = { (): void; "a-b": string; c?: number; d(): void };',
  "type N<T> = Promise<Map<string, T>>;",
  "type O = (A | undefined)[];",
];
const SOURCE = `
${TYPES.map((type) => `export ${type}`).join("\n")}
export const p: ReadonlyMap<string, number> = new Map();
export function q(a: string): string;
export function q<T>(a: T, b?: number): T;
export function q(a: unknown, _b = 1): unknown { return a; }
export abstract class R<T> extends Array<T> implements Iterable<T> {
  static s(a = 1): void { void a; }
  readonly t: string = "t";
  readonly u: (a: string) => void = () => {};
  #v = 1;
  private w = 1;
  protected x = 1;
  constructor(a: number) { super(a); }
  get y(): number { return this.#v; }
  set y(v: number) { this.#v = v; }
  z<
    One extends string, Two extends string, Three extends string
  >(first: One, second: Two, third: Three, fourth: number, fifth: number, sixth: number): void {
    void [first, second, third, fourth, fifth, sixth];
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {}
}
export interface S extends Error {
  [name: string]: unknown;
  onClick?(event: Event): void;
  onOther?: (event: Event) => void;
}
`;

let exports: Export[];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hawser-api-"));
  const file = join(folder, "mod.ts");
  await writeFile(file, SOURCE);
  const { deno } = await findRuntimes();
  exports = exportsOf(await readDocs(deno, [file]), { hawser: file });
}, 30_000);
afterAll(() => rm(folder, { recursive: true }));

function find(name: string): Export {
  const found = exports.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no "${name}"`);
  return found;
}

function members(name: string): string[] {
  return membersOf(find(name).declarations[0]).flat().map(printMember);
}

describe("a signature", () => {
  it.each(TYPES)("is printed as it was written: %s", (type) => {
    const one = find(type.charAt("type ".length));
    expect(printDeclaration(one.name, one.declarations[0])).toBe(type);
    expect(kindOf(one)).toBe("type");
  });

  it("of a constant has its type", () => {
    expect(printDeclaration("p", find("p").declarations[0])).toBe("const p: ReadonlyMap<string, number>;");
    expect(kindOf(find("p"))).toBe("const");
  });

  it("of a function is told for each overload, and not for the code", () => {
    expect(find("q").declarations.map((declaration) => printDeclaration("q", declaration))).toEqual([
      "function q(a: string): string;",
      "function q<T>(a: T, b?: number): T;",
    ]);
  });

  it("of a class has what it inherits from; its members are those that users see", () => {
    expect(printDeclaration("R", find("R").declarations[0])).toBe(
      "abstract class R<T> extends Array<T> implements Iterable<T>",
    );
    expect(members("R")).toEqual([
      "constructor(a: number)",
      "static s(a?: number): void",
      "t: string",
      "u(a: string): void",
      "y: number",
      `z<One extends string, Two extends string, Three extends string>(
  first: One,
  second: Two,
  third: Three,
  fourth: number,
  fifth: number,
  sixth: number,
): void`,
      "[Symbol.asyncIterator](): AsyncGenerator<T>",
    ]);
  });

  it("of an interface has its methods and its fields that are functions apart", () => {
    expect(printDeclaration("S", find("S").declarations[0])).toBe("interface S extends Error");
    expect(members("S")).toEqual([
      "[name: string]: unknown",
      "onClick?(event: Event): void",
      "onOther?: (event: Event) => void",
    ]);
  });

  it("is never told in part", () => {
    expect(() => printType({ kind: "somethingNew" })).toThrow('Cannot print a type: "somethingNew" is not known');
  });
});
