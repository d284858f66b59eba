/**
 * A message checked by a Standard Schema (https://standardschema.dev), whichever library made it: JSON text to a typed
 * value, or a `PayloadBindingError` that says what is wrong and where. Knows no library.
 */

import { decodeUtf8 } from "../bytes.ts";
import { type BindingIssue, PayloadBindingError } from "../errors.ts";

/** The part of Standard Schema, version 1, that is used here: zod, valibot, arktype and others have it. */
export interface StandardSchema<Output = unknown> {
  /** Where the standard keeps it. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Exists for the type checker only. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What `validate` says: the value, perhaps transformed, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One issue, as a schema tells it. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, from the outside in; absent for the value as a whole. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** @throws {TypeError} when `schema` is no Standard Schema of version 1 */
export function checkSchema(schema: unknown): void {
  const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  const standard = isHolder ? (schema as Partial<StandardSchema>)["~standard"] : undefined;
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new TypeError('Cannot bind a message: the schema has no "~standard" of version 1');
  }
}

/**
 * Parses `message` as JSON, a binary one as UTF-8 first, and hands the value to `schema`. What the schema throws by
 * itself is passed on.
 * @throws {PayloadBindingError} when it is not JSON, or the schema refuses it, with its issues
 */
export async function bindMessage<T>(message: string | Uint8Array, schema: StandardSchema<T>): Promise<T> {
  const result = await schema["~standard"].validate(parse(message));
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(toIssue);
  throw new PayloadBindingError(`Cannot bind the message: ${summary(issues)}`, issues);
}

function parse(message: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof message === "string" ? message : decodeUtf8(message));
  } catch (cause) {
    // The parser's sentence quotes the message, so it stays in the cause.
    throw new PayloadBindingError("Cannot bind the message: it is not JSON", [{ message: "Not JSON" }], { cause });
  }
}

function toIssue({ message, path }: SchemaIssue): BindingIssue {
  if (path === undefined) return { message };
  return { message, path: path.map((part) => typeof part === "object" ? part.key : part) };
}

/** The first issue in words, and how many there are besides. */
function summary(issues: readonly BindingIssue[]): string {
  const [first] = issues;
  if (first === undefined) return "the schema refused it";
  const where = first.path?.length ? ` at ${JSON.stringify(first.path.map(String).join("."))}` : "";
  return `${first.message}${where}${issues.length > 1 ? `, and ${issues.length - 1} more` : ""}`;
}
