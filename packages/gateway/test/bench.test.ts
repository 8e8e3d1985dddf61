// `pulsebeacon bench` as a program, against `pulsebeacon serve`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WebSocketServer } from '@pulsebeacon/websocket';
import type { BenchReport } from '#dist/bench/bench.js';
import { launch, Program, runProgram } from './support/program.ts';
import { Client } from './support/sockets.ts';

interface LiveCounts {
  readonly echo: { readonly messagesIn: number };
}

describe('pulsebeacon bench', () => {
  let program: Program;
  let folder: string;
  let url: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-bench-test-'));
    program = await Program.start(['--message-rate', 'off', '--handshake-rate', 'off']);
    url = `${program.socketBase}/echo`;
  });
  after(async () => {
    await program?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('prints what it measured, and nothing else', async () => {
    const args = ['bench', url, '-c', '4', '-n', '1000', '--warmup', '0', '--in-flight', '2'];
    const { code, stdout, stderr } = await runProgram(args);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    const [where, what, ...lines] = stdout.split('\n');
    assert.equal(where, url);
    assert.equal(what, '4 connections, 64 bytes of text, 2 in flight on each, 1,000 messages');
    const text = lines.join('\n');
    assert.match(text, /^connections {3}4 of 4 opened, [\d,]+ a second; time to open [\d.]+ ms/m);
    assert.match(text, /^messages {6}1,000 sent, 1,000 answered$/m);
    assert.match(text, /^throughput {4}[\d,]+ messages\/s, [\d.]+ [kM]?B\/s each way$/m);
    assert.match(text, /^load {10}\d+ % of a core, [\d.]+ µs of CPU a message, busiest of 1 thread busy \d+ %$/m);
    assert.match(text, /^latency, ms +min +mean +p50 +p90 +p99 +p99\.9 +max\n +([\d.,]+ +){6}[\d.,]+$/m);
  });

  it('takes the address as `connect` does', async () => {
    const { code, stdout } = await runProgram([
      'bench',
      `:${program.port}/echo`,
      '-c',
      '1',
      '-n',
      '1',
      '--warmup',
      '0',
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /^ws:\/\/localhost:\d+\/echo\n1 connection, /);
  });

  it('prints the report as JSON, or writes it to a file beside the text', async () => {
    const args = ['bench', url, '-c', '2', '-d', '300ms', '--warmup', '0', '--rate', '500'];
    const { code, stdout } = await runProgram([...args, '--json']);
    assert.equal(code, 0);
    const report = JSON.parse(stdout) as BenchReport;
    assert.equal(report.format, 1);
    assert.equal(report.settings.rate, 500);
    assert.equal(report.settings.inFlight, 1000);
    assert.equal(report.websocket.messages.sent, 150);
    assert(report.websocket.schedule !== null);
    const file = path.join(folder, 'report.json');
    const beside = await runProgram([...args, `--json=${file}`]);
    assert.match(beside.stdout, /^messages {6}150 sent/m);
    assert.equal(beside.stderr, `wrote ${file}\n`);
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as BenchReport).websocket.messages.sent, 150);
  });

  it('compares with HTTP, and writes a page that needs nothing else', async () => {
    const html = path.join(folder, 'report.html');
    const json = path.join(folder, 'compared.json');
    const load = ['bench', url, '-c', '3', '-d', '500ms', '--warmup', '0'];
    const comparison = ['--compare-http', '--poll-interval', '50ms', '--news-every', '1s'];
    const { code, stdout, stderr } = await runProgram([...load, ...comparison, '--html', html, '--json', json]);
    assert.equal(stderr, `wrote ${json}\nwrote ${html}\n`);
    assert.equal(code, 0);
    assert.match(stdout, /^ +WebSocket +HTTP POST +ratio$/m);
    assert.match(stdout, /^messages\/s +[\d,.]+ +[\d,.]+ +[\d.]+ ×$/m);
    // 64 bytes in a frame with and without mask.
    assert.match(stdout, /^bytes out, a message +70\.0 +\d+ +[\d.]+ ×$/m);
    assert.match(stdout, /^bytes in, a message +66\.0 +\d+ +[\d.]+ ×$/m);
    assert.match(stdout, /^news every 1 s, for each client: told by WebSocket, or polled for every 50 ms$/m);
    assert.match(stdout, /^messages or requests +1\.00 +20\.0 +20\.0 ×$/m);
    assert.match(stdout, /^measured: GET \/healthz every 50 ms on each connection, 30 polls: /m);

    const { http, websocket } = JSON.parse(await readFile(json, 'utf8')) as BenchReport;
    const { post, polling, ratios } = http!;
    assert.equal(post.messages.answered, post.latency!.count);
    assert.equal(ratios.bytesOut, post.wire!.message.out / 70);
    assert.equal(ratios.messagesPerSecond, websocket.messages.perSecond / post.messages.perSecond);
    const { polls, messages, news } = polling!;
    assert.deepEqual([polls.messages.answered, messages.messages.answered], [30, 30]);
    const bytes = polls.wire!.message;
    assert(Math.abs(news.polling.bytes! - (20 * (bytes.in + bytes.out) + 64)) < 1e-6);
    assert.equal(news.polling.staleness, 25 + polls.latency!.mean);
    assert.equal(news.websocket.staleness, messages.latency!.mean);

    const page = await readFile(html, 'utf8');
    assert.match(page, /^<!doctype html>/);
    assert.doesNotMatch(page, /<(script|link|img)[^>]+(src|href)=/);
    for (const id of ['distribution', 'throughput', 'latency-over-time']) assert(page.includes(`id="${id}"`), id);
  });

  it('holds connections without sending', async () => {
    const { code, stdout } = await runProgram([
      'bench',
      url,
      '-c',
      '50',
      '--connect-rate',
      'off',
      '--idle',
      '-d',
      '1ms',
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /\n50 connections, 1 ms\n/);
    assert.match(stdout, /^connections {3}50 of 50 opened/m);
    assert.doesNotMatch(stdout, /latency|messages/);
  });

  it('ends at Ctrl-C with what was measured, and 130', async () => {
    const live = await Client.open(`${program.socketBase}/live`);
    const before = await live.nextJson<LiveCounts>(() => true);
    const child = launch(['bench', url, '-c', '2', '-d', '1min', '--warmup', '0']);
    await live.nextJson<LiveCounts>(({ echo }) => echo.messagesIn > before.echo.messagesIn + 10);
    await live.close();
    let stdout = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.kill('SIGINT');
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 130);
    assert.match(stdout, /^stopped early: what was measured until then$/m);
    assert.match(stdout, /^connections {3}2 of 2 opened/m);
  });

  it('says why nothing can be measured, with an exit code for each', async () => {
    const { port } = program;
    const cases: [args: string[], code: number, says: RegExp][] = [
      [[`ws://127.0.0.1:${port}/nope`], 4, /^pulsebeacon: cannot connect to ws:\S+: the server answered 404 /],
      [['ws://127.0.0.1:1/echo'], 3, /^pulsebeacon: cannot connect to .*nothing listens there/],
      [[`wss://127.0.0.1:${port}/echo`], 3, /--ca FILE trusts an issuer of your own/],
      [[`ws://127.0.0.1:${port}/live`], 1, /received \d+ bytes of text .* bench needs an endpoint that echoes/],
      [[url, '-s', 'bad name'], 2, /subprotocol/i],
      [[url, '--compare-http', '--poll-path', '/echo'], 1, /GET http:\S+\/echo was answered 426 .*--poll-path names/],
      [
        [url, '--html', path.join(folder, 'no/such/folder.html'), '-n', '1', '--warmup', '0'],
        1,
        /cannot write .*ENOENT/,
      ],
    ];
    for (const [args, expected, says] of cases) {
      const { code, stderr } = await runProgram(['bench', ...args]);
      assert.match(stderr, says);
      assert.equal(code, expected, stderr);
    }
  });

  it('says which limits of the server it has run into, and ends with 1', async () => {
    const limited = await Program.start(['--handshake-rate', '3']);
    const args = [
      'bench',
      `${limited.socketBase}/echo`,
      '-c',
      '20',
      '--connect-rate',
      'off',
      '--warmup',
      '0',
      '-d',
      '5s',
    ];
    const { code, stdout } = await runProgram(args);
    await limited.stop();
    assert.equal(code, 1);
    assert.match(stdout, /^ended early: every connection was lost$/m);
    assert.match(stdout, /^ {2}failed {6}\d+ × PB_ANSWER_STATUS 503 \(cannot connect to .*PB_HANDSHAKE_RATE/m);
    assert.match(stdout, /^ {2}lost {8}\d+ × close 1008 \(PB_MESSAGE_RATE: more than 50 messages a second/m);
    assert.match(stdout, /^note: .*pulsebeacon serve --message-rate off$/m);
    assert.match(stdout, /^note: .*give a lower --connect-rate/m);
  });

  it('needs a path that answers a POST with its body to compare', async () => {
    const http = createServer((_, response) => response.writeHead(405).end());
    const sockets = new WebSocketServer<undefined>({
      path: '/echo',
      message: (connection, data) => void connection.send(data),
    });
    sockets.attach(http);
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const { code, stderr } = await runProgram(['bench', `:${port}/echo`, '--compare-http']);
    http.close();
    assert.equal(code, 1);
    assert.match(stderr, /POST http:\S+ was answered 405 Method Not Allowed; --compare-http needs a path that answers/);
  });
});

describe('options of bench that cannot be', () => {
  const url = ':1/echo';
  const cases: readonly (readonly [string[], RegExp])[] = [
    [[], /missing required argument 'url'/],
    [['/echo'], /is a path without a host/],
    [['ftp://localhost/'], /no URL of a WebSocket/],
    [[url, '-c', '0'], /Give a whole number from 1 up/],
    [[url, '--rate', '0'], /Give a whole number from 1 up, or off/],
    [[url, '--duration', '0'], /A deadline of zero/],
    [[url, '-n', '5', '-d', '5s'], /--messages takes the place of --duration/],
    [[url, '-m', 'x', '--size', '3'], /--message is as long as it is/],
    [[url, '--idle', '--compare-http'], /--idle sends nothing/],
    [[url, '--idle', '-n', '5'], /--idle sends no --messages/],
    [[url, '--insecure'], /--insecure is about TLS/],
    [['wss://localhost', '--ca', '/no/such/file'], /cannot read \/no\/such\/file for --ca/],
    [[url, '--poll-path', 'healthz'], /Give a path on the same server/],
    [[url, '-H', 'nonsense'], /Give a header as 'Name: value'/],
  ];
  for (const [args, says] of cases) {
    it(args.join(' ') || 'no URL', async () => {
      const { code, stdout, stderr } = await runProgram(['bench', ...args]);
      assert.match(stderr, says);
      assert.match(stderr, /^pulsebeacon: [^\n]+\n$/);
      assert.equal(stdout, '');
      assert.equal(code, args.includes('--ca') ? 1 : 2);
    });
  }
});
