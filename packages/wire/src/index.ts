export { MAX_NAME_BYTES, parseChannelName, parseChannelSegment, utf8Length } from './channel-name.ts';
export { ChannelPattern } from './channel-pattern.ts';
export { WIRE_ERRORS, WireError, type WireErrorCode, type WireErrorEntry } from './errors.ts';
export { checkJsonDepth, MAX_JSON_DEPTH } from './json-depth.ts';
export { checkIdempotencyKey, parseStateKey } from './keys.ts';
export { LineParser, MAX_STREAM_ITEM } from './line-parser.ts';
export {
  type ByeMessage,
  type Command,
  type ErrorMessage,
  errorMessage,
  type HeartbeatMessage,
  type HelloCommand,
  type HistoryCommand,
  type HistoryMessage,
  type JoinMessage,
  type LeaveMessage,
  type Member,
  type PresenceCommand,
  type PresenceMessage,
  type PublishCommand,
  type PublishedMessage,
  type Reach,
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
export { CommandError, parseCommand, readCommand } from './read-command.ts';
export { readServerMessage, readServerMessages } from './read-server-message.ts';
export { encodeSse, SSE_KEEP_ALIVE, type SseEvent } from './sse.ts';
export { type ReceivedEvent, SseParser } from './sse-parser.ts';
export { ENVELOPE_SUBPROTOCOL, negotiateVersion, WIRE_VERSIONS } from './version.ts';
