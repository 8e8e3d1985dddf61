import type { IncomingMessage, ServerResponse } from 'node:http';
import { Hub, HubRequest, type HubHooks } from '@pulsebeacon/hub';
import type { TrustedProxies } from '@pulsebeacon/websocket';
import type { GatewayAuthenticator } from '../access/authenticator.ts';
import { OwnPagesOnly } from '../access/own-pages.ts';
import { endRevoked } from '../access/revocations.ts';
import type { Log } from '../log/log.ts';
import type { Metrics, MetricsSource } from '../metrics/metrics.ts';
import type { Admission } from '../sockets/admission.ts';
import type { CommonSocketOptions } from '../sockets/common-options.ts';
import { VERSION } from '../version.ts';
import { DashboardAuthenticator } from './access.ts';
import { ChannelLists } from './channel-lists.ts';
import { Connections, type PlainSockets } from './connections.ts';
import {
  FIGURES_CHANNEL,
  KEPT_SECONDS,
  LIVE_BASE,
  type Messages,
  messagesChannel,
  type Now,
  NOW_CHANNEL,
} from './messages.ts';
import { Resources } from './resources.ts';
import { Sampler } from './sampler.ts';
import { Watches } from './watches.ts';

export interface DashboardParts {
  /** Of the application. */
  readonly hub: Hub;
  readonly sockets: readonly PlainSockets[];
  readonly admission: Admission;
  readonly authenticator: GatewayAuthenticator;
  readonly common: CommonSocketOptions;
  readonly proxies: TrustedProxies | undefined;
  readonly source: MetricsSource;
  readonly metrics: Metrics;
  readonly store: string;
  readonly heartbeat: number;
  readonly pollTimeout: number;
  readonly log: Log;
}

const TICK_MS = 1000;
const LISTED_CHANNELS = 50;
/** Pages at once, and channels of each: an operator has a few. */
const MOST_PAGES = 100;
const MOST_CHANNELS = 8;
const MESSAGES = messagesChannel('');
/** What is shown once and never asked for again. */
const UNKEPT = { size: 0 };

/**
 * What those who run the server see: figures of the last minutes, how it is now, and each connection. It has a hub of its
 * own, in memory, so that whoever looks is not among those who are looked at. Every second it notes what is counted anyway,
 * so that there are plots when somebody comes; all that takes more is done only while somebody looks.
 */
export class Dashboard {
  private readonly parts: DashboardParts;
  private readonly live: Hub;
  private readonly sampler: Sampler;
  private readonly channels: ChannelLists;
  private readonly watches: Watches;
  private readonly resources: Resources;
  private readonly timer: NodeJS.Timeout;
  private readonly stopLooking: () => void;
  private readonly startedAt = Date.now() - Math.round(process.uptime() * 1000);

  constructor(parts: DashboardParts) {
    const { hub, sockets, admission, common, proxies, source, metrics, log } = parts;
    this.parts = parts;
    const authenticator = new DashboardAuthenticator(parts.authenticator);
    this.sampler = new Sampler(source, metrics.recentLatency);
    this.channels = new ChannelLists(hub);
    this.watches = new Watches(hub, (id, messages) => this.publish(messagesChannel(id), messages));
    this.live = this.createHub(authenticator);
    this.stopLooking = endRevoked(this.live, authenticator);
    this.resources = new Resources({
      authenticator,
      ownPages: new OwnPagesOnly(common),
      proxies,
      connections: new Connections(hub, sockets, admission),
      channels: this.channels,
      now: () => this.now(),
      onClosed: (id, { id: by }) => log.info(`${by} has closed the connection ${id} by the dashboard`, { id, by }),
      onRefused: (why, path, peer) => log.limited('PB_ORIGIN_FORBIDDEN', `refused at ${path}: ${why}`, { path, peer }),
      onFailed: (error) => log.error('the dashboard failed', { err: error }),
    });
    this.timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Takes handshakes for it. */
  attach(server: Parameters<Hub['attach']>[0]): void {
    this.live.attach(server, { base: LIVE_BASE, requests: false });
  }

  /** @returns false, having done nothing, where the path is not one of its resources: its page is a page as all others are */
  handle(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    if (!path.startsWith('/dashboard/')) return false;
    if (!path.startsWith(`${LIVE_BASE}/`)) return this.resources.handle(path, request, response);
    // The hub would answer pages of other origins without letting them read it, but they would have a seat.
    if (this.resources.refuseForeign(request, response)) return true;
    return this.live.handle(request, response, { base: LIVE_BASE });
  }

  /** Sends away whoever looks. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    this.stopLooking();
    this.watches.stop();
    this.sampler.stop();
    await this.live.close();
  }

  private createHub(authenticator: DashboardAuthenticator): Hub {
    const { admission, common, heartbeat, pollTimeout, log } = this.parts;
    const { publicUrl, trustedProxies, trace, handshake } = common;
    const closed = { subscribe: 'granted', publish: 'nobody', readHistory: 'granted' } as const;
    const hooks: HubHooks = {
      // Not where all connections are taken: that is when somebody wants to see them.
      admit: (request: HubRequest) => admission.decideUncounted(request, request.incoming),
      // Whoever may see nothing does not sit where those could who may.
      enter: (_origin, principal) => authenticator.requireGranted(principal),
      authorize: (action, channel) => {
        if (action === 'subscribe' && channel.startsWith(MESSAGES)) this.watches.begin(channel.slice(MESSAGES.length));
      },
      refused: ({ code, message }, { path, remoteAddress: peer }) =>
        log.limited(code, `refused at ${path}: ${message}`, { path, peer }),
      ...(handshake === undefined ? {} : { handshake }),
      failed: (error) => log.error('the dashboard failed', { err: error }),
    };
    return new Hub({
      authenticator,
      // Not the origins that may use channels: the page alone.
      publicUrl,
      ...(trustedProxies === undefined ? {} : { trustedProxies }),
      ...(trace === undefined ? {} : { trace }),
      namespaces: [
        { match: FIGURES_CHANNEL, ...closed, history: { size: KEPT_SECONDS, ageMs: KEPT_SECONDS * 1000 } },
        { match: '*', ...closed, history: UNKEPT, slowConsumer: 'drop' },
      ],
      limits: {
        maxClients: MOST_PAGES,
        maxChannelsPerClient: MOST_CHANNELS,
        heartbeat,
        maxWait: pollTimeout,
        presenceLifetime: Math.max(60_000, 2 * pollTimeout),
      },
      hooks,
    });
  }

  private tick(): void {
    this.publish(FIGURES_CHANNEL, this.sampler.take());
    const active = new Set<string>();
    for (const { name } of this.live.activeChannels) active.add(name);
    this.watches.sweep((id) => active.has(messagesChannel(id)));
    if (!active.has(NOW_CHANNEL)) return;
    this.channels.look();
    this.publish(NOW_CHANNEL, this.now());
  }

  private publish(channel: string, content: ReturnType<Sampler['take']> | Now | Messages): void {
    // In memory it is done at once.
    void this.live.submit(channel, {
      kind: 'json',
      contentType: 'application/json',
      data: JSON.stringify(content),
    });
  }

  private now(): Now {
    const { source, admission, store, hub } = this.parts;
    const [messages, bytes] = [source.messages(), source.bytes()];
    const { published, delivered, skipped } = source.publications();
    const { recovered, notRecovered } = source.recoveries();
    return {
      at: Date.now(),
      version: VERSION,
      node: process.versions.node,
      startedAt: this.startedAt,
      store,
      isDraining: admission.draining,
      open: source.open(),
      peak: source.peak(),
      accepted: source.accepted(),
      dashboards: this.live.clients.size,
      kinds: [...source.connections()],
      totals: {
        published,
        delivered,
        skipped,
        recovered,
        notRecovered,
        messagesIn: messages.in,
        messagesOut: messages.out,
        bytesIn: bytes.in,
        bytesOut: bytes.out,
      },
      queued: source.queues(),
      refused: source.refused(),
      closed: source.closed(),
      subscriptions: hub.counts().subscriptions,
      channels: this.channels.list(LISTED_CHANNELS),
    };
  }
}
