// What the report of bench says of what was measured.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { compare } from '#dist/bench/comparison.js';
import { htmlReport } from '#dist/bench/report/html.js';
import { warningsFor } from '#dist/bench/report/sentences.js';
import { textReport } from '#dist/bench/report/text.js';
import { BENCH_EXIT_CODES } from '#dist/commands/bench.js';
import { ProgressBar } from '#dist/commands/bench-progress.js';
import { LATENCY, reportWith, resultWith } from './support/bench-report.ts';
import { planFor } from './support/fake-load.ts';
import { runProgram } from './support/program.ts';

const { settings } = reportWith();
const polling = { path: '/healthz', interval: 1000, newsEvery: 10_000 };

describe('the text', () => {
  it('has everything on lines of its own', () => {
    assert.equal(
      textReport(reportWith()),
      `ws://127.0.0.1:8080/echo
2 connections, 64 bytes of text, 1 in flight on each, 10 s after 1 s of warm-up

connections   2 of 2 opened, 400 a second; time to open 0.100 ms (p90 0.300, p99 1.50, max 12.3)
messages      1,000 sent, 1,000 answered
throughput    100 messages/s, 6.40 kB/s each way
load          50 % of a core, 5.00 µs of CPU a message, busiest of 1 thread busy 50 %

latency, ms         min     mean      p50      p90      p99    p99.9      max
                  0.050    0.200    0.100    0.300     1.50     4.00     12.3
`,
    );
  });

  it('says what went wrong', () => {
    const result = resultWith({
      ending: { how: 'lost' },
      connections: {
        ...resultWith().connections,
        failed: [{ key: 'PB_ANSWER_STATUS 503', count: 1200, message: 'full' }],
        lost: [{ key: 'ECONNRESET', count: 2, message: 'ECONNRESET' }],
      },
      messages: {
        ...resultWith().messages,
        unanswered: 3,
        unsent: 4,
        errors: [{ key: 'status 500', count: 1, message: '' }],
      },
      latency: null,
    });
    const text = textReport(reportWith({ websocket: result }));
    assert.match(text, /\n\nended early: every connection was lost\n\n/);
    assert.match(text, /^ {2}failed {6}1,200 × PB_ANSWER_STATUS 503 \(full\)$/m);
    assert.match(text, /^ {2}lost {8}2 × ECONNRESET$/m);
    assert.match(text, /^ {2}errors {6}1 × status 500$/m);
    assert.match(text, /1,000 answered, 3 not answered, 4 due but not sent$/m);
    assert.doesNotMatch(text, /latency, ms/);
  });

  it('says how a mismatch ended it, and what compression and threads there were', () => {
    const text = textReport(
      reportWith({
        settings: { ...settings, threads: 2, compression: true, rate: 5000, duration: null, messages: 9, warmup: 0 },
        websocket: resultWith({ ending: { how: 'mismatch', message: 'received 1 byte' } }),
      }),
    );
    assert.match(text, /5,000 messages a second in all, 9 messages, permessage-deflate offered, 2 threads\n/);
    assert.match(text, /^ended early: received 1 byte; bench needs an endpoint that echoes/m);
  });
});

describe('the notes', () => {
  const busy = { threads: 1, cpu: 1, cpuMicrosPerMessage: 5, busy: 0.97 };

  it('there are none where nothing is in doubt', () => {
    assert.deepEqual(warningsFor(reportWith()), []);
  });

  it('say that the load was the limit', () => {
    assert.deepEqual(warningsFor(reportWith({ websocket: resultWith({ load: busy }) })), [
      'the load was the limit: its busiest thread was busy for 97 % of the time; --threads 2 may show more',
    ]);
    const [note] = warningsFor(reportWith({ websocket: resultWith({ load: { ...busy, threads: 2 } }) }));
    assert.match(note!, /more --threads may show more, where there are cores/);
  });

  it('say with a rate whether it was reached, what waited, and whether the load was late', () => {
    const atRate = { ...settings, rate: 1000, inFlight: 7 };
    const { messages } = resultWith();
    const reached = resultWith({
      messages: { ...messages, perSecond: 999 },
      schedule: { waited: 0, lateness: LATENCY },
      load: busy,
    });
    assert.deepEqual(warningsFor(reportWith({ settings: atRate, websocket: reached })), []);
    const late = resultWith({ schedule: { waited: 21, lateness: { ...LATENCY, p99: 5 } } });
    assert.deepEqual(warningsFor(reportWith({ settings: atRate, websocket: late })), [
      'the load was late: 1 % of the messages were sent 5.00 ms or more after they were due, and that is in their latency',
      'the rate was not reached: 100 of 1,000 messages a second were answered',
      '21 messages had to wait, because every connection had 7 in flight; their latency includes it',
    ]);
  });

  it('are told of HTTP, too', () => {
    const post = resultWith({ kind: 'post', load: busy, ending: { how: 'lost' } });
    const notes = warningsFor(reportWith({ http: compare(resultWith(), post, undefined, 64) }));
    assert.match(notes[0]!, /^HTTP POST: the load was the limit/);
    assert.equal(notes[1], 'HTTP POST ended early: every connection was lost');
  });
});

describe('the comparison', () => {
  it('has ratios above one where WebSocket needs less or does more', () => {
    const post = resultWith({
      kind: 'post',
      messages: { ...resultWith().messages, perSecond: 25 },
      latency: { ...LATENCY, p50: 0.5 },
      load: { ...resultWith().load, cpuMicrosPerMessage: 50 },
      wire: { message: { out: 140, in: 330 }, opening: { out: 0, in: 0 } },
    });
    assert.deepEqual(compare(resultWith(), post, undefined, 64).ratios, {
      messagesPerSecond: 4,
      medianLatency: 5,
      bytesOut: 2,
      bytesIn: 5,
      bytes: 470 / 136,
      cpuPerMessage: 10,
    });
  });

  it('computes what news costs by polling, from what polls and messages cost at the same pace', () => {
    const polls = resultWith({
      kind: 'poll',
      load: { ...resultWith().load, cpuMicrosPerMessage: 100 },
      wire: { message: { out: 80, in: 220 }, opening: { out: 0, in: 0 } },
    });
    const messages = resultWith({ latency: { ...LATENCY, mean: 0.4 } });
    const { news } = compare(resultWith(), resultWith(), { plan: polling, polls, messages }, 64).polling!;
    assert.deepEqual(news.polling, { exchanges: 10, bytes: 3064, cpuMicros: 1000, staleness: 500.2 });
    assert.deepEqual(news.websocket, { exchanges: 1, bytes: 66, cpuMicros: 5, staleness: 0.4 });
  });

  it('has no figure where nothing was measured', () => {
    const nothing = resultWith({
      latency: null,
      wire: null,
      messages: { ...resultWith().messages, perSecond: 0 },
      load: { ...resultWith().load, cpuMicrosPerMessage: null },
    });
    const http = compare(nothing, nothing, { plan: polling, polls: nothing, messages: nothing }, 64);
    assert(Object.values(http.ratios).every((ratio) => ratio === null));
    assert.deepEqual(http.polling!.news.polling, { exchanges: 10, bytes: null, cpuMicros: null, staleness: null });
    const text = textReport(reportWith({ websocket: nothing, http }));
    assert.match(text, /^latency p50, ms +– +– +–$/m);
  });
});

describe('the page', () => {
  it('shows what strangers say as it is, and is not ended by it', async () => {
    const evil = '</script><img src=x onerror=alert(1)>"&';
    const lost = [{ key: evil, count: 1, message: evil }];
    const websocket = resultWith({ connections: { ...resultWith().connections, lost } });
    const page = await htmlReport(reportWith({ url: `ws://${evil}/`, websocket }));
    assert(!page.includes('<img'));
    assert(page.includes('&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&amp;'));
    const data = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page)![1]!;
    assert.equal((JSON.parse(data) as { url: string }).url, `ws://${evil}/`);
  });

  it('leaves out the plots where there is nothing to plot', async () => {
    const websocket = resultWith({ timeline: [], distribution: [], latency: null });
    const page = await htmlReport(reportWith({ settings: { ...settings, idle: true }, websocket }));
    assert(!page.includes('class="plot"'));
    assert(page.includes('to open a connection'));
    assert(!page.includes('messages a second</span>'));
  });
});

describe('the progress bar', () => {
  it('shows which run it is, how far, and how fast; and goes', async () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    let isStopped = false;
    const bar = await ProgressBar.start(stream, () => isStopped);
    bar.show(planFor({ connections: 4, messages: 200 }), { phase: 'measuring', open: 4, answered: 50 });
    isStopped = true;
    bar.show(planFor({ kind: 'post' }), { phase: 'opening', open: 0, answered: 0 });
    bar.stop();
    stream.end();
    const shown = (await stream.toArray()).join('');
    assert.match(shown, /WebSocket, measuring +█{6}░{18} 4 open, [\d,]+ messages\/s/);
    assert.doesNotMatch(shown, /HTTP POST/);
  });
});

describe('the guide', () => {
  const guide = readFileSync(new URL('../../../../docs/guide/terminal.md', import.meta.url), 'utf8');
  const section = guide.slice(guide.indexOf('\n## bench\n'));

  it('has the exit codes', () => {
    for (const [code, about] of BENCH_EXIT_CODES)
      assert(section.includes(`| ${code} | ${about} |`), `${code} ${about}`);
  });

  it('names options that there are', async () => {
    const { stdout: bench } = await runProgram(['bench', '--help']);
    const { stdout: serve } = await runProgram(['serve', '--help']);
    const named = new Set(Array.from(section.matchAll(/--[a-z][a-z-]+/g), ([name]) => name));
    const known = new Set(Array.from(`${bench}${serve}`.matchAll(/--[a-z][a-z-]+/g), ([name]) => name));
    assert(named.size > 20);
    assert.deepEqual(
      [...named].filter((name) => !known.has(name)),
      [],
    );
  });
});
