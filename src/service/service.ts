/**
 * What a user implements (features S and U1): the handlers of a connection, and the upgrade service that hands one out
 * for each request. Types, and the one rule about them that a type cannot hold everywhere.
 */

import type { Identity } from "../auth/authenticator.ts";
import type { StandardSchema } from "../binding/schema.ts";
import { type AuthnError, type AuthzError, UnsupportedError, type UpgradeError } from "../errors.ts";
import type { MessageStream } from "../streams/incoming_message.ts";
import type { Message } from "../transport/message_socket.ts";
import type { PeerCertificate } from "../transport/tls.ts";
import type { Limitations } from "../transport/upgrade.ts";
import type { Caller } from "./caller.ts";
import type { UpgradeServiceOptions } from "./options.ts";

/**
 * What a handler may return, or a stream of it yield. What becomes of it: a string is sent as text, a `Uint8Array` or `ArrayBuffer` as
 * binary, a number, boolean, `null`, plain object or array as JSON text; of a `ReadableStream`, an async iterable or a
 * generator each element in turn, at the peer's pace; a close frame closes; an `Error` is the same as throwing it;
 * `undefined` is nothing. Anything else (a Map, a function, an instance of a class …) is a `TypeError`, as if thrown.
 */
export type Returned =
  | string
  | number
  | boolean
  | null
  | undefined
  | void
  | Uint8Array
  | ArrayBuffer
  | ReadableStream<unknown>
  | AsyncIterable<unknown>
  | Iterator<unknown>
  // Objects and arrays, as far as a type can tell them from what an arrow returns by accident: a `Set` or a `Map`, and
  // what `broadcast` says, have a tag.
  | (object & { readonly [Symbol.toStringTag]?: never });

/** What a handler may return: see `Returned`; or a promise of it. */
export type Answer = Returned | PromiseLike<Returned>;

/** The handlers that every service may have. All are optional, called as methods, and may be async: see `Answer`. */
export interface ServiceHandlers {
  /** The connection is open. No message is handled before this has ended. */
  onOpen?(caller: Caller): Answer;
  /** A text message. */
  onTextMessage?(caller: Caller, text: string): Answer;
  /** A binary message, the handler's from now on. */
  onBinaryMessage?(caller: Caller, data: Uint8Array): Answer;
  /** A message of either kind; instead of `onTextMessage` and `onBinaryMessage`, not beside them. */
  onMessage?(caller: Caller, message: Message): Answer;
  /**
   * A message of either kind as a stream of its parts, while it still comes: it may be larger than the memory. What is not
   * read yet is bounded by `readAhead`; what is not read when the handler has ended is dropped. The stream fails when the
   * message is cut. Takes every message, instead of the three above, and without `dispatcherKey` and `concurrent`.
   */
  onMessageStream?(caller: Caller, message: MessageStream): Answer;
  /**
   * A ping (RFC 6455 §5.5.2), at once, also while a message is handled. Present: it answers, by returning the pong's bytes or by
   * `caller.pong`; pings that come while 16 such calls are unfinished are passed over. Absent: a pong is sent.
   */
  onPing?(caller: Caller, data: Uint8Array): Answer;
  /** A pong (RFC 6455 §5.5.3), at once; not those that answer the pings of `pingInterval`. */
  onPong?(caller: Caller, data: Uint8Array): Answer;
  /** Nothing came for `idleTimeout`, and again after each such time. Without it the connection is closed with 1001. */
  onIdleTimeout?(caller: Caller): Answer;
  /**
   * The connection has ended, exactly once, behind the last message. 1005: a close frame without a code; 1006: none. A
   * close frame returned at once is the answer to the peer's, if nothing else was being handled when that came; later
   * the peer's has been echoed already. Whatever else it returns is not looked at.
   */
  onClose?(caller: Caller, statusCode: number, reason: string): unknown;
  /**
   * A handler failed, the peer broke the protocol, or the connection was lost. After a handler's failure the connection
   * is closed with 1011, unless this returns another close frame.
   */
  onError?(caller: Caller, error: unknown): Answer;
}

/**
 * Serves one connection, or many when the same object is handed out again. Messages of one connection are handled one at
 * a time, in order, each answer sent before the next, unless the options say otherwise. A service may have handlers of
 * its own for messages of its own (`onSubscribe`), which no type can list: `CustomHandlers` says what they are like.
 */
// `object` lets a class that has only such handlers be one: it shares no name with `ServiceHandlers`.
export type Service = ServiceHandlers & object;

/** The third argument of a handler that `dispatcherKey`, `bind` or `dispatch` leads to. */
export interface MessageContext {
  /** What the message says in the field `dispatcherStreamId`, if it does. */
  readonly id: string | number | undefined;
  /**
   * Aborted when nothing more can be sent for this message: the peer has cancelled it (`dispatcherCancel`), or the
   * connection has ended. Only while the handler runs, or the stream that it returned.
   */
  readonly signal: AbortSignal;
}

/**
 * A handler of the messages whose `dispatcherKey` leads to its name, or an error handler of such a one. Its result is an
 * `Answer`.
 */
// A method's parameters may be narrowed: to what the message has to be, for who trusts the peer.
export type CustomHandler = { handle(caller: Caller, message: unknown, context: MessageContext): unknown }["handle"];

/**
 * Handlers by the names that messages lead to. `onSubscribe(caller, message, context)` gets the parsed JSON of a message
 * that says `subscribe`, or what `bind` made of it; `onSubscribeError(caller, error)` hears when it could not be bound.
 */
export interface CustomHandlers {
  /** A handler of the service's own, or what `bind` or `dispatch` made. */
  readonly [name: `on${string}`]: CustomHandler | DispatchedHandler | undefined;
}

/** What `dispatch` makes: a handler, and what it handles. */
export interface DispatchedHandler {
  /** For the library. */
  readonly "~dispatch": object;
}

/**
 * The names of the parameters in a path such as `/chat/:room`.
 *
 * @category Upgrade
 */
export type PathParamNames<Path extends string> = string extends Path ? string
  : Path extends `${infer Head}/${infer Tail}` ? PathParamNames<Head> | PathParamNames<Tail>
  : Path extends `:${infer Name}` ? Name
  : Path extends "*" ? "*"
  : never;

/**
 * The values of a path's parameters, percent-decoded; `*` is what the star stood for.
 *
 * @category Upgrade
 */
export type PathParams<Path extends string> = { readonly [Name in PathParamNames<Path>]: string };

/**
 * The second argument of `get`: what is known of an upgrade request beside the request itself.
 *
 * @category Upgrade
 */
export interface UpgradeContext<
  Path extends string = string,
  Params = PathParams<Path>,
  Query = URLSearchParams,
  RequestHeaders = Headers,
> {
  /** The parameters of the path the service was attached at; with the option `params`, what its schema made of them. */
  readonly params: Params;
  /** The query, percent-decoded; with the option `query`, what its schema made of it. */
  readonly query: Query;
  /** The request's headers; with the option `headers`, what its schema made of them. */
  readonly requestHeaders: RequestHeaders;
  /**
   * Headers to add to the 101 response. Those that the handshake writes itself, and values with control characters, are
   * refused: the answer is 500.
   */
  readonly headers: Headers;
  /** The sub-protocol that will be agreed on (RFC 6455 §1.9), undefined for none. */
  readonly subProtocol: string | undefined;
  /** The peer's IP address, when the runtime tells it; behind a proxy of `trustedProxies` what that says. */
  readonly remoteAddress: string | undefined;
  /** Whether the connection is encrypted: itself, or, as a trusted proxy says, up to that (`trustedProxies`). */
  readonly secure: boolean;
  /**
   * The certificate that the client has shown, verified: with `mutualSsl`, or with an `https` server of yours that asks for
   * one. Undefined when there is none, and where the runtime does not tell it. Behind a proxy it is the proxy's.
   */
  readonly peerCertificate: PeerCertificate | undefined;
  /** Who it is, as `auth` of the service or the listener has verified; undefined where everybody may connect. */
  readonly auth: Identity | undefined;
}

/**
 * What `get` returns: a service, or a refusal: an `UpgradeError`, `AuthnError` or `AuthzError`, or a `Response`.
 *
 * @category Upgrade
 */
export type UpgradeResult =
  // A promise is an object, too: without this the handlers of a service in a promise would not be looked at.
  | (Service & { readonly then?: never })
  | (ServiceHandlers & CustomHandlers)
  | UpgradeError
  | AuthnError
  | AuthzError
  | Response;

/**
 * Turns requests into services, with the options of the connections that come of it.
 *
 * `get` is called once for each valid request. It returns the connection's service; an `UpgradeError` (its status), an
 * `AuthnError` (401) or an `AuthzError` (403), which may as well be thrown; or a `Response` to refuse with. Anything
 * else that it throws is a 500 which says nothing of it. The request's signal is aborted when the client leaves, and
 * when `get` takes longer than the listener's `timeout` (then the answer is 503).
 *
 * @category Upgrade
 */
export interface UpgradeService<
  Path extends string = string,
  Result extends UpgradeResult = UpgradeResult,
  Params = PathParams<Path>,
  Query = URLSearchParams,
  RequestHeaders = Headers,
> extends UpgradeServiceOptions {
  /** Binds the path's parameters, each a string. What it refuses is a 400 that names the parameter. Default: none. */
  readonly params?: StandardSchema<Params>;
  /**
   * Binds the query: an object of strings; of a list of strings where a name is repeated, or where the schema refuses the
   * one string. What it refuses is a 400 that names the parameter. Default: none.
   */
  readonly query?: StandardSchema<Query>;
  /** Binds the request's headers: an object of strings, under names in lower case. What it refuses is a 400. Default: none. */
  readonly headers?: StandardSchema<RequestHeaders>;
  /** Decides one upgrade: returns, perhaps in a promise, the connection's service, or what refuses it. Required. */
  get(request: Request, context: UpgradeContext<Path, Params, Query, RequestHeaders>): Result | Promise<Result>;
}

/**
 * An upgrade service of any path, whatever it binds: what `detach` takes.
 *
 * @category Upgrade
 */
export interface AnyUpgradeService extends UpgradeServiceOptions {
  /** Can only be called by who knows what it binds. */
  get(request: Request, context: never): UpgradeResult | Promise<UpgradeResult>;
}

/**
 * What `attach` takes at `Path`: an upgrade service of which the compiler finds nothing that could never work.
 *
 * @category Upgrade
 */
export type Attachable<Path extends string, Result extends UpgradeResult, Params, Query, RequestHeaders, Asked, Names> =
  & UpgradeService<Path, Result, Params, Query, RequestHeaders>
  & { readonly params?: StandardSchema<Params, Asked>; readonly headers?: StandardSchema<RequestHeaders, Names> }
  & OneWay<Result>
  & FittingParams<Path, Asked>
  & LowerCase<Names>;

/**
 * Holds for what a schema asks of a path's parameters when the path has it.
 *
 * @category Upgrade
 */
export type FittingParams<Path extends string, Asked> = string extends PathParamNames<Path> ? unknown
  : PathParams<Path> extends Asked ? unknown
  : { readonly params: "The schema asks for parameters that the path does not have, or that are not strings" };

/**
 * Holds for what a schema asks of headers when their names can be found.
 *
 * @category Upgrade
 */
export type LowerCase<Names> = string extends keyof Names ? unknown
  : Extract<keyof Names, string> extends Lowercase<Extract<keyof Names, string>> ? unknown
  : { readonly headers: "The names of headers are in lower case" };

/**
 * Holds for services that are objects with one way to take messages: `onMessage`, `onMessageStream`, or one or both of the
 * two others.
 *
 * @category Upgrade
 */
export type OneWay<Result> =
  [Extract<Result, ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)>] extends [never] ? [
      Extract<
        Result,
        & { onMessage: (...args: never[]) => unknown }
        & ({ onTextMessage: (...args: never[]) => unknown } | { onBinaryMessage: (...args: never[]) => unknown })
      >,
    ] extends [never] ? OnlyStreams<Result>
    : { get: "A service has either onMessage, or onTextMessage and onBinaryMessage" }
    : { get: "A service is an object, not a function or a class" };

/**
 * Holds for services that take messages as streams, or whole, and not both.
 *
 * @category Upgrade
 */
export type OnlyStreams<Result> = [
  Extract<
    Result,
    & { onMessageStream: (...args: never[]) => unknown }
    & (
      | { onMessage: (...args: never[]) => unknown }
      | { onTextMessage: (...args: never[]) => unknown }
      | { onBinaryMessage: (...args: never[]) => unknown }
    )
  >,
] extends [never] ? unknown
  : { get: "A service has either onMessageStream, or handlers of whole messages" };

/** The names that no message leads to. */
export const HANDLERS: readonly (keyof ServiceHandlers)[] = [
  "onOpen",
  "onTextMessage",
  "onBinaryMessage",
  "onMessage",
  "onMessageStream",
  "onPing",
  "onPong",
  "onIdleTimeout",
  "onClose",
  "onError",
];

/**
 * Refuses what cannot serve a connection.
 *
 * @param limitations of the host
 * @throws {TypeError} when it is not an object, a handler is not a function, or there are two ways to take messages
 * @throws {UnsupportedError} when it has a handler that would never be called on this host
 */
export function checkIsService(value: unknown, limitations?: Limitations): asserts value is Service {
  if (typeof value !== "object" || value === null) {
    const what = value === undefined || value === null ? `${value}` : `a ${typeof value}`;
    throw new TypeError(`Cannot serve a connection: "get" returned ${what}`);
  }
  const service: Service = value;
  for (const name of HANDLERS) {
    const handler = service[name];
    if (handler !== undefined && typeof handler !== "function") {
      throw new TypeError(`Cannot serve a connection: "${name}" is not a function`);
    }
  }
  if (service.onMessage !== undefined && (service.onTextMessage ?? service.onBinaryMessage) !== undefined) {
    throw new TypeError('Cannot serve a connection: "onMessage" stands beside "onTextMessage" or "onBinaryMessage"');
  }
  const whole = service.onMessage ?? service.onTextMessage ?? service.onBinaryMessage;
  if (service.onMessageStream !== undefined && whole !== undefined) {
    throw new TypeError('Cannot serve a connection: "onMessageStream" stands beside a handler of whole messages');
  }
  for (const [name, reason] of limitations?.handlers ?? []) {
    if (!(name in service) || service[name as keyof ServiceHandlers] === undefined) continue;
    throw new UnsupportedError(`Cannot serve a connection: ${reason}`, name, limitations!.runtime);
  }
}
