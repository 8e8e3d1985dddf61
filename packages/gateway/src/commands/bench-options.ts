import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import type { BenchSettings } from '../bench/bench.ts';
import { intervalFor, type LoadPlan, type OpeningPlan } from '../bench/plan.ts';
import { readTarget } from '../bench/target.ts';
import { completeUrl } from '../connect/address.ts';
import { Failure } from '../failure.ts';
import { addOptions, type OptionGroup, type OptionText } from './option-table.ts';
import { count, countOrOff, deadline, duration, each, headerLine, list, size } from './values.ts';

/** The options of `bench`, as commander gives them. */
export interface BenchOptions {
  readonly connections: number;
  readonly connectRate: number;
  readonly threads: number;
  readonly idle?: boolean;
  readonly rate: number;
  readonly inFlight?: number;
  readonly size: number;
  readonly message?: string;
  readonly binary?: boolean;
  readonly verify: boolean;
  readonly duration: number;
  readonly messages?: number;
  readonly warmup: number;
  readonly timeout: number;
  readonly header?: readonly (readonly [string, string])[];
  readonly subprotocol?: readonly string[];
  readonly origin?: string;
  readonly compression?: boolean;
  readonly unix?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly compareHttp?: boolean;
  readonly pollPath: string;
  readonly pollInterval: number;
  readonly newsEvery: number;
  /** A file, or true for standard output. */
  readonly json?: string | true;
  readonly html?: string;
  readonly progress: boolean;
}

/** With a rate, nothing but this keeps a server that stands still from being sent to without end. */
const IN_FLIGHT_AT_RATE = 1000;

const CONNECTIONS: readonly OptionText[] = [
  { flags: '-c, --connections <number>', about: 'connections', read: count(), byDefault: { value: 64 } },
  {
    flags: '--connect-rate <number>',
    about: 'connections that are begun in a second, or off for as fast as it goes',
    read: countOrOff,
    byDefault: { value: 400 },
  },
  { flags: '--idle', about: 'send nothing: open the connections, and hold them' },
  {
    flags: '-T, --threads <number>',
    about: 'threads that make the load; more help where one is busy and cores are free',
    read: count(),
    byDefault: { value: 1 },
  },
];

const MESSAGES: readonly OptionText[] = [
  {
    flags: '-r, --rate <number>',
    about:
      'messages a second, of all connections together, sent on time whatever the server does, with latency from when each was due; off sends the next when the last is answered',
    read: countOrOff,
    byDefault: { value: Infinity, shown: 'off' },
  },
  {
    flags: '--in-flight <number>',
    about: `most messages on their way on each connection (default 1; with --rate ${IN_FLIGHT_AT_RATE})`,
    read: count(),
  },
  { flags: '--size <size>', about: 'bytes of a message', read: size, byDefault: { value: 64, shown: '64' } },
  { flags: '-m, --message <text>', about: 'always send this, in place of numbered messages of --size' },
  { flags: '-b, --binary', about: 'send binary messages (of bytes that do not compress; text is rows of JSON)' },
  { flags: '--no-verify', about: 'take whatever comes for the answer, in place of the same message' },
];

const TIME: readonly OptionText[] = [
  {
    flags: '-d, --duration <duration>',
    about: 'time that is measured',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
  { flags: '-n, --messages <number>', about: 'measure so many messages, in place of a time', read: count() },
  {
    flags: '--warmup <duration>',
    about: 'time before, in which messages are sent and not measured',
    read: duration,
    byDefault: { value: 1000, shown: '1s' },
  },
  {
    flags: '--timeout <duration>',
    about: 'time for a handshake, and for the last answers',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
];

const ASKING: readonly OptionText[] = [
  {
    flags: '-H, --header <line>',
    about: "header of each handshake, as 'Name: value' (repeatable)",
    read: each(headerLine),
  },
  {
    flags: '-s, --subprotocol <name>',
    about: 'subprotocol to ask for, the preferred one first (repeatable)',
    read: list(String),
  },
  { flags: '--origin <origin>', about: 'the page that it pretends to come from, such as https://example.com' },
  { flags: '--compression', about: 'offer permessage-deflate' },
  { flags: '--unix <path>', about: 'connect to this Unix socket; the URL may be a path alone' },
  { flags: '--ca <file>', about: 'certificates to trust in place of the well-known ones, as PEM' },
  { flags: '-k, --insecure', about: 'trust any certificate: for tests only' },
];

const COMPARING: readonly OptionText[] = [
  {
    flags: '--compare-http',
    about:
      'then measure the same by HTTP/1.1: the messages as POST to the same path, and polling; one after the other, each as long',
  },
  {
    flags: '--poll-path <path>',
    about: 'what is polled: the cheapest answer there is',
    read: pathAlone,
    byDefault: { value: '/healthz' },
  },
  {
    flags: '--poll-interval <duration>',
    about: 'time between two polls of a connection',
    read: deadline,
    byDefault: { value: 1000, shown: '1s' },
  },
  {
    flags: '--news-every <duration>',
    about: 'how often there is something to learn, for the cost of each piece of news',
    read: deadline,
    byDefault: { value: 10_000, shown: '10s' },
  },
];

const REPORT: readonly OptionText[] = [
  {
    flags: '-j, --json [file]',
    about: 'the report as JSON to this file; without one to standard output, as the only text',
  },
  { flags: '--html <file>', about: 'the report with plots, as a page that needs nothing else' },
  { flags: '--no-progress', about: 'no progress bar on the terminal' },
];

const GROUPS: readonly OptionGroup[] = [
  ['Connections:', CONNECTIONS],
  ['Messages:', MESSAGES],
  ['Time:', TIME],
  ['Handshake:', ASKING],
  ['Comparison:', COMPARING],
  ['Report:', REPORT],
];

export function addBenchOptions(command: Command): void {
  addOptions(command, GROUPS);
}

/** What the command runs with: do the options go together, and is everything there? @throws Failure */
export function toBenchSettings(
  address: string,
  options: BenchOptions,
  isGiven: (name: keyof BenchOptions) => boolean,
): BenchSettings {
  const { unix, compareHttp = false, idle = false, threads, pollPath, pollInterval, newsEvery } = options;
  if (idle && compareHttp) throw new Failure('--idle sends nothing that --compare-http could compare: give either', 2);
  if (options.message !== undefined && isGiven('size')) {
    throw new Failure('--message is as long as it is: give either that or --size', 2);
  }
  const target = readTarget(completeUrl(address, unix !== undefined), unix);
  const plan: LoadPlan = {
    target,
    ...amountsOf(options, isGiven),
    ...messagesOf(options),
    opening: openingOf(options),
  };
  if (plan.target.secure || (options.ca === undefined && !options.insecure)) {
    const polling = { path: pollPath, interval: pollInterval, newsEvery };
    return { plan, threads, comparison: compareHttp ? polling : undefined };
  }
  const name = options.ca === undefined ? '--insecure' : '--ca';
  throw new Failure(`${name} is about TLS, and ${plan.target.url} is without: begin it with wss://`, 2);
}

function amountsOf(
  options: BenchOptions,
  isGiven: (name: keyof BenchOptions) => boolean,
): Omit<LoadPlan, 'target' | 'payload' | 'verify' | 'opening'> {
  const { connections, connectRate, rate, inFlight, idle = false, messages, warmup, timeout } = options;
  if (messages !== undefined && isGiven('duration')) {
    throw new Failure('--messages takes the place of --duration: give either, not both', 2);
  }
  if (messages !== undefined && idle) throw new Failure('--idle sends no --messages: give either', 2);
  const isPaced = rate !== Infinity;
  const measured = messages === undefined ? options.duration : Infinity;
  return {
    kind: 'websocket',
    connections,
    connectRate,
    rate: isPaced ? rate : 0,
    phase: 0,
    inFlight: inFlight ?? (isPaced ? IN_FLIGHT_AT_RATE : 1),
    idle,
    duration: measured,
    messages: messages ?? Infinity,
    warmup: idle ? 0 : warmup,
    timeout,
    interval: intervalFor(measured),
    precise: isPaced,
  };
}

function messagesOf(options: BenchOptions): Pick<LoadPlan, 'payload' | 'verify'> {
  const { message: text, binary = false, verify } = options;
  const bytes = text === undefined ? options.size : Buffer.byteLength(text);
  return { payload: { size: bytes, text, kind: binary ? 'binary' : 'text' }, verify };
}

function openingOf(options: BenchOptions): OpeningPlan {
  const {
    header: headers = [],
    subprotocol: subprotocols = [],
    origin,
    compression = false,
    ca,
    insecure = false,
  } = options;
  return { subprotocols, headers, origin, compression, ca: ca === undefined ? undefined : readPem(ca), insecure };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${file} for --ca: ${(error as Error).message}`);
  }
}

function pathAlone(text: string): string {
  if (text.startsWith('/') && !/[\s#]/.test(text)) return text;
  throw new InvalidArgumentError('Give a path on the same server, such as /healthz.');
}
