import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { BenchReport } from '../bench.ts';
import type { Comparison } from '../comparison.ts';
import type { Latency } from '../latency.ts';
import type { Reason } from '../reasons.ts';
import type { RunResult } from '../result.ts';
import { amount, bytesPerSecond, counted, figure, percent, time } from './figures.ts';
import { describeEnding, describeSettings, warningsFor } from './sentences.ts';
import { comparisonRows, newsRows, pollingSentences } from './text.ts';

const require = createRequire(import.meta.url);
/** Style and script of the page; they are shipped as they are. */
const FOLDER = new URL('../../../report/', import.meta.url);

/** The report as a page that needs nothing but itself: its script, its style and the plots' library are in it. */
export async function htmlReport(report: BenchReport): Promise<string> {
  const [plotStyle, style, plotScript, script] = await Promise.all([
    readFile(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    readFile(new URL('report.css', FOLDER), 'utf8'),
    readFile(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    readFile(new URL('report.js', FOLDER), 'utf8'),
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(report.url)}: pulsebeacon bench</title>
<style>${plotStyle}</style>
<style>${style}</style>
</head>
<body>
${body(report)}
<script type="application/json" id="report">${asData(report)}</script>
<script>${plotScript}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** What servers say stands in the report as well. */
function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** Nothing in it may end the element that it stands in. */
function asData(report: BenchReport): string {
  return JSON.stringify(report).replaceAll('<', '\\u003c');
}

function body(report: BenchReport): string {
  const { url, settings, websocket, http, machine, when, program } = report;
  const ending = describeEnding(websocket);
  const notes = [...(ending === undefined ? [] : [ending]), ...warningsFor(report)];
  const where = `${machine.cpu}, ${counted(machine.cores, 'core')}, ${machine.system}, Node ${machine.node}`;
  return [
    `<header><h1>${escape(url)}</h1><p class="facts">${escape(describeSettings(settings))}</p></header>`,
    notes.length === 0 ? '' : `<ul class="notes">${notes.map((note) => `<li>${escape(note)}</li>`).join('')}</ul>`,
    tiles(websocket, settings.idle),
    ...(settings.idle ? [] : plots(websocket)),
    latencySection(report),
    ...(http === null ? [] : comparisonSections(websocket, http)),
    reasonSection(websocket),
    `<footer><p>${escape(`${program}, ${when.replace('T', ' ').replace(/\..*/, ' UTC')}`)}</p><p>${escape(where)}; load and server may have shared it</p></footer>`,
  ].join('\n');
}

function tiles({ connections, messages, latency, load }: RunResult, idle: boolean): string {
  const all: [value: string, name: string][] = idle
    ? []
    : [
        [amount(messages.perSecond), 'messages a second'],
        [bytesPerSecond(messages.bytesPerSecond), 'each way'],
        [`${figure(latency?.p50)} ms`, 'median latency'],
        [`${figure(latency?.p99)} ms`, '99th percentile'],
      ];
  all.push(
    [amount(connections.opened), `of ${counted(connections.asked, 'connection')} opened`],
    [percent(load.cpu), 'of a core for the load'],
  );
  return `<ul class="tiles">${all.map(([value, name]) => `<li><b>${value}</b><span>${name}</span></li>`).join('')}</ul>`;
}

function plots({ timeline, distribution }: RunResult): string[] {
  const plot = (id: string, title: string, about: string): string =>
    `<section><h2>${title}</h2><p class="soft">${about}</p><div class="plot" id="${id}"></div></section>`;
  const overTime =
    timeline.length < 2
      ? []
      : [
          plot('throughput', 'Messages over time', 'Answers in each interval.'),
          plot('latency-over-time', 'Latency over time', 'Of the answers in each interval.'),
        ];
  if (distribution.length === 0) return overTime;
  return [
    plot('distribution', 'Latency by percentile', 'Each step to the right leaves ten times fewer messages.'),
    ...overTime,
  ];
}

const LATENCY_COLUMNS = [
  ['min', 'min'],
  ['mean', 'mean'],
  ['50 %', 'p50'],
  ['90 %', 'p90'],
  ['99 %', 'p99'],
  ['99.9 %', 'p99_9'],
  ['max', 'max'],
] as const satisfies readonly (readonly [string, keyof Latency])[];

function latencySection({ websocket, http }: BenchReport): string {
  const rows: [name: string, latency: Latency | null][] = [
    ['to open a connection', websocket.connections.timeToOpen],
    ['WebSocket message', websocket.latency],
  ];
  if (http !== null) rows.push(['HTTP POST', http.post.latency]);
  if (http?.polling) rows.push(['poll', http.polling.polls.latency]);
  const cells = rows.flatMap(([name, latency]) =>
    latency === null ? [] : [[name, ...LATENCY_COLUMNS.map(([, key]) => figure(latency[key]))]],
  );
  return section('Latency in milliseconds', '', table(['', ...LATENCY_COLUMNS.map(([head]) => head)], cells));
}

function comparisonSections(websocket: RunResult, comparison: Comparison): string[] {
  const { polling } = comparison;
  const about =
    'The same messages over as many connections, as POST with its answer. HTTP/1.1 has one request on its way on each.';
  const head = ['', 'WebSocket', 'HTTP POST', 'ratio'];
  const sections = [section('Beside HTTP', about, table(head, comparisonRows(websocket, comparison)))];
  if (polling !== null) {
    const { newsEvery, interval } = polling.plan;
    const title = `News every ${time(newsEvery)}, polled for every ${time(interval)}`;
    const rows = table(['for each client', 'WebSocket', 'polling', 'ratio'], newsRows(polling));
    sections.push(section(title, pollingSentences(polling).map(asSentence).join(' '), rows));
  }
  return sections;
}

function reasonSection({ connections, messages }: RunResult): string {
  const row = (what: string, { key, count, message }: Reason): string[] => [what, amount(count), `${key} ${message}`];
  const rows = [
    ...connections.failed.map((reason) => row('connection failed', reason)),
    ...connections.lost.map((reason) => row('connection lost', reason)),
    ...messages.errors.map((reason) => row('error', reason)),
  ];
  if (messages.unanswered > 0) rows.push(['not answered', amount(messages.unanswered), '']);
  if (messages.unsent > 0) rows.push(['due but not sent', amount(messages.unsent), '']);
  return rows.length === 0 ? '' : section('What went wrong', '', table(['', 'how often', ''], rows, 'list'));
}

function asSentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function section(title: string, about: string, content: string): string {
  const text = about === '' ? '' : `<p class="soft">${escape(about)}</p>`;
  return `<section><h2>${escape(title)}</h2>${text}<div class="scroll">${content}</div></section>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], kind = ''): string {
  const headings = head.map((text) => `<th scope="col">${escape(text)}</th>`).join('');
  const lines = rows.map(([name = '', ...values]) => {
    const cells = values.map((value) => `<td>${escape(value)}</td>`).join('');
    return `<tr><th scope="row">${escape(name)}</th>${cells}</tr>`;
  });
  return `<table${kind === '' ? '' : ` class="${kind}"`}><thead><tr>${headings}</tr></thead><tbody>${lines.join('')}</tbody></table>`;
}
