import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { HeaderFields, parseRequestTarget, type RequestSource, type TrustedProxies } from '@pulsebeacon/websocket';
import type { AuthenticationRequest } from '../access.ts';
import type { ClientOrigin } from '../client.ts';

/** A request as the hub looks at it: read once, with regard to nothing that Node joins, drops or renames. */
export class HubRequest implements AuthenticationRequest {
  readonly method: string;
  readonly path: string;
  readonly remoteAddress: string | undefined;
  readonly isProxied: boolean;
  readonly secure: boolean;
  /** By which the client certainly came; undefined where a proxy may have ended TLS. */
  readonly scheme: 'http' | 'https' | undefined;
  /** As Node's HTTP server read it. */
  readonly incoming: IncomingMessage;
  readonly fields: HeaderFields;
  private readonly search: string;
  private readonly authority: string | undefined;
  private readonly forwardedHost: string | undefined;
  private parsedQuery: URLSearchParams | undefined;

  private constructor(
    incoming: IncomingMessage,
    path: string,
    search: string,
    authority: string | undefined,
    proxies: TrustedProxies | undefined,
  ) {
    const socket: Socket = incoming.socket;
    this.incoming = incoming;
    this.method = incoming.method ?? 'GET';
    this.path = path;
    this.search = search;
    this.authority = authority;
    this.fields = new HeaderFields(incoming.rawHeaders);
    const source: RequestSource | undefined = proxies?.sourceOf(socket, this.fields);
    this.remoteAddress = source === undefined ? socket.remoteAddress : source.remoteAddress;
    this.isProxied = source !== undefined && source.isProxied;
    this.forwardedHost = source?.host;
    this.scheme = source?.scheme ?? ((socket as Partial<TLSSocket>).encrypted === true ? 'https' : undefined);
    this.secure = this.scheme === 'https';
  }

  /**
   * @param proxies who is believed when it says who the client is; undefined: nobody
   * @returns undefined where the request target names no resource: `*` of OPTIONS, or what cannot be read
   */
  static of(incoming: IncomingMessage, proxies?: TrustedProxies): HubRequest | undefined {
    const target = parseRequestTarget(incoming.url ?? '');
    return target && new HubRequest(incoming, target.path, target.query ?? '', target.authority, proxies);
  }

  /** Of a path that is known. */
  get query(): URLSearchParams {
    return (this.parsedQuery ??= new URLSearchParams(this.search));
  }

  /** Whether there is any query: most requests have none. */
  get hasQuery(): boolean {
    return this.search !== '';
  }

  header(name: string): string | undefined {
    return this.fields.get(name);
  }

  get authorization(): string | undefined {
    return this.fields.get('authorization');
  }

  /** The value of Origin. */
  get origin(): string | undefined {
    return this.fields.get('origin');
  }

  /** The host that the client means to talk to, with its port where it gives one (RFC 9112 §3.2), as trusted proxies have it. */
  get host(): string {
    return this.forwardedHost ?? this.authority ?? this.fields.get('host') ?? this.fields.get(':authority') ?? '';
  }

  get httpVersion(): string {
    const { httpVersionMajor, httpVersion } = this.incoming;
    return httpVersionMajor === 2 ? '2' : httpVersion;
  }

  toOrigin(): ClientOrigin {
    const { remoteAddress, path, httpVersion } = this;
    return { remoteAddress, path, httpVersion };
  }
}
