import { TrustedProxies, type TrustedProxiesOptions } from '@pulsebeacon/websocket';
import type { OpenedKeys } from '../access/open-keys.ts';
import { hostName } from '../http/host-name.ts';
import { isLoopbackHost } from '../listen/loopback.ts';
import { type Listener, outsideUrls, urlOf } from '../listen/listener.ts';
import type { Log } from '../log/log.ts';
import type { Gateway } from '../gateway.ts';
import type { GatewayLimits, GatewaySettings } from '../settings.ts';
import { VERSION } from '../version.ts';

/** The lines at the start: where it is, what is there, who gets in, and the limits that one may run into. */
export function announce({ settings, listeners, store }: Gateway, keys: OpenedKeys, log: Log): void {
  const { siteRoot, certificate, limits, compression } = settings;
  log.info(`Pulse Beacon ${VERSION} on Node ${process.versions.node}`, {
    version: VERSION,
    node: process.versions.node,
  });
  if (settings.configFile !== undefined) {
    log.info(`settings of ${settings.configFile}`, { configFile: settings.configFile });
  }
  for (const listener of listeners) announceListener(listener, siteRoot, log);
  log.info(`store    ${store.description}`, { store: settings.store.folder ?? 'memory' });
  announcePublishers(settings, keys, log);
  if (settings.trustedProxies !== undefined) announceProxies(settings.trustedProxies, log);
  if (certificate !== undefined) log.info(`certificate ${certificate.description}`);
  log.info(limitsLine(limits), { limits });
  if (compression) log.info('permessage-deflate for those who offer it');
  announceAccess(listeners, settings, log);
  const urls = listeners.map((listener) => urlOf(listener) ?? `unix:${listener.path}`);
  const where = listeners.map(({ address, port, path, tls }) => ({ address, port, path, tls }));
  log.info('ready; Ctrl-C lets connections end and then ends', { event: 'ready', urls, listeners: where });
}

function announceListener(listener: Listener, siteRoot: string | undefined, log: Log): void {
  const { path } = listener;
  if (path !== undefined) {
    log.info(`socket   ${path}  (curl --unix-socket ${path} http://localhost/healthz)`);
    return;
  }
  if (siteRoot !== undefined) log.info(`site     ${urlOf(listener)}  from ${siteRoot}`);
  log.info(`page     ${urlOf(listener, siteRoot === undefined ? '/' : '/-/')}`);
  log.info(`channels ${urlOf(listener, '/channels/')}NAME`);
  log.info(`echo     ${urlOf(listener, '/echo', 'ws')}`);
  log.info(`figures  ${urlOf(listener, '/dashboard')}, for those who run it`);
  log.info(`counts   ${urlOf(listener, '/live', 'ws')}, or GET ${urlOf(listener, '/live')}`);
}

function announcePublishers(
  { anonymous, trustedProxies }: GatewaySettings,
  { ring, made }: OpenedKeys,
  log: Log,
): void {
  if (anonymous) {
    log.warn('publish  anybody who reaches this server, without a key (--anonymous)');
    return;
  }
  const { size } = ring;
  const holders =
    size === 0 ? 'pulsebeacon keys create lets others' : `holders of ${size === 1 ? 'a key' : `${size} keys`}`;
  // Whoever comes from the address of a proxy may be anybody.
  const isTold = trustedProxies !== undefined && new TrustedProxies(trustedProxies).isTrusted('127.0.0.1');
  const local = isTold
    ? 'nobody without a key, for this machine is a trusted proxy'
    : 'programs and pages of this machine without a key';
  log.info(`publish  ${local}; ${holders}`, { keys: size });
  // Not by the log, which others may read, where it is no terminal: by standard error, once.
  if (made !== undefined) {
    process.stderr.write(`a key to publish with, and for /metrics and /dashboard; it is shown this once: ${made}\n`);
  }
}

function announceProxies({ peers, header, proxyProtocol }: TrustedProxiesOptions, log: Log): void {
  const ways = [
    ...(proxyProtocol === true ? ['the PROXY protocol'] : []),
    ...(header === 'none' ? [] : [header === 'forwarded' ? 'Forwarded' : 'X-Forwarded-For, -Proto and -Host']),
  ];
  const by = ways.length === 0 ? 'are proxies that say nothing' : `say who a client is, by ${ways.join(' and ')}`;
  log.info(`proxies  ${peers.join(', ')} ${by}`, { proxies: { peers, header, proxyProtocol } });
}

function announceAccess(
  listeners: readonly Listener[],
  { publicUrls, allowedOrigins, trustedProxies }: GatewaySettings,
  log: Log,
): void {
  if (trustedProxies !== undefined && listeners.every(({ isLocal }) => isLocal)) {
    log.info('reachable from this machine alone, and through its proxies');
  } else if (listeners.every(({ isLocal }) => isLocal)) {
    log.info('reachable from this machine alone; --host 0.0.0.0 opens it to others');
  } else if (publicUrls.length === 0) {
    const urls = listeners.flatMap(outsideUrls);
    log.warn(
      `reachable from other machines${urls.length === 0 ? '' : ` as ${urls.join(', ')}`}; to answer for a name as well: --public-url https://NAME`,
      { urls },
    );
  }
  for (const url of publicUrls) log.info(`public   ${url}`);
  if (allowedOrigins.includes('*')) log.warn('pages of any origin may connect (--allow-origin *)');
  else if (allowedOrigins.length > 0) log.info(`pages of ${allowedOrigins.join(', ')} may connect, too`);
  // A page opened under localhost is not of the public URL's origin.
  if (allowedOrigins.includes('*') || publicUrls.length === 0) return;
  if (!publicUrls.some((url) => isLoopbackHost(hostName(new URL(url).host) ?? ''))) {
    log.info('its page connects from the public URL alone; --public-url http://localhost:PORT adds this machine');
  }
}

function limitsLine(limits: GatewayLimits): string {
  const { maxMessageSize, messageRate, messageBurst, maxConnections, maxConnectionsPerIp, handshakeRate } = limits;
  const parts = [
    `${inBytes(maxMessageSize)} a message`,
    messageRate === Infinity ? 'any number a second' : `${messageRate} messages a second (${messageBurst} at once)`,
    `${amount(maxConnections)} connections (${amount(maxConnectionsPerIp)} from one address)`,
    `${amount(handshakeRate)} handshakes a second`,
  ];
  return `limits   ${parts.join(', ')}`;
}

function amount(value: number): string {
  return value === Infinity ? 'any number' : value.toLocaleString('en-US');
}

function inBytes(value: number): string {
  if (value >= 1024 ** 2 && value % 1024 ** 2 === 0) return `${value / 1024 ** 2} MiB`;
  return value >= 1024 && value % 1024 === 0 ? `${value / 1024} KiB` : `${value.toLocaleString('en-US')} bytes`;
}
