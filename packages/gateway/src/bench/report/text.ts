import type { BenchReport } from '../bench.ts';
import type { Comparison, NewsCost, Polling } from '../comparison.ts';
import type { Latency } from '../latency.ts';
import type { RunResult } from '../result.ts';
import { amount, bytesPerSecond, counted, figure, NONE, percent, time, times } from './figures.ts';
import { describeEnding, describeReason, describeSettings, warningsFor } from './sentences.ts';

const LABEL = 14;
const COLUMN = 11;

/** The report as text, for a terminal. */
export function textReport(report: BenchReport): string {
  const { url, settings, websocket, http } = report;
  const ending = describeEnding(websocket);
  const lines = [
    url,
    describeSettings(settings),
    '',
    ...(ending === undefined ? [] : [ending, '']),
    ...connectionLines(websocket),
    ...(settings.idle ? [] : messageLines(websocket)),
    line('load', loadText(websocket)),
    ...(settings.idle ? [] : latencyTable(websocket.latency)),
    ...(http === null ? [] : comparisonLines(websocket, http)),
  ];
  const warnings = warningsFor(report);
  if (warnings.length > 0) lines.push('', ...warnings.map((warning) => `note: ${warning}`));
  return `${lines.join('\n')}\n`;
}

function line(label: string, text: string): string {
  return label.padEnd(LABEL) + text;
}

function connectionLines({ connections }: RunResult): string[] {
  const { asked, opened, failed, lost, openedPerSecond, timeToOpen } = connections;
  const parts = [`${amount(opened)} of ${amount(asked)} opened, ${amount(openedPerSecond)} a second`];
  if (timeToOpen !== null) {
    const { p50, p90, p99, max } = timeToOpen;
    parts.push(`time to open ${figure(p50)} ms (p90 ${figure(p90)}, p99 ${figure(p99)}, max ${figure(max)})`);
  }
  return [
    line('connections', parts.join('; ')),
    ...failed.map((reason) => line('  failed', describeReason(reason))),
    ...lost.map((reason) => line('  lost', describeReason(reason))),
  ];
}

function messageLines({ messages }: RunResult): string[] {
  const { sent, answered, unanswered, unsent, errors, perSecond, bytesPerSecond: bytes } = messages;
  const parts = [`${amount(sent)} sent`, `${amount(answered)} answered`];
  if (unanswered > 0) parts.push(`${amount(unanswered)} not answered`);
  if (unsent > 0) parts.push(`${amount(unsent)} due but not sent`);
  return [
    line('messages', parts.join(', ')),
    ...errors.map((reason) => line('  errors', describeReason(reason))),
    line('throughput', `${amount(perSecond)} messages/s, ${bytesPerSecond(bytes)} each way`),
  ];
}

function loadText({ load, schedule }: RunResult): string {
  const { cpu, cpuMicrosPerMessage, threads, busy } = load;
  const parts = [`${percent(cpu)} of a core`];
  if (cpuMicrosPerMessage !== null) parts.push(`${figure(cpuMicrosPerMessage)} µs of CPU a message`);
  // With a rate it is never idle: it waits by looking.
  if (schedule === null) parts.push(`busiest of ${counted(threads, 'thread')} busy ${percent(busy)}`);
  else parts.push(`messages sent ${figure(schedule.lateness?.p99)} ms after they were due at most (p99)`);
  return parts.join(', ');
}

const LATENCY_COLUMNS = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['p50', 'p50'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['p99.9', 'p99_9'],
  ['max', 'max'],
] as const satisfies readonly (readonly [string, keyof Latency])[];

function latencyTable(latency: Latency | null): string[] {
  if (latency === null) return [];
  const heads = LATENCY_COLUMNS.map(([head]) => head.padStart(COLUMN - 2));
  const values = LATENCY_COLUMNS.map(([, name]) => figure(latency[name]).padStart(COLUMN - 2));
  return ['', line('latency, ms', heads.join('')), line('', values.join(''))];
}

/** Name, WebSocket, HTTP, and how many times better WebSocket is. */
type Row = readonly [name: string, websocket: string, post: string, ratio: string];

/** The rows in which WebSocket and POST are compared. */
export function comparisonRows(websocket: RunResult, { post, ratios }: Comparison): Row[] {
  const row = (name: string, read: (run: RunResult) => number | null | undefined, ratio: number | null): Row => [
    name,
    figure(read(websocket)),
    figure(read(post)),
    times(ratio),
  ];
  return [
    row('messages/s', ({ messages }) => messages.perSecond, ratios.messagesPerSecond),
    row('latency p50, ms', ({ latency }) => latency?.p50, ratios.medianLatency),
    row('latency p99, ms', ({ latency }) => latency?.p99, quotient(post.latency?.p99, websocket.latency?.p99)),
    row('bytes out, a message', ({ wire }) => wire?.message.out, ratios.bytesOut),
    row('bytes in, a message', ({ wire }) => wire?.message.in, ratios.bytesIn),
    row('CPU of the load, µs a message', ({ load }) => load.cpuMicrosPerMessage, ratios.cpuPerMessage),
  ];
}

function quotient(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined || b === 0 ? null : a / b;
}

function comparisonLines(websocket: RunResult, comparison: Comparison): string[] {
  return [
    '',
    ...table(['', 'WebSocket', 'HTTP POST', 'ratio'], comparisonRows(websocket, comparison)),
    ...pollingLines(comparison),
  ];
}

/** The rows in which polling and being told are compared. */
export function newsRows({ news }: Polling): Row[] {
  const { websocket, polling } = news;
  const row = (name: string, read: (cost: NewsCost) => number | null): Row => [
    name,
    figure(read(websocket)),
    figure(read(polling)),
    times(quotient(read(polling) ?? undefined, read(websocket) ?? undefined)),
  ];
  return [
    row('messages or requests', ({ exchanges }) => exchanges),
    row('bytes on the wire', ({ bytes }) => bytes),
    row('CPU of the client, µs', ({ cpuMicros }) => cpuMicros),
    row('known after, ms (mean)', ({ staleness }) => staleness),
  ];
}

/** What was measured of polling, and what the figures for a piece of news are made from. */
export function pollingSentences({ plan, polls, messages }: Polling): string[] {
  return [
    `measured: GET ${plan.path} every ${time(plan.interval)} on each connection, ${exchangesText(polls, 'poll')}`,
    `measured: WebSocket messages at the same pace, ${exchangesText(messages, 'message')}`,
    `computed: ${figure(plan.newsEvery / plan.interval)} polls for each piece of news, which is known half an interval ` +
      'and a poll after it happened; by WebSocket, one message, and at most its round trip',
  ];
}

function exchangesText({ messages, latency, wire, load }: RunResult, name: string): string {
  const bytes = wire === null ? NONE : `${figure(wire.message.out)} bytes out and ${figure(wire.message.in)} in`;
  const cpu = `${figure(load.cpuMicrosPerMessage)} µs of CPU`;
  return `${counted(messages.answered, name)}: ${figure(latency?.mean)} ms on average, ${bytes}, ${cpu}`;
}

function pollingLines({ polling }: Comparison): string[] {
  if (polling === null) return [];
  const { interval, newsEvery } = polling.plan;
  return [
    '',
    `news every ${time(newsEvery)}, for each client: told by WebSocket, or polled for every ${time(interval)}`,
    ...table(['', 'WebSocket', 'polling', 'ratio'], newsRows(polling)),
    ...pollingSentences(polling),
  ];
}

const NAME = 31;

function table(head: Row, rows: readonly Row[]): string[] {
  return [head, ...rows].map(([name, ...values]) =>
    (name.padEnd(NAME) + values.map((value) => value.padStart(COLUMN)).join('')).trimEnd(),
  );
}
