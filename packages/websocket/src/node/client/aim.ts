import { type HeaderLine, type HeadersInput, readHeadersInput } from '../../handshake/header-input.ts';
import { Authenticator } from './authentication/authenticator.ts';
import type { ClientTlsOptions } from './dial.ts';
import { isLoopbackHost } from './loopback.ts';
import type { ClientSettings } from './options.ts';
import { type Proxy, proxyFor } from './proxy.ts';
import { originOf, type Redirect } from './redirects.ts';
import type { ClientTarget } from './target.ts';

/** With what one shows who one is, and to whom: not to another server. A `secureContext` may hold a certificate. */
const OWN_TLS: ReadonlySet<string> = new Set([
  'cert',
  'key',
  'pfx',
  'passphrase',
  'clientCertEngine',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'secureContext',
  'servername',
  'session',
]);

const NONE: readonly never[] = [];

/** What belongs to the handshake is refused when the request is written. */
const NOT_RESERVED: ReadonlySet<string> = new Set();

/** Where the next request goes to, by which way, and what it may show there. */
export class Aim {
  readonly target: ClientTarget;
  /** `https://host:port` */
  readonly origin: string;
  /** Of the application, checked; none for servers that it did not name. */
  readonly headers: readonly HeaderLine[];
  readonly originField: string | undefined;
  readonly tls: ClientTlsOptions;
  readonly proxy: Proxy | undefined;
  readonly authenticator: Authenticator;
  private readonly settings: ClientSettings;
  private readonly signal: AbortSignal;
  /** The server is the one that the application named: what it gave is for this one. */
  private readonly isFirst: boolean;

  private constructor(
    target: ClientTarget,
    settings: ClientSettings,
    signal: AbortSignal,
    before: Aim | undefined,
    isSameOrigin: boolean,
  ) {
    this.target = target;
    this.settings = settings;
    this.signal = signal;
    this.origin = originOf(target);
    this.isFirst = isSameOrigin && (before?.isFirst ?? true);
    const { http } = settings;
    this.proxy = target.socketPath === undefined ? proxyFor(http.proxy, target.uri) : undefined;
    if (before !== undefined && isSameOrigin) {
      this.headers = before.headers;
      this.originField = before.originField;
      this.tls = before.tls;
      this.authenticator = before.authenticator;
      return;
    }
    const { isFirst } = this;
    this.headers = isFirst ? linesOf(settings.headers) : NONE;
    // Whoever has redirected us is behind the request as well (RFC 6454 §7.3).
    this.originField = isFirst || settings.origin === undefined ? settings.origin : 'null';
    this.tls = isFirst ? settings.tls : withoutOwn(settings.tls);
    const { secure, host } = target.uri;
    const isPrivate = secure || target.socketPath !== undefined || (isLoopbackHost(host) && this.proxy === undefined);
    const { credentials, bearer, schemes } = http;
    this.authenticator = new Authenticator(
      { origin: this.origin, isProxy: false, isPrivate },
      {
        // A function is told who asks, and decides by itself.
        credentials: isFirst || typeof credentials === 'function' ? (credentials ?? target.userinfo) : undefined,
        bearer: isFirst ? bearer : undefined,
        schemes: isFirst ? schemes : NONE,
      },
      signal,
    );
  }

  /** @throws UsageError, HandshakeUsageError for headers and credentials that cannot be */
  static at(target: ClientTarget, settings: ClientSettings, signal: AbortSignal): Aim {
    return new Aim(target, settings, signal, undefined, true);
  }

  /** The address that cookies are for. */
  get httpUrl(): string {
    return this.origin + this.target.uri.resourceName;
  }

  /** After a redirect: what was for one origin never comes to another one. */
  follow({ target, isSameOrigin }: Redirect): Aim {
    return new Aim(target, this.settings, this.signal, this, isSameOrigin);
  }

  /** For the proxy of this way. */
  proxyAuthenticator(proxy: Proxy): Authenticator {
    const { credentials, schemes } = this.settings.http;
    return new Authenticator(
      { origin: proxy.url, isProxy: true, isPrivate: proxy.secure || isLoopbackHost(proxy.host) },
      {
        credentials: proxy.userinfo ?? (typeof credentials === 'function' ? credentials : undefined),
        bearer: undefined,
        schemes,
      },
      this.signal,
    );
  }
}

function linesOf(headers: HeadersInput | undefined): readonly HeaderLine[] {
  return headers === undefined ? NONE : readHeadersInput(headers, NOT_RESERVED);
}

function withoutOwn(tls: ClientTlsOptions): ClientTlsOptions {
  return Object.fromEntries(Object.entries(tls).filter(([name]) => !OWN_TLS.has(name)));
}
