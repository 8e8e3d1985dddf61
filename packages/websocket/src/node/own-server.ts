import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import { acceptProxied } from './accept-proxied.ts';
import type { HostServer } from './connect-dispatcher.ts';
import { LINGER_MS } from './opening.ts';
import type { TrustedProxies } from './trusted-proxies.ts';
import { type Http2Side, withHttp2 } from './with-http2.ts';

/** Deadlines for whoever sends its header slowly (10 s for headers, 30 s for a request). */
const DEADLINES = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** The HTTP server of a WebSocketServer that listens by itself. */
export class OwnServer {
  private readonly server: Server;
  private readonly http2: Http2Side | undefined;
  /** Cuts off those from whom the PROXY protocol has not come yet. */
  private readonly cutWaiting: (() => void) | undefined;

  constructor(
    tls: TlsOptions | undefined,
    hasHttp2: boolean,
    proxies: TrustedProxies | undefined,
    handle: RequestListener,
  ) {
    // An application that chooses by a callback of its own may give no list beside it.
    const protocols =
      tls?.ALPNCallback === undefined ? { ALPNProtocols: hasHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'] } : {};
    this.server =
      tls === undefined
        ? createServer(DEADLINES)
        : createTlsServer({ ...DEADLINES, handshakeTimeout: 10_000, ...protocols, ...tls });
    this.server.on('request', handle);
    if (hasHttp2) {
      this.http2 = withHttp2(this.server, { readsHandshakes: true });
      this.http2.server.on('request', handle as never);
    }
    // Last, for it comes first: TLS and HTTP begin behind the header of the proxy.
    if (proxies?.usesProxyProtocol === true) this.cutWaiting = acceptProxied(this.server, proxies);
  }

  /** What WebSockets come by. */
  get servers(): readonly HostServer[] {
    return this.http2 === undefined ? [this.server] : [this.server, this.http2.server];
  }

  get address(): AddressInfo | string {
    return this.server.address()!;
  }

  async listen(where: ListenOptions): Promise<void> {
    this.server.listen(where);
    await once(this.server, 'listening');
  }

  /** Listens no more, and lets what is open go on. @returns when the last network connection has ended */
  async close(): Promise<void> {
    const closed = this.server.listening ? once(this.server, 'close') : undefined;
    this.server.close();
    this.server.closeIdleConnections();
    await closed;
  }

  /** Ends what the connections leave behind: whoever is still sending the head of a request has had its time. */
  closeAllConnections(): void {
    const { server, http2, cutWaiting } = this;
    cutWaiting?.();
    server.closeAllConnections();
    if (http2 === undefined) return;
    http2.close();
    const timer = setTimeout(() => http2.destroy(), LINGER_MS);
    server.once('close', () => clearTimeout(timer));
  }
}
