import type { Hub } from '@pulsebeacon/hub';
import { type HostServer, Refusal, TrustedProxies, WebSocketServer } from '@pulsebeacon/websocket';
import { GatewayAuthenticator } from './access/authenticator.ts';
import { endRevoked } from './access/revocations.ts';
import { tracePolicy } from './access/trace-policy.ts';
import { createHub } from './channels/live-channels.ts';
import { openStore, type Store } from './channels/store.ts';
import { Dashboard } from './dashboard/dashboard.ts';
import { DemoAddresses } from './demos/addresses.ts';
import { Visits } from './demos/visits.ts';
import { drain, type DrainReport } from './drain.ts';
import { Failure } from './failure.ts';
import { HostPolicy } from './http/host-policy.ts';
import { createHttpServer, type HttpServer } from './http/http-server.ts';
import { Operations } from './http/operations.ts';
import { type ClientScript, loadClientScripts } from './http/client-script.ts';
import { Pages } from './http/pages.ts';
import { Router } from './http/router.ts';
import type { StaticSite } from './http/static-site.ts';
import { type Listener, startListening } from './listen/listener.ts';
import type { ListenTarget } from './listen/target.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { Log } from './log/log.ts';
import { Metrics } from './metrics/metrics.ts';
import { metricsSource } from './metrics/source.ts';
import { Probes } from './probe/probes.ts';
import type { GatewaySettings } from './settings.ts';
import { Admission } from './sockets/admission.ts';
import type { CommonSocketOptions } from './sockets/common-options.ts';
import { type LiveCounts, readCounts } from './sockets/counts.ts';
import { createEcho, type EchoServer } from './sockets/echo.ts';
import { handshakeLog } from './sockets/handshake-log.ts';
import { Live } from './sockets/live.ts';
import { logged } from './sockets/socket-log.ts';
import { Traces } from './sockets/traces.ts';

/** What everybody may read: from memory, and of the site that is served beside it. */
interface PublicFiles {
  readonly pages: Pages;
  readonly clientScripts: ReadonlyMap<string, ClientScript>;
  readonly site: StaticSite | undefined;
}

/** The program as a whole: pages, channels and WebSockets, on every address that it listens on. */
export class Gateway {
  readonly settings: GatewaySettings;
  readonly store: Store;
  readonly hub: Hub;
  private readonly log: Log;
  private readonly admission: Admission;
  private readonly echo: EchoServer;
  private readonly live: Live;
  private readonly demos: DemoAddresses;
  private readonly dashboard: Dashboard;
  private readonly visits: Visits;
  private readonly probes: Probes;
  private readonly elsewhere: WebSocketServer;
  private readonly router: Router;
  private readonly proxies: TrustedProxies | undefined;
  private readonly stopLooking: () => void;
  private listening: readonly Listener[] = [];

  private constructor(settings: GatewaySettings, keys: KeyRing, store: Store, log: Log, files: PublicFiles) {
    const { limits, publicUrls, compression, trustedProxies } = settings;
    this.settings = settings;
    this.store = store;
    this.log = log;
    const hosts = new HostPolicy(publicUrls, settings.targets.flatMap(hostOf));
    const proxies = trustedProxies === undefined ? undefined : new TrustedProxies(trustedProxies);
    this.proxies = proxies;
    this.admission = new Admission(limits, hosts, proxies);
    const { admission } = this;
    const traces = new Traces();
    const authenticator = new GatewayAuthenticator(keys, settings.anonymous, limits.authFailureRate);
    const common = commonOptions(settings, tracePolicy(authenticator, proxies), log);
    this.echo = createEcho({ limits, common, compression, admission, traces, log });
    this.live = new Live({ common, admission, log, readCounts: () => this.counts() });
    this.demos = new DemoAddresses({ common, admission, log });
    this.probes = new Probes({ common, proxies, admission, log, onLimited: (code) => metrics.limited(code) });
    this.hub = createHub({
      settings,
      common,
      store,
      authenticator,
      admission,
      traces,
      log,
      onDelivered: (seconds) => metrics.delivered(seconds),
      onLimited: (code) => metrics.limited(code),
    });
    this.visits = new Visits({
      hub: this.hub,
      authenticator,
      publicUrls,
      proxies,
      onFailed: (error) => log.error('a demonstration failed', { err: error }),
    });
    this.stopLooking = endRevoked(this.hub, authenticator);
    const source = metricsSource(this.hub, this.socketServers, admission);
    const metrics = new Metrics(source);
    this.dashboard = new Dashboard({
      hub: this.hub,
      sockets: this.socketServers,
      admission,
      authenticator,
      common,
      proxies,
      source,
      metrics,
      store: store.description,
      heartbeat: settings.heartbeat,
      pollTimeout: settings.pollTimeout,
      log,
    });
    // Handshakes for any other path: refused all the same, but with a line in the log.
    this.elsewhere = new WebSocketServer({ ...logged(log), ...common, authorize: refuseElsewhere });
    this.router = new Router({
      hosts,
      proxies,
      ...files,
      echo: this.echo,
      hub: this.hub,
      dashboard: this.dashboard,
      demos: this.demos,
      visits: this.visits,
      probes: this.probes,
      operations: new Operations({
        authenticator,
        metrics,
        proxies,
        isDraining: () => admission.draining,
        onFailed: (error) => log.error('the figures could not be read', { err: error }),
      }),
      maxBodySize: limits.maxMessageSize,
      traces,
      log,
      readCounts: () => this.counts(),
      isDraining: () => admission.draining,
    });
  }

  /**
   * Listens everywhere it is asked to, or nowhere.
   * @throws {Failure} a sentence that names the remedy
   * @throws {HandshakeUsageError} a public URL or an origin that cannot be read
   */
  static async start(settings: GatewaySettings, keys: KeyRing, log: Log): Promise<Gateway> {
    const files = {
      pages: await Pages.load(),
      clientScripts: await loadClientScripts(),
      site: settings.siteRoot === undefined ? undefined : await openSite(settings.siteRoot),
    };
    const store = await openStore(settings.store);
    try {
      const gateway = new Gateway(settings, keys, store, log, files);
      await gateway.listen();
      return gateway;
    } catch (error) {
      await store.broker.close();
      throw error;
    }
  }

  /** Where it listens. */
  get listeners(): readonly Listener[] {
    return this.listening;
  }

  /** How many connections and messages, now and since the start. */
  counts(): LiveCounts {
    return readCounts(this.echo, this.hub, this.live.server, this.admission);
  }

  /** Ends it: see {@link drain}. What was published is kept when it resolves. */
  async drain(): Promise<DrainReport> {
    this.admission.draining = true;
    this.stopLooking();
    this.visits.close();
    const dashboard = this.dashboard.close();
    this.probes.close();
    const report = await drain(this.listening, this.socketServers, this.hub, this.settings.limits.drainTimeout);
    await dashboard;
    await this.hub.close();
    await this.store.broker.close();
    return report;
  }

  /** The WebSockets beside those of the hub. */
  private get socketServers(): readonly WebSocketServer<never, never>[] {
    return [
      this.echo,
      this.live.server,
      this.demos.sockets,
      this.probes.sockets,
    ] as unknown as readonly WebSocketServer<never, never>[];
  }

  private async listen(): Promise<void> {
    const listening: Listener[] = [];
    try {
      for (const target of this.settings.targets) {
        const tls = this.usesTls(target);
        listening.push(await startListening(this.createServer(target, tls), target, tls));
      }
    } catch (error) {
      for (const { server } of listening) server.close();
      throw error;
    }
    this.listening = listening;
    for (const { server } of listening) {
      server.on('error', (error) => this.log.error('a listener failed', { err: error }));
    }
  }

  private createServer({ where }: ListenTarget, tls: boolean): HttpServer {
    const { limits, certificate, http2 } = this.settings;
    const { proxies } = this;
    // A Unix socket that no proxy uses is for programs of this machine, which do not speak the PROXY protocol.
    const isProxied = proxies?.usesProxyProtocol === true && (where.kind === 'tcp' || proxies.isTrusted(undefined));
    const created = createHttpServer({
      handle: this.router.handle.bind(this.router),
      limits,
      certificate: tls ? certificate : undefined,
      hasHttp2: http2,
      proxied: isProxied ? proxies : undefined,
      log: this.log,
    });
    this.attach(created.server);
    if (created.http2 !== undefined) this.attach(created.http2.server);
    return created;
  }

  private attach(server: HostServer): void {
    this.echo.attach(server);
    this.live.server.attach(server);
    this.demos.sockets.attach(server);
    this.visits.attach(server);
    this.probes.sockets.attach(server);
    // Requests come by the router, which judges their Host first.
    this.hub.attach(server, { requests: false });
    this.dashboard.attach(server);
    this.elsewhere.attach(server);
  }

  private usesTls({ scheme, where }: ListenTarget): boolean {
    const hasCertificate = this.settings.certificate !== undefined;
    if (scheme === 'https' && !hasCertificate) {
      throw new Failure('an https:// listener needs --tls-cert and --tls-key, or --tls-dev', 2);
    }
    return scheme === undefined ? hasCertificate && where.kind === 'tcp' : scheme === 'https';
  }
}

function commonOptions(
  { publicUrls, allowedOrigins, trustedProxies, logHandshakes }: GatewaySettings,
  trace: NonNullable<CommonSocketOptions['trace']>,
  log: Log,
): CommonSocketOptions {
  return {
    publicUrl: publicUrls,
    allowedOrigins: allowedOrigins.includes('*') ? '*' : allowedOrigins,
    ...(trustedProxies === undefined ? {} : { trustedProxies }),
    trace,
    ...(logHandshakes ? { handshake: handshakeLog(log) } : {}),
  };
}

function hostOf({ where }: ListenTarget): string[] {
  return where.kind === 'tcp' ? [where.host] : [];
}

/** Loaded where there is a site: everybody else need not wait for it. */
async function openSite(root: string): Promise<StaticSite> {
  const { StaticSite: Site } = await import('./http/static-site.ts');
  return new Site(root);
}

function refuseElsewhere(): Refusal {
  return Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH', {
    detail: 'there is no WebSocket at this path; /channels/{name}, /connect, /echo and /live are',
  });
}
