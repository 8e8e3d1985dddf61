import { findProxy, UsageError } from '@pulsebeacon/websocket';
import { type Command, InvalidArgumentError } from 'commander';
import { completeUrl } from '../connect/address.ts';
import type { DoctorSettings } from '../doctor/settings.ts';
import { Failure } from '../failure.ts';
import { LONGEST_SILENCE } from '../probe/contract.ts';
import { addOptions, type OptionGroup, type OptionText } from './option-table.ts';
import { TLS_CLIENT, TLS_CLIENT_CERTIFICATE, type TlsCommandOptions, tlsOf } from './tls-options.ts';
import { deadline, duration, each, headerLine } from './values.ts';

/** The options of `doctor`, as commander gives them. */
export interface DoctorCommandOptions extends TlsCommandOptions {
  /** False: none. */
  readonly proxy: string | false;
  readonly header?: readonly (readonly [string, string])[];
  readonly idle: number;
  readonly timeout: number;
  readonly json?: boolean;
  readonly color: boolean;
}

function silence(text: string): number {
  const value = duration(text);
  if (value <= LONGEST_SILENCE) return value;
  throw new InvalidArgumentError(`Give at most ${LONGEST_SILENCE / 1000}s: a server is asked for no longer silence.`);
}

const WAY: readonly OptionText[] = [
  {
    flags: '--proxy <address>',
    about:
      "HTTP proxy, http:// or https://, with user:password@ where it wants some; 'environment' is that of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY",
    byDefault: { value: 'environment' },
  },
  { flags: '--no-proxy', about: 'no proxy, whatever the environment says' },
  {
    flags: '-H, --header <line>',
    about: "header of every request, as 'Name: value' (repeatable)",
    read: each(headerLine),
  },
  {
    flags: '--idle <duration>',
    about: 'silence that connections are to survive; 0 leaves that out',
    read: silence,
    byDefault: { value: 35_000, shown: '35s' },
  },
  {
    flags: '--timeout <duration>',
    about: 'time for each answer',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
];

const SHOWING: readonly OptionText[] = [
  { flags: '-j, --json', about: 'the report as JSON: for scripts' },
  { flags: '--no-color', about: 'no colours; NO_COLOR in the environment says the same' },
];

const GROUPS: readonly OptionGroup[] = [
  ['Way:', WAY],
  ['TLS:', [...TLS_CLIENT, ...TLS_CLIENT_CERTIFICATE]],
  ['Showing:', SHOWING],
];

export function addDoctorOptions(command: Command): void {
  addOptions(command, GROUPS);
}

/** @throws Failure where the options do not go together, or the URL is none */
export function toDoctorSettings(address: string, options: DoctorCommandOptions): DoctorSettings {
  const url = readUrl(address);
  const proxyOption = options.proxy === false ? undefined : options.proxy;
  const tls = tlsOf(url.href, options, 'wss', proxyOption !== undefined);
  // Our own certificate is for the server, and so is the name that it must have.
  const { cert: _cert, key: _key, servername: _servername, ...proxyTls } = tls;
  return {
    url,
    isSocket: !/^https?:/i.test(address),
    proxyOption,
    proxy: readProxy(proxyOption, url),
    tls,
    proxyTls,
    headers: options.header ?? [],
    insecure: options.insecure ?? false,
    timeout: options.timeout,
    idle: options.idle,
  };
}

function readUrl(address: string): URL {
  const text = completeUrl(address, false).replace(/^http(?=s?:)/i, 'ws');
  const wrong = (why: string): Failure =>
    new Failure(`the address is ${JSON.stringify(address)}: ${why} (https://example.com, :8080)`, 2);
  if (!/^wss?:\/\//i.test(text) || !URL.canParse(text)) {
    throw wrong('give one that begins with ws://, wss://, http:// or https://');
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new Failure("credentials do not go into the address: give --header 'Authorization: …'", 2);
  }
  url.hash = '';
  return url;
}

function readProxy(option: string | undefined, url: URL): DoctorSettings['proxy'] {
  try {
    return findProxy(option, url);
  } catch (error) {
    throw error instanceof UsageError ? new Failure(error.message, 2) : error;
  }
}
