import { HandshakeUsageError, UsageError } from '@pulsebeacon/websocket';
import type { Command } from 'commander';
import { Screen } from '../connect/screen.ts';
import { styleFor } from '../connect/style.ts';
import { examine } from '../doctor/doctor.ts';
import { JsonReporter } from '../doctor/json-reporter.ts';
import { TextReporter } from '../doctor/text-reporter.ts';
import { Failure } from '../failure.ts';
import { EXIT, exitCodesHelp } from '../remote/exit-codes.ts';
import { addDoctorOptions, type DoctorCommandOptions, toDoctorSettings } from './doctor-options.ts';
import { describeOption } from './option-table.ts';

/** As the help and the guide have them. */
export const DOCTOR_EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'everything that was tried works'],
  [EXIT.failed, 'something does not work: the report says what'],
  [EXIT.usage, 'an option or the URL cannot be'],
  [EXIT.interrupted, 'interrupted (SIGINT); 143: told to end (SIGTERM)'],
];

const HELP = `
It looks at what the way to a server does to WebSockets over HTTP/1.1 and HTTP/2, to Server-Sent Events and other
streams, to long polls, to large messages and to silence, and says what to change. At the other end a pulsebeacon serve
tells what it sees, below /probe/; of any other server it looks at what can be seen from here.

Examples:
  pulsebeacon doctor https://live.example.com
  pulsebeacon doctor :8080 --idle 0                          what takes no time
  pulsebeacon doctor wss://example.com/chat --idle 2min      any WebSocket server
  pulsebeacon doctor https://live.example.com --proxy http://proxy.example:3128
  pulsebeacon doctor https://live.example.com --json | jq '.checks[] | select(.result == "fail")'

${exitCodesHelp(DOCTOR_EXIT_CODES)}`;

/** `pulsebeacon doctor` */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look at the way to a server: what passes, what is held back, what is cut')
    .argument('<url>', 'https://, http://, wss:// or ws://; ws://localhost may be left out: :8080')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', HELP)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addDoctorOptions(command);
  command.action(async (url: string, options: DoctorCommandOptions) => {
    process.exitCode = await run(url, options);
  });
}

async function run(url: string, options: DoctorCommandOptions): Promise<number> {
  const settings = toDoctorSettings(url, options);
  const { stdout, stderr, env } = process;
  const screen = new Screen(stdout, stderr);
  const isLive = stdout.isTTY && stderr.isTTY && env['TERM'] !== 'dumb';
  const text = new TextReporter(screen, styleFor(stdout, options.color, env), isLive);
  endAtOnce(() => text.stop());
  try {
    const { checks } = await examine(settings, options.json === true ? new JsonReporter(screen) : text);
    return checks.some(({ result }) => result === 'fail') ? EXIT.failed : EXIT.done;
  } catch (error) {
    text.stop();
    // What the library cannot read is a value that was given on the command line.
    const isUsage = error instanceof UsageError || error instanceof HandshakeUsageError;
    throw isUsage ? new Failure(error.message, 2) : error;
  }
}

/** There is nothing to end in good order: what was seen so far is on the screen. */
function endAtOnce(clean: () => void): void {
  const on = (name: NodeJS.Signals, exitCode: number): void => {
    process.once(name, () => {
      clean();
      process.exit(exitCode);
    });
  };
  on('SIGINT', EXIT.interrupted);
  on('SIGTERM', EXIT.terminated);
}
