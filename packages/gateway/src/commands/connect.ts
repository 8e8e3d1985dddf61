import { HandshakeUsageError, UsageError } from '@pulsebeacon/websocket';
import type { Command } from 'commander';
import { type BinaryOutput, openBinaryOutput } from '../connect/binary-output.ts';
import { EXIT, EXIT_CODES } from '../connect/exit-codes.ts';
import { History, historyFile } from '../connect/history.ts';
import { JsonReporter } from '../connect/json-reporter.ts';
import type { Reporter } from '../connect/reporter.ts';
import { Screen } from '../connect/screen.ts';
import { Session } from '../connect/session.ts';
import type { ConnectSettings } from '../connect/settings.ts';
import { type Style, styleFor } from '../connect/style.ts';
import { TextReporter } from '../connect/text-reporter.ts';
import { openPrompt } from '../connect/typing.ts';
import { verboseTrace } from '../connect/verbose.ts';
import { Failure } from '../failure.ts';
import { SAME_CTRL_C_MS } from '../lifecycle.ts';
import { addConnectOptions, type ConnectCommandOptions, toConnectSettings } from './connect-options.ts';
import { describeOption } from './option-table.ts';

const HELP = `
In a terminal, lines that are typed are messages, and /help lists the commands. In a pipe every line of standard input
is a message; at its end, and after --execute, it waits for answers and closes. Messages go to standard output, one a
line, everything else to standard error.

Examples:
  pulsebeacon connect :8080/echo                            ws://localhost:8080/echo
  pulsebeacon connect wss://example.com/chat -s chat.v2 -H 'Authorization: Bearer …'
  pulsebeacon connect :8080/echo -x hello -n 1              send, print the answer, end
  pulsebeacon connect :8080/live --json | jq .data          for scripts
  seq 1000 | pulsebeacon connect :8080/echo --wait 5s       every line is a message
  pulsebeacon connect :8080/echo -v                         both handshakes and every frame
  pulsebeacon connect /chat --unix /run/app.sock

Exit codes:
${EXIT_CODES.map(([code, about]) => `  ${String(code).padStart(3)}  ${about}`).join('\n')}`;

/** `pulsebeacon connect` */
export function addConnect(program: Command): void {
  const command = program
    .command('connect')
    .description('open a WebSocket from this terminal: lines in, messages out')
    .argument('<url>', 'ws://, wss://, http:// or https://; ws://localhost may be left out: :8080/echo')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', HELP)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addConnectOptions(command);
  command.action(async (url: string, options: ConnectCommandOptions) => {
    process.exitCode = await run(url, options);
  });
}

async function run(url: string, options: ConnectCommandOptions): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const terminals = { stdin: stdin.isTTY, stdout: stdout.isTTY };
  const settings = await toConnectSettings(url, options, terminals, { input: stdin, output: stderr });
  const screen = new Screen(stdout, stderr);
  const out = styleFor(stdout, settings.color, process.env);
  const err = styleFor(stderr, settings.color, process.env);
  const output =
    settings.output === undefined || settings.output === '-' ? undefined : openBinaryOutput(settings.output);
  const { opening, verbose } = settings;
  const session = new Session({
    settings: verbose ? { ...settings, opening: { ...opening, trace: verboseTrace(screen, err) } } : settings,
    screen,
    reporter: reporterFor(settings, screen, out, err, output),
    stdin,
    output,
    openPrompt: (opened) => openPrompt({ settings, screen, stdin, history: historyOf(settings), style: err }, opened),
  });
  interruptOnSignals(session);
  try {
    return await session.run();
  } catch (error) {
    // What the library cannot read is a value that was given on the command line.
    const isUsage = error instanceof UsageError || error instanceof HandshakeUsageError;
    throw isUsage ? new Failure(error.message, 2) : error;
  }
}

function reporterFor(
  settings: ConnectSettings,
  screen: Screen,
  out: Style,
  err: Style,
  output: BinaryOutput | undefined,
): Reporter {
  if (settings.json) return new JsonReporter(screen, output);
  const { timestamps, verbose, source } = settings;
  const isChatty = verbose || source === 'prompt';
  return new TextReporter(screen, { out, err, timestamps, isChatty }, settings.output === '-' ? 'stdout' : output);
}

function historyOf({ history }: ConnectSettings): History | undefined {
  return history ? new History(historyFile(process.env)) : undefined;
}

/** The first signal closes the connection, the second one cuts it off. At the prompt Ctrl-C is a key, and no signal. */
function interruptOnSignals(session: Session): void {
  let interruptedAt: number | undefined;
  process.on('SIGINT', () => {
    const now = performance.now();
    if (interruptedAt !== undefined && now - interruptedAt < SAME_CTRL_C_MS) return;
    interruptedAt = now;
    session.interrupt(EXIT.interrupted);
  });
  process.on('SIGTERM', () => session.interrupt(EXIT.terminated));
}
