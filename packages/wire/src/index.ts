export { MAX_NAME_BYTES, parseChannelName, parseChannelSegment, utf8Length } from './channel-name.ts';
export { ChannelPattern } from './channel-pattern.ts';
export { WIRE_ERRORS, WireError, type WireErrorCode, type WireErrorEntry } from './errors.ts';
export { checkJsonDepth, MAX_JSON_DEPTH } from './json-depth.ts';
export { checkIdempotencyKey, parseStateKey } from './keys.ts';
export {
  type ByeMessage,
  type Command,
  CommandError,
  type ErrorMessage,
  errorMessage,
  type HeartbeatMessage,
  type HelloCommand,
  type HistoryCommand,
  type HistoryMessage,
  type JoinMessage,
  type LeaveMessage,
  type Member,
  parseCommand,
  type PresenceCommand,
  type PresenceMessage,
  type PublishCommand,
  type PublishedMessage,
  type Reach,
  readCommand,
  type ServerMessage,
  type SkippedMessage,
  type SubscribeCommand,
  type SubscribedMessage,
  type UnsubscribeCommand,
  type UnsubscribedMessage,
  type WelcomeMessage,
} from './messages.ts';
export {
  BINARY_TYPE,
  checkJsonPayload,
  JSON_TYPE,
  parsePayloadType,
  type PayloadKind,
  type PayloadType,
  TEXT_TYPE,
} from './payload.ts';
export { formatPosition, parseSince, type Position, readPosition, type Since } from './position.ts';
export { encodePublication, type Publication, type PublicationMessage } from './publication.ts';
export { quote } from './quote.ts';
export { encodeSse, SSE_KEEP_ALIVE, type SseEvent } from './sse.ts';
export { ENVELOPE_SUBPROTOCOL, negotiateVersion, WIRE_VERSIONS } from './version.ts';
