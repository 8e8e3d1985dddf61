import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  type DeflateOptions,
  type Http2Side,
  type HttpVersion,
  Refusal,
  type ServerOptions,
  WebSocketServer,
  withHttp2,
} from '@pulsebeacon/websocket';
import type { Scope } from './cleanup.ts';

/** How a connection of the site ended, as its `close` handler was told. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** What each path of the site compresses. Thresholds are 0, so that short messages are compressed too. */
const COMPRESSION: Readonly<Record<string, DeflateOptions | false>> = {
  '/echo': false,
  '/deflate': { threshold: 0 },
  '/takeover': { threshold: 0, takeover: true },
  '/small-windows': { threshold: 0, takeover: true, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
};

/**
 * The site that other implementations talk to: WebSockets of several kinds and ordinary requests on one port.
 *
 * `/echo`, `/deflate`, `/takeover` and `/small-windows` echo; `/fragments` echoes in frames of 100 bytes;
 * `/commands` does what a message says; `/private`, `/forbidden` and `/full` refuse. `POST /body` answers with the
 * body that it was sent, and `/internal` counts who comes.
 */
export class Site {
  readonly http: Server;
  readonly port: number;
  /** How many requests came to /internal, which a proxy in front is to keep closed. */
  internalHits = 0;
  private readonly servers: readonly WebSocketServer[];
  private readonly endings = new Map<string, Ending[]>();
  private readonly waiting = new Map<string, ((ending: Ending) => void)[]>();

  private readonly http2: Http2Side | undefined;
  private emptied: (() => void)[] = [];

  private constructor(http: Server, http2: Http2Side | undefined, options: ServerOptions) {
    this.http = http;
    this.http2 = http2;
    this.port = (http.address() as AddressInfo).port;
    this.servers = this.makeServers(options);
    const handle: RequestListener = async (request, response) => {
      if (this.servers.some((server) => server.handleRequest(request, response))) return;
      if (request.url === '/internal') this.internalHits++;
      const body = await text(request);
      const answer = { method: request.method, path: request.url, httpVersion: request.httpVersion, body };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(answer));
    };
    for (const host of [http, ...(http2 === undefined ? [] : [http2.server])]) {
      for (const server of this.servers) server.attach(host);
      host.on('request', handle as never);
    }
  }

  /**
   * @param options for every WebSocket server of the site, such as short times
   * @param how `http2`: HTTP/2 as well, with prior knowledge
   */
  static async start(scope: Scope, options: ServerOptions = {}, how: { readonly http2?: boolean } = {}): Promise<Site> {
    const http = createServer();
    const http2 = how.http2 === true ? withHttp2(http) : undefined;
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const site = new Site(http, http2, options);
    scope.after(() => site.close());
    return site;
  }

  /** The address of a path: the site's own, or through whatever listens on another port. */
  socket(path: string, port: number = this.port): string {
    return `ws://127.0.0.1:${port}${path}`;
  }

  /** How the next connection of a path ended. Endings wait until they are asked for. */
  ended(path: string): Promise<Ending> {
    const ending = this.endings.get(path)?.shift();
    if (ending !== undefined) return Promise.resolve(ending);
    return new Promise((resolve) => this.waiting.set(path, [...(this.waiting.get(path) ?? []), resolve]));
  }

  /** Resolves when no connection is open, of any path. */
  async empty(): Promise<void> {
    while (this.open > 0) await new Promise<void>((resolve) => this.emptied.push(resolve));
  }

  /** WebSockets that were opened so far, of every path, by the version of HTTP. */
  get accepted(): Readonly<Record<HttpVersion, number>> {
    const counts = this.servers.map((server) => server.counts().byHttpVersion);
    const sum = (version: HttpVersion): number => counts.reduce((all, each) => all + each[version].accepted, 0);
    return { '1.1': sum('1.1'), '2': sum('2') };
  }

  private get open(): number {
    return this.servers.reduce((sum, server) => sum + server.counts().open, 0);
  }

  private async close(): Promise<void> {
    this.http.close();
    for (const server of this.servers) for (const connection of server.connections) connection.terminate();
    await Promise.all(this.servers.map((server) => server.close()));
    this.http.closeAllConnections();
    this.http2?.destroy();
  }

  private makeServers(options: ServerOptions): readonly WebSocketServer[] {
    const base: ServerOptions = {
      ...options,
      close: (connection, code, reason, wasClean) => {
        for (const resolve of this.emptied.splice(0)) resolve();
        const ending = { code, reason, wasClean };
        const next = this.waiting.get(connection.path)?.shift();
        if (next !== undefined) next(ending);
        else this.endings.set(connection.path, [...(this.endings.get(connection.path) ?? []), ending]);
      },
      // Peers that misbehave are the subject here.
      error() {},
    };
    const echoes = Object.entries(COMPRESSION).map(
      ([path, compression]) =>
        new WebSocketServer({
          ...base,
          path,
          compression,
          subprotocols: ['v2.echo', 'v1.echo'],
          message: (connection, data) => void connection.send(data),
        }),
    );
    return [
      ...echoes,
      new WebSocketServer({
        ...base,
        path: '/fragments',
        compression: { threshold: 0 },
        message: (connection, data) => void connection.send(data, undefined, { fragmentSize: 100 }),
      }),
      new WebSocketServer({
        ...base,
        path: '/commands',
        message: (connection, data) => obey(connection, String(data)),
        pong: (connection, data) => void connection.send(`pong ${Buffer.from(data).toString()}`),
      }),
      new WebSocketServer({
        ...base,
        path: '/private',
        authorize: () => new Refusal(401, { headers: { 'WWW-Authenticate': 'Bearer realm="site"' }, detail: 'who?' }),
      }),
      new WebSocketServer({ ...base, path: '/forbidden', authorize: () => Refusal.of('PB_HANDSHAKE_FORBIDDEN') }),
      new WebSocketServer({ ...base, path: '/full', maxConnections: 0, retryAfter: 7 }),
    ];
  }
}

type Commanded = Parameters<NonNullable<ServerOptions['message']>>[0];

/** `close 4001 bye`, `ping hello`, `send 100000` (so many bytes), `terminate`. */
function obey(connection: Commanded, command: string): void {
  const [verb, argument = '', ...rest] = command.split(' ');
  if (verb === 'close') connection.close(argument === '' ? undefined : Number(argument), rest.join(' '));
  else if (verb === 'ping') connection.ping(argument);
  else if (verb === 'send') connection.send(new Uint8Array(Number(argument)).fill(0x2a));
  else if (verb === 'terminate') connection.terminate();
  else connection.send(`unknown: ${command}`);
}
