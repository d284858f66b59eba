/**
 * Whether a schema refuses a value for its shape or by a constraint on what has that shape (features B3, U10). Standard
 * Schema does not say, so this reads what the libraries add to it: zod 4, valibot 1 and arktype 2. Whatever is not known
 * here is a matter of shape. Imports none of them.
 */

import { andThen, type Eventual } from "./and_then.ts";

/** A value, or nothing: the library does not tell it. */
export type Unconstrained = { readonly value: unknown } | undefined;

interface Library {
  /** Whether an issue is about a value that has the right shape. */
  isConstraint(issue: Issue): boolean;
  /** What `schema` makes of `value` when nobody looks at its constraints. */
  unconstrained(schema: object, value: unknown): Eventual<Unconstrained>;
}

/** What of an issue is looked at, whichever library it is from. */
interface Issue {
  readonly kind?: unknown;
  readonly code?: unknown;
  readonly issues?: readonly Issue[];
  readonly errors?: readonly (Issue | readonly Issue[])[];
}

/** Whether all issues are constraints, of a library that tells. */
export function areConstraints(vendor: string, issues: readonly object[]): boolean {
  const library = LIBRARIES.get(vendor);
  return library !== undefined && allOf(library, issues as readonly Issue[]);
}

/**
 * The value that `schema` makes of one which only its constraints refuse. Undefined when the library does not tell it:
 * where a step behind a constraint was never taken, nobody knows what it would have come to.
 */
export function unconstrained(
  vendor: string,
  schema: object,
  value: unknown,
): Eventual<Unconstrained> {
  return LIBRARIES.get(vendor)?.unconstrained(schema, value);
}

function allOf(library: Library, issues: readonly Issue[] = []): boolean {
  return issues.length > 0 && issues.every((issue) => library.isConstraint(issue));
}

const ZOD_CODES = new Set<unknown>(["too_small", "too_big", "invalid_format", "not_multiple_of", "custom"]);

interface ZodPayload {
  readonly value: unknown;
  readonly issues: readonly unknown[];
}

interface ZodInside {
  readonly _zod?: { run(payload: ZodPayload, context: object): Eventual<ZodPayload> };
}

const zod: Library = {
  isConstraint({ code, issues, errors }) {
    // Of a union it is enough that one member has found its shape.
    if (code === "invalid_union") return (errors ?? []).some((each) => allOf(zod, each as readonly Issue[]));
    if (code === "invalid_key" || code === "invalid_element") return allOf(zod, issues);
    return ZOD_CODES.has(code);
  },
  unconstrained(schema, value) {
    // zod 3 has no such thing.
    const payload = (schema as ZodInside)._zod?.run({ value, issues: [] }, { async: true, skipChecks: true });
    return andThen(payload, (made) => made?.issues.length === 0 ? { value: made.value } : undefined);
  },
};

interface ValibotDataset {
  /** The value has its shape, whatever the issues are. */
  readonly typed: boolean;
  readonly value: unknown;
}

interface ValibotInside {
  readonly "~run"?: (dataset: object, config: object) => Eventual<ValibotDataset>;
}

const valibot: Library = {
  isConstraint: ({ kind }) => kind === "validation",
  unconstrained(schema, value) {
    const dataset = (schema as ValibotInside)["~run"]?.({ value }, {});
    return andThen(dataset, (made) => made?.typed ? { value: made.value } : undefined);
  },
};

const ARKTYPE_CODES = new Set<unknown>(
  ["min", "max", "minLength", "maxLength", "exactLength", "pattern", "divisor", "before", "after"],
);

const arktype: Library = {
  isConstraint(issue) {
    if (issue.code === "intersection") return allOf(arktype, issue.errors as readonly Issue[]);
    // Under this code it says of a union, too, what it is of no member; a predicate leaves out what there actually is.
    if (issue.code === "predicate") return !Object.hasOwn(issue, "actual");
    return ARKTYPE_CODES.has(issue.code);
  },
  // It goes on to no step behind an error; a type without steps hands out what it got.
  unconstrained: (schema, value) =>
    (schema as { includesTransform?: boolean }).includesTransform === false ? { value } : undefined,
};

const LIBRARIES: ReadonlyMap<string, Library> = new Map([["zod", zod], ["valibot", valibot], ["arktype", arktype]]);
