/**
 * A value checked by a Standard Schema (https://standardschema.dev), whichever library made it: a typed value, or a
 * `PayloadBindingError` that says what is wrong and where. Knows no library, and no message.
 */

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
 * Hands `value` to `schema`. A promise only where the schema takes its time. What the schema throws by itself is passed on.
 * @param subject what the value is, for the error's sentence: `the message`
 * @throws {PayloadBindingError} when the schema refuses it, with its issues; as a rejection if it takes its time
 */
export function checkValue<T>(value: unknown, schema: StandardSchema<T>, subject: string): T | Promise<T> {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then((late) => judge(late, subject)) : judge(result, subject);
}

function judge<T>(result: SchemaResult<T>, subject: string): T {
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(toIssue);
  throw new PayloadBindingError(`Cannot bind ${subject}: ${summary(issues)}`, issues);
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
