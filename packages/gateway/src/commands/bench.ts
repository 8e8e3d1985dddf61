import { writeFile } from 'node:fs/promises';
import { HandshakeError, HandshakeUsageError, UsageError } from '@pulsebeacon/websocket';
import type { Command } from 'commander';
import { type BenchReport, type BenchSettings, runBench } from '../bench/bench.ts';
import { htmlReport } from '../bench/report/html.ts';
import { textReport } from '../bench/report/text.ts';
import type { RunResult } from '../bench/result.ts';
import { EXIT, EXIT_CODES, type ExitCode, exitCodeOf, hintFor } from '../connect/exit-codes.ts';
import { Failure } from '../failure.ts';
import { SAME_CTRL_C_MS } from '../lifecycle.ts';
import { addBenchOptions, type BenchOptions, toBenchSettings } from './bench-options.ts';
import { ProgressBar } from './bench-progress.ts';
import { describeOption } from './option-table.ts';

/** Beside its own two, those of `connect` that mean the same here. */
const SHARED_CODES: readonly ExitCode[] = [
  EXIT.usage,
  EXIT.unreachable,
  EXIT.refused,
  EXIT.badAnswer,
  EXIT.timeout,
  EXIT.interrupted,
];

/** As the help and the guide have them. */
export const BENCH_EXIT_CODES: typeof EXIT_CODES = [
  [EXIT.done, 'measured, and nothing failed'],
  [EXIT.failed, 'something failed, got lost or was not answered: the report says what'],
  ...EXIT_CODES.filter(([code]) => SHARED_CODES.includes(code)),
];

const HELP = `
The server must send every message back, as /echo of pulsebeacon serve does; for a benchmark, start that with
--message-rate off --handshake-rate off. Ctrl-C ends early and prints what was measured.

Examples:
  pulsebeacon bench :8080/echo                              as fast as answers come, for 10 s
  pulsebeacon bench :8080/echo --rate 20000 --html report.html
  pulsebeacon bench :8080/echo -c 1000 --size 16KiB -b --in-flight 4 --threads 2
  pulsebeacon bench wss://example.com/live -c 5000 --idle --duration 1min
  pulsebeacon bench :8080/echo --compare-http               what WebSocket saves
  pulsebeacon bench :8080/echo --json | jq .websocket.latency

Exit codes:
${BENCH_EXIT_CODES.map(([code, about]) => `  ${String(code).padStart(3)}  ${about}`).join('\n')}`;

/** `pulsebeacon bench` */
export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('measure a WebSocket server: load from this machine, latency, a report')
    .argument('<url>', 'ws://, wss://, http:// or https://; ws://localhost may be left out: :8080/echo')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', HELP)
    .configureHelp({ optionDescription: describeOption })
    .allowExcessArguments(false);
  addBenchOptions(command);
  command.action(async (url: string, options: BenchOptions) => {
    const isGiven = (name: keyof BenchOptions): boolean => command.getOptionValueSource(name) === 'cli';
    process.exitCode = await run(toBenchSettings(url, options, isGiven), options);
  });
}

async function run(settings: BenchSettings, options: BenchOptions): Promise<number> {
  const stopping = stopOnSignals();
  const { signal } = stopping;
  const isShown = options.progress && process.stderr.isTTY;
  const bar = isShown ? await ProgressBar.start(process.stderr, () => signal.aborted) : undefined;
  let report: BenchReport;
  try {
    report = await runBench(settings, signal, bar?.show ?? (() => {}));
  } catch (error) {
    bar?.stop();
    return explain(error);
  }
  bar?.stop();
  await publish(report, options);
  if (signal.aborted) return signal.reason as number;
  const { websocket, http } = report;
  return [websocket, http?.post, http?.polling?.polls, http?.polling?.messages].every(isClean)
    ? EXIT.done
    : EXIT.failed;
}

/** Why there is nothing to report, as an exit code; having said so. */
function explain(error: unknown): number {
  if (error instanceof UsageError || error instanceof HandshakeUsageError) throw new Failure(error.message, 2);
  if (!(error instanceof HandshakeError)) throw error;
  // The others name options of `connect`.
  const hint = error.status === undefined ? hintFor(error) : undefined;
  process.stderr.write(`pulsebeacon: ${error.message}\n${hint === undefined ? '' : `${hint}\n`}`);
  return exitCodeOf(error);
}

/** Aborted with the exit code that tells of the signal. The second one ends the program at once. */
function stopOnSignals(): AbortController {
  const stopping = new AbortController();
  let since = 0;
  const onSignal = (exitCode: number): void => {
    const now = performance.now();
    if (!stopping.signal.aborted) {
      since = now;
      stopping.abort(exitCode);
    } else if (now - since > SAME_CTRL_C_MS) {
      process.exit(exitCode);
    }
  };
  process.on('SIGINT', () => onSignal(EXIT.interrupted));
  process.on('SIGTERM', () => onSignal(EXIT.terminated));
  return stopping;
}

async function publish(report: BenchReport, { json, html }: BenchOptions): Promise<void> {
  const asJson = `${JSON.stringify(report, undefined, 2)}\n`;
  process.stdout.write(json === true ? asJson : textReport(report));
  if (typeof json === 'string') await write(json, asJson);
  if (html !== undefined) await write(html, await htmlReport(report));
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Failure(`cannot write ${file}: ${(error as Error).message}`);
  }
  process.stderr.write(`wrote ${file}\n`);
}

function isClean(result: RunResult | undefined): boolean {
  if (result === undefined) return true;
  const { ending, connections, messages } = result;
  const failures = [...connections.failed, ...connections.lost, ...messages.errors];
  return ending.how === 'complete' && failures.length === 0 && messages.unanswered === 0 && messages.unsent === 0;
}
