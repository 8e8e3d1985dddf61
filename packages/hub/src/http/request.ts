import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { HeaderFields, parseRequestTarget } from '@pulsebeacon/websocket';
import type { AuthenticationRequest } from '../access.ts';
import type { ClientOrigin } from '../client.ts';

/** A request as the hub looks at it: read once, with regard to nothing that Node joins, drops or renames. */
export class HubRequest implements AuthenticationRequest {
  readonly method: string;
  readonly path: string;
  readonly remoteAddress: string | undefined;
  readonly secure: boolean;
  /** As Node's HTTP server read it. */
  readonly incoming: IncomingMessage;
  readonly fields: HeaderFields;
  private readonly search: string;
  private readonly authority: string | undefined;
  private parsedQuery: URLSearchParams | undefined;

  private constructor(incoming: IncomingMessage, path: string, search: string, authority: string | undefined) {
    const socket: Socket = incoming.socket;
    this.incoming = incoming;
    this.method = incoming.method ?? 'GET';
    this.path = path;
    this.search = search;
    this.authority = authority;
    this.fields = new HeaderFields(incoming.rawHeaders);
    this.remoteAddress = socket.remoteAddress;
    this.secure = (socket as Partial<TLSSocket>).encrypted === true;
  }

  /** @returns undefined where the request target names no resource: `*` of OPTIONS, or what cannot be read */
  static of(incoming: IncomingMessage): HubRequest | undefined {
    const target = parseRequestTarget(incoming.url ?? '');
    return target && new HubRequest(incoming, target.path, target.query ?? '', target.authority);
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

  /** The host that the client means to talk to, with its port where it gives one (RFC 9112 §3.2). */
  get host(): string {
    return this.authority ?? this.fields.get('host') ?? this.fields.get(':authority') ?? '';
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
