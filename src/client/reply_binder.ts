/** From a reply to a value (features B1): what binds a message, but that a reply has been parsed to find its id. */

import { type Bindable, json, toBinder } from "../binding/binder.ts";
import { checkValue, type StandardSchema } from "../binding/schema.ts";

/** A reply, parsed. */
export type Reply = Readonly<Record<string, unknown>>;

/** Makes the value of a reply, of its text or what JSON made of it. Throws, or rejects, when it does not fit. */
export type BindReply<T> = (text: string, reply: Reply) => T | Promise<T>;

/**
 * How `bindable` binds a reply; without one the value is the parsed JSON.
 *
 * @throws {TypeError} when it is neither a binder nor a Standard Schema of version 1
 */
export function toReplyBinder<T>(bindable: Bindable<T> | undefined, validation = true): BindReply<T> {
  if (bindable === undefined || bindable === json) return (_text, reply) => reply as T;
  const binder = toBinder(bindable);
  // A schema stands for JSON, which need not be parsed twice.
  if (binder !== bindable) {
    return (_text, reply) => checkValue(reply, bindable as StandardSchema<T>, "the message", validation);
  }
  return (text) => binder["~bind"](text, validation);
}
