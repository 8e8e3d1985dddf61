import { Command, CommanderError } from 'commander';
import { Failure } from './failure.ts';
import { VERSION } from './version.ts';

const EXIT_USAGE = 2;

/** What adds each command, in the order of the help. Loading them all takes longer than most of them do. */
const COMMANDS: ReadonlyMap<string, () => Promise<(program: Command) => void>> = new Map([
  ['serve', async () => (await import('./commands/serve.ts')).addServe],
  ['config', async () => (await import('./commands/config.ts')).addConfig],
  ['keys', async () => (await import('./commands/keys.ts')).addKeys],
  ['publish', async () => (await import('./commands/publish.ts')).addPublish],
  ['subscribe', async () => (await import('./commands/subscribe.ts')).addSubscribe],
  ['connect', async () => (await import('./commands/connect.ts')).addConnect],
  ['bench', async () => (await import('./commands/bench.ts')).addBench],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctor],
]);

/** What commander says of a wrong command line, in the form of all other sentences of the program. */
function toSentence(text: string): string {
  return text
    .replace(/^error: /, 'pulsebeacon: ')
    .replace(/\n\(Did you mean/, ' (Did you mean')
    .replace(/(unknown command '[^']*')\n$/, '$1; --help lists the commands\n');
}

/** @param name the first word: where it is that of a command, that one alone is added, else all are */
async function createProgram(name: string | undefined): Promise<Command> {
  const program = new Command('pulsebeacon')
    .description('Live channels, pages and WebSockets on one port.')
    .version(VERSION, '-V, --version', 'the version of the program')
    .helpOption('-h, --help', 'this text')
    .helpCommand('help [command]', 'the text for a command')
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(toSentence(text)) })
    .exitOverride();
  const wanted = COMMANDS.get(name ?? '');
  for (const load of wanted === undefined ? COMMANDS.values() : [wanted]) (await load())(program);
  return program;
}

async function run(argv: readonly string[]): Promise<number | undefined> {
  const program = await createProgram(argv[2]);
  try {
    if (argv.length <= 2) program.outputHelp();
    else await program.parseAsync(argv);
    return undefined;
  } catch (error) {
    // Help and version come this way, too: with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    if (error instanceof Failure) {
      process.stderr.write(`pulsebeacon: ${error.message}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

// Whoever reads our output may have seen enough: `pulsebeacon … --help | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // A command that listens itself, ends as it sees fit.
  if (process.stdout.listenerCount('error') === 1) process.exit();
});

const exitCode = await run(process.argv);
if (exitCode !== undefined) process.exitCode = exitCode;
