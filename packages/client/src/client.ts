export { Beacon, type BeaconEvents, type BeaconStatus } from './beacon.ts';
export {
  Channel,
  type ChannelEvents,
  type History,
  type HistoryOptions,
  type NotRecovered,
  type PublicationHandler,
  type Published,
  type PublishOptions,
  type SubscribeOptions,
  type Subscription,
} from './channel.ts';
export type { Member } from '@pulsebeacon/wire';
export type { BeaconState } from './connection/machine.ts';
export { BeaconError, type BeaconErrorOptions, type ClientErrorCode } from './errors.ts';
export type { BeaconOptions } from './options.ts';
export type { Publication } from './payload.ts';
export type { AnswerLike, Credentials, FetchFunction, SocketClass, SocketEvent, SocketLike } from './platform.ts';
export type { TransportName } from './transports/transport.ts';
