/**
 * A value checked by a Standard Schema (https://standardschema.dev), whichever library made it: a typed value, or a
 * `PayloadBindingError` that says what is wrong and where. Knows no library, and no message.
 */

import { PayloadBindingError, PayloadValidationError } from "../errors.ts";
import { andThen, type Eventual, orElse } from "./and_then.ts";
import { areConstraints, type Unconstrained, unconstrained } from "./constraint.ts";
import { type SchemaIssue, summaryOf, toIssues } from "./issues.ts";

/** The part of Standard Schema, version 1, that is used here: zod, valibot, arktype and others have it. */
export interface StandardSchema<Output = unknown, Input = unknown> {
  /** Where the standard keeps it. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Exists for the type checker only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a `StandardSchema` answers: the value, perhaps transformed, or the issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** @throws {TypeError} when `schema` is no Standard Schema of version 1 */
export function checkSchema(schema: unknown): void {
  const isHolder = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  const standard = isHolder ? (schema as Partial<StandardSchema>)["~standard"] : undefined;
  if (standard?.version !== 1 || typeof standard.validate !== "function") {
    throw new TypeError('Cannot bind a message: the schema has no "~standard" of version 1');
  }
}

/**
 * Hands `value` to `schema`. A promise only where the schema takes its time. What the schema throws by itself is passed on,
 * unless it ran out of the stack, which is the value's doing.
 *
 * @param subject what the value is, for the error's sentence: `the message`
 * @param validation false: what only constraints refuse is taken, where the schema's library tells both
 * @throws {PayloadBindingError} when the schema refuses it, with its issues; as a rejection if it takes its time
 */
export function checkValue<T>(
  value: unknown,
  schema: StandardSchema<T>,
  subject: string,
  validation = true,
): Eventual<T> {
  const { vendor, validate } = schema["~standard"];
  const judge = (result: SchemaResult<T>): Eventual<T> => {
    const { issues } = result;
    if (issues === undefined) return result.value;
    const isShaped = areConstraints(vendor, issues);
    const refuse = (cause?: unknown): never => {
      const Refusal = isShaped ? PayloadValidationError : PayloadBindingError;
      const kept = toIssues(issues);
      const options = cause === undefined ? undefined : { cause };
      throw new Refusal(`Cannot bind ${subject}: ${summaryOf(kept, issues.length)}`, kept, options);
    };
    if (!isShaped || validation) return refuse();
    // A step behind a constraint may fail at what that is there to keep from it.
    const eventual = orElse<Unconstrained>(() => unconstrained(vendor, schema, value), refuse);
    return andThen(eventual, (taken) => taken === undefined ? refuse() : taken.value as T);
  };
  const result = orElse(() => settled(validate(value)), (error) => {
    if (!(error instanceof RangeError)) throw error;
    const issue = { message: "Too deep, or too much" };
    throw new PayloadBindingError(`Cannot bind ${subject}: it is too deep, or too much`, [issue], { cause: error });
  });
  return andThen(result, judge);
}

/** A promise of another kind than the language's has no issues either: taken for a value, it would let everything pass. */
function settled<T>(result: Eventual<SchemaResult<T>>): Eventual<SchemaResult<T>> {
  return "then" in result ? Promise.resolve(result) : result;
}
