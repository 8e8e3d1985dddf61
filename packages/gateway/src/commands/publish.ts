import { randomBytes } from 'node:crypto';
import { checkIdempotencyKey, parseStateKey } from '@pulsebeacon/wire';
import { type Command, InvalidArgumentError } from 'commander';
import { Screen } from '../connect/screen.ts';
import { styleFor } from '../connect/style.ts';
import { Failure } from '../failure.ts';
import { readType } from '../publish/payload.ts';
import { runPublish } from '../publish/run.ts';
import type { PublishSettings, PublishSource } from '../publish/settings.ts';
import { exitCodesHelp, PUBLISH_EXIT_CODES } from '../remote/exit-codes.ts';
import { Notices } from '../remote/notices.ts';
import { endOnSignals, toExitCode } from '../remote/run.ts';
import { addOptions, describeOption, type OptionText } from './option-table.ts';
import { readChannel, REMOTE, type RemoteCommandOptions, toRemoteServer } from './remote-options.ts';
import { count, durationOrEver } from './values.ts';

/** The options of `publish`, as commander gives them. */
interface PublishCommandOptions extends RemoteCommandOptions {
  readonly file?: string;
  readonly lines?: boolean;
  readonly inFlight?: number;
  readonly json?: boolean;
  readonly contentType?: string;
  readonly stateKey?: string;
  readonly idempotencyKey?: string;
  readonly reach?: boolean;
  readonly retryFor: number;
  readonly quiet?: boolean;
}

const WHAT: readonly OptionText[] = [
  { flags: '-f, --file <path>', about: 'publish this file' },
  { flags: '-l, --lines', about: 'each line of standard input is a publication, in their order' },
  {
    flags: '--in-flight <number>',
    about: 'with --lines, most that are under way at once; above 1 their order is not kept (default 1)',
    read: count(),
  },
  { flags: '-j, --json', about: 'it is JSON: checked, and published as application/json' },
  {
    flags: '--content-type <type>',
    about: 'what it is (default: text where it is UTF-8, else application/octet-stream)',
  },
  {
    flags: '--state-key <key>',
    about: 'what it is the newest state of, for channels that conflate',
    read: checked(parseStateKey),
  },
];

const HOW: readonly OptionText[] = [
  {
    flags: '--idempotency-key <key>',
    about: 'the same again is not published again; of lines, what each key begins with (default: a random one)',
    read: checked(checkIdempotencyKey),
  },
  {
    flags: '--retry-for <duration>',
    about: 'how long it is tried again where that may help; 0 gives up at once, -1 never',
    read: durationOrEver,
    byDefault: { value: 30_000, shown: '30s' },
  },
  { flags: '--reach', about: 'say how many subscribers of the server it reached' },
  { flags: '-q, --quiet', about: 'say nothing where it works' },
];

const HELP = `
The position of what was published goes to standard output, everything else to standard error. What could not be sent, or
was not answered, is tried again with the same idempotency key: it is published once.

Examples:
  pulsebeacon publish news hello
  pulsebeacon publish news --json '{"title":"hello"}' --server https://example.com
  git log -1 --format=%s | pulsebeacon publish commits
  pulsebeacon publish cam-1 --file picture.png --content-type image/png --state-key cam-1
  tail -f app.log | pulsebeacon publish log --lines --quiet
  pulsebeacon publish orders --lines --json --idempotency-key import-7 < orders.ndjson   again: nothing twice

${exitCodesHelp(PUBLISH_EXIT_CODES)}`;

/** `pulsebeacon publish` */
export function addPublish(program: Command): void {
  const command = program
    .command('publish')
    .description('publish into a channel')
    .argument('<channel>', 'its name: news, chat:room-1')
    .argument('[data]', 'what is published; - or nothing: all of standard input')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', HELP)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addOptions(command, [REMOTE, ['What is published:', WHAT], ['How:', HOW]]);
  command.action(async (channel: string, data: string | undefined, options: PublishCommandOptions) => {
    process.exitCode = await run(toSettings(channel, data, options));
  });
}

async function run(settings: PublishSettings): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const screen = new Screen(stdout, stderr);
  const notices = new Notices(screen, styleFor(stderr, true, process.env), settings.quiet);
  const signal = endOnSignals();
  return toExitCode(notices, signal, () => runPublish({ settings, screen, notices, stdin, signal }));
}

function toSettings(channel: string, data: string | undefined, options: PublishCommandOptions): PublishSettings {
  const { json = false, contentType, stateKey, reach = false, retryFor, quiet = false } = options;
  return {
    server: toRemoteServer(options, process.env),
    channel: readChannel(channel),
    source: sourceOf(data, options),
    type: readType(contentType, json),
    stateKey,
    idempotencyKey: options.idempotencyKey ?? randomBytes(16).toString('base64url'),
    reach,
    retryFor,
    quiet,
  };
}

function sourceOf(data: string | undefined, options: PublishCommandOptions): PublishSource {
  const { file, lines = false, inFlight } = options;
  if (inFlight !== undefined && !lines) throw new Failure('--in-flight is about --lines: give both', 2);
  const isText = data !== undefined && data !== '-';
  const given = [
    isText ? 'what stands behind the channel' : '',
    file === undefined ? '' : '--file',
    lines ? '--lines' : '',
  ];
  const [first, second] = given.filter(Boolean);
  if (second !== undefined) throw new Failure(`${first} and ${second} both say what is published: give either`, 2);
  if (isText) return { from: 'argument', text: data };
  if (file !== undefined) return { from: 'file', path: file };
  if (lines) return { from: 'lines', inFlight: inFlight ?? 1 };
  if (data === undefined && process.stdin.isTTY) {
    throw new Failure('what is to be published? Give it behind the channel, or --file PATH; - reads what you type', 2);
  }
  return { from: 'stdin' };
}

/** What the wire says of a value is said of the option. */
function checked<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      const { message } = error as Error;
      throw new InvalidArgumentError(`${message[0]!.toUpperCase()}${message.slice(1)}.`);
    }
  };
}
