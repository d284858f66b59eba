/**
 * From a message to a value (features B1, B2): as text, as bytes, or as JSON, and each of them checked by a schema if
 * there is one. Knows no socket and no handler.
 */

import { decodeUtf8, encodeUtf8 } from "../bytes.ts";
import { PayloadBindingError } from "../errors.ts";
import { checkSchema, checkValue, type StandardSchema } from "./schema.ts";

/** Makes a value of a message. */
export interface Binder<Output> {
  /**
   * The value of `message`, which is the binder's from now on; a promise only where a schema takes its time.
   *
   * @throws {PayloadBindingError} when it cannot be parsed, or has not the shape that was asked for
   */
  readonly "~bind": (message: string | Uint8Array) => Output | Promise<Output>;
}

/** What a message can be bound by: a binder, or a Standard Schema, which stands for JSON of that shape. */
export type Bindable<Output> = Binder<Output> | StandardSchema<Output>;

/** A format: a binder by itself, and one for values of that format that a schema checks. */
export interface FormatBinder<Value> extends Binder<Value> {
  /**
   * Binds what `schema` makes of the format's value.
   *
   * @throws {TypeError} when it is no Standard Schema of version 1
   */
  <Output>(schema: StandardSchema<Output>): Binder<Output>;
}

/** Text as it is; binary as UTF-8. */
export const text: FormatBinder<string> = format(toText);
/** Bytes as they are; text as UTF-8. */
export const bytes: FormatBinder<Uint8Array> = format((message) =>
  typeof message === "string" ? encodeUtf8(message) : message
);
/** JSON, in text or in binary as UTF-8. What is not JSON is refused, and never taken for a string. */
export const json: FormatBinder<unknown> = format(parseJson);

/** Makes a format of its parser, which throws a `PayloadBindingError` for what is none. */
export function format<Value>(parse: (message: string | Uint8Array) => Value): FormatBinder<Value> {
  const checked = <Output>(schema: StandardSchema<Output>): Binder<Output> => {
    checkSchema(schema);
    return { "~bind": (message) => checkValue(parse(message), schema, "the message") };
  };
  return Object.assign(checked, { "~bind": parse });
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
    // The parser's sentence quotes the message, so it stays in the cause.
    throw new PayloadBindingError("Cannot bind the message: it is not JSON", [{ message: "Not JSON" }], { cause });
  }
}
