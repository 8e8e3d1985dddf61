// What authenticators and hooks refuse with.
export { WireError, type WireErrorCode } from '@pulsebeacon/wire';
export {
  type Action,
  type AuthenticationRequest,
  type Authenticator,
  type Grant,
  type Principal,
} from './access.ts';
export type {
  Awaitable,
  Broker,
  BrokerGuarantees,
  BrokerSink,
  HistoryPage,
  HistoryQuery,
  Lease,
  NewPublication,
  PublishOptions,
  Receipt,
  Retention,
} from './broker.ts';
export type { ClientOrigin, HubClient } from './client.ts';
export type { ClientTap, RawPayload } from './client-tap.ts';
export type { HubCounts } from './counts.ts';
export { Hub } from './hub.ts';
export type {
  AttachOptions,
  HistoryCallOptions,
  HubHooks,
  HubOptions,
  PublishCallOptions,
  PublishResult,
} from './hub-options.ts';
export type { ChannelPublishOptions, ChannelSubscribeOptions, HubChannel, Unsubscribe } from './hub-channel.ts';
export { HubRequest } from './http/request.ts';
export { DEFAULT_LIMITS, type HubLimits } from './limits.ts';
export { MemoryBroker, type MemoryBrokerOptions } from './memory-broker/memory-broker.ts';
export type { Audience, ChannelRules, NamespaceOptions, SlowConsumerPolicy } from './namespaces.ts';
export type { TransportName } from './outlet.ts';
export { RateTable } from './rate-table.ts';
export { TokenBucket } from './token-bucket.ts';
export { HubUsageError, type HubUsageCode } from './usage-error.ts';
