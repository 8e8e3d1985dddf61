import type { Socket } from 'node:net';
import type { Aim } from './aim.ts';
import type { Authenticator } from './authentication/authenticator.ts';
import type { Exchange } from './exchange.ts';
import type { ClientSession } from './http2/client-session.ts';
import { Http2Exchange } from './http2/http2-exchange.ts';
import { sessionPool } from './http2/session-pool.ts';
import type { Seeker, SharedSessions } from './http2/shared-sessions.ts';
import { Link, type OnHttp2 } from './link.ts';
import { OpeningFailure } from './opening-failure.ts';
import type { OpeningLog } from './opening-log.ts';
import type { ClientSettings } from './options.ts';
import type { Proxy } from './proxy.ts';
import { Tunnel } from './tunnel.ts';

/** A request that the server has refused unseen is sent so often again (RFC 9113 §8.7). */
const MOST_REFUSALS = 3;

/**
 * The way to the server that an aim names: a network connection of its own, through a proxy where there is one; or a
 * session of HTTP/2 that there is, or that this one makes for all who come after it.
 */
export class Way implements Seeker {
  private readonly settings: ClientSettings;
  private readonly log: OpeningLog;
  private aim: Aim;
  /** Where it has got to; or will. */
  private arrival: PromiseWithResolvers<Exchange> = withResolvers();
  private exchange: Exchange | null = null;
  private link: Link | null = null;
  private sessions: SharedSessions | null = null;
  private proxyAuthenticator: Authenticator | undefined;
  private refusals = 0;
  /** What Node does not take of the options. */
  private fault: unknown;

  /** Begins to connect. @throws UsageError `PB_OPTION_INVALID` for what Node does not take of TLS and TCP */
  constructor(aim: Aim, settings: ClientSettings, log: OpeningLog) {
    this.aim = aim;
    this.settings = settings;
    this.log = log;
    this.begin();
  }

  /** Resolves with what requests can be sent on; rejects with an OpeningFailure, or what else came up on the way. */
  reach(): Promise<Exchange> {
    return this.arrival.promise;
  }

  /** The next request is for this aim: on the same way, where it leads there and is still open. */
  turn(aim: Aim, isSameOrigin: boolean): void {
    if (!isSameProxy(aim.proxy, this.aim.proxy)) this.proxyAuthenticator = undefined;
    this.aim = aim;
    if (!isSameOrigin || this.exchange?.isAlive !== true) this.again();
  }

  /** No answer came: the same request once more. @throws OpeningFailure where that was tried too often */
  retry(): void {
    const { exchange, sessions } = this;
    if (exchange instanceof Http2Exchange) {
      if (exchange.needsHttp1) this.onHttp1Required(sessions!);
      else if (++this.refusals > MOST_REFUSALS) throw new OpeningFailure('PB_HTTP2_REFUSED');
    }
    this.again();
  }

  private onHttp1Required(sessions: SharedSessions): void {
    const why = 'it asks for HTTP/1.1 (HTTP_1_1_REQUIRED, RFC 9113 §7)';
    sessions.refused(undefined, why);
    if (this.settings.httpVersion === '2') throw unavailable(why);
  }

  private again(): void {
    this.leave();
    this.arrival = withResolvers();
    this.begin();
  }

  /** Gives up what there is of it. */
  leave(): void {
    this.sessions?.forget(this);
    this.link?.destroy();
    this.exchange?.destroy();
    this.sessions = this.link = this.exchange = null;
  }

  /** What has come of a refusal has to do. @returns false where there is none */
  finishBody(): boolean {
    const { exchange, link } = this;
    if ((exchange ?? link)?.finishBody() === true) return true;
    if (exchange instanceof Http2Exchange) exchange.noteSilence();
    return false;
  }

  private begin(): void {
    // Whoever waits may do something else first.
    this.arrival.promise.catch(() => {});
    const { httpVersion } = this.settings;
    const { secure } = this.aim.target.uri;
    // Without TLS there is nothing that would say what the server speaks: only whoever knows it can ask for HTTP/2.
    if (httpVersion === '1.1' || (httpVersion === 'auto' && !secure)) return this.goAlone();
    const sessions = sessionPool.at(this.aim, this.settings);
    if (httpVersion === 'auto' && sessions.whyNotOffered !== undefined) return this.goAlone();
    this.sessions = sessions;
    sessions.seek(this);
    if (this.fault !== undefined) throw this.fault;
  }

  /** HTTP/1.1, on a connection of its own. */
  private goAlone(): void {
    this.dial(undefined);
    void this.follow(this.connected(undefined));
  }

  private async follow(connected: Promise<Link>): Promise<void> {
    const { arrival } = this;
    try {
      this.arrive(await connected);
    } catch (error) {
      arrival.reject(error);
    }
  }

  private arrive(exchange: Exchange): void {
    this.exchange = exchange;
    this.arrival.resolve(exchange);
  }

  // --- With others ---------------------------------------------------------------------------------------------------

  onSession(session: ClientSession): void {
    this.link = null;
    this.arrive(new Http2Exchange(session, this.settings.limits.headerLimits));
  }

  onFailed(failure: OpeningFailure): void {
    this.arrival.reject(failure);
  }

  onNotOffered(why: string): void {
    if (this.settings.httpVersion === '2') return this.arrival.reject(unavailable(why));
    this.sessions = null;
    try {
      this.goAlone();
    } catch (error) {
      this.arrival.reject(error);
    }
  }

  onLead(): void {
    const sessions = this.sessions!;
    const onHttp2 = (socket: Socket): void => sessions.dialled(this, socket, this.aim.origin);
    try {
      this.dial(onHttp2);
    } catch (error) {
      this.fault = error;
      sessions.forget(this);
      return this.arrival.reject(error);
    }
    void this.lead(sessions, onHttp2);
  }

  private async lead(sessions: SharedSessions, onHttp2: OnHttp2): Promise<void> {
    const { arrival } = this;
    try {
      const link = await this.connected(onHttp2);
      // What comes of the session is told by it.
      if (link.isTaken) return;
      const why = 'the server chose HTTP/1.1 by ALPN';
      sessions.refused(this, why);
      if (this.settings.httpVersion === '2') throw unavailable(why);
      this.arrive(link);
    } catch (error) {
      // What is wrong with the network is so for everybody; all else is this one's own.
      const isShared = error instanceof OpeningFailure && error.code.startsWith('PB_CONNECT_');
      if (isShared) sessions.failed(this, error);
      else sessions.forget(this);
      arrival.reject(error);
    }
  }

  // --- A connection of its own ---------------------------------------------------------------------------------------

  /** @throws UsageError as {@link dial} */
  private dial(onHttp2: OnHttp2): void {
    const { aim, settings } = this;
    const { proxy, target, tls } = aim;
    const { uri, socketPath } = target;
    const { socket, http } = settings;
    const limits = settings.limits.headerLimits;
    this.link =
      proxy === undefined
        ? Link.toServer({ ...uri, socketPath }, { socket, tls, limits }, onHttp2)
        : Link.toProxy(proxy, { socket, tls: http.proxyTls, limits }, uri.secure || onHttp2 !== undefined);
  }

  /** Resolves when the request can be written. */
  private async connected(onHttp2: OnHttp2): Promise<Link> {
    const { aim } = this;
    const { proxy, target, tls } = aim;
    if (proxy === undefined) return this.readyLink();
    const authenticator = (this.proxyAuthenticator ??= aim.proxyAuthenticator(proxy));
    const tunnel = new Tunnel(proxy, aim, authenticator, this.log, onHttp2 !== undefined && !target.uri.secure);
    while (!(await tunnel.open(await this.proxyLink(proxy.url)))) {
      this.link!.destroy();
      this.dial(onHttp2);
    }
    const link = this.link!;
    if (target.uri.secure) link.startTls(target.uri, tls, onHttp2);
    else if (onHttp2 !== undefined) link.startHttp2(onHttp2);
    return this.readyLink();
  }

  private async readyLink(): Promise<Link> {
    const link = this.link!;
    await link.ready;
    return link;
  }

  private async proxyLink(url: string): Promise<Link> {
    try {
      return await this.readyLink();
    } catch (failure) {
      const { code, cause } = failure as OpeningFailure;
      const said = cause instanceof Error ? cause.message : 'it ended the connection';
      throw new OpeningFailure(code, { detail: `${said}, of the proxy ${url}`, cause });
    }
  }
}

function isSameProxy(one: Proxy | undefined, other: Proxy | undefined): boolean {
  const [own, others] = [one?.userinfo, other?.userinfo];
  return one?.url === other?.url && own?.username === others?.username && own?.password === others?.password;
}

function unavailable(detail: string): OpeningFailure {
  return new OpeningFailure('PB_HTTP2_UNAVAILABLE', { detail });
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** As Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  const made = {} as { resolve: (value: T) => void; reject: (reason: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  return { promise, ...made };
}
