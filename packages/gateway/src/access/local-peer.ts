import { quote } from '@pulsebeacon/wire';
import { hostName } from '../http/host-name.ts';
import { isLoopbackAddress, isLoopbackHost } from '../listen/loopback.ts';

/** What tells whether a request was made on this machine, for this machine. */
export interface PeerFacts {
  /** Undefined on a Unix socket, whose peer is on this machine. */
  readonly remoteAddress: string | undefined;
  /** It came by a trusted proxy: from whom, that may say what it likes. */
  readonly isProxied: boolean;
  readonly httpVersion: string;
  header(name: string): string | undefined;
}

/** What proxies add. Whoever came through one may be anybody, though the proxy itself is on this machine. */
const OF_PROXIES = [
  'forwarded',
  ...['for', 'host', 'proto', 'port', 'server', 'prefix', 'by', 'scheme', 'ssl'].map((what) => `x-forwarded-${what}`),
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'via',
];

/** Why a request does not count as made on this machine; undefined where it does. */
export function findForeign(request: PeerFacts): string | undefined {
  const { remoteAddress, httpVersion, isProxied } = request;
  if (isProxied) return 'it came by a trusted proxy';
  if (remoteAddress !== undefined && !isLoopbackAddress(remoteAddress)) return `it comes from ${remoteAddress}`;
  // HTTP/2 has :authority in its place (RFC 9113 §8.3.1).
  const host = request.header('host') ?? request.header(':authority');
  if (host !== undefined && !isLoopbackHost(hostName(host) ?? '')) return `its Host is ${quote(host)}`;
  // As nginx passes requests on that is told proxy_pass alone: its upstream's name in Host, and nothing of the client.
  if (httpVersion === '1.0') return 'it is HTTP/1.0, as of a proxy';
  const field = OF_PROXIES.find((candidate) => request.header(candidate) !== undefined);
  return field === undefined ? undefined : `it came through a proxy (${field})`;
}
