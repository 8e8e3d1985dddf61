export type {
  Connection,
  ConnectionState,
  MessageData,
  MessageKind,
  SendData,
  SendOptions,
  SendResult,
  Traffic,
} from './connection/connection.ts';
export { type ConnectionErrorCode, UsageError, type UsageErrorCode, WebSocketError } from './connection/errors.ts';
export { PreparedMessage } from './connection/prepared-message.ts';
export type { SlowConsumerPolicy } from './connection/shared.ts';
export type { HeaderFields, HeaderLimits } from './handshake/header-fields.ts';
export type { HeadersInput } from './handshake/header-input.ts';
export { HandshakeUsageError, type HandshakeUsageCode } from './handshake/usage-error.ts';
export type { OriginPolicyOptions } from './handshake/origin.ts';
export type { PathParameters } from './handshake/path-template.ts';
export { Refusal, type RefusalOptions } from './handshake/refusal.ts';
export type { RefusalCode } from './handshake/refusals.ts';
export { type ErrorEntry, ERRORS } from './node/error-table.ts';
export type { Counts, ServerCounts } from './node/census.ts';
export type { Acceptance, Authorization, OpeningRequest, RefusedEvent } from './node/opening.ts';
export { DeflateMemoryBudget } from './node/deflate/memory-budget.ts';
export type { DeflateOptions } from './node/deflate/options.ts';
export type { ReceiveMode, ServerLimits, ServerOptions } from './node/options.ts';
export {
  type BroadcastOptions,
  type BroadcastResult,
  type ListenTarget,
  type PrepareOptions,
  prepareMessage,
  WebSocketServer,
} from './node/server.ts';
export type { ServerConnection } from './node/server-connection.ts';
