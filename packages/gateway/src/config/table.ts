import type { FsyncPolicy } from '@pulsebeacon/broker-lmdb';
import { LOG_LEVELS, type LogFormat, type LogLevel } from '../log/log.ts';
import type { TrustedProxiesOptions } from '@pulsebeacon/websocket';
import type { ListenTarget } from '../listen/target.ts';
import { DEFAULT_LIMITS, FSYNC_POLICIES, type GatewayLimits } from '../settings.ts';
import {
  choice,
  COUNT,
  COUNT_OR_OFF,
  DEADLINE,
  DURATION,
  FOLDER,
  HOST,
  type Kind,
  LISTEN_TARGET,
  ORIGIN,
  PATH,
  PORT,
  PUBLIC_URL,
  SIZE,
  SWITCH,
  TRUSTED_PROXY,
} from './kinds.ts';

/*
 * Every setting of `serve`, once. Options of the command line, names in the environment, the JSON Schema of the file,
 * its example and docs/reference/configuration.md are all made from this table.
 */

/** A setting as the table has it. */
export interface Row {
  /** Its place in the file, such as `limits.maxMessageSize`. */
  readonly key: string;
  readonly about: string;
  readonly kind: Kind;
  /** Any number of values, as a list. */
  readonly isList?: boolean;
  /** What applies where nothing is said; undefined: nothing. */
  readonly byDefault?: unknown;
  /** Said in the place of a default. */
  readonly without?: string;
  /** What the example file has where there is no default, as one writes it. */
  readonly example?: unknown;
  readonly isRequired?: boolean;
  /** Never repeated in messages. */
  readonly isSecret?: boolean;
}

/** A setting that has an option and a name in the environment, too. */
export interface Setting extends Row {
  readonly key: keyof SettingValues;
  readonly flags: string;
}

/** What the settings are, once they are read. */
export interface SettingValues extends LimitValues {
  readonly 'listen.port': number;
  readonly 'listen.host': string;
  readonly 'listen.addresses': readonly ListenTarget[] | undefined;
  readonly 'listen.http2': boolean;
  readonly 'tls.cert': string | undefined;
  readonly 'tls.key': string | undefined;
  readonly 'tls.dev': boolean;
  readonly 'content.static': string | undefined;
  readonly 'content.compression': boolean;
  readonly 'store.data': string;
  readonly 'store.memory': boolean;
  readonly 'store.fsync': FsyncPolicy;
  readonly 'access.publicUrls': readonly string[] | undefined;
  readonly 'access.allowedOrigins': readonly string[] | undefined;
  readonly 'access.anonymous': boolean;
  readonly 'proxies.trusted': readonly string[] | undefined;
  readonly 'proxies.header': NonNullable<TrustedProxiesOptions['header']>;
  readonly 'proxies.protocol': boolean;
  readonly 'transports.heartbeat': number;
  readonly 'transports.pollTimeout': number;
  readonly 'log.level': LogLevel;
  readonly 'log.format': LogFormat;
  readonly 'log.handshakes': boolean;
}

type LimitValues = { readonly [Name in keyof GatewayLimits as `limits.${Name}`]: GatewayLimits[Name] };

/** Settings that stand together: in the file below `name`, in the help below `heading`. */
export interface Section {
  readonly name: string;
  readonly heading: string;
  readonly about: string;
  readonly settings: readonly Setting[];
}

const L = DEFAULT_LIMITS;

const WHERE: readonly Setting[] = [
  {
    key: 'listen.port',
    flags: '-p, --port <number>',
    about: 'port to listen on; 0 takes a free one',
    kind: PORT,
    byDefault: 8080,
  },
  {
    key: 'listen.host',
    flags: '--host <host>',
    about: 'address or name to listen on; 0.0.0.0 is every one that this machine has',
    kind: HOST,
    byDefault: '127.0.0.1',
  },
  {
    key: 'listen.addresses',
    flags: '-l, --listen <address>',
    about:
      'in place of host and port, and as many as need be: 8080, 0.0.0.0:8080, [::1]:8080, unix:/run/pulsebeacon.sock; http:// or https:// before it says which, where there is a certificate',
    kind: LISTEN_TARGET,
    isList: true,
    without: 'host and port',
    example: ['127.0.0.1:8080', 'unix:/run/pulsebeacon.sock'],
  },
  {
    key: 'listen.http2',
    flags: '--http2',
    about:
      'speak HTTP/2 beside HTTP/1.1, over TLS by ALPN and else with prior knowledge; on, unless --no-http2 switches it off',
    kind: SWITCH,
    byDefault: true,
  },
];

const TLS: readonly Setting[] = [
  {
    key: 'tls.cert',
    flags: '--tls-cert <file>',
    about: 'certificate with its chain, as PEM: listen with TLS',
    kind: PATH,
    example: 'chain.pem',
  },
  {
    key: 'tls.key',
    flags: '--tls-key <file>',
    about: 'the key of the certificate, as PEM',
    kind: PATH,
    example: 'key.pem',
  },
  {
    key: 'tls.dev',
    flags: '--tls-dev',
    about: 'listen with TLS and a certificate for localhost that is made on the spot',
    kind: SWITCH,
    byDefault: false,
  },
];

const CONTENT: readonly Setting[] = [
  {
    key: 'content.static',
    flags: '-s, --static <folder>',
    about: 'serve the files of this folder beside the sockets; the page that is at / without it is at /-/ then',
    kind: FOLDER,
    example: './public',
  },
  {
    key: 'content.compression',
    flags: '--compression',
    about: 'agree on permessage-deflate with clients that offer it',
    kind: SWITCH,
    byDefault: false,
  },
];

const STORE: readonly Setting[] = [
  {
    key: 'store.data',
    flags: '--data <folder>',
    about: 'folder that keeps history, positions and keys over restarts; it is made where it is not there',
    kind: PATH,
    byDefault: './data',
  },
  {
    key: 'store.memory',
    flags: '--memory',
    about: 'keep everything in memory alone: nothing survives the end of the program',
    kind: SWITCH,
    byDefault: false,
  },
  {
    key: 'store.fsync',
    flags: '--fsync <when>',
    about:
      'when publications are made to reach the disk: grouped waits for the disk once for many; each for every one; off never, so that a crash of the machine loses the last ones',
    kind: choice(FSYNC_POLICIES),
    byDefault: 'grouped',
  },
];

const ACCESS: readonly Setting[] = [
  {
    key: 'access.publicUrls',
    flags: '--public-url <url>',
    about: 'where browsers reach this server from outside: its host is answered for, and its pages may connect',
    kind: PUBLIC_URL,
    isList: true,
    example: ['https://live.example.com'],
  },
  {
    key: 'access.allowedOrigins',
    flags: '--allow-origin <origin>',
    about: "further origin whose pages may connect, or '*' for any",
    kind: ORIGIN,
    isList: true,
    example: ['https://example.com'],
  },
  {
    key: 'access.anonymous',
    flags: '--anonymous',
    about: 'let everybody publish, without a key',
    kind: SWITCH,
    byDefault: false,
  },
];

const PROXIES: readonly Setting[] = [
  {
    key: 'proxies.trusted',
    flags: '--trusted-proxy <address>',
    about:
      'a proxy in front that is believed when it says who a client is: an address, a range such as 10.0.0.0/8, loopback, or unix',
    kind: TRUSTED_PROXY,
    isList: true,
    example: ['loopback', '10.0.0.0/8'],
  },
  {
    key: 'proxies.header',
    flags: '--forwarded-header <which>',
    about:
      'the header by which those proxies say it: x-forwarded is X-Forwarded-For, -Proto and -Host; the other one is never read',
    kind: choice(['x-forwarded', 'forwarded', 'none']),
    byDefault: 'x-forwarded',
  },
  {
    key: 'proxies.protocol',
    flags: '--proxy-protocol',
    about:
      'each connection begins with the PROXY protocol, version 1 or 2, of one of those proxies; whoever comes otherwise is cut off',
    kind: SWITCH,
    byDefault: false,
  },
];

const TRANSPORTS: readonly Setting[] = [
  {
    key: 'transports.heartbeat',
    flags: '--heartbeat <duration>',
    about: 'time between the heartbeats by which clients of /connect know that the line is alive',
    kind: DEADLINE,
    byDefault: 3000,
  },
  {
    key: 'transports.pollTimeout',
    flags: '--poll-timeout <duration>',
    about: 'longest that a long poll waits for news',
    kind: DEADLINE,
    byDefault: 25_000,
  },
];

const LIMITS: readonly Setting[] = [
  {
    key: 'limits.maxMessageSize',
    flags: '--max-message-size <size>',
    about: 'most bytes of a message; above it, close 1009 or 413',
    kind: SIZE,
    byDefault: L.maxMessageSize,
  },
  {
    key: 'limits.messageRate',
    flags: '--message-rate <number>',
    about: 'messages a second that a client may send, or off; above it, close 1008',
    kind: COUNT_OR_OFF,
    byDefault: L.messageRate,
  },
  {
    key: 'limits.messageBurst',
    flags: '--message-burst <number>',
    about: 'messages that may come at once before the rate counts',
    kind: COUNT,
    byDefault: L.messageBurst,
  },
  {
    key: 'limits.maxChannelsPerClient',
    flags: '--max-channels-per-client <number>',
    about: 'most channels that one client may follow at once',
    kind: COUNT,
    byDefault: L.maxChannelsPerClient,
  },
  {
    key: 'limits.maxConnections',
    flags: '--max-connections <number>',
    about: 'most open WebSockets, or off; above it, 503',
    kind: COUNT_OR_OFF,
    byDefault: L.maxConnections,
  },
  {
    key: 'limits.maxConnectionsPerIp',
    flags: '--max-connections-per-ip <number>',
    about: 'most open WebSockets from one address, or off; above it, 503 (addresses of this machine have no limit)',
    kind: COUNT_OR_OFF,
    byDefault: L.maxConnectionsPerIp,
  },
  {
    key: 'limits.handshakeRate',
    flags: '--handshake-rate <number>',
    about: 'most handshakes a second, or off; above it, 503',
    kind: COUNT_OR_OFF,
    byDefault: L.handshakeRate,
  },
  {
    key: 'limits.authFailureRate',
    flags: '--auth-failure-rate <number>',
    about: 'wrong keys a minute from one address, or off; above it, 429',
    kind: COUNT_OR_OFF,
    byDefault: L.authFailureRate,
  },
  {
    key: 'limits.headerTimeout',
    flags: '--header-timeout <duration>',
    about: 'time for the header of a request; then 408',
    kind: DEADLINE,
    byDefault: L.headerTimeout,
  },
  {
    key: 'limits.requestTimeout',
    flags: '--request-timeout <duration>',
    about: 'time for a whole request; then 408',
    kind: DEADLINE,
    byDefault: L.requestTimeout,
  },
  {
    key: 'limits.drainTimeout',
    flags: '--drain-timeout <duration>',
    about: 'at Ctrl-C or SIGTERM: time for connections to end before they are cut off',
    kind: DURATION,
    byDefault: L.drainTimeout,
  },
];

const LOGS: readonly Setting[] = [
  {
    key: 'log.level',
    flags: '--log-level <level>',
    about: 'least level of what is logged; debug has every request and connection',
    kind: choice(LOG_LEVELS),
    byDefault: 'info',
  },
  {
    key: 'log.format',
    flags: '--log-format <format>',
    about: 'pretty for people, json for programs; auto is pretty in a terminal',
    kind: choice(['auto', 'pretty', 'json']),
    byDefault: 'auto',
  },
  {
    key: 'log.handshakes',
    flags: '--log-handshakes',
    about: 'a line for each WebSocket handshake, those that are refused included',
    kind: SWITCH,
    byDefault: false,
  },
];

/** In the order of the help, the example and the docs. */
export const SECTIONS: readonly Section[] = [
  { name: 'listen', heading: 'Where:', about: 'Where it listens.', settings: WHERE },
  { name: 'tls', heading: 'TLS:', about: 'TLS, on every TCP listener that does not say http://.', settings: TLS },
  { name: 'content', heading: 'What:', about: 'What it serves, and how.', settings: CONTENT },
  { name: 'store', heading: 'What it keeps:', about: 'What survives a restart.', settings: STORE },
  { name: 'access', heading: 'Who may connect:', about: 'Who may connect and publish.', settings: ACCESS },
  {
    name: 'proxies',
    heading: 'Behind proxies:',
    about: 'Proxies in front of it, and how they say who a client is.',
    settings: PROXIES,
  },
  {
    name: 'transports',
    heading: 'Transports:',
    about: 'The ways by which channels reach their clients.',
    settings: TRANSPORTS,
  },
  {
    name: 'limits',
    heading: 'Limits:',
    about: 'Limits. Rates and numbers of connections may be off.',
    settings: LIMITS,
  },
  { name: 'log', heading: 'Log:', about: 'The log, on standard output.', settings: LOGS },
];

export const SETTINGS: readonly Setting[] = SECTIONS.flatMap(({ settings }) => settings);

/** `--max-connections` of `--max-connections <number>`. */
export function flagOf({ flags }: Setting): string {
  return /--[a-z\d-]+/.exec(flags)![0];
}

/** The name in the environment: PULSEBEACON_MAX_CONNECTIONS of --max-connections. */
export function environmentName(flag: string): string {
  return `PULSEBEACON_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
}
