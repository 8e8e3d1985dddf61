import { statSync } from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { Failure } from '../failure.ts';
import type { ListenTarget } from '../listen/target.ts';
import { LOG_LEVELS, type LogFormat, type LogLevel } from '../log/log.ts';
import { DEFAULT_LIMITS, type GatewayLimits, type GatewaySettings } from '../settings.ts';
import { type Certificate, loadCertificate, makeDevCertificate } from '../tls.ts';
import { addOptions, type OptionGroup, type OptionText } from './option-table.ts';
import { count, countOrOff, deadline, duration, list, listenTarget, origin, port, publicUrl, size } from './values.ts';

/** The options of `serve`, as commander gives them. */
export interface ServeOptions extends GatewayLimits {
  readonly port: number;
  readonly host: string;
  readonly listen?: readonly ListenTarget[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsDev?: boolean;
  readonly static?: string;
  readonly publicUrl?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly compression?: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

const L = DEFAULT_LIMITS;

const WHERE: readonly OptionText[] = [
  {
    flags: '-p, --port <number>',
    about: 'port to listen on; 0 takes a free one',
    read: port,
    byDefault: { value: 8080 },
  },
  {
    flags: '--host <host>',
    about: 'address or name to listen on; 0.0.0.0 is every one that this machine has',
    byDefault: { value: '127.0.0.1' },
  },
  {
    flags: '-l, --listen <address>',
    about:
      'in place of --host and --port, and as often as need be: 8080, 0.0.0.0:8080, [::1]:8080, unix:/run/pulsebeacon.sock; http:// or https:// before it says which, where there is a certificate',
    read: list(listenTarget),
  },
];

const TLS: readonly OptionText[] = [
  { flags: '--tls-cert <file>', about: 'certificate with its chain, as PEM: listen with TLS' },
  { flags: '--tls-key <file>', about: 'the key of the certificate, as PEM' },
  { flags: '--tls-dev', about: 'listen with TLS and a certificate for localhost that is made on the spot' },
];

const CONTENT: readonly OptionText[] = [
  {
    flags: '-s, --static <folder>',
    about: 'serve the files of this folder beside the sockets; the page that is at / without it is at /-/ then',
    read: folder,
  },
  { flags: '--compression', about: 'agree on permessage-deflate with clients that offer it' },
];

const ACCESS: readonly OptionText[] = [
  {
    flags: '--public-url <url>',
    about:
      'where browsers reach this server from outside: its host is answered for, and its pages may connect (repeatable)',
    read: list(publicUrl),
  },
  {
    flags: '--allow-origin <origin>',
    about: "further origin whose pages may connect, or '*' for any (repeatable)",
    read: list(origin),
  },
];

const LIMITS: readonly OptionText[] = [
  {
    flags: '--max-message-size <size>',
    about: 'most bytes of a message on /echo; above it, close 1009',
    read: size,
    byDefault: { value: L.maxMessageSize, shown: '64KiB' },
  },
  {
    flags: '--message-rate <number>',
    about: 'messages a second that a client may send on /echo, or off; above it, close 1008',
    read: countOrOff,
    byDefault: { value: L.messageRate },
  },
  {
    flags: '--message-burst <number>',
    about: 'messages that may come at once before the rate counts',
    read: count(),
    byDefault: { value: L.messageBurst },
  },
  {
    flags: '--max-connections <number>',
    about: 'most open WebSockets, or off; above it, 503',
    read: countOrOff,
    byDefault: { value: L.maxConnections },
  },
  {
    flags: '--max-connections-per-ip <number>',
    about: 'most open WebSockets from one address, or off; above it, 503 (addresses of this machine have no limit)',
    read: countOrOff,
    byDefault: { value: L.maxConnectionsPerIp },
  },
  {
    flags: '--handshake-rate <number>',
    about: 'most handshakes a second, or off; above it, 503',
    read: countOrOff,
    byDefault: { value: L.handshakeRate },
  },
  {
    flags: '--header-timeout <duration>',
    about: 'time for the header of a request; then 408',
    read: deadline,
    byDefault: { value: L.headerTimeout, shown: '10s' },
  },
  {
    flags: '--request-timeout <duration>',
    about: 'time for a whole request; then 408',
    read: deadline,
    byDefault: { value: L.requestTimeout, shown: '30s' },
  },
  {
    flags: '--drain-timeout <duration>',
    about: 'at Ctrl-C or SIGTERM: time for connections to end before they are cut off',
    read: duration,
    byDefault: { value: L.drainTimeout, shown: '30s' },
  },
];

const LOGS: readonly OptionText[] = [
  {
    flags: '--log-level <level>',
    about: 'least level of what is logged; debug has every request and connection',
    choices: LOG_LEVELS,
    byDefault: { value: 'info' },
  },
  {
    flags: '--log-format <format>',
    about: 'pretty for people, json for programs; auto is pretty in a terminal',
    choices: ['auto', 'pretty', 'json'],
    byDefault: { value: 'auto' },
  },
];

const GROUPS: readonly OptionGroup[] = [
  ['Where:', WHERE],
  ['TLS:', TLS],
  ['What:', CONTENT],
  ['Who may connect:', ACCESS],
  ['Limits:', LIMITS],
  ['Log:', LOGS],
];

/** Adds the options of `serve`; each can be given in the environment, too: --max-connections is PULSEBEACON_MAX_CONNECTIONS. */
export function addServeOptions(command: Command): void {
  addOptions(command, GROUPS, readFromEnvironment);
}

function readFromEnvironment(option: Option): void {
  const name = `PULSEBEACON_${option.name().replaceAll('-', '_').toUpperCase()}`;
  const value = process.env[name];
  // Set but empty is how compose files say that there is nothing. A switch that is set to no is not on.
  const isOff = option.isBoolean() && /^(0|no|off|false)$/i.test(value ?? '');
  if (value !== undefined && value !== '' && !isOff) option.env(name);
}

/** What the program runs with, from options that were read one by one: do they go together, and is it all there? */
export async function toSettings(
  options: ServeOptions,
  sourceOf: (name: string) => string | undefined,
): Promise<GatewaySettings> {
  const { publicUrl: publicUrls = [], allowOrigin: allowedOrigins = [], compression = false } = options;
  const targets = targetsOf(options, sourceOf);
  const certificate = await certificateOf(options);
  if (certificate === undefined && targets.some(({ scheme }) => scheme === 'https')) {
    throw new Failure('an https:// listener needs --tls-cert and --tls-key, or --tls-dev', 2);
  }
  return {
    targets,
    certificate,
    siteRoot: options.static,
    publicUrls,
    allowedOrigins,
    compression,
    limits: limitsOf(options),
  };
}

function limitsOf(options: ServeOptions): GatewayLimits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof GatewayLimits)[];
  return Object.fromEntries(names.map((name) => [name, options[name]])) as unknown as GatewayLimits;
}

function targetsOf(
  { host, port: portNumber, listen }: ServeOptions,
  sourceOf: (name: string) => string | undefined,
): readonly ListenTarget[] {
  const isOnCommandLine = (name: string): boolean => sourceOf(name) === 'cli';
  const single = isOnCommandLine('host') || isOnCommandLine('port');
  if (single && isOnCommandLine('listen')) {
    throw new Failure('--listen takes the place of --host and --port: give either, not both', 2);
  }
  // What is typed comes before what the environment says.
  if (listen !== undefined && listen.length > 0 && !single) return listen;
  if (host === '') throw new Failure('--host is empty: give an address of this machine, such as 127.0.0.1', 2);
  return [{ scheme: undefined, where: { kind: 'tcp', host: host.replace(/^\[(.*)\]$/, '$1'), port: portNumber } }];
}

async function certificateOf({ tlsCert, tlsKey, tlsDev }: ServeOptions): Promise<Certificate | undefined> {
  if (tlsDev && (tlsCert !== undefined || tlsKey !== undefined)) {
    throw new Failure('--tls-dev makes a certificate of its own: leave out --tls-cert and --tls-key, or --tls-dev', 2);
  }
  if (tlsDev) return makeDevCertificate();
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined) throw new Failure('--tls-key needs its certificate, too: --tls-cert FILE', 2);
  if (tlsKey === undefined) throw new Failure('--tls-cert needs its key, too: --tls-key FILE', 2);
  return loadCertificate(tlsCert, tlsKey);
}

function folder(text: string): string {
  const root = path.resolve(text);
  const found = statSync(root, { throwIfNoEntry: false });
  if (found === undefined) throw new InvalidArgumentError('There is no such folder.');
  if (!found.isDirectory()) throw new InvalidArgumentError('It is a file: give the folder that it is in.');
  return root;
}
