import { UsageError } from '../../connection/errors.ts';
import { type Credentials, userinfoOf } from './authentication/credentials.ts';
import { proxyFromEnvironment } from './proxy-environment.ts';

/** A forward proxy that is asked for a tunnel with CONNECT (RFC 9110 §9.3.6). */
export interface Proxy {
  /** `http://host:port` or `https://host:port`, without userinfo. */
  readonly url: string;
  /** Whether the proxy itself is spoken to over TLS. */
  readonly secure: boolean;
  /** An IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
  readonly userinfo: Credentials | undefined;
}

/** `environment`: as `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say. Undefined: none. */
export type ProxyOption = string | 'environment' | undefined;

/**
 * Reads the address of a proxy; `http://` may be left out.
 * @param name of the option or of the variable: the address itself is not shown where it has a password
 * @throws UsageError `PB_OPTION_INVALID`
 */
export function parseProxy(text: string, name = 'proxy'): Proxy {
  const url = tryParse(/^[a-z][\w+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  const hint = 'pass the address of an HTTP proxy, such as http://user:password@proxy.example:3128';
  if (url === null) throw new UsageError('PB_OPTION_INVALID', `${name} cannot be read: ${hint}`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(
      'PB_OPTION_INVALID',
      `${name} is a proxy of the kind ${url.protocol}, which is not spoken: ${hint}`,
    );
  }
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return {
    url: `${url.protocol}//${url.hostname}:${port}`,
    secure,
    host: url.hostname,
    port,
    userinfo: userinfoOf(url),
  };
}

/** The proxy that {@link findProxy} found. */
export interface FoundProxy extends Omit<Proxy, 'userinfo'> {
  /** From its address. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** The variable of the environment that names it; undefined where the option itself does. */
  readonly variable: string | undefined;
}

/**
 * The forward proxy by which `connect` goes to a URL, for other requests that are to go the same way.
 * @returns undefined where there is none
 * @throws UsageError `PB_OPTION_INVALID` where it cannot be read
 */
export function findProxy(option: ProxyOption, url: URL): FoundProxy | undefined {
  if (option === undefined) return undefined;
  const secure = url.protocol === 'wss:' || url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const found =
    option === 'environment'
      ? proxyFromEnvironment({ secure, host: url.hostname, port }, process.env)
      : { value: option };
  if (found === undefined) return undefined;
  const variable = 'name' in found ? found.name : undefined;
  const { userinfo: credentials, ...proxy } = parseProxy(
    found.value,
    variable === undefined ? 'proxy' : `the environment variable ${variable}`,
  );
  return { ...proxy, credentials, variable };
}

/** The proxy to a host; undefined where there is none. @throws UsageError for what the environment says, and is none */
export function proxyFor(
  option: Proxy | 'environment' | undefined,
  uri: { readonly secure: boolean; readonly host: string; readonly port: number },
): Proxy | undefined {
  if (option !== 'environment') return option;
  const found = proxyFromEnvironment(uri, process.env);
  return found === undefined ? undefined : parseProxy(found.value, `the environment variable ${found.name}`);
}

function tryParse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
