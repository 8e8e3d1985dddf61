import { Refusal } from '@pulsebeacon/websocket';
import { type ClientOrigin, Hub, type HubClient, type HubHooks, type HubRequest, RateTable } from '@pulsebeacon/hub';
import { WireError } from '@pulsebeacon/wire';
import type { GatewayAuthenticator } from '../access/authenticator.ts';
import { withDemoChannels } from '../demos/channels.ts';
import { isLoopbackAddress } from '../listen/loopback.ts';
import type { Log } from '../log/log.ts';
import type { GatewaySettings } from '../settings.ts';
import type { Admission } from '../sockets/admission.ts';
import type { CommonSocketOptions } from '../sockets/common-options.ts';
import { inOurTerms } from '../sockets/socket-log.ts';
import type { Traces } from '../sockets/traces.ts';
import type { Store } from './store.ts';

export interface LiveChannelsParts {
  readonly settings: GatewaySettings;
  readonly common: CommonSocketOptions;
  readonly store: Store;
  readonly authenticator: GatewayAuthenticator;
  readonly admission: Admission;
  readonly traces: Traces;
  readonly log: Log;
  /** A publication has gone out. */
  onDelivered(seconds: number): void;
  /** A limit was hit. */
  onLimited(code: string): void;
}

/** What stands around the payload of a command. */
const ENVELOPE_BYTES = 16 * 1024;

/** The channels of the program: a hub with the rules of the settings, who may come in, and what is written down. */
export function createHub(parts: LiveChannelsParts): Hub {
  const { settings, common, store, authenticator } = parts;
  const { publicUrl, allowedOrigins, trustedProxies, trace } = common;
  const { limits, heartbeat, pollTimeout } = settings;
  return new Hub({
    broker: store.broker,
    sessionKey: store.sessionKey,
    authenticator,
    publicUrl,
    allowedOrigins,
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    ...(trace === undefined ? {} : { trace }),
    namespaces: withDemoChannels(settings.namespaces),
    limits: {
      // Admission counts over everything that the program serves.
      maxClients: Infinity,
      maxChannelsPerClient: limits.maxChannelsPerClient,
      commandRate: limits.messageRate,
      commandBurst: limits.messageBurst,
      // Base64 makes four bytes of three.
      maxCommandSize: Math.ceil((limits.maxMessageSize * 4) / 3) + ENVELOPE_BYTES,
      heartbeat,
      maxWait: pollTimeout,
      presenceLifetime: Math.max(60_000, 2 * pollTimeout),
    },
    hooks: hooksOf(parts),
  });
}

function hooksOf(parts: LiveChannelsParts): HubHooks {
  const { settings, common, admission, traces, log, onDelivered, onLimited } = parts;
  const { messageRate, messageBurst } = settings.limits;
  const posts = new RateTable();
  const tooMany = `more than ${messageRate} publications a second, ${messageBurst} at once, from this address (--message-rate)`;
  return {
    admit(request: HubRequest, isLive: boolean): Refusal | undefined {
      const { remoteAddress, incoming } = request;
      if (!isLive) {
        const obstacle = admission.decideUncounted(request, incoming);
        if (obstacle !== undefined || isThisMachine(remoteAddress)) return obstacle;
        if (posts.take(remoteAddress ?? '', messageRate, messageBurst)) return undefined;
        onLimited('PB_RATE');
        return new Refusal(429, { code: 'PB_RATE', detail: tooMany, headers: { 'Retry-After': '1' } });
      }
      const refusal = admission.decide(request, incoming);
      if (refusal === undefined && request.hasQuery) traces.record(request.query, request.incoming);
      return refusal;
    },
    enter(origin: ClientOrigin): void {
      const refusal = admission.decideAgain(origin);
      if (refusal === undefined) return;
      onLimited(refusal.code);
      throw new WireError('PB_HUB_FULL', refusal.detail);
    },
    opened({ outlet, origin }: HubClient): void {
      admission.opened(origin, outlet.transport);
      if (log.isDebug) log.debug(`${outlet.transport} ${origin.path} opened`, { peer: origin.remoteAddress });
    },
    closed({ outlet, origin, since }: HubClient): void {
      admission.closed(origin, outlet.transport);
      if (!log.isDebug) return;
      const seconds = Math.round((Date.now() - since) / 100) / 10;
      log.debug(`${outlet.transport} ${origin.path} closed after ${seconds} s`, { peer: origin.remoteAddress });
    },
    delivered: ({ time }, _reach, ms) => onDelivered(Math.max(ms, Date.now() - time) / 1000),
    refused(error: WireError, { path, remoteAddress }: ClientOrigin): void {
      log.limited(error.code, `refused at ${path}: ${inOurTerms(error.message)}`, { path, peer: remoteAddress });
    },
    limited: (code) => onLimited(code),
    ...(common.handshake === undefined ? {} : { handshake: common.handshake }),
    failed: (error) => log.error('the store of the channels failed', { err: error }),
  };
}

/** A Unix socket has no address, and whoever reaches it is this machine. */
function isThisMachine(address: string | undefined): boolean {
  return address === undefined || isLoopbackAddress(address);
}
