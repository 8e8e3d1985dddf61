export type {
  Connection,
  ConnectionState,
  MessageData,
  MessageKind,
  SendData,
  SendOptions,
  SendResult,
  StreamedBinary,
  StreamedMessage,
  StreamedText,
  Traffic,
} from './connection/connection.ts';
export { type ConnectionErrorCode, UsageError, type UsageErrorCode, WebSocketError } from './connection/errors.ts';
export { type Codec, jsonCodec } from './connection/codec.ts';
export { PreparedMessage } from './connection/prepared-message.ts';
export type { SlowConsumerPolicy } from './connection/shared.ts';
export type { SchemaIssue, StandardSchema } from './connection/standard-schema.ts';
export { InvalidMessageError, TypedMessages, type TypedMessagesOptions } from './connection/typed-messages.ts';
export { type Challenge, parseChallenges } from './handshake/challenges.ts';
export { HeaderFields, type HeaderLimits } from './handshake/header-fields.ts';
export type { HeadersInput } from './handshake/header-input.ts';
export { HandshakeUsageError, type HandshakeUsageCode } from './handshake/usage-error.ts';
export {
  describeOriginDecision,
  type OriginDecision,
  OriginPolicy,
  type OriginPolicyOptions,
  type OriginReason,
  type OriginRequest,
} from './handshake/origin.ts';
export type { PathParameters } from './handshake/path-template.ts';
export { Refusal, type RefusalOptions } from './handshake/refusal.ts';
export type { RefusalCode } from './handshake/refusals.ts';
export { parseRequestTarget, type RequestTarget } from './handshake/request-target.ts';
export { acceptProxied, type ProxyRefusedEvent } from './node/accept-proxied.ts';
export { type RequestSource, TrustedProxies, type TrustedProxiesOptions } from './node/trusted-proxies.ts';
export type { ForwardedHeader } from './handshake/forwarded.ts';
export { authenticate, type UserAuthorization } from './node/authentication/authenticate.ts';
export { basic, type BasicOptions } from './node/authentication/basic.ts';
export { bearer, type BearerOptions } from './node/authentication/bearer.ts';
export { digest, type DigestAccount, type DigestOptions } from './node/authentication/digest.ts';
export type { AuthenticationMethod, Proof, Unproven } from './node/authentication/method.ts';
export { secretsEqual } from './node/authentication/secrets-equal.ts';
export { signCookie, signedCookie, type SignedCookieOptions } from './node/authentication/signed-cookie.ts';
export { type ErrorEntry, ERRORS } from './node/error-table.ts';
export { connect } from './node/client/connect.ts';
export type { ConnectFailureCode } from './node/client/connect-failures.ts';
export type { ClientConnection, OpeningAnswer } from './node/client/client-connection.ts';
export type { ClientSocketOptions, ClientTlsOptions } from './node/client/dial.ts';
export { HandshakeError, type HandshakeErrorCode } from './node/client/handshake-error.ts';
export type { ClientLimits, ConnectOptions, HttpVersionChoice, OpeningOptions } from './node/client/options.ts';
export { Backoff, type BackoffOptions, DEFAULT_BACKOFF } from './node/client/backoff.ts';
export type {
  AuthenticationContext,
  AuthenticationScheme,
  BearerSource,
  Credentials,
  CredentialsSource,
} from './node/client/authentication/credentials.ts';
export { answerChallenges } from './node/client/authentication/offers.ts';
export type { CookieJar } from './node/client/cookies.ts';
export type { Hop } from './node/client/hops.ts';
export type { HttpFailureCode } from './node/client/http-failures.ts';
export type { HttpOptions, RetryOptions } from './node/client/http-options.ts';
export { findProxy, type FoundProxy, type ProxyOption } from './node/client/proxy.ts';
export type { RedirectOptions } from './node/client/redirects.ts';
export {
  ClosedError,
  type Disconnection,
  isFinal,
  ReconnectingConnection,
  type ReconnectingOptions,
  type ReconnectingState,
  type Retry,
  type UrlSource,
} from './node/client/reconnecting.ts';
export { parseRetryAfter } from './node/client/retry-after.ts';
export type { FrameTrace, Trace, TraceEvent } from './node/client/trace.ts';
export type { AnswerFaultCode } from './handshake/answer-faults.ts';
export type { Counts, ServerCounts, VersionCounts } from './node/census.ts';
export type { HostServer } from './node/connect-dispatcher.ts';
export type { HttpVersion } from './node/http-version.ts';
export type { SessionFault, SessionLimits } from './node/http2-sessions.ts';
export { maskQuery } from './node/masked-urls.ts';
export { type Http2Options, type Http2Side, withHttp2 } from './node/with-http2.ts';
export type { Acceptance, Authorization, HandshakeEvent, OpeningRequest, RefusedEvent } from './node/opening.ts';
export { DeflateMemoryBudget } from './node/deflate/memory-budget.ts';
export type { DeflateOptions } from './node/deflate/options.ts';
export type { ConnectionLimits, ReceiveMode } from './node/connection-limits.ts';
export type { ServerLimits, ServerOptions } from './node/options.ts';
export {
  type BroadcastOptions,
  type BroadcastResult,
  type ListenTarget,
  type PrepareOptions,
  prepareMessage,
  WebSocketServer,
} from './node/server.ts';
export type { ServerConnection } from './node/server-connection.ts';
export { takeUpgrades, type UpgradeTaker } from './node/take-upgrades.ts';
export type { CloseEvent, CloseEventInit } from './node/whatwg/close-event.ts';
export type { WebSocketOptions } from './node/whatwg/options.ts';
export {
  type BinaryType,
  WebSocket,
  type WebSocketEventHandler,
  type WebSocketEventMap,
} from './node/whatwg/websocket.ts';
export {
  type WebSocketOpenInfo,
  WebSocketStream,
  type WebSocketStreamOptions,
} from './node/whatwg/websocket-stream.ts';
export { type WebSocketCloseInfo, WebSocketStreamError } from './node/whatwg/websocket-error.ts';
