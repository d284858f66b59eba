/**
 * Which handler of a service a message goes to (features D1 to D4, B1), for services whose handlers are more than
 * `onTextMessage`, `onBinaryMessage` and `onMessage`. Of a service it keeps the names only, so that all instances of a
 * class, and all literals with the same names, share what is found out of one of them. Knows no connection.
 */

import { decodeUtf8 } from "../bytes.ts";
import { PayloadBindingError } from "../errors.ts";
import { distance } from "../option_check.ts";
import type { Message } from "../transport/message_socket.ts";
import { bindingOf, isDispatched } from "./bind.ts";
import type { Caller } from "./caller.ts";
import type { DispatchSettings } from "./dispatch_options.ts";
import { errorHandlerOf, handlerName, handlerOf, isErrorHandler, reachedAs } from "./handler_name.ts";
import { isThenable } from "./reply.ts";
import { HANDLERS, type MessageContext, type Service } from "./service.ts";

/** What tells requests apart. */
export type RequestId = string | number;

/** A longer string is no id: it is the peer's, and kept as long as its request, which may be a stream without an end. */
const MAX_ID_LENGTH = 1_024;

/** What a message asks for. */
export interface Asked {
  /** The member of the service that takes it; undefined: none. */
  readonly handler: string | undefined;
  /** The message has led to it, and it is none that takes whatever comes. */
  readonly isOwn: boolean;
  readonly id: RequestId | undefined;
  /** It stops the request of that id. */
  readonly cancels: boolean;
  /** Its JSON; undefined: it was not parsed, or is none. */
  readonly parsed: unknown;
  /** Whether it has to meet the constraints of its schema. */
  readonly validation: boolean;
}

/** A message that is not what its handler takes. Never leaves the library: `cause` is what the service is told. */
export class BindingFailure extends Error {
  override readonly name: string = "BindingFailure";
  override readonly cause: PayloadBindingError;
  /** Who is told, if it is there. */
  readonly errorHandler: string;

  constructor(cause: PayloadBindingError, handler: string) {
    super("A message could not be bound");
    this.cause = cause;
    this.errorHandler = errorHandlerOf(handler);
  }
}

/** The handlers of one kind of service. */
export class Handlers {
  readonly settings: DispatchSettings;
  /** What `dispatch` was told, and the member that it made. */
  readonly #byWord: ReadonlyMap<string, string>;
  /** What a word has to become, and the member of that name. */
  readonly #byName: ReadonlyMap<string, string>;
  readonly #text: string | undefined;
  readonly #binary: string | undefined;

  constructor(
    settings: DispatchSettings,
    byWord: ReadonlyMap<string, string>,
    byName: ReadonlyMap<string, string>,
    { onTextMessage, onBinaryMessage, onMessage }: Service,
  ) {
    this.settings = settings;
    this.#byWord = byWord;
    this.#byName = byName;
    const either = onMessage === undefined ? undefined : "onMessage";
    this.#text = onTextMessage === undefined ? either : "onTextMessage";
    this.#binary = onBinaryMessage === undefined ? either : "onBinaryMessage";
  }

  /** Whether a request may be handled while another one is. */
  get isConcurrent(): boolean {
    return this.settings.concurrent || this.settings.streamId !== undefined;
  }

  find(message: Message): Asked {
    const { key, streamId, cancel, validation } = this.settings;
    const isText = typeof message === "string";
    const rest = isText ? this.#text : this.#binary;
    // Who takes binary messages takes all of them.
    if (key === undefined || rest === "onBinaryMessage") {
      return { handler: rest, isOwn: false, id: undefined, cancels: false, parsed: undefined, validation };
    }
    const parsed = parse(message);
    const word = fieldOf(parsed, key);
    const own = typeof word === "string" ? this.#ownFor(word) : undefined;
    const id = streamId === undefined ? undefined : idOf(fieldOf(parsed, streamId));
    const cancels = id !== undefined && cancel !== undefined && word === cancel;
    return { handler: own ?? rest, isOwn: own !== undefined, id, cancels, parsed, validation };
  }

  #ownFor(word: string): string | undefined {
    const mapped = this.#byWord.get(word);
    if (mapped !== undefined || this.#byName.size === 0) return mapped;
    const name = handlerName(word);
    return name === undefined ? undefined : this.#byName.get(name);
  }
}

/**
 * Calls the member of `service` that `asked` is about.
 *
 * @throws {BindingFailure} when the message is not what it takes; as a rejection, if a schema takes its time
 */
export function callHandler(
  service: Service,
  { handler = "", isOwn, parsed, validation }: Asked,
  caller: Caller,
  message: Message,
  context: MessageContext,
): unknown {
  const member = (service as Readonly<Record<string, unknown>>)[handler];
  const binding = bindingOf(member);
  if (binding === undefined) {
    const method = member as (...args: readonly unknown[]) => unknown;
    return isOwn ? method.call(service, caller, parsed, context) : method.call(service, caller, message);
  }
  let value: unknown;
  try {
    value = binding.bind(message, parsed, validation);
  } catch (error) {
    throw failureOf(error, handler);
  }
  if (!isThenable(value)) return binding.handler.call(service, caller, value, context);
  return value.then(
    (late) => binding.handler.call(service, caller, late, context),
    (error) => Promise.reject(failureOf(error, handler)),
  );
}

/** What is not the message's fault is the code's. */
function failureOf(error: unknown, handler: string): unknown {
  return error instanceof PayloadBindingError ? new BindingFailure(error, handler) : error;
}

/** So many kinds of services are remembered of each class; the next one makes it forget them all. */
const MAX_KINDS = 64;

/** The handlers of the services that one upgrade service hands out. */
export class HandlerTables {
  readonly #settings: DispatchSettings;
  /** By prototype, and by what a service has of its own. */
  readonly #kinds = new WeakMap<object, Map<string, Handlers | undefined>>();

  constructor(settings: DispatchSettings) {
    this.#settings = settings;
  }

  /**
   * The handlers of `service`; undefined: it has only those that every service may have, and they get the messages as
   * they are, one at a time.
   *
   * @throws {TypeError} when two of them want the same messages, or one would never be called
   */
  of(service: Service): Handlers | undefined {
    const prototype: object = Object.getPrototypeOf(service) ?? NO_PROTOTYPE;
    let kinds = this.#kinds.get(prototype);
    if (kinds === undefined) this.#kinds.set(prototype, kinds = new Map());
    const own = membersOf(service, service);
    const kind = kindOf(own);
    if (kinds.has(kind)) return kinds.get(kind);
    const members = withInherited(own, service);
    const handlers = toHandlers(service, members.filter(({ how }) => how !== "none"), this.#settings);
    // The next instance may say something else.
    if (members.some(({ isComputed }) => isComputed)) return handlers;
    if (kinds.size >= MAX_KINDS) kinds.clear();
    kinds.set(kind, handlers);
    return handlers;
  }
}

/** A member of a service that is a handler, or keeps an inherited one from being one. */
interface Member {
  readonly name: string;
  readonly how: "plain" | "bound" | "dispatched" | "none";
  /** A getter made it. */
  readonly isComputed: boolean;
  /** What the messages say that a dispatched one handles. */
  readonly word?: string | undefined;
}

/** The same for the same members only: their lengths stand before names and words, which may be any text. */
function kindOf(members: readonly Member[]): string {
  let kind = "";
  for (const { name, how, isComputed, word } of members) {
    kind += `${name.length} ${name}${how}${isComputed ? "?" : ""}${
      word === undefined ? "" : ` ${word.length} ${word}`
    };`;
  }
  return kind;
}

const NO_PROTOTYPE: object = {};
const LIFE_CYCLE: readonly string[] = HANDLERS;
const FOR_MESSAGES: readonly string[] = ["onMessage", "onTextMessage", "onBinaryMessage"];

function membersOf(holder: object, service: Service): Member[] {
  const members: Member[] = [];
  for (const name of Object.getOwnPropertyNames(holder)) {
    const isNamed = name.startsWith("on");
    const descriptor = Object.getOwnPropertyDescriptor(holder, name)!;
    // Whatever else a service can work out of itself is its own business.
    const value: unknown = descriptor.get === undefined || !isNamed ? descriptor.value : Reflect.get(service, name);
    const binding = isNamed || isDispatched(value) ? bindingOf(value) : undefined;
    const isComputed = isNamed && descriptor.get !== undefined;
    if (binding?.word !== undefined) members.push({ name, how: "dispatched", isComputed, word: binding.word });
    else if (isNamed && typeof value === "function") {
      members.push({ name, how: binding ? "bound" : "plain", isComputed });
    } else if (isNamed) members.push({ name, how: "none", isComputed });
  }
  return members;
}

/** `own`, and what it does not hide of the classes above it. What every object inherits is nobody's handler. */
function withInherited(own: readonly Member[], service: Service): Member[] {
  const members = [...own];
  const names = new Set(Object.getOwnPropertyNames(service));
  let holder: object | null = Object.getPrototypeOf(service);
  while (holder !== null && holder !== Object.prototype) {
    members.push(...membersOf(holder, service).filter(({ name }) => !names.has(name)));
    for (const name of Object.getOwnPropertyNames(holder)) names.add(name);
    holder = Object.getPrototypeOf(holder);
  }
  return members;
}

function toHandlers(
  service: Service,
  members: readonly Member[],
  settings: DispatchSettings,
): Handlers | undefined {
  for (const member of members) checkMember(member, members, settings);
  if (settings.key === undefined) {
    const isPlain = !settings.concurrent && members.every(({ how }) => how === "plain");
    return isPlain ? undefined : new Handlers(settings, new Map(), new Map(), service);
  }
  const byName = new Map<string, string>();
  for (const { name, how } of members) {
    const reached = how === "dispatched" || LIFE_CYCLE.includes(name) ? undefined : reachedAs(name);
    if (reached !== undefined) byName.set(reached, name);
  }
  return new Handlers(settings, toWords(members), byName, service);
}

/** What is said of the handlers that `dispatch` made. */
function toWords(members: readonly Member[]): Map<string, string> {
  const byWord = new Map<string, string>();
  for (const { name, word } of members) {
    if (word === undefined) continue;
    const other = byWord.get(word) ?? members.find((member) => isNamedBy(word, member) && member.name !== name)?.name;
    if (other !== undefined) refuse(`both ${quote(other)} and ${quote(name)} handle ${quote(word)}`);
    byWord.set(word, name);
  }
  return byWord;
}

/** Whether `word` would lead to it by its name, or does so for who reads the code. */
function isNamedBy(word: string, { name }: Member): boolean {
  const derived = handlerName(word);
  return derived !== undefined && derived === reachedAs(name) && !LIFE_CYCLE.includes(name);
}

/** Refuses what would not do what it looks like. Without a key, what is plain and not misspelled is nobody's business. */
function checkMember({ name, how }: Member, members: readonly Member[], settings: DispatchSettings): void {
  const { key } = settings;
  const isLifeCycle = LIFE_CYCLE.includes(name);
  const failing = isErrorHandler(name) ? members.find((member) => member.name === handlerOf(name)) : undefined;
  const hearsErrors = isErrorHandler(name) && !isLifeCycle && handlerName(name.slice(2)) === name.normalize();
  if (how === "dispatched") {
    if (isLifeCycle) refuse(`${quote(name)} is made by "dispatch", and every service's`);
    if (failing) refuse(`${quote(name)} is made by "dispatch", and the error handler of ${quote(failing.name)}`);
  } else if (how === "bound") {
    if (FOR_MESSAGES.includes(name)) return;
    if (isLifeCycle || hearsErrors) refuse(`${quote(name)} is made by "bind", and gets no messages`);
    if (reachedAs(name) === undefined) refuse(`no message leads to ${quote(name)}`);
  } else {
    if (name === "onMessageStream" && how === "plain") checkAlone(name, settings);
    const isCalled = failing || (key !== undefined && (hearsErrors || reachedAs(name) !== undefined));
    if (how === "plain" && !isCalled) checkSpelling(name);
    if (key === undefined || !hearsErrors || failing || LIFE_CYCLE.includes(handlerOf(name))) return;
    refuse(`${quote(name)} is an error handler, and there is no ${quote(handlerOf(name))}`);
  }
  if (key === undefined) refuse(`no message leads to ${quote(name)} without the option "dispatcherKey"`);
}

/** Refuses what no message leads to, and is one letter, or its case, away from what it was meant to be. */
function checkSpelling(name: string): void {
  if (LIFE_CYCLE.includes(name)) return;
  const meant = LIFE_CYCLE.find((handler) => distance(handler.toLowerCase(), name.toLowerCase()) < 2);
  if (meant !== undefined) refuse(`nothing calls ${quote(name)}, the nearest is ${quote(meant)}`);
}

/** Refuses it beside options that sort messages by what is in them. */
function checkAlone(name: string, { key, concurrent }: DispatchSettings): void {
  const option = key !== undefined ? "dispatcherKey" : concurrent ? "concurrent" : undefined;
  if (option !== undefined) {
    refuse(`${quote(name)} takes every message, and leaves none for the option ${quote(option)}`);
  }
}

function refuse(reason: string): never {
  throw new TypeError(`Cannot serve a connection: ${reason}`);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** Undefined: it is no JSON. */
function parse(message: Message): unknown {
  try {
    return JSON.parse(typeof message === "string" ? message : decodeUtf8(message));
  } catch {
    return undefined;
  }
}

/** The field `name` of the object `value`, and of nothing that it inherits. */
function fieldOf(value: unknown, name: string): unknown {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A number that JSON cannot write could not be sent back. */
function idOf(value: unknown): RequestId | undefined {
  if (typeof value === "string") return value.length <= MAX_ID_LENGTH ? value : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
