/**
 * What an upgrade request carries beside its path and its origin, bound by schemas (features U3): path parameters, query
 * and headers. What does not fit is the client's mistake, and told in one sentence. Knows no socket and no service.
 */

import { andThen, type Eventual, orElse } from "../binding/and_then.ts";
import { MAX_KEY } from "../binding/issues.ts";
import { checkValue, type StandardSchema } from "../binding/schema.ts";
import { type BindingIssue, PayloadBindingError, UpgradeError } from "../errors.ts";
import { quote } from "../printable.ts";

/** By what they are bound, undefined for as they are. */
export interface RequestSchemas {
  readonly params: StandardSchema | undefined;
  readonly query: StandardSchema | undefined;
  readonly headers: StandardSchema | undefined;
}

/** What an upgrade service's context tells of them. */
export interface BoundRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly requestHeaders: unknown;
}

/** Whether all of it stays as it is. */
export function bindsNothing({ params, query, headers }: RequestSchemas): boolean {
  return params === undefined && query === undefined && headers === undefined;
}

/**
 * Binds what was sent, one after the other; a promise only where a schema takes its time.
 *
 * @throws {UpgradeError} 400, naming what does not fit
 */
export function bindRequest(
  { params, query, headers }: RequestSchemas,
  validation: boolean,
  sent: { readonly params: Values; readonly query: URLSearchParams; readonly headers: Headers },
): Eventual<BoundRequest> {
  const bindParams = (): Eventual<unknown> =>
    params === undefined ? sent.params : bind(PARAMS, params, validation, sent.params);
  const bindTheQuery = (): Eventual<unknown> =>
    query === undefined ? sent.query : bindQuery(query, validation, valuesOf(sent.query));
  const bindHeaders = (): Eventual<unknown> =>
    headers === undefined ? sent.headers : bind(HEADERS, headers, validation, valuesOf(sent.headers));
  return andThen(
    bindParams(),
    (params) =>
      andThen(
        bindTheQuery(),
        (query) => andThen(bindHeaders(), (requestHeaders) => ({ params, query, requestHeaders })),
      ),
  );
}

/** By name, without a prototype, so that a name may be any. A list: the name was repeated. */
type Values = Readonly<Record<string, string | readonly string[]>>;

/** What is bound, in the words of a refusal. */
interface Kind {
  readonly one: string;
  readonly all: string;
  /** Nothing that a schema says is passed on: it quotes the value. */
  readonly isSecret: boolean;
}

const PARAMS: Kind = { one: "path parameter", all: "path does", isSecret: false };
const QUERY: Kind = { one: "query parameter", all: "query does", isSecret: false };
const HEADERS: Kind = { one: "header", all: "headers do", isSecret: true };

function bind(kind: Kind, schema: StandardSchema, validation: boolean, values: Values): Eventual<unknown> {
  return orElse(() => checkValue(values, schema, `the ${kind.one}s`, validation), (error) => {
    if (!(error instanceof PayloadBindingError)) throw error;
    throw refusalOf(error, error.issues[0], kind, values);
  });
}

/** Asks the schema once more where a list of the one value may be what it wants: nothing else tells. */
function bindQuery(schema: StandardSchema, validation: boolean, values: Values): Eventual<unknown> {
  const check = (values: Values): Eventual<unknown> => checkValue(values, schema, "the query", validation);
  return orElse(() => check(values), (error) => {
    if (!(error instanceof PayloadBindingError)) throw error;
    const { issues } = error;
    const alone = issues.map(nameIn).filter((name) => name !== undefined && typeof values[name] === "string");
    if (alone.length === 0) throw refusalOf(error, issues[0], QUERY, values);
    const lists = Object.assign(Object.create(null), values, ...alone.map((name) => ({ [name!]: [values[name!]] })));
    return orElse(() => check(lists), (later) => {
      if (!(later instanceof PayloadBindingError)) throw later;
      // What takes the list was not wrong, though something in the list may be.
      const refused = later.issues.map(nameIn);
      const wrong = issues.find((issue) => !alone.includes(nameIn(issue)) || refused.includes(nameIn(issue)));
      throw refusalOf(error, wrong ?? later.issues[0], QUERY, values);
    });
  });
}

/** Whose value as a whole an issue is about; undefined when it is about something inside, or about more. */
function nameIn({ path = [] }: BindingIssue): string | undefined {
  return path.length === 1 ? String(path[0]) : undefined;
}

function refusalOf(
  cause: PayloadBindingError,
  issue: BindingIssue | undefined,
  kind: Kind,
  values: Values,
): UpgradeError {
  const refuse = (sentence: string): UpgradeError => new UpgradeError(400, sentence, undefined, { cause });
  const reason = kind.isSecret || issue === undefined ? "" : `: ${issue.message}`;
  const [key] = issue?.path ?? [];
  if (issue === undefined || key === undefined) return refuse(`The ${kind.all} not have the right form${reason}`);
  const called = `The ${kind.one} ${quote(String(key))}`;
  const name = nameIn(issue);
  // A name of that length may have been cut, and is not to be found then.
  const isMissing = name !== undefined && values[name] === undefined && name.length < MAX_KEY;
  return refuse(isMissing ? `${called} is missing` : `${called} is not valid${reason}`);
}

function valuesOf(pairs: Iterable<readonly [string, string]>): Values {
  const values: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const before = values[name];
    if (before === undefined) values[name] = value;
    else if (typeof before === "string") values[name] = [before, value];
    else before.push(value);
  }
  return values;
}
