/**
 * WebSocket for TypeScript on Node, Deno and Bun, client and server, on WHATWG streams.
 *
 * @module
 */

export { Client, Listener } from "./src/adapters/default.ts";
export type { Client as AnyClient, ClientConfiguration } from "./src/client/client.ts";
export type { HttpResponse } from "./src/client/connector.ts";
export type { Cookie, CookieJar } from "./src/client/cookies.ts";
export type { ProxyOptions } from "./src/client/http_proxy.ts";
export type { ClientOptions, CustomHeaders, PingPongHandler, PingReply } from "./src/client/options.ts";
export type { ClientSecureSocket } from "./src/client/secure_socket.ts";
export type { CertKey, KeyStore, SecureConfiguration, TlsProtocol } from "./src/transport/secure_options.ts";
export type { DistinguishedName, PeerCertificate, TlsVersion } from "./src/transport/tls.ts";
export type { ReconnectInfo, RetryConfig, Uncertain } from "./src/client/retry_options.ts";
export type { RequestConfiguration, RequestOptions } from "./src/client/request_options.ts";
export type { ReplyStream } from "./src/client/reply_iterator.ts";
export type { BindingIssue, CloseFrameInfo, Closure, RejectedResponse } from "./src/errors.ts";
export type { Message } from "./src/transport/message_socket.ts";
export type { ReadAhead } from "./src/streams/message_queue.ts";
export type { BufferPolicy } from "./src/streams/endpoint.ts";
export type { CompressionOptions, WriteOptions } from "./src/streams/compression_options.ts";
export type { ConnectionConfiguration } from "./src/streams/connection_options.ts";
export type { BinaryMessageStream, MessageStream, TextMessageStream } from "./src/streams/incoming_message.ts";
export type { WritableMessage } from "./src/streams/message_streams.ts";
export type { SchemaIssue } from "./src/binding/issues.ts";
export type { SchemaResult, StandardSchema } from "./src/binding/schema.ts";
export {
  type Bindable,
  type Binder,
  type BoundBy,
  bytes,
  type FormatBinder,
  json,
  text,
  union,
} from "./src/binding/binder.ts";

export type { Authenticator, AuthRequest, AuthResult, Identity } from "./src/auth/authenticator.ts";
export type { Credentials } from "./src/auth/authorization.ts";
export type { BearerToken, ClientAuth } from "./src/auth/client_auth.ts";
export type { CredentialSource } from "./src/auth/credential_source.ts";
export type { TokenFrom } from "./src/auth/token_source.ts";
export { Router } from "./src/service/router.ts";
export type { Caller, CallerRequest } from "./src/service/caller.ts";
export { broadcast, type BroadcastOptions, type BroadcastResult } from "./src/service/broadcast.ts";
export type {
  Answer,
  AnyUpgradeService,
  Attachable,
  CustomHandler,
  CustomHandlers,
  DispatchedHandler,
  FittingParams,
  LowerCase,
  MessageContext,
  OneWay,
  OnlyStreams,
  PathParamNames,
  PathParams,
  Returned,
  Service,
  ServiceHandlers,
  UpgradeContext,
  UpgradeResult,
  UpgradeService,
} from "./src/service/service.ts";
export { bind, type BoundHandler, dispatch, type ValueHandler } from "./src/service/bind.ts";
export type { DispatchConfiguration } from "./src/service/dispatch_options.ts";
export type {
  ListenerConfiguration,
  ListenerErrorHandler,
  RequestLimits,
  UpgradeServiceOptions,
} from "./src/service/options.ts";
export type { ListenerSecureSocket, MutualSsl } from "./src/service/secure_socket.ts";
export type { Listener as AnyListener, ListenerStats, StopOptions } from "./src/service/listener.ts";
export type { StopResult } from "./src/service/session_set.ts";
export { allowAnyOrigin, type OriginCheck, type Origins, sameOrigin } from "./src/handshake/origin.ts";
export type { SubProtocols } from "./src/handshake/subprotocol.ts";
export type { FetchHandler } from "./src/transport/upgrade.ts";
export {
  type CloseFrame,
  closeFrame,
  GOING_AWAY,
  INTERNAL_SERVER_ERROR,
  INVALID_PAYLOAD,
  MESSAGE_TOO_BIG,
  NORMAL_CLOSURE,
  POLICY_VIOLATION,
  PROTOCOL_ERROR,
  UNSUPPORTED_DATA,
} from "./src/service/close_frame.ts";

export {
  type AnyWebSocketError,
  AuthError,
  AuthnError,
  AuthzError,
  ConnectionClosureError,
  ConnectionError,
  CorruptedFrameError,
  type ErrorCode,
  HandshakeTimedOutError,
  InvalidContinuationFrameError,
  InvalidHandshakeError,
  PayloadBindingError,
  PayloadTooLargeError,
  PayloadValidationError,
  ProxyError,
  ReadTimedOutError,
  RequestError,
  SslError,
  UnsupportedError,
  UpgradeError,
  WebSocketError,
  WriteTimedOutError,
} from "./src/errors.ts";
