export { AnswerBody } from './answer-body.ts';
export { ANSWER_FAULTS, type AnswerFaultCode, type AnswerFaultEntry } from './answer-faults.ts';
export { type AnswerHead, AnswerReader } from './answer-reader.ts';
export { type Authority, parseAuthority } from './authority.ts';
export { type Challenge, parseAuthParameters, parseChallenges } from './challenges.ts';
export {
  type AcceptedAnswer,
  type AnswerFault,
  type AnswerRules,
  checkAnswer,
  type ClientRequest,
  type ClientRequestOptions,
  encodeRequest,
  type HandshakeAnswer,
} from './client-handshake.ts';
export { connectTarget, encodeConnectRequest, isTunnelOpen } from './connect-request.ts';
export {
  describeDigestFault,
  DIGEST_STRENGTH,
  type DigestChallenge,
  type DigestCredentials,
  type DigestHash,
  type DigestHashName,
  type DigestRequest,
  DigestSession,
  readDigestChallenge,
} from './digest.ts';
export {
  checkExtendedAnswer,
  encodeExtendedConnect,
  type ExtendedConnect,
} from './extended-connect-request.ts';
export { parseExtensions, serializeExtensions } from './extension-header.ts';
export { type Forwarded, type ForwardedHeader, type ForwardedTrust, readForwarded } from './forwarded.ts';
export {
  connectAcceptLines,
  connectProtocol,
  isWebSocketProtocol,
  readExtendedConnect,
  refuseMethod,
} from './extended-connect.ts';
export { DEFAULT_HEADER_LIMITS, HeaderFields, type HeaderLimits } from './header-fields.ts';
export { CONNECTION_FIELDS, encodeHeaderLines, type HeaderLine, type HeadersInput } from './header-input.ts';
export { acceptValue } from './key.ts';
export {
  type HandshakeUsageEntry,
  HANDSHAKE_USAGE_ERRORS,
  type HandshakeUsageCode,
  HandshakeUsageError,
} from './usage-error.ts';
export {
  describeOriginDecision,
  isSameOrigin,
  type Origin,
  type OriginDecision,
  OriginPolicy,
  type OriginPolicyOptions,
  type OriginReason,
  type OriginRequest,
  parseOrigin,
} from './origin.ts';
export { type PathMatch, type PathParameters, PathRouter } from './path-template.ts';
export {
  DEFAULT_RETRY_AFTER,
  type EncodedRefusal,
  encodeHttp2Refusal,
  encodeRefusal,
  type Http2Refusal,
  Refusal,
  type RefusalContext,
  type RefusalOptions,
} from './refusal.ts';
export { type ProxiedPeer, type ProxyHeader, readProxyHeader } from './proxy-protocol.ts';
export { type RefusalCode, type RefusalEntry, REFUSALS } from './refusals.ts';
export { parseRequestTarget, type RequestTarget } from './request-target.ts';
export {
  type AcceptOptions,
  encodeAccept,
  type Handshake,
  type HandshakeRequest,
  isWebSocketUpgrade,
  type OpeningHandshake,
  readHandshake,
  readHeadHandshake,
} from './server-handshake.ts';
export { parseSubprotocols, selectSubprotocol, serializeSubprotocols } from './subprotocols.ts';
export { HandshakeTrace, TRACE_FIELD } from './trace.ts';
export { MOST_HEAD_BYTES, readUpgradeHead, type UpgradeHead } from './upgrade-head.ts';
export { parseWebSocketUri, type WebSocketUri } from './websocket-uri.ts';
