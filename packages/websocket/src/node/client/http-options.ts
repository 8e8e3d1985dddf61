import { UsageError } from '../../connection/errors.ts';
import { isToken } from '../../handshake/tokens.ts';
import { checkWhole } from '../connection-limits.ts';
import {
  type AuthenticationScheme,
  type BearerSource,
  checkBearer,
  checkCredentials,
  type Credentials,
  type CredentialsSource,
} from './authentication/credentials.ts';
import type { CookieJar } from './cookies.ts';
import type { ClientTlsOptions } from './dial.ts';
import { parseProxy, type Proxy, type ProxyOption } from './proxy.ts';
import type { RedirectOptions } from './redirects.ts';

/** Refusals that ask to come again later (RFC 9110 §10.2.3): 503 and 429 with Retry-After. */
export interface RetryOptions {
  /** Most times that it comes again. Default 3. */
  readonly max?: number;
  /** Longest Retry-After that is waited for, in milliseconds; more ends it at once. Default 30,000. */
  readonly maxWait?: number;
}

/** What a client does with the answers that HTTP has before the one that opens the connection. */
export interface HttpOptions {
  /** For 401 (of the server), as they are or from a function that is asked; a function is asked for 407, too. */
  readonly credentials?: Credentials | CredentialsSource;
  /** A token for the server (RFC 6750), sent with the first request. */
  readonly bearer?: BearerSource;
  /** Schemes of the application's own, preferred to those built in. */
  readonly authentication?: AuthenticationScheme | readonly AuthenticationScheme[];
  /** Follow redirects. Default: none; the error then says where it points. */
  readonly redirects?: RedirectOptions;
  /** Come again when 503 or 429 say when. Default: no. */
  readonly retries?: RetryOptions;
  readonly cookieJar?: CookieJar;
  /** A forward proxy, `http://` or `https://`, with userinfo where it wants some; or `environment`. Default: none. */
  readonly proxy?: ProxyOption;
  /** TLS to an `https:` proxy, as `tls` is for the server. */
  readonly proxyTls?: ClientTlsOptions;
}

/** The same, checked. */
export interface HttpSettings {
  readonly credentials: Credentials | CredentialsSource | undefined;
  readonly bearer: BearerSource | undefined;
  readonly schemes: readonly AuthenticationScheme[];
  readonly redirects: Required<RedirectOptions>;
  readonly retries: Required<RetryOptions>;
  readonly cookieJar: CookieJar | undefined;
  readonly proxy: Proxy | 'environment' | undefined;
  readonly proxyTls: ClientTlsOptions;
}

export const HTTP_OPTION_NAMES = [
  'credentials',
  'bearer',
  'authentication',
  'redirects',
  'retries',
  'cookieJar',
  'proxy',
  'proxyTls',
] as const;

/** @throws UsageError `PB_OPTION_INVALID` */
export function resolveHttpSettings(options: HttpOptions & { readonly socketPath?: string }): HttpSettings {
  const { credentials, bearer, authentication, redirects, retries, cookieJar, proxy, proxyTls = {} } = options;
  for (const [name, value] of Object.entries({ authentication, redirects, retries, cookieJar, proxyTls })) {
    if (value !== undefined && (typeof value !== 'object' || value === null)) {
      throw new UsageError('PB_OPTION_INVALID', `${name} is ${String(value)}: pass an object`);
    }
  }
  if (credentials !== undefined && typeof credentials !== 'function')
    checkCredentials(Object(credentials) as Credentials);
  if (bearer !== undefined && typeof bearer !== 'function') checkBearer(bearer);
  if (proxy !== undefined && proxy !== 'environment' && options.socketPath !== undefined) {
    throw new UsageError('PB_OPTION_INVALID', '`proxy` and `socketPath` exclude each other: give either');
  }
  return {
    credentials,
    bearer,
    schemes: resolveSchemes(authentication),
    redirects: resolveRedirects(redirects),
    retries: resolveRetries(retries),
    cookieJar: checkJar(cookieJar),
    proxy: proxy === undefined || proxy === 'environment' ? proxy : parseProxy(String(proxy)),
    proxyTls,
  };
}

function resolveSchemes(given: HttpOptions['authentication']): readonly AuthenticationScheme[] {
  if (given === undefined) return [];
  const schemes = [given].flat() as readonly AuthenticationScheme[];
  for (const own of schemes) {
    if (typeof own?.scheme === 'string' && isToken(own.scheme) && typeof own.respond === 'function') continue;
    throw new UsageError('PB_OPTION_INVALID', '`authentication` needs a `scheme`, a token, and a function `respond`');
  }
  return schemes;
}

function resolveRedirects(given: RedirectOptions | undefined): Required<RedirectOptions> {
  const redirects = { max: given === undefined ? 0 : (given.max ?? 5), allowDowngrade: given?.allowDowngrade ?? false };
  checkNames('redirects', given, redirects);
  checkWhole(redirects, 'max', 0, 100);
  if (typeof redirects.allowDowngrade === 'boolean') return redirects;
  throw new UsageError('PB_OPTION_INVALID', `allowDowngrade is ${String(redirects.allowDowngrade)}: pass a boolean`);
}

function resolveRetries(given: RetryOptions | undefined): Required<RetryOptions> {
  const retries = { max: given === undefined ? 0 : (given.max ?? 3), maxWait: given?.maxWait ?? 30_000 };
  checkNames('retries', given, retries);
  checkWhole(retries, 'max', 0, 1000);
  checkWhole(retries, 'maxWait', 0, 2 ** 31 - 1);
  return retries;
}

/** A limit that is misspelt would be no limit. */
function checkNames(option: string, given: object | undefined, known: object): void {
  const strange = Object.keys(given ?? {}).find((name) => !Object.hasOwn(known, name));
  if (strange === undefined) return;
  throw new UsageError('PB_OPTION_INVALID', `${option} has no ${strange}; it has ${Object.keys(known).join(', ')}`);
}

function checkJar(jar: CookieJar | undefined): CookieJar | undefined {
  if (jar === undefined || (typeof jar.getCookieString === 'function' && typeof jar.setCookie === 'function'))
    return jar;
  throw new UsageError(
    'PB_OPTION_INVALID',
    '`cookieJar` needs the functions getCookieString(url) and setCookie(line, url)',
  );
}
