/**
 * From a message to a value (features B1, B2): as text, as bytes, or as JSON, and each of them checked by a schema if
 * there is one. Knows no socket and no handler.
 */

import { decodeUtf8 } from "../bytes.ts";
import { PayloadBindingError, PayloadValidationError } from "../errors.ts";
import { type Eventual, orElse } from "./and_then.ts";
import { bounded, MAX_ISSUES, MAX_SENTENCE } from "./issues.ts";
import { checkSchema, checkValue, type StandardSchema } from "./schema.ts";

/** Makes a value of a message. Its one method is for the library. */
export interface Binder<Output> {
  /**
   * The value of `message`, which is the binder's from now on; a promise only where a schema takes its time.
   * `validation`, which is true by default, says whether a value is refused that has the right shape and does not meet
   * the schema's constraints.
   *
   * @throws {PayloadBindingError} when it cannot be parsed, or has not the shape that was asked for
   * @throws {PayloadValidationError} when only constraints refuse it
   */
  readonly "~bind": (message: string | Uint8Array, validation?: boolean) => Output | Promise<Output>;
}

/**
 * What a message can be bound by: a binder, or a Standard Schema (zod, valibot, arktype …), which stands for JSON of that
 * shape.
 *
 * @example
 * ```ts
 * import { Client, Listener } from "hawser";
 * import * as z from "zod";
 *
 * const Price = z.object({ symbol: z.string(), price: z.number().min(0) });
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/prices", { get: () => ({ onOpen: () => ({ symbol: "ACME", price: 12.5 }) }) });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/prices`);
 * const { symbol, price } = await client.readMessage(Price);
 * console.log(symbol, price.toFixed(2)); // ACME 12.50
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export type Bindable<Output> = Binder<Output> | StandardSchema<Output>;

/**
 * A format such as `json`: a binder by itself, and called with a schema it makes one for values of that format that the
 * schema checks.
 */
export interface FormatBinder<Value> extends Binder<Value> {
  /**
   * Binds what `schema` makes of the format's value.
   *
   * @throws {TypeError} when it is no Standard Schema of version 1
   */
  <Output>(schema: StandardSchema<Output>): Binder<Output>;
}

/**
 * A message's text: a text message as it is, a binary one as UTF-8. What is not UTF-8 is a `PayloadBindingError`. Called
 * with a schema, it binds what that makes of the string.
 */
export const text: FormatBinder<string> = format(toText);
/**
 * A message's bytes as they are. Text is refused with a `PayloadBindingError`, so that `union(bytes, json)` tells the two
 * kinds of message apart.
 */
export const bytes: FormatBinder<Uint8Array> = format((message) => {
  if (typeof message !== "string") return message;
  throw new PayloadBindingError("Cannot bind the message: it is text", [{ message: "Not binary" }]);
});
/**
 * JSON (RFC 8259), in text or in binary as UTF-8. What is not JSON is a `PayloadBindingError`, and never taken for a
 * string. Called with a schema, it binds what that makes of the value.
 */
export const json: FormatBinder<unknown> = format(parseJson);

/** Makes a format of its parser, which throws a `PayloadBindingError` for what is none. */
export function format<Value>(parse: (message: string | Uint8Array) => Value): FormatBinder<Value> {
  const checked = <Output>(schema: StandardSchema<Output>): Binder<Output> => {
    checkSchema(schema);
    return { "~bind": (message, validation) => checkValue(parse(message), schema, "the message", validation) };
  };
  return Object.assign(checked, { "~bind": parse });
}

/** What a `Bindable` comes to: the type of the values that it makes. */
export type BoundBy<Member> = Member extends Bindable<infer Output> ? Output : never;

/**
 * Binds by the first of `bindables` that takes the message, each of which parses it anew: of members that are all JSON,
 * `json` with the schema library's own union is cheaper. When none takes it, the error carries the issues of all; it is a
 * `PayloadValidationError` if the message had the shape of one of them, whose issues come first then.
 *
 * @throws {TypeError} when there is none, or one of them is neither a binder nor a Standard Schema of version 1
 */
export function union<Members extends readonly Bindable<unknown>[]>(
  ...bindables: Members
): Binder<BoundBy<Members[number]>> {
  if (bindables.length === 0) throw new TypeError("Cannot bind a message: the union has no members");
  return firstOf(bindables.map(toBinder) as readonly Binder<BoundBy<Members[number]>>[]);
}

function firstOf<Output>(binders: readonly Binder<Output>[]): Binder<Output> {
  type Bind = (binder: Binder<Output>) => Eventual<Output>;
  const bindFrom = (at: number, bind: Bind, refusals: readonly PayloadBindingError[]): Eventual<Output> => {
    const binder = binders[at];
    if (binder === undefined) throw noneOf(refusals);
    return orElse(() => bind(binder), (error) => {
      if (!(error instanceof PayloadBindingError)) throw error;
      return bindFrom(at + 1, bind, [...refusals, error]);
    });
  };
  return { "~bind": (message, validation) => bindFrom(0, (binder) => binder["~bind"](message, validation), []) };
}

/** The error of a message that was refused so often. Each refusal has its share of the issues that can be kept. */
function noneOf(refusals: readonly PayloadBindingError[]): PayloadBindingError {
  const isShaped = (refusal: PayloadBindingError): boolean => refusal instanceof PayloadValidationError;
  const sorted = [...refusals].sort((one, other) => Number(isShaped(other)) - Number(isShaped(one)));
  const share = Math.ceil(MAX_ISSUES / sorted.length);
  const issues = sorted.flatMap((refusal) => refusal.issues.slice(0, share)).slice(0, MAX_ISSUES);
  const reasons = sorted.map(({ message }) => message.replace(/^Cannot bind the message: /, "")).join("; ");
  const Refusal = sorted.some(isShaped) ? PayloadValidationError : PayloadBindingError;
  const cause = new AggregateError(refusals);
  return new Refusal(`Cannot bind the message: ${bounded(reasons, MAX_SENTENCE)}`, issues, { cause });
}

/** @throws {TypeError} when `bindable` is neither a binder nor a Standard Schema of version 1 */
export function toBinder<Output>(bindable: Bindable<Output>): Binder<Output> {
  const isHolder = (typeof bindable === "object" && bindable !== null) || typeof bindable === "function";
  if (isHolder && "~bind" in bindable && typeof bindable["~bind"] === "function") return bindable;
  return json(bindable as StandardSchema<Output>);
}

/** `message` as text. @throws {PayloadBindingError} when it is binary, and not UTF-8 */
export function toText(message: string | Uint8Array): string {
  if (typeof message === "string") return message;
  try {
    return decodeUtf8(message);
  } catch (cause) {
    const issue = { message: "Not UTF-8" };
    throw new PayloadBindingError("Cannot bind the message: it is not UTF-8", [issue], { cause });
  }
}

function parseJson(message: string | Uint8Array): unknown {
  const text = toText(message);
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's sentence quotes the message, as it came.
    const said = new SyntaxError(bounded(String((cause as Error).message), MAX_SENTENCE));
    throw new PayloadBindingError("Cannot bind the message: it is not JSON", [{ message: "Not JSON" }], {
      cause: said,
    });
  }
}
