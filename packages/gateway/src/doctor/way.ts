import http, { IncomingMessage } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { answerChallenges, type ClientTlsOptions, parseChallenges } from '@pulsebeacon/websocket';
import type { DoctorSettings } from './settings.ts';

/** Where on the way something failed. */
export type Stage = 'tcp' | 'proxy-tls' | 'proxy' | 'tls' | 'answer';

export class WayError extends Error {
  override readonly name = 'WayError';
  readonly stage: Stage;
  /** What the proxy answered in place of the server. */
  readonly refusal: ProxyRefusal | undefined;

  constructor(stage: Stage, cause: Error, refusal?: ProxyRefusal) {
    super(cause.message || String((cause as NodeJS.ErrnoException).code), { cause });
    this.stage = stage;
    this.refusal = refusal;
  }
}

/** Why a forward proxy lets nothing through. */
export interface ProxyRefusal {
  readonly status: number;
  /** The schemes by which it would have a login (407), in lower case. */
  readonly schemes: readonly string[];
  /** It was shown a name and a password. */
  readonly hadLogin: boolean;
}

/** An answer whose body is yet to be read. */
export interface Answered {
  readonly answer: IncomingMessage;
  /** Milliseconds from the request to the header of the answer. */
  readonly time: number;
}

/** A connection that an ordinary request can be sent on. */
type Dialled = Socket | TLSSocket;

/** What a proxy is shown. */
type Login = { readonly 'Proxy-Authorization'?: string };

type OnDialled = (error: Error | null, socket?: Dialled) => void;

/** The way to the server, by which requests go as those of a browser: to it, or to the proxy in front of it. */
export class Way {
  private readonly settings: DoctorSettings;
  private readonly agent: http.Agent;

  constructor(settings: DoctorSettings) {
    this.settings = settings;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const agent = this.agent as unknown as { createConnection: unknown };
    agent.createConnection = (_options: unknown, done: OnDialled): void => void this.dialFor(done);
  }

  get isSecure(): boolean {
    return this.settings.url.protocol === 'wss:';
  }

  /** Whom TCP connects to. */
  get firstHost(): { readonly host: string; readonly port: number } {
    const { proxy, url } = this.settings;
    return proxy ?? { host: url.hostname, port: portOf(url) };
  }

  /** TCP, to the proxy where there is one. @throws WayError */
  async dialTcp(): Promise<Socket> {
    const { host, port } = this.firstHost;
    return await this.ready('tcp', 'connect', connectTcp({ host: bare(host), port, noDelay: true }));
  }

  /**
   * What is below TLS to the server: TCP, or the tunnel of a proxy.
   * @param isTunnel whether the proxy is asked for a tunnel
   * @param login that it asked for
   * @throws WayError
   */
  async dialBelow(isTunnel: boolean, login?: Login): Promise<Dialled> {
    const { proxy, proxyTls } = this.settings;
    const tcp = await this.dialTcp();
    if (proxy === undefined) return tcp;
    const hop = proxy.secure ? await this.secure('proxy-tls', tcp, proxy.host, proxyTls) : tcp;
    if (!isTunnel) return hop;
    const opened = await this.tunnel(hop, login ?? proxyAuthorization(this.settings));
    if (!(opened instanceof IncomingMessage)) return opened;
    const other = login === undefined ? this.loginFor(opened, 'CONNECT', this.authority) : undefined;
    if (other === undefined) throw this.refusedBy(opened);
    return await this.dialBelow(true, other);
  }

  /** TLS to the server. @param overrides of the TLS options @throws WayError */
  async dialSecure(overrides: ClientTlsOptions & { readonly ALPNProtocols?: string[] } = {}): Promise<TLSSocket> {
    const { tls, url } = this.settings;
    return await this.secure('tls', await this.dialBelow(true), url.hostname, { ...tls, ...overrides });
  }

  /**
   * An ordinary GET.
   * @param timeout milliseconds until the header of the answer is there
   * @param isKept on the connection that is kept for short requests; otherwise on one of its own
   * @throws WayError
   */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    timeout: number,
    isKept: boolean,
  ): Promise<Answered> {
    const { url, proxy, headers: own } = this.settings;
    const fields = { ...Object.fromEntries(own), Host: url.host, ...headers };
    // A proxy is told the whole URL (RFC 9112 §3.2.2); over TLS it is not asked, but for a tunnel.
    if (proxy === undefined || this.isSecure) return await this.ask(path, fields, timeout, isKept);
    const target = `http://${url.host}${path}`;
    const first = await this.ask(target, { ...fields, ...proxyAuthorization(this.settings) }, timeout, isKept);
    if (first.answer.statusCode !== 407) return first;
    first.answer.resume();
    const login = this.loginFor(first.answer, 'GET', target);
    if (login === undefined) throw this.refusedBy(first.answer);
    const second = await this.ask(target, { ...fields, ...login }, timeout, isKept);
    if (second.answer.statusCode !== 407) return second;
    second.answer.resume();
    throw this.refusedBy(second.answer);
  }

  private async ask(
    path: string,
    headers: Readonly<Record<string, string>>,
    timeout: number,
    isKept: boolean,
  ): Promise<Answered> {
    const begin = performance.now();
    const options: http.RequestOptions = { method: 'GET', path, headers };
    const request = http.request(
      isKept ? { ...options, agent: this.agent } : { ...options, createConnection: await this.connectionMaker() },
    );
    return await this.answerOf(request, begin, timeout);
  }

  close(): void {
    this.agent.destroy();
  }

  /** For an agent, which takes a connection when it is there. */
  private async dialFor(done: OnDialled): Promise<void> {
    let socket: Dialled;
    try {
      socket = await this.dial();
    } catch (error) {
      done(error as Error);
      return;
    }
    done(null, socket);
  }

  private async connectionMaker(): Promise<() => Dialled> {
    const socket = await this.dial();
    return () => socket;
  }

  private dial(): Promise<Dialled> {
    return this.isSecure ? this.dialSecure({ ALPNProtocols: ['http/1.1'] }) : this.dialBelow(false);
  }

  private answerOf(request: http.ClientRequest, begin: number, timeout: number): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
      request.once('response', (answer) => {
        clearTimeout(timer);
        // Whoever reads it hears of it.
        answer.on('error', () => {});
        resolve({ answer, time: performance.now() - begin });
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error instanceof WayError ? error : new WayError('answer', error));
      });
      request.end();
    });
  }

  private get authority(): string {
    const { url } = this.settings;
    return `${url.hostname}:${portOf(url)}`;
  }

  /** RFC 9110 §9.3.6. @returns the answer where it is no tunnel */
  private tunnel(socket: Dialled, login: Login): Promise<Socket | IncomingMessage> {
    const { authority } = this;
    const request = http.request({
      method: 'CONNECT',
      path: authority,
      headers: { Host: authority, ...login },
      createConnection: () => socket,
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => request.destroy(new Error('the proxy does not answer')), this.settings.timeout);
      const onAnswer = (answer: IncomingMessage): void => {
        const { statusCode: status = 0 } = answer;
        clearTimeout(timer);
        const isOpen = status >= 200 && status < 300;
        if (!isOpen) socket.destroy();
        resolve(isOpen ? socket : answer);
      };
      request.once('connect', onAnswer).once('response', onAnswer);
      request.on('error', (error) => {
        clearTimeout(timer);
        socket.destroy();
        reject(new WayError('proxy', error));
      });
      request.end();
    });
  }

  /** What a proxy wants instead of Basic, which it was shown; undefined where there is no more to show. */
  private loginFor(answer: IncomingMessage, method: string, uri: string): Login | undefined {
    const { proxy } = this.settings;
    if (proxy?.credentials === undefined) return undefined;
    const value = answerChallenges(challengesOf(answer), proxy.credentials, { method, uri });
    return value === undefined || value.startsWith('Basic ') ? undefined : { 'Proxy-Authorization': value };
  }

  private refusedBy(answer: IncomingMessage): WayError {
    const { statusCode: status = 0, statusMessage = '' } = answer;
    return new WayError('proxy', new Error(`the proxy answered ${status} ${statusMessage}`.trim()), {
      status,
      schemes: [...new Set(parseChallenges(challengesOf(answer)).map(({ scheme }) => scheme))],
      hadLogin: this.settings.proxy?.credentials !== undefined,
    });
  }

  private secure(stage: Stage, socket: Dialled, host: string, tls: ClientTlsOptions): Promise<TLSSocket> {
    const name = bare(host);
    const servername = isIP(name) === 0 ? name : '';
    return this.ready(stage, 'secureConnect', connectTls({ servername, host: name, ...tls, socket }));
  }

  private ready<Ready extends Socket>(stage: Stage, event: 'connect' | 'secureConnect', socket: Ready): Promise<Ready> {
    return new Promise((resolve, reject) => {
      const { timeout } = this.settings;
      const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
      const done = (): void => clearTimeout(timer);
      socket.once(event, () => {
        done();
        resolve(socket);
      });
      // For as long as it lives: whoever uses it hears of its end.
      socket.on('error', (error) => {
        done();
        reject(new WayError(stage, firstOf(error)));
      });
      socket.once('close', () => {
        done();
        reject(new WayError(stage, new Error('the connection was ended')));
      });
    });
  }
}

export function portOf({ port, protocol }: URL): number {
  return port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port);
}

/** An IPv6 address without its brackets. */
export function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

function proxyAuthorization({ proxy }: DoctorSettings): Login {
  if (proxy?.credentials === undefined) return {};
  const { username, password } = proxy.credentials;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

function challengesOf({ headersDistinct }: IncomingMessage): readonly string[] {
  return headersDistinct['proxy-authenticate'] ?? [];
}

/** Where a host has several addresses, each has an error of its own. */
function firstOf(error: Error): Error {
  return error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
}
