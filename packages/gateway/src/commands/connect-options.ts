import type { Credentials, HttpOptions, HttpVersion, OpeningOptions } from '@pulsebeacon/websocket';
import type { Command } from 'commander';
import { completeUrl } from '../connect/address.ts';
import { type Encoding, type Outgoing, outgoing, outgoingFile } from '../connect/outgoing.ts';
import { type AskedTerminal, PASSWORD_VARIABLE, readUser } from '../connect/password.ts';
import type { ConnectSettings, Source } from '../connect/settings.ts';
import { Failure } from '../failure.ts';
import { addOptions, type OptionGroup, type OptionText } from './option-table.ts';
import { TLS_CLIENT, TLS_CLIENT_CERTIFICATE, type TlsCommandOptions, tlsOf } from './tls-options.ts';
import { count, deadline, durationOrEver, each, headerLine, list, size } from './values.ts';

/** The options of `connect`, as commander gives them. */
export interface ConnectCommandOptions extends TlsCommandOptions {
  readonly header?: readonly (readonly [string, string])[];
  readonly subprotocol?: readonly string[];
  readonly origin?: string;
  readonly user?: string;
  readonly digest?: boolean;
  readonly bearer?: string;
  readonly cookie?: readonly string[];
  readonly location?: boolean;
  readonly retry?: number;
  readonly proxy?: string;
  readonly httpVersion: HttpVersion;
  readonly compression?: boolean;
  readonly unix?: string;
  readonly timeout: number;
  readonly execute?: readonly string[];
  readonly file?: readonly string[];
  readonly binary?: boolean;
  readonly hex?: boolean;
  readonly wait: number;
  readonly count?: number;
  readonly pingInterval: number;
  readonly ping: boolean;
  readonly maxMessageSize: number;
  readonly output?: string;
  readonly json?: boolean;
  readonly timestamps?: boolean;
  readonly verbose?: boolean;
  readonly color: boolean;
  readonly history: boolean;
}

const ASKING: readonly OptionText[] = [
  {
    flags: '-H, --header <line>',
    about: "header of the handshake, as 'Name: value' (repeatable)",
    read: each(headerLine),
  },
  {
    flags: '-s, --subprotocol <name>',
    about: 'subprotocol to ask for, the preferred one first (repeatable)',
    read: list(String),
  },
  { flags: '--origin <origin>', about: 'the page that it pretends to come from, such as https://example.com' },
  {
    flags: '-u, --user <name[:password]>',
    about: `credentials, sent at once as Basic; where Digest is asked for, as that. A password that is not given is taken from ${PASSWORD_VARIABLE}, or asked for`,
  },
  { flags: '--digest', about: 'send those credentials as Digest only, and nothing before that is asked for' },
  { flags: '--bearer <token>', about: 'send this token' },
  { flags: '--cookie <name=value>', about: 'send this cookie (repeatable)', read: each(String) },
  {
    flags: '-L, --location',
    about: 'follow redirects, at most 10; other hosts get no credentials, headers or cookies',
  },
  { flags: '--retry <times>', about: 'come again so often when 503 or 429 say when (Retry-After)', read: count(0) },
  {
    flags: '--proxy <address>',
    about:
      "HTTP proxy, http:// or https://, with user:password@ where it wants some; 'environment' for HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY",
  },
  {
    flags: '--http-version <version>',
    about:
      'what the connection goes over: a connection of its own, or a stream of HTTP/2; over ws:// 2 is prior knowledge, and auto is 1.1',
    choices: ['1.1', '2', 'auto'],
    byDefault: { value: '1.1' },
  },
  { flags: '--compression', about: 'offer permessage-deflate' },
  { flags: '--unix <path>', about: 'connect to this Unix socket; the URL may be a path alone' },
  {
    flags: '--timeout <duration>',
    about: 'time for everything until the connection is open',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
];

const SENDING: readonly OptionText[] = [
  {
    flags: '-x, --execute <message>',
    about: 'send this once connected, and read nothing from standard input (repeatable)',
    read: each(String),
  },
  {
    flags: '--file <path>',
    about: 'send this file as one binary message, after --execute (repeatable)',
    read: each(String),
  },
  { flags: '-b, --binary', about: 'what is typed, piped or executed is sent as binary messages' },
  { flags: '--hex', about: 'the same, and it is written as hexadecimal digits: 00 ff' },
  {
    flags: '-w, --wait <duration>',
    about: 'time for answers after the last message, before it closes; -1 leaves that to the server',
    read: durationOrEver,
    byDefault: { value: 2000, shown: '2s' },
  },
  { flags: '-n, --count <number>', about: 'close when so many messages have come', read: count() },
  {
    flags: '--ping-interval <duration>',
    about: 'silence after which a ping is sent; without any answer the connection ends',
    read: deadline,
    byDefault: { value: 25_000, shown: '25s' },
  },
  { flags: '--no-ping', about: 'send no pings by itself' },
];

const SHOWING: readonly OptionText[] = [
  {
    flags: '-o, --output <path>',
    about: 'write binary messages to this file; to files of their own where it is a folder; - is standard output',
  },
  { flags: '-j, --json', about: 'one JSON object a line for everything that happens: for scripts' },
  { flags: '-t, --timestamps', about: 'the time before each message' },
  { flags: '-v, --verbose', about: 'both handshakes and every frame, on standard error' },
  {
    flags: '--max-message-size <size>',
    about: 'most bytes of a message that comes in; above it, close 1009',
    read: size,
    byDefault: { value: 64 * 1024 ** 2, shown: '64MiB' },
  },
  { flags: '--no-color', about: 'no colours; NO_COLOR in the environment says the same' },
  { flags: '--no-history', about: 'neither read nor keep the lines that are typed' },
];

const GROUPS: readonly OptionGroup[] = [
  ['Handshake:', ASKING],
  ['TLS:', [...TLS_CLIENT, ...TLS_CLIENT_CERTIFICATE]],
  ['Sending:', SENDING],
  ['Showing:', SHOWING],
];

export function addConnectOptions(command: Command): void {
  addOptions(command, GROUPS);
}

/** Which of the standard streams are terminals. */
export interface Terminals {
  readonly stdin: boolean;
  readonly stdout: boolean;
}

/** What the command runs with: do the options go together, and is everything there? @throws Failure */
export async function toConnectSettings(
  address: string,
  options: ConnectCommandOptions,
  terminals: Terminals,
  asked: AskedTerminal,
): Promise<ConnectSettings> {
  const { output, json = false, timestamps = false, verbose = false, color, history, wait } = options;
  if (json && output === '-') throw new Failure('--json and --output - both want standard output: give either', 2);
  const url = completeUrl(address, options.unix !== undefined);
  const encoding = encodingOf(options);
  const messages = await messagesOf(options, encoding);
  return {
    url,
    opening: await openingOf(url, options, asked),
    encoding,
    messages,
    source: sourceOf(messages, wait, terminals),
    wait,
    count: options.count ?? Infinity,
    output,
    json,
    timestamps,
    verbose,
    color,
    history,
  };
}

function encodingOf({ binary = false, hex = false }: ConnectCommandOptions): Encoding {
  if (binary && hex) throw new Failure('--hex is binary already: give either --binary or --hex', 2);
  return hex ? 'hex' : binary ? 'binary' : 'text';
}

async function messagesOf(
  { execute = [], file: files = [] }: ConnectCommandOptions,
  encoding: Encoding,
): Promise<readonly Outgoing[]> {
  const messages = execute.map((text) => {
    try {
      return outgoing(text, encoding);
    } catch (error) {
      throw new Failure(`--execute: ${(error as Error).message}`, 2);
    }
  });
  for (const file of files) messages.push(await outgoingFile(file));
  return messages;
}

/** Whoever gives messages may run in a loop over the very input that we would read. */
function sourceOf(messages: readonly Outgoing[], wait: number, { stdin, stdout }: Terminals): Source {
  const canPrompt = stdin && stdout;
  if (messages.length > 0 && !(canPrompt && wait === Infinity)) return 'messages';
  return canPrompt ? 'prompt' : 'pipe';
}

async function openingOf(url: string, options: ConnectCommandOptions, asked: AskedTerminal): Promise<OpeningOptions> {
  const { subprotocol: subprotocols = [], origin, compression = false, unix, timeout } = options;
  const { httpVersion, maxMessageSize } = options;
  return {
    subprotocols,
    compression,
    httpVersion,
    ...(await httpOf(options, asked)),
    ...tlsOnTheWay(url, options),
    ...(origin === undefined ? {} : { origin }),
    ...(unix === undefined ? {} : { socketPath: unix }),
    handshakeTimeout: timeout,
    maxMessageSize,
    maxFragments: Infinity,
    pingInterval: options.ping ? options.pingInterval : 0,
    // A person watches, or a pipe waits: a slow peer is given all the time that it takes, and what is to be sent is
    // held back at its source. To stop reading while it does not take more could leave both sides waiting for ever.
    messageTimeout: 0,
    writeTimeout: 0,
    sendHighWaterMark: Infinity,
    maxQueuedBytes: Infinity,
  };
}

async function httpOf(options: ConnectCommandOptions, asked: AskedTerminal): Promise<HttpOptions & OpeningOptions> {
  const { header: headers = [], cookie: cookies = [], user, bearer, digest = false, proxy, retry } = options;
  const isAuthorized = headers.some(([name]) => name.toLowerCase() === 'authorization');
  const given = [user !== undefined && '--user', bearer !== undefined && '--bearer', isAuthorized && '--header'];
  const makers = given.filter((option) => option !== false);
  if (makers.length > 1) {
    throw new Failure(`${makers[0]} makes an Authorization header: give either that or ${makers[1]}`, 2);
  }
  if (digest && user === undefined) throw new Failure('--digest is about credentials: give --user NAME, too', 2);
  const schemes: Pick<Credentials, 'schemes' | 'preemptive'> = digest ? { schemes: ['digest'] } : { preemptive: true };
  return {
    headers: cookies.length === 0 ? headers : [...headers, ['Cookie', cookies.join('; ')]],
    ...(user === undefined ? {} : { credentials: { ...(await readUser(user, process.env, asked)), ...schemes } }),
    ...(bearer === undefined ? {} : { bearer }),
    ...(options.location === true ? { redirects: { max: MOST_REDIRECTS } } : {}),
    ...(retry === undefined ? {} : { retries: { max: retry } }),
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** As the help says. */
const MOST_REDIRECTS = 10;

/** TLS to the server, and to a proxy before it. */
function tlsOnTheWay(url: string, options: ConnectCommandOptions): Pick<OpeningOptions, 'tls' | 'proxyTls'> {
  const { location = false, proxy = '' } = options;
  const tls = tlsOf(url, options, 'wss', location || proxy === 'environment' || /^https:/i.test(proxy));
  // Our own certificate is for the server, and so is the name that it must have.
  const { cert: _cert, key: _key, servername: _servername, ...proxyTls } = tls;
  return { tls, proxyTls };
}
