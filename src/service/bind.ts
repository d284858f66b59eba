/**
 * Handlers that get a value and not a message (features B1, D2): `bind` says what a message has to be, `dispatch` also
 * which messages. Knows no service, and not where a handler stands in it.
 */

import { type Bindable, json, toBinder } from "../binding/binder.ts";
import { checkValue, type StandardSchema } from "../binding/schema.ts";
import type { Message } from "../transport/message_socket.ts";
import type { Caller } from "./caller.ts";
import { isThenable } from "./reply.ts";
import type { Answer, DispatchedHandler, MessageContext } from "./service.ts";

/**
 * What `bind` and `dispatch` take: a handler of values, whose result is an `Answer`. `This` is the service, as the handler
 * declares it.
 */
export type ValueHandler<This, Value> = (this: This, caller: Caller, value: Value, context: MessageContext) => unknown;

/** What `bind` makes: a handler of messages. */
export interface BoundHandler<This = unknown> {
  /** Binds `message`, and calls the handler. */
  (this: This, caller: Caller, message: Message, context?: MessageContext): Answer;
  /** For the library. */
  readonly "~bound": object;
}

/** How a handler gets its value. */
export interface Binding {
  /**
   * The value of a message; a promise only where a schema takes its time.
   *
   * @param parsed its JSON, if it was parsed already
   * @param validation as the service's option
   * @throws {PayloadBindingError} when it is not what the handler takes
   */
  readonly bind: (message: Message, parsed: unknown, validation?: boolean) => unknown;
  readonly handler: ValueHandler<unknown, unknown>;
  /** What the messages say that it handles; undefined: its name in the service decides. */
  readonly word: string | undefined;
}

/**
 * Makes a handler of messages, for `onMessage`, `onTextMessage`, `onBinaryMessage` or one of the service's own
 * (`onSubscribe`), out of a handler of values. It is called as a method of the service.
 *
 * A message that is not what `bindable` takes goes as a `PayloadBindingError` to the error handler of that name
 * (`onSubscribeError`), else to `onError`, and the connection lives on; without either it is closed with 1003.
 *
 * @param bindable a Standard Schema (zod, valibot, arktype …), for JSON of that shape, or a binder such as `text`
 * @throws {TypeError} when `bindable` is neither, or `handler` is not a function
 * @example
 * ```ts
 * import { bind, Client, Listener } from "hawser";
 * import * as z from "zod";
 *
 * const Order = z.object({ item: z.string(), count: z.number().int().min(1) });
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/orders", {
 *   get: () => ({
 *     onMessage: bind(Order, (_caller, { item, count }) => `${count} of ${item}`),
 *     onError: (_caller, error) => error instanceof Error ? error.name : "another error",
 *   }),
 * });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/orders`);
 * await client.writeMessage({ item: "rope", count: 2 });
 * console.log(await client.readTextMessage()); // 2 of rope
 * await client.writeMessage({ item: "rope", count: "two" });
 * console.log(await client.readTextMessage()); // PayloadBindingError
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export function bind<Value, This = unknown>(
  bindable: Bindable<Value>,
  handler: ValueHandler<This, Value>,
): BoundHandler<This> {
  const binding = toBinding("Cannot bind", toBind(bindable), handler, undefined);
  function bound(this: This, caller: Caller, message: Message, context?: MessageContext): Answer {
    const value = binding.bind(message, undefined);
    const call = (bindsTo: unknown): Answer =>
      binding.handler.call(this, caller, bindsTo, context ?? { id: undefined, signal: caller.signal }) as Answer;
    return isThenable(value) ? value.then(call) : call(value);
  }
  return Object.assign(bound, { "~bound": binding });
}

/**
 * Makes a handler of the messages whose `dispatcherKey` says `word`, and gives it their JSON. It stands in the service
 * under a name that is no other handler's; its error handler is the one of that name and `Error`.
 *
 * @throws {TypeError} when `word` is not a string, or `handler` is not a function
 * @example
 * ```ts
 * import { Client, dispatch, Listener } from "hawser";
 *
 * const listener = new Listener(0, { host: "127.0.0.1" });
 * listener.attach("/prices", {
 *   dispatcherKey: "event",
 *   get: () => ({
 *     // Without "dispatch" a method named "onPriceGet" would do.
 *     onAsked: dispatch("price.get", (_caller, message) => {
 *       const { symbol } = message as { symbol: string };
 *       return `${symbol}: 12.5`;
 *     }),
 *   }),
 * });
 * await listener.start();
 *
 * const client = await Client.connect(`${listener.url}/prices`);
 * await client.writeMessage({ event: "price.get", symbol: "ACME" });
 * console.log(await client.readTextMessage()); // ACME: 12.5
 * await client.close();
 * await listener.gracefulStop();
 * ```
 */
export function dispatch<This = unknown>(word: string, handler: ValueHandler<This, unknown>): DispatchedHandler;
/**
 * The same, for what `bindable` makes of these messages, as in `bind`.
 *
 * @throws {TypeError} when `word` is not a string, `bindable` neither schema nor binder, or `handler` not a function
 */
export function dispatch<Value, This = unknown>(
  word: string,
  bindable: Bindable<Value>,
  handler: ValueHandler<This, Value>,
): DispatchedHandler;
export function dispatch(word: string, ...rest: unknown[]): DispatchedHandler {
  if (typeof word !== "string") throw new TypeError(`Cannot dispatch: the first argument is not a string`);
  // What is left out is the bindable; a schema, which may be a function, is not taken for the handler.
  const bindable = rest.length > 1 || isBindable(rest[0]) ? rest.shift() as Bindable<unknown> : json;
  const action = `Cannot dispatch ${JSON.stringify(word)}`;
  return Object.freeze({ "~dispatch": toBinding(action, toBind(bindable), rest[0] as Binding["handler"], word) });
}

/** How `member` of a service gets its value; undefined: it gets the message, or is no handler at all. */
export function bindingOf(member: unknown): Binding | undefined {
  if (typeof member === "function") return (member as Partial<BoundHandler>)["~bound"] as Binding | undefined;
  return isDispatched(member) ? member["~dispatch"] as Binding : undefined;
}

/** Whether `member` of a service was made by `dispatch`. */
export function isDispatched(member: unknown): member is DispatchedHandler {
  return typeof member === "object" && member !== null && "~dispatch" in member;
}

function toBind<Value>(bindable: Bindable<Value>): Binding["bind"] {
  if (bindable === json) return (message, parsed) => parsed === undefined ? json["~bind"](message) : parsed;
  const binder = toBinder(bindable);
  if (binder === bindable) return (message, _parsed, validation) => binder["~bind"](message, validation);
  // A schema stands for JSON, which need not be parsed again.
  const schema = bindable as StandardSchema<Value>;
  return (message, parsed, validation) =>
    parsed === undefined ? binder["~bind"](message, validation) : checkValue(parsed, schema, "the message", validation);
}

function toBinding<This, Value>(
  action: string,
  bind: Binding["bind"],
  handler: ValueHandler<This, Value>,
  word: string | undefined,
): Binding {
  if (typeof handler !== "function") throw new TypeError(`${action}: the handler is not a function`);
  return { bind, handler: handler as Binding["handler"], word };
}

function isBindable(value: unknown): boolean {
  return ((typeof value === "object" && value !== null) || typeof value === "function") &&
    ("~standard" in value || "~bind" in value);
}
