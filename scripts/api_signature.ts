/**
 * Prints the signatures of `deno doc --json` as the TypeScript that they were read from, without what users do not see.
 * A kind of type that it does not know is an error, so that no signature is ever told in part.
 */

import {
  type Declaration,
  type Definition,
  type Export,
  indexSignatures,
  type Member,
  type Param,
  type Signature,
  signatureOf,
  type TypeNode,
  type TypeParam,
} from "./api_docs.ts";

/** A signature with a longer line is broken, a parameter on each line. */
const WIDTH = 110;

/** The declaration of an export, without the members: they are told one by one. */
export function printDeclaration(name: string, declaration: Declaration): string {
  const { kind, def } = declaration;
  switch (kind) {
    case "function":
      return `function ${printCall(name, def as Signature)};`;
    case "class":
      return broken(`${def.isAbstract === true ? "abstract " : ""}class ${name}`, def.typeParams, heritage(def));
    case "interface":
      return broken(`interface ${name}`, def.typeParams, heritage(def));
    case "typeAlias":
      return `type ${name}${typeParams(def.typeParams)} = ${printType(def.tsType)};`;
    case "variable":
      return `const ${name}: ${printType(def.tsType)};`;
    default:
      throw new Error(`Cannot print "${name}": "${kind}" is not known`);
  }
}

/** What an export is, in one word. */
export function kindOf({ name, declarations: [{ kind }] }: Export): string {
  const word =
    { function: "function", class: "class", interface: "interface", typeAlias: "type", variable: "const" }[kind];
  if (word === undefined) throw new Error(`Cannot print "${name}": "${kind}" is not known`);
  return word;
}

/** A member: a method as it is called, a field with its type. */
export function printMember(member: Member): string {
  const signature = signatureOf(member);
  const name = `${member.isStatic === true ? "static " : ""}${quoted(member.name ?? "")}`;
  const mark = member.optional === true ? "?" : "";
  if (signature === undefined) return `${name}${mark}: ${printType(member.tsType ?? member.functionDef?.returnType)}`;
  if (member.kind === "index") {
    return `[${signature.params.map(printParam).join(", ")}]: ${printType(signature.returnType)}`;
  }
  return printCall(member.name === "constructor" ? "constructor" : `${name}${mark}`, signature);
}

/** @throws {Error} for a kind of type that is not known */
export function printType(type: TypeNode | undefined): string {
  if (type === undefined) return "unknown";
  const value = type.value as never;
  switch (type.kind) {
    case "keyword":
      return value;
    case "this":
      return "this";
    case "typeRef":
      return printReference(value);
    case "literal":
      return printLiteral(value);
    case "array":
      return `${printType(value)}[]`;
    case "union":
      return (value as TypeNode[]).map(printType).join(" | ");
    case "intersection":
      return (value as TypeNode[]).map(printType).join(" & ");
    case "parenthesized":
      return `(${printType(value)})`;
    case "tuple":
      return `[${(value as TypeNode[]).map(printType).join(", ")}]`;
    case "optional":
      return `${printType(value)}?`;
    case "rest":
      return `...${printType(value)}`;
    case "typeOperator":
      return printOperator(value);
    case "typeQuery":
      return `typeof ${value}`;
    case "fnOrConstructor":
      return printFunctionType(value);
    case "typeLiteral":
      return printTypeLiteral(value);
    case "indexedAccess":
      return printIndexed(value);
    case "conditional":
      return printConditional(value);
    case "infer":
      return `infer ${printTypeParam((value as { typeParam: TypeParam }).typeParam)}`;
    case "mapped":
      return printMapped(value);
    case "typePredicate":
      return printPredicate(value);
    default:
      throw new Error(`Cannot print a type: "${type.kind}" is not known`);
  }
}

function printReference(value: { typeName: string; typeParams?: readonly TypeNode[] }): string {
  return `${value.typeName}${typeArguments(value.typeParams)}`;
}

function printOperator({ operator, tsType }: { operator: string; tsType: TypeNode }): string {
  return `${operator} ${printType(tsType)}`;
}

function printIndexed({ objType, indexType }: { objType: TypeNode; indexType: TypeNode }): string {
  return `${printType(objType)}[${printType(indexType)}]`;
}

function printConditional(
  { checkType, extendsType, trueType, falseType }: Record<
    "checkType" | "extendsType" | "trueType" | "falseType",
    TypeNode
  >,
): string {
  return `${printType(checkType)} extends ${printType(extendsType)} ? ${printType(trueType)} : ${printType(falseType)}`;
}

function printMapped(
  { readonly, optional, typeParam, nameType, tsType }: {
    readonly?: boolean;
    optional?: boolean;
    typeParam: TypeParam;
    nameType?: TypeNode;
    tsType?: TypeNode;
  },
): string {
  const keys = `${typeParam.name} in ${printType(typeParam.constraint)}`;
  const renamed = nameType === undefined ? "" : ` as ${printType(nameType)}`;
  const marks = [readonly === true ? "readonly " : "", optional === true ? "?" : ""] as const;
  return `{ ${marks[0]}[${keys}${renamed}]${marks[1]}: ${printType(tsType)} }`;
}

function printPredicate(
  { asserts, param, type }: { asserts?: boolean; param: { name?: string }; type?: TypeNode },
): string {
  const is = type === undefined ? "" : ` is ${printType(type)}`;
  return `${asserts === true ? "asserts " : ""}${param.name ?? "this"}${is}`;
}

function printLiteral(
  value: {
    kind: string;
    string?: string;
    number?: number;
    boolean?: boolean;
    bigInt?: string;
    tsTypes?: readonly TypeNode[];
  },
): string {
  switch (value.kind) {
    case "string":
      return JSON.stringify(value.string);
    case "number":
      return String(value.number);
    case "boolean":
      return String(value.boolean);
    case "bigInt":
      return `${value.bigInt}n`;
    case "template":
      return `\`${(value.tsTypes ?? []).map(printTemplatePart).join("")}\``;
    default:
      throw new Error(`Cannot print a literal: "${value.kind}" is not known`);
  }
}

/** What stands between the holes of a template are strings, too. */
function printTemplatePart(type: TypeNode): string {
  const { kind, string } = (type.kind === "literal" ? type.value : {}) as { kind?: string; string?: string };
  return kind === "string" ? string ?? "" : `\${${printType(type)}}`;
}

function printFunctionType({ constructor, tsType, params, typeParams: own }: {
  constructor: boolean;
  tsType: TypeNode;
  params: readonly Param[];
  typeParams?: readonly TypeParam[];
}): string {
  const list = params.map(printParam).join(", ");
  return `${constructor ? "new " : ""}${typeParams(own)}(${list}) => ${printType(tsType)}`;
}

function printTypeLiteral(
  type: Pick<Definition, "properties" | "methods" | "callSignatures" | "indexSignatures">,
): string {
  const { properties = [], methods = [], callSignatures = [] } = type;
  const members = [...callSignatures, ...indexSignatures(type), ...properties, ...methods].map(printMember);
  return members.length === 0 ? "{}" : `{ ${members.join("; ")} }`;
}

function printCall(name: string, { params, typeParams: own, returnType, tsType }: Signature): string {
  const result = name === "constructor" ? "" : `: ${printType(returnType ?? tsType)}`;
  const list = params.map(printParam);
  const line = `${name}${typeParams(own)}(${list.join(", ")})${result}`;
  if (line.length <= WIDTH || list.length === 0) return line;
  return broken(name, own, `(\n${list.map((param) => `  ${param},\n`).join("")})${result}`);
}

/** Puts type parameters on lines of their own when they are too many for one. */
function broken(head: string, params: readonly TypeParam[] | undefined, tail: string): string {
  const line = `${head}${typeParams(params)}${tail}`;
  const [first = ""] = line.split("\n");
  if (first.length <= WIDTH || params === undefined) return line;
  return `${head}<\n${params.map((param) => `  ${printTypeParam(param)},\n`).join("")}>${tail}`;
}

function printParam(param: Param): string {
  if (param.kind === "rest") return `...${param.arg?.name ?? "rest"}: ${printType(param.tsType)}`;
  // What is taken when it is left out is for the docstring to say.
  const { name, optional, tsType } = param.kind === "assign" ? { ...param.left, optional: true } : param;
  return `${name ?? "options"}${optional === true ? "?" : ""}: ${printType(tsType)}`;
}

function typeParams(params: readonly TypeParam[] = []): string {
  return params.length === 0 ? "" : `<${params.map(printTypeParam).join(", ")}>`;
}

function printTypeParam({ name, constraint, default: fallback }: TypeParam): string {
  const limit = constraint === undefined ? "" : ` extends ${printType(constraint)}`;
  return `${name}${limit}${fallback === undefined ? "" : ` = ${printType(fallback)}`}`;
}

function typeArguments(types: readonly TypeNode[] = []): string {
  return types.length === 0 ? "" : `<${types.map(printType).join(", ")}>`;
}

function heritage({ extends: parent = [], superTypeParams, implements: interfaces = [] }: Declaration["def"]): string {
  const parents = typeof parent === "string" ? [`${parent}${typeArguments(superTypeParams)}`] : parent.map(printType);
  const clause = (word: string, types: readonly string[]): string =>
    types.length === 0 ? "" : ` ${word} ${types.join(", ")}`;
  return clause("extends", parents) + clause("implements", interfaces.map(printType));
}

/** A name that is no identifier is quoted; that of a symbol stands in brackets already. */
function quoted(name: string): string {
  return /^[\w$#]+$|^\[|^$/.test(name) ? name : JSON.stringify(name);
}
