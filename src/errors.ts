/**
 * Every error this library throws on purpose, with its code and its fields. Knows nothing of the code that throws it.
 * A class exists only where a caller would do something different; the `code` is the contract.
 */

import { quote } from "./printable.ts";

/** The stable name of an error's kind: what its class stands for, to a `switch`. */
export type ErrorCode =
  | "ERR_HANDSHAKE_REJECTED"
  | "ERR_HANDSHAKE_TIMED_OUT"
  | "ERR_PROXY"
  | "ERR_UPGRADE_REFUSED"
  | "ERR_CONNECTION"
  | "ERR_CONNECTION_CLOSED"
  | "ERR_CORRUPTED_FRAME"
  | "ERR_INVALID_CONTINUATION"
  | "ERR_PAYLOAD_TOO_LARGE"
  | "ERR_REQUEST"
  | "ERR_READ_TIMED_OUT"
  | "ERR_WRITE_TIMED_OUT"
  | "ERR_TLS"
  | "ERR_AUTH"
  | "ERR_UNAUTHENTICATED"
  | "ERR_UNAUTHORIZED"
  | "ERR_PAYLOAD_BINDING"
  | "ERR_PAYLOAD_VALIDATION"
  | "ERR_UNSUPPORTED";

/**
 * The parent of everything this library throws on purpose. A caller's mistake is a `TypeError` or a `RangeError` instead.
 * Its `cause` is what was caught, where something was.
 */
export abstract class WebSocketError extends Error {
  /** What kind of error this is: stable, unlike the message. */
  abstract readonly code: ErrorCode;
}

/**
 * A close frame as it travelled: 1005 stands for a frame without a code (RFC 6455 §7.1.5).
 *
 * @category Closing
 */
export interface CloseFrameInfo {
  /** The status code, 1005 when the frame carried none. */
  readonly code: number;
  /** The reason, empty when there was none. At most 123 bytes of UTF-8. */
  readonly reason: string;
}

/**
 * How a connection ended, whoever ended it.
 *
 * @category Closing
 */
export interface Closure {
  /**
   * The peer's code when its close frame arrived (1005: a frame without one); the code we sent when we failed the
   * connection for breaking a rule, and where the runtime does not wait for the peer's answer; else 1006 (RFC 6455
   * §7.1.5).
   */
  readonly code: number;
  /** The reason that belongs to `code`. */
  readonly reason: string;
  /** A close frame is known to have gone each way. */
  readonly clean: boolean;
  /** The peer's close frame. */
  readonly received?: CloseFrameInfo;
  /** Our close frame. */
  readonly sent?: CloseFrameInfo;
  /** Whose close frame was first. */
  readonly first?: "local" | "remote";
  /** What went wrong, when something did. */
  readonly error?: WebSocketError;
}

/** What a rejecting server answered, and an `InvalidHandshakeError` is made of. */
export interface RejectedResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The response headers. */
  readonly headers: Headers;
  /** Reads the body, at most 64 KiB of it, as text. */
  body(): Promise<string>;
}

/**
 * The server answered the opening handshake, but not with a valid upgrade (RFC 6455 §4.1): another status than 101, a
 * wrong header, or a redirect that is not followed.
 */
export class InvalidHandshakeError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "InvalidHandshakeError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_HANDSHAKE_REJECTED" as const;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The headers of the answer. */
  readonly headers: Headers;
  readonly #body: () => Promise<string>;

  /** `message` says what could not be done, and why. */
  constructor(message: string, response: RejectedResponse, options?: ErrorOptions) {
    super(message, options);
    this.status = response.status;
    this.headers = response.headers;
    this.#body = () => response.body();
  }

  /** Reads the answer's body as text, at most 64 KiB of it. Empty for a 101. */
  body(): Promise<string> {
    return this.#body();
  }
}

/** The client's opening handshake took longer than `handshakeTimeout`: connecting, and the server's answer. */
export class HandshakeTimedOutError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "HandshakeTimedOutError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_HANDSHAKE_TIMED_OUT" as const;
}

/** A client's proxy answered, but opened no tunnel to the server (RFC 9110 §9.3.6). Never carries the password. */
export class ProxyError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "ProxyError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_PROXY" as const;
  /** The HTTP status of its answer: 407 when it wants other credentials. 0 when the answer cannot be read. */
  readonly status: number;
  /** The headers of its answer, such as `Proxy-Authenticate`. */
  readonly headers: Headers;

  /** `message` says what could not be done, and why. */
  constructor(message: string, status: number, headers: Headers, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Returned or thrown by an upgrade service's `get` to refuse the upgrade with an HTTP status. Its message is the body of
 * the answer.
 */
export class UpgradeError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "UpgradeError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_UPGRADE_REFUSED" as const;
  /** The HTTP status to answer with, 400 to 599. */
  readonly status: number;
  /** Headers to add to the answer. */
  readonly headers: Headers;

  /**
   * Made to be returned or thrown.
   *
   * @throws {RangeError} when `status` is not an integer from 400 to 599
   */
  constructor(
    status = 400,
    message = "Upgrade refused",
    headers?: ConstructorParameters<typeof Headers>[0],
    options?: ErrorOptions,
  ) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`Cannot refuse an upgrade with status ${status}: it is not from 400 to 599`);
    }
    super(message, options);
    this.status = status;
    this.headers = new Headers(headers);
  }
}

/**
 * The network failed: refused, reset, unresolvable, or nobody answers any more; or a limit of this side is reached, such as
 * `maxBufferedAmount` or `maxPendingRequests`.
 */
export class ConnectionError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "ConnectionError";
  /** What kind of error this is: `"ERR_CONNECTION"`, but for a `ConnectionClosureError`. */
  readonly code: "ERR_CONNECTION" | "ERR_CONNECTION_CLOSED" = "ERR_CONNECTION";
}

/** The connection is closed, or closing, and what was asked for needed it open. */
export class ConnectionClosureError extends ConnectionError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "ConnectionClosureError";
  /** What kind of error this is, for a `switch`. */
  override readonly code = "ERR_CONNECTION_CLOSED" as const;
  /** How it ended, as far as that is known: a closing handshake may still be under way. */
  readonly closure: Closure;

  /** `message` says what could not be done, and why. */
  constructor(action: string, closure: Closure, options?: ErrorOptions) {
    super(`${action}: ${describeClosure(closure)}`, options ?? causeOf(closure));
    this.closure = closure;
  }
}

/** The peer broke a rule of RFC 6455 or RFC 7692, or passed a limit (§10.4). Found in `closure.error`, and by a service's `onError`. */
export class CorruptedFrameError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "CorruptedFrameError";
  /** What kind of error this is: `"ERR_CORRUPTED_FRAME"`, but for an `InvalidContinuationFrameError`. */
  readonly code: "ERR_CORRUPTED_FRAME" | "ERR_INVALID_CONTINUATION" = "ERR_CORRUPTED_FRAME";
  /** The status code our close frame carries: 1002, 1007, 1008 or 1013. */
  readonly closeCode: number;
  /** The section of RFC 6455 (or `"RFC 7692 §…"`) that was broken. */
  readonly section: string;

  /** `message` says what could not be done, and why. */
  constructor(message: string, closeCode: number, section: string, options?: ErrorOptions) {
    super(message, options);
    this.closeCode = closeCode;
    this.section = section;
  }
}

/** A continuation frame without a message to continue, or a new message inside an unfinished one (RFC 6455 §5.4). */
export class InvalidContinuationFrameError extends CorruptedFrameError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "InvalidContinuationFrameError";
  /** What kind of error this is, for a `switch`. */
  override readonly code = "ERR_INVALID_CONTINUATION" as const;

  /** `message` says what could not be done, and why. */
  constructor(message: string) {
    super(message, 1002, "§5.4");
  }
}

/**
 * The peer sent more than `maxMessageSize`, `maxFrameSize` or `maxFragments`: refused with 1009 at the header, before the
 * payload was kept.
 */
export class PayloadTooLargeError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "PayloadTooLargeError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_PAYLOAD_TOO_LARGE" as const;
  /** The status code our close frame carries. */
  readonly closeCode = 1009;
  /** What it would have come to, in bytes (in fragments for `maxFragments`). */
  readonly size: number;
  /** The limit it passed. */
  readonly limit: number;

  /** `message` says what could not be done, and why. */
  constructor(message: string, size: number, limit: number, options?: ErrorOptions) {
    super(message, options);
    this.size = size;
    this.limit = limit;
  }
}

/** The server answered a request with an error (`dispatcherError`), or ended it without the reply that was waited for. */
export class RequestError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "RequestError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_REQUEST" as const;
  /** What the server answered, as parsed. */
  readonly reply: Readonly<Record<string, unknown>>;

  /** `message` says what could not be done, and why. */
  constructor(message: string, reply: Readonly<Record<string, unknown>>, options?: ErrorOptions) {
    super(message, options);
    this.reply = reply;
  }
}

/**
 * No message arrived within `readTimeout`, and none is lost; or a request had no reply within its `timeout`, and one that
 * still comes is dropped. The connection stays usable.
 */
export class ReadTimedOutError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "ReadTimedOutError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_READ_TIMED_OUT" as const;
}

/** The peer did not take the message within `writeTimeout`. The message may still arrive. */
export class WriteTimedOutError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "WriteTimedOutError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_WRITE_TIMED_OUT" as const;
}

/**
 * TLS failed, or a key, certificate or store cannot be used. Its `cause` is what OpenSSL, or what the runtime has instead,
 * said. Never carries a password or a key.
 */
export class SslError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "SslError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_TLS" as const;
  /** The file that cannot be used; undefined when it is no file that is wrong. */
  readonly file: string | undefined;

  /** For the library, and for services and tests that need one. */
  constructor(message: string, options?: ErrorOptions & { readonly file?: string }) {
    super(message, options);
    this.file = options?.file;
  }
}

/** A client could not obtain its credentials, or a listener could not check somebody's. Never carries the secret. */
export class AuthError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "AuthError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_AUTH" as const;
  /** Whether another attempt may succeed: a client with `retryConfig` makes one. */
  readonly temporary: boolean;

  /** `message` says what could not be done, and why. `temporary` is false unless it is given. */
  constructor(message: string, options: ErrorOptions & { readonly temporary?: boolean } = {}) {
    super(message, options);
    this.temporary = options.temporary ?? false;
  }
}

/** Returned or thrown by an upgrade service's `get`: the caller is nobody we know, 401. */
export class AuthnError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "AuthnError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_UNAUTHENTICATED" as const;
}

/** Returned or thrown by an upgrade service's `get`: the caller is known and may not, 403. */
export class AuthzError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "AuthzError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_UNAUTHORIZED" as const;
}

/**
 * One thing that is wrong with a value, in the words of Standard Schema: one of the `issues` of a `PayloadBindingError`.
 *
 * @category Binding
 */
export interface BindingIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value, from the outside in. */
  readonly path?: readonly PropertyKey[];
}

/** A message could not be parsed, is of the other kind, or does not have the shape that was asked for. */
export class PayloadBindingError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "PayloadBindingError";
  /** What kind of error this is: `"ERR_PAYLOAD_BINDING"`, but for a `PayloadValidationError`. */
  readonly code: "ERR_PAYLOAD_BINDING" | "ERR_PAYLOAD_VALIDATION" = "ERR_PAYLOAD_BINDING";
  /** What is wrong, and where. */
  readonly issues: readonly BindingIssue[];

  /** `message` says what could not be done, and why. */
  constructor(message: string, issues: readonly BindingIssue[] = [], options?: ErrorOptions) {
    super(message, options);
    this.issues = issues;
  }
}

/** A message has the right shape, and a constraint of its schema refuses it; not with `validation: false`. */
export class PayloadValidationError extends PayloadBindingError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "PayloadValidationError";
  /** What kind of error this is, for a `switch`. */
  override readonly code = "ERR_PAYLOAD_VALIDATION" as const;
}

/** This runtime cannot do what was asked: an option, a handler or a method that its sockets, or a page, do not have. */
export class UnsupportedError extends WebSocketError {
  /** The name of the class, which stays when a bundler renames that. */
  override readonly name: string = "UnsupportedError";
  /** What kind of error this is, for a `switch`. */
  readonly code = "ERR_UNSUPPORTED" as const;
  /** What was asked for. */
  readonly feature: string;
  /** Where it cannot be had, such as `"node"`. */
  readonly runtime: string;

  /** `message` says what could not be done, and why. */
  constructor(message: string, feature: string, runtime: string) {
    super(message);
    this.feature = feature;
    this.runtime = runtime;
  }
}

/** The union that a `switch` on `code` narrows. */
export type AnyWebSocketError =
  | InvalidHandshakeError
  | HandshakeTimedOutError
  | ProxyError
  | UpgradeError
  | ConnectionError
  | ConnectionClosureError
  | CorruptedFrameError
  | InvalidContinuationFrameError
  | PayloadTooLargeError
  | RequestError
  | ReadTimedOutError
  | WriteTimedOutError
  | SslError
  | AuthError
  | AuthnError
  | AuthzError
  | PayloadBindingError
  | PayloadValidationError
  | UnsupportedError;

/** A closure as a sentence without its full stop, such as `the peer closed with 1001 "going away"`. */
export function describeClosure(closure: Closure): string {
  const { received, sent, first, error } = closure;
  if (received && sent) {
    return first === "remote"
      ? `the peer closed with ${frame(received)}, then we answered with ${frame(sent)}`
      : `we closed with ${frame(sent)}, then the peer answered with ${frame(received)}`;
  }
  if (received) return `the peer closed with ${frame(received)}`;
  if (sent) return `we closed with ${frame(sent)}, and the peer has not answered`;
  return error ? `the connection failed: ${error.message}` : "the connection was lost without a close frame";
}

function frame({ code, reason }: CloseFrameInfo): string {
  return reason === "" ? `${code}` : `${code} ${quote(reason, Infinity)}`;
}

function causeOf({ error }: Closure): ErrorOptions | undefined {
  return error === undefined ? undefined : { cause: error };
}
