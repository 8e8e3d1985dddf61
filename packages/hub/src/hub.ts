import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HostServer, type Traffic, TrustedProxies } from '@pulsebeacon/websocket';
import { formatPosition, type Member, parseChannelName, type Since, WireError } from '@pulsebeacon/wire';
import { type Action, type Principal, requireAllowed } from './access.ts';
import type { Awaitable, Broker, HistoryPage, NewPublication, Receipt } from './broker.ts';
import { type ChannelState, NOBODY } from './channel-state.ts';
import { type ClientOrigin, HubClient } from './client.ts';
import type { ClientTap } from './client-tap.ts';
import { type HubCounts, Tally } from './counts.ts';
import { EncodingCache } from './encoded-publication.ts';
import { FollowedChannels } from './followed-channels.ts';
import { CrossOriginRules } from './http/cors.ts';
import { HubServer, readBase } from './http/hub-server.ts';
import { sumOf } from './http/traffic.ts';
import { guardHooks, warn } from './hooks.ts';
import type {
  AttachOptions,
  HistoryCallOptions,
  HubHooks,
  HubOptions,
  PublishCallOptions,
  PublishResult,
} from './hub-options.ts';
import { HubChannel, SERVER_ORIGIN, SERVER_PRINCIPAL } from './hub-channel.ts';
import { type HubLimits, resolveLimits } from './limits.ts';
import { MemoryBroker } from './memory-broker/memory-broker.ts';
import { type ChannelRules, Namespaces } from './namespaces.ts';
import type { Outlet } from './outlet.ts';
import { checkPayloadSize } from './payloads.ts';
import { Presence } from './presence.ts';
import { RateTable } from './rate-table.ts';
import { Roster } from './roster.ts';
import { newSession, type Session, SessionTokens } from './session-token.ts';
import { toQuery } from './since-query.ts';
import { HubUsageError } from './usage-error.ts';

/** Channels, and the clients that follow them on this node. */
export class Hub {
  readonly broker: Broker;
  readonly limits: HubLimits;
  readonly namespaces: Namespaces;
  readonly hooks: HubHooks;
  readonly options: HubOptions;
  readonly sessions: SessionTokens;
  readonly presence: Presence;
  readonly encodings: EncodingCache = new EncodingCache();
  readonly crossOrigin: CrossOriginRules;
  /** Who is believed when it says who a client is. */
  readonly proxies: TrustedProxies | undefined;
  /** For {@link HubClient}. */
  readonly followed: FollowedChannels;
  /** For {@link HubClient} and for transports. */
  readonly roster: Roster;
  private readonly rates = new RateTable();
  private readonly tally = new Tally();
  private readonly ownsBroker: boolean;
  private readonly servers = new Map<string, HubServer>();
  private readonly countPublished = (receipt: Receipt): Receipt => {
    this.tally.published++;
    return receipt;
  };
  private closing: Promise<void> | undefined;

  /**
   * @throws {HubUsageError} `PB_HUB_OPTION`
   * @throws HandshakeUsageError `PB_ORIGIN_INVALID`; UsageError `PB_OPTION_INVALID` for proxies to trust; WireError `PB_CHANNEL_NAME` for a pattern that cannot be read
   */
  constructor(options: HubOptions = {}) {
    const { broker, sessionKey = randomBytes(32) } = options;
    if (Buffer.byteLength(sessionKey) < 16)
      throw new HubUsageError('PB_HUB_OPTION', 'sessionKey is shorter than 16 bytes: pass random ones');
    this.options = options;
    this.limits = resolveLimits(options.limits ?? {});
    this.namespaces = new Namespaces(options.namespaces ?? []);
    this.hooks = guardHooks(options.hooks ?? {}, (error) => this.onFailed(error));
    this.crossOrigin = new CrossOriginRules(options);
    this.proxies = options.trustedProxies === undefined ? undefined : new TrustedProxies(options.trustedProxies);
    this.ownsBroker = broker === undefined;
    this.broker = broker ?? new MemoryBroker();
    this.sessions = new SessionTokens(sessionKey, this.limits.sessionLifetime);
    const node = randomBytes(9).toString('base64url');
    this.presence = new Presence(this.broker, this.limits.presenceLifetime, node, (error) => this.onFailed(error));
    this.followed = new FollowedChannels(this, this.tally);
    this.roster = new Roster(this, this.tally);
  }

  /** Everybody who is connected. What the server itself follows is not among them. */
  get clients(): ReadonlySet<HubClient> {
    return this.roster.connected;
  }

  /** Those of them for whom more is queued than should be. */
  get congested(): ReadonlySet<HubClient> {
    return this.roster.congested;
  }

  /** Whether {@link drain} or {@link close} was called. */
  get isDraining(): boolean {
    return this.roster.isDraining;
  }

  /**
   * Serves the channels on an HTTP server, beside whatever else it serves: requests for them never reach its `request`
   * listeners, whether those came before or come later.
   * @param server of `node:http` or `node:https`; that of Express or Fastify is one
   * @throws {HubUsageError} `PB_HUB_OPTION` for a base that is no path
   * @throws HandshakeUsageError `PB_PATH_TEMPLATE_CONFLICT` where a WebSocket server has the path
   */
  attach(server: HostServer, { base = '/', requests = true }: AttachOptions = {}): this {
    this.serverAt(base).attach(server, requests);
    return this;
  }

  /** Serves nothing more on a server. Who is connected stays. */
  detach(server: HostServer): void {
    for (const own of this.servers.values()) own.detach(server);
  }

  /**
   * Answers one request, for servers that the hub is not attached to. WebSocket handshakes do not come this way.
   * @returns false, having done nothing, where the path is none of a channel
   */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    { base = '/' }: Pick<AttachOptions, 'base'> = {},
  ): boolean {
    return this.serverAt(base).handle(request, response);
  }

  /** The messages of all WebSockets of the hub since it began, and their payload bytes. */
  traffic(): Traffic {
    return sumOf([...this.servers.values()].map((server) => server.traffic()));
  }

  private serverAt(base: string): HubServer {
    const path = readBase(base);
    let server = this.servers.get(path);
    if (server === undefined) this.servers.set(path, (server = new HubServer(this, path)));
    return server;
  }

  /** The channels that somebody follows here. */
  get activeChannels(): IterableIterator<ChannelState> {
    return this.followed.values();
  }

  /**
   * Publishes. Where it resolves, the publication is kept as safely as the broker promises.
   * @throws {WireError} where the publisher may not, or the payload is too large, or too many come
   */
  async publish(
    channel: string,
    publication: NewPublication,
    options: PublishCallOptions = {},
  ): Promise<PublishResult> {
    if (options.reach === true) return this.publishAsking(channel, publication, options);
    const submitted = this.submit(channel, publication, options);
    const receipt = submitted instanceof Promise ? await submitted : submitted;
    return { position: formatPosition(receipt), duplicate: receipt.duplicate };
  }

  /**
   * Publishes for those who need no more than a receipt: at once, without a promise, where the broker does it at once.
   * @throws as {@link publish}; where there is a promise, it may reject with the same
   */
  submit(
    channel: string,
    publication: NewPublication,
    { by, idempotencyKey }: PublishCallOptions = {},
  ): Awaitable<Receipt> {
    this.requireOpen();
    const rules = this.rulesOf(channel);
    if (by !== undefined) this.authorize('publish', channel, by.principal, rules);
    checkPayloadSize(publication, rules.maxMessageSize, channel);
    if (!this.rates.take(channel, rules.rate, Math.max(1, rules.rate))) {
      throw new WireError(
        'PB_RATE',
        `more than ${rules.rate} publications a second in ${channel}: wait, and publish it again`,
      );
    }
    const publishing = this.broker.publish(channel, publication, {
      retention: rules.retention,
      idempotencyKey: idempotencyKey === undefined ? undefined : ownKey(idempotencyKey, by),
      idempotencyMs: this.limits.idempotencyLifetime,
    });
    if (publishing instanceof Promise) return publishing.then(this.countPublished);
    return this.countPublished(publishing);
  }

  /** Publishes, and finds out how many it reached. */
  private async publishAsking(
    channel: string,
    publication: NewPublication,
    options: PublishCallOptions,
  ): Promise<PublishResult> {
    const state = this.followed.get(channel);
    state?.askReach();
    let receipt: Receipt | undefined;
    let reach = NOBODY;
    try {
      receipt = await this.submit(channel, publication, options);
    } finally {
      if (state !== undefined) reach = state.takeReach(receipt?.offset);
    }
    return { position: formatPosition(receipt), duplicate: receipt.duplicate, reach };
  }

  /**
   * A page of what is kept of a channel.
   * @param by who asks; without it, the server itself, which may
   * @throws {WireError} where they may not
   */
  async history(channel: string, { since, limit }: HistoryCallOptions = {}, by?: Session): Promise<HistoryPage> {
    this.requireOpen();
    const { maxHistoryLimit } = this.limits;
    if (by !== undefined) this.authorize('history', channel, by.principal);
    const query = since === undefined ? {} : { since: toQuery(since) };
    return this.broker.history(channel, { ...query, limit: Math.min(limit ?? maxHistoryLimit, maxHistoryLimit) });
  }

  /**
   * Who is present in a channel.
   * @param by who asks; without it, the server itself, which may
   * @throws {WireError} `PB_NO_PRESENCE` where nobody keeps count, or where they may not know
   */
  async members(channel: string, by?: Session): Promise<Member[]> {
    this.requireOpen();
    const rules = this.rulesOf(channel);
    if (by !== undefined) this.authorize('subscribe', channel, by.principal, rules);
    if (!rules.presence) {
      throw new WireError(
        'PB_NO_PRESENCE',
        `nobody keeps count of who is present in ${channel}: presence is off there`,
      );
    }
    return this.presence.members(channel);
  }

  /** A channel as the server itself uses it: typed, and without asking who may. @throws {WireError} `PB_CHANNEL_NAME` */
  channel<T = unknown>(name: string): HubChannel<T> {
    return new HubChannel<T>(this, parseChannelName(name));
  }

  /**
   * A client has connected.
   * @throws {WireError} `PB_HUB_FULL`, `PB_HUB_DRAINING`, what the hook `enter` throws
   */
  connect(session: Session, outlet: Outlet, origin: ClientOrigin): HubClient {
    this.roster.requireRoom();
    this.hooks.enter?.(origin, session.principal);
    const client = new HubClient(this, session, outlet, origin);
    this.roster.add(client);
    return client;
  }

  /** For {@link HubChannel}: the server itself follows something. */
  connectLocal(outlet: Outlet): HubClient {
    this.requireOpen();
    const client = new HubClient(this, newSession(SERVER_PRINCIPAL), outlet, SERVER_ORIGIN);
    this.roster.locals.add(client);
    return client;
  }

  /**
   * Looks at what goes to a client and comes from it, also when it returns with its session by another connection. One tap
   * for each client: a second one takes the place of the first.
   * @returns ends it
   */
  tap(id: string, tap: ClientTap): () => void {
    return this.roster.tap(id, tap);
  }

  /** Something failed whose cause no client is told. */
  onFailed(error: unknown): void {
    if (this.hooks.failed !== undefined) this.hooks.failed(error);
    else warn(error);
  }

  /** A request or a command was refused: for the counts, and for the log. */
  onRefused(error: WireError, origin: ClientOrigin): void {
    this.tally.refuse(error.code);
    this.hooks.refused?.(error, origin);
  }

  /** What a client is told of an error: what is no fault of its own is kept from it, and told to the `failed` hook. */
  toWireError(error: unknown): WireError {
    if (error instanceof WireError) return error;
    this.onFailed(error);
    return new WireError(error instanceof HubUsageError ? 'PB_HUB_FAILED' : 'PB_BROKER_FAILED');
  }

  /** @throws {WireError} where the rules, or the application, do not allow it */
  authorize(
    action: Action,
    channel: string,
    principal: Principal | undefined,
    rules: ChannelRules = this.rulesOf(channel),
  ): void {
    requireAllowed(principal, action, channel, rules);
    if (this.hooks.authorize === undefined) return;
    try {
      this.hooks.authorize(action, channel, principal);
    } catch (error) {
      if (error instanceof WireError) throw error;
      this.onFailed(error);
      throw new WireError('PB_HUB_FAILED');
    }
  }

  /**
   * As {@link authorize}, for somebody who wants to follow a channel.
   * @param since where to begin: then the history must be open to them, too
   */
  authorizeSubscribe(channel: string, principal: Principal | undefined, since: Since | undefined): void {
    const rules = this.rulesOf(channel);
    this.authorize('subscribe', channel, principal, rules);
    if (since !== undefined) this.authorize('history', channel, principal, rules);
  }

  counts(): HubCounts {
    const { byTransport, refused, closed, ...numbers } = this.tally;
    return {
      ...numbers,
      open: this.roster.connected.size,
      byTransport: { ...byTransport, local: this.roster.locals.size },
      channels: this.followed.size,
      congested: this.roster.congested.size,
      refusedByCode: { ...refused },
      closedByReason: { ...closed },
    };
  }

  /**
   * Sends everybody away, with 1012 or `bye` and a hint when to come back, spread over `overMs` so that they do not all
   * come back at once; new clients are refused. Then what the server itself follows is ended.
   * @param overMs milliseconds; 0: all at once
   * @returns once everybody is gone, at the latest 6 seconds after the last one was told to go
   */
  drain(overMs: number): Promise<void> {
    return this.roster.drain(overMs);
  }

  /** Ends everything: clients are sent away at once, and a broker of its own is closed. Afterwards nothing can be asked. */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    await this.drain(0);
    await Promise.all([...this.servers.values()].map((server) => server.close()));
    await this.presence.close();
    this.followed.close();
    this.roster.stop();
    if (this.ownsBroker) await this.broker.close();
  }

  private requireOpen(): void {
    if (this.closing !== undefined)
      throw new HubUsageError('PB_HUB_CLOSED', 'the hub was closed: nothing more can be asked of it, make a new one');
  }

  /** The rules of a channel. Those of one that somebody follows are known already. */
  rulesOf(channel: string): ChannelRules {
    return this.followed.rulesOf(channel);
  }
}

/**
 * An idempotency key as the broker has it: of whoever publishes, so that nobody can take the place of what another one is
 * about to publish. No key has a space in it.
 */
function ownKey(key: string, by: Session | undefined): string {
  return by === undefined ? key : `${key} ${by.principal?.id ?? ''}`;
}
