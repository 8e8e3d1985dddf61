import { Command, CommanderError } from 'commander';
import { addBench } from './commands/bench.ts';
import { addConfig } from './commands/config.ts';
import { addConnect } from './commands/connect.ts';
import { addDoctor } from './commands/doctor.ts';
import { addKeys } from './commands/keys.ts';
import { addPublish } from './commands/publish.ts';
import { addServe } from './commands/serve.ts';
import { addSubscribe } from './commands/subscribe.ts';
import { Failure } from './failure.ts';
import { VERSION } from './version.ts';

const EXIT_USAGE = 2;

/** What commander says of a wrong command line, in the form of all other sentences of the program. */
function toSentence(text: string): string {
  return text
    .replace(/^error: /, 'pulsebeacon: ')
    .replace(/\n\(Did you mean/, ' (Did you mean')
    .replace(/(unknown command '[^']*')\n$/, '$1; --help lists the commands\n');
}

function createProgram(): Command {
  const program = new Command('pulsebeacon')
    .description('Live channels, pages and WebSockets on one port.')
    .version(VERSION, '-V, --version', 'the version of the program')
    .helpOption('-h, --help', 'this text')
    .helpCommand('help [command]', 'the text for a command')
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(toSentence(text)) })
    .exitOverride();
  addServe(program);
  addConfig(program);
  addKeys(program);
  addPublish(program);
  addSubscribe(program);
  addConnect(program);
  addBench(program);
  addDoctor(program);
  return program;
}

async function run(argv: readonly string[]): Promise<number | undefined> {
  const program = createProgram();
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
