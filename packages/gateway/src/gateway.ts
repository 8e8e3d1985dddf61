import type { Server } from 'node:http';
import { Refusal, WebSocketServer } from '@pulsebeacon/websocket';
import { drain, type DrainReport } from './drain.ts';
import { Failure } from './failure.ts';
import { HostPolicy } from './http/host-policy.ts';
import { createHttpServer } from './http/http-server.ts';
import { Pages } from './http/pages.ts';
import { Router } from './http/router.ts';
import { StaticSite } from './http/static-site.ts';
import { type Listener, startListening } from './listen/listener.ts';
import type { ListenTarget } from './listen/target.ts';
import type { Log } from './log/log.ts';
import type { GatewaySettings } from './settings.ts';
import { Admission } from './sockets/admission.ts';
import { type LiveCounts, readCounts } from './sockets/counts.ts';
import { createEcho, type EchoServer } from './sockets/echo.ts';
import { Live } from './sockets/live.ts';
import { logged } from './sockets/socket-log.ts';
import { Traces } from './sockets/traces.ts';

/** The program as a whole: pages and WebSockets, on every address that it listens on. */
export class Gateway {
  readonly settings: GatewaySettings;
  private readonly log: Log;
  private readonly admission: Admission;
  private readonly echo: EchoServer;
  private readonly live: Live;
  private readonly elsewhere: WebSocketServer;
  private readonly router: Router;
  private listening: readonly Listener[] = [];

  private constructor(settings: GatewaySettings, log: Log, pages: Pages) {
    const { limits, publicUrls, allowedOrigins, compression, siteRoot } = settings;
    this.settings = settings;
    this.log = log;
    const hosts = new HostPolicy(publicUrls, settings.targets.flatMap(hostOf));
    const origins = { publicUrl: publicUrls, allowedOrigins: allowedOrigins.includes('*') ? '*' : allowedOrigins };
    this.admission = new Admission(limits, hosts);
    const traces = new Traces();
    this.echo = createEcho({ limits, origins, compression, admission: this.admission, traces, log });
    this.live = new Live({ origins, admission: this.admission, log, readCounts: () => this.counts() });
    // Handshakes for any other path: refused all the same, but with a line in the log.
    this.elsewhere = new WebSocketServer({ ...logged(log), ...origins, authorize: refuseElsewhere });
    this.router = new Router({
      hosts,
      pages,
      site: siteRoot === undefined ? undefined : new StaticSite(siteRoot),
      echo: this.echo,
      maxBodySize: limits.maxMessageSize,
      traces,
      log,
      readCounts: () => this.counts(),
      isDraining: () => this.admission.draining,
    });
  }

  /**
   * Listens everywhere it is asked to, or nowhere.
   * @throws {Failure} a sentence that names the remedy
   * @throws {HandshakeUsageError} a public URL or an origin that cannot be read
   */
  static async start(settings: GatewaySettings, log: Log): Promise<Gateway> {
    const gateway = new Gateway(settings, log, await Pages.load());
    await gateway.listen();
    return gateway;
  }

  /** Where it listens. */
  get listeners(): readonly Listener[] {
    return this.listening;
  }

  /** How many connections and messages, now and since the start. */
  counts(): LiveCounts {
    return readCounts(this.echo, this.live.server, this.admission);
  }

  /** Ends it: see {@link drain}. */
  async drain(): Promise<DrainReport> {
    this.admission.draining = true;
    const servers = this.listening.map(({ server }) => server);
    return drain(servers, [this.echo, this.live.server], this.settings.limits.drainTimeout);
  }

  private async listen(): Promise<void> {
    const listening: Listener[] = [];
    try {
      for (const target of this.settings.targets) {
        const tls = this.usesTls(target);
        listening.push(await startListening(this.createServer(tls), target, tls));
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

  private createServer(tls: boolean): Server {
    const { limits, certificate } = this.settings;
    const handle = this.router.handle.bind(this.router);
    const server = createHttpServer(handle, limits, tls ? certificate : undefined, this.log);
    this.echo.attach(server);
    this.live.server.attach(server);
    this.elsewhere.attach(server);
    return server;
  }

  private usesTls({ scheme, where }: ListenTarget): boolean {
    const hasCertificate = this.settings.certificate !== undefined;
    if (scheme === 'https' && !hasCertificate) {
      throw new Failure('an https:// listener needs --tls-cert and --tls-key, or --tls-dev', 2);
    }
    return scheme === undefined ? hasCertificate && where.kind === 'tcp' : scheme === 'https';
  }
}

function hostOf({ where }: ListenTarget): string[] {
  return where.kind === 'tcp' ? [where.host] : [];
}

function refuseElsewhere(): Refusal {
  return Refusal.of('PB_HANDSHAKE_NO_SUCH_PATH', { detail: 'there is no WebSocket at this path; /echo and /live are' });
}
