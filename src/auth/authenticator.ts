/**
 * What checks who asks for an upgrade (features A1): the interface that anybody may implement, and what it tells. Types
 * only; knows no scheme.
 */

import type { AuthnError, AuthzError } from "../errors.ts";

/** Who somebody is, verified. */
export interface Identity {
  /** A user's name, or the subject (`sub`) of a token. */
  readonly subject: string;
  /** What the user or the token may. */
  readonly scopes: readonly string[];
  /** What a token says, all of it; empty where there is none. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Seconds since 1970 until which it counts; undefined: without an end. */
  readonly expiresAt?: number | undefined;
}

/** An upgrade request, as an authenticator sees it. */
export interface AuthRequest {
  /** Absolute; without the token that `tokenFrom.query` names. */
  readonly url: string;
  /** All of them, `Authorization` and `Cookie` too. */
  readonly headers: Headers;
  /** The peer's IP address, when the runtime tells it. */
  readonly remoteAddress: string | undefined;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** The peer's certificate, as the runtime gives it. */
  readonly peerCertificate?: unknown;
  /** Aborted when the client leaves, and when the listener's `timeout` is over: what comes then is not looked at. */
  readonly signal: AbortSignal;
}

/** What an authenticator tells: who it is, that nobody is let in with these credentials, or that it has nothing to say. */
export type AuthResult = Identity | AuthnError | AuthzError | undefined;

/**
 * One way to tell who somebody is. Several are asked in order, until one knows somebody with one of its `scopes`. What it
 * throws fails closed: an `UpgradeError` is the answer, if none of the others lets the client in; anything else is told to
 * the listener's `onError`, and the answer is 503.
 */
export interface Authenticator {
  /** The authentication scheme (RFC 9110 §11.1), such as `Basic` or `Bearer`, in any case. */
  readonly scheme: string;
  /** The parameters of its challenge in `WWW-Authenticate`, such as `realm="chat"`. Default: none. */
  readonly challenge?: string | undefined;
  /** Any one of them suffices; who has none is refused with 403. Default: everybody it knows may. */
  readonly scopes?: string | readonly string[] | undefined;
  /**
   * Looks at a request.
   *
   * @param credentials what stands behind the scheme in `Authorization`, or the token of `tokenFrom` for `Bearer`;
   *   undefined: the request has none of that scheme
   * @returns an identity; an `AuthnError` for credentials that do not count; an `AuthzError` for somebody who may not;
   *   undefined when there are none that it understands
   */
  authenticate(credentials: string | undefined, request: AuthRequest): AuthResult | Promise<AuthResult>;
}
