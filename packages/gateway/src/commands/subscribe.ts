import { parseSince } from '@pulsebeacon/wire';
import { type Command, InvalidArgumentError } from 'commander';
import { Screen } from '../connect/screen.ts';
import { styleFor } from '../connect/style.ts';
import { exitCodesHelp, SUBSCRIBE_EXIT_CODES } from '../remote/exit-codes.ts';
import { Notices } from '../remote/notices.ts';
import { endOnSignals, toExitCode } from '../remote/run.ts';
import { openFeed } from '../subscribe/feeds.ts';
import { Follower } from '../subscribe/follower.ts';
import { PublicationWriter } from '../subscribe/publication-writer.ts';
import { type SubscribeSettings, type Transport, TRANSPORTS } from '../subscribe/settings.ts';
import { addOptions, describeOption, type OptionText } from './option-table.ts';
import { readChannel, REMOTE, type RemoteCommandOptions, toRemoteServer } from './remote-options.ts';
import { count, durationOrEver } from './values.ts';

/** The options of `subscribe`, as commander gives them. */
interface SubscribeCommandOptions extends RemoteCommandOptions {
  readonly transport: Transport;
  readonly since?: string;
  readonly count?: number;
  readonly wait: number;
  readonly retryFor: number;
  readonly json?: boolean;
  readonly timestamps?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
}

const FOLLOWING: readonly OptionText[] = [
  {
    flags: '--transport <name>',
    about: 'how to follow it',
    choices: TRANSPORTS,
    byDefault: { value: 'websocket' },
  },
  {
    flags: '--since <where>',
    about: 'begin after this position, with what is at most so old (10m), or with all that is kept (default: now)',
    read: since,
  },
  { flags: '-n, --count <number>', about: 'end after so many publications', read: count() },
  {
    flags: '-w, --wait <duration>',
    about: 'end after so long; -1 does not',
    read: durationOrEver,
    byDefault: { value: Infinity, shown: '-1' },
  },
  {
    flags: '--retry-for <duration>',
    about: 'how long it tries to come back where that may help; 0 gives up at once, -1 never',
    read: durationOrEver,
    byDefault: { value: Infinity, shown: '-1' },
  },
];

const SHOWING: readonly OptionText[] = [
  { flags: '-j, --json', about: 'publications in their envelopes: position, time, content type' },
  { flags: '-t, --timestamps', about: 'when each was published, before it' },
  { flags: '-q, --quiet', about: 'nothing but publications, and why it has failed' },
  { flags: '--no-color', about: 'no colours; NO_COLOR in the environment says the same' },
];

const HELP = `
Payloads go to standard output, one a line (binary ones in base64, on a terminal as a dump); that it is connected, comes
back, has recovered or skipped something, to standard error. A connection that is lost is made again, and what was
published meanwhile comes with it, in order, once.

Examples:
  pulsebeacon subscribe news
  pulsebeacon subscribe news --since 10m --count 1 --wait 5s
  pulsebeacon subscribe orders --json --since all | jq .data
  pulsebeacon subscribe news --transport sse --server https://example.com

${exitCodesHelp(SUBSCRIBE_EXIT_CODES)}`;

/** `pulsebeacon subscribe` */
export function addSubscribe(program: Command): void {
  const command = program
    .command('subscribe')
    .description('follow a channel')
    .argument('<channel>', 'its name: news, chat:room-1')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', HELP)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addOptions(command, [REMOTE, ['Following:', FOLLOWING], ['Showing:', SHOWING]]);
  command.action(async (channel: string, options: SubscribeCommandOptions) => {
    process.exitCode = await run(toSettings(channel, options));
  });
}

async function run(settings: SubscribeSettings): Promise<number> {
  const { stdout, stderr } = process;
  const { json, timestamps, color, quiet } = settings;
  const screen = new Screen(stdout, stderr);
  const notices = new Notices(screen, styleFor(stderr, color, process.env), quiet);
  const writer = new PublicationWriter(screen, { json, timestamps, style: styleFor(stdout, color, process.env) });
  const signal = endOnSignals();
  const feed = openFeed(settings);
  return toExitCode(notices, signal, () => new Follower({ settings, feed, screen, writer, notices, signal }).run());
}

function toSettings(channel: string, options: SubscribeCommandOptions): SubscribeSettings {
  const { transport, count: most = Infinity, wait, retryFor, color } = options;
  const { json = false, timestamps = false, quiet = false } = options;
  return {
    server: toRemoteServer(options, process.env),
    channel: readChannel(channel),
    transport,
    since: options.since,
    count: most,
    wait,
    retryFor,
    json,
    timestamps,
    quiet,
    color,
  };
}

/** It goes to the server as it stands. */
function since(text: string): string {
  try {
    parseSince(text);
    return text;
  } catch {
    throw new InvalidArgumentError('Give a position as it came with a publication, a duration such as 10m, or all.');
  }
}
