// The log: lines for people in a terminal, JSON for programs, and no more of them than one can read.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { LineLimiter } from '#dist/log/line-limiter.js';
import { launch, Program } from './support/program.ts';
import { refused } from './support/sockets.ts';

describe('the lines at the start', () => {
  it('say where, what, for whom, and the limits', async () => {
    const program = await Program.start();
    const { port } = program;
    await program.stop();
    const text = program.lines.map(({ msg }) => msg).join('\n');
    assert.match(text, /^Pulse Beacon \d+\.\d+\.\d+ on Node \d+\./);
    assert(text.includes(`\npage     http://localhost:${port}/\n`));
    assert(text.includes(`\necho     ws://localhost:${port}/echo\n`));
    assert.match(
      text,
      /\nlimits {3}64 KiB a message, 50 messages a second \(100 at once\), 15,000 connections \(100 from one address\), 500 handshakes a second\n/,
    );
    assert.match(text, /reachable from this machine alone; --host 0\.0\.0\.0 opens it/);
    assert.match(text, /\nready; Ctrl-C /);
    for (const line of program.lines) {
      assert.equal(line.level, 'info');
      assert(Number.isFinite(Date.parse(line['time'] as string)));
    }
  });

  it('warn where other machines get in', async () => {
    const program = await Program.start(['--listen', '0.0.0.0:0']);
    await program.stop();
    const warning = program.find(({ level }) => level === 'warn');
    assert.match(warning?.msg ?? '', /^reachable from other machines.*--public-url https:\/\/NAME$/);
  });

  it('are for people with --log-format pretty', async () => {
    const program = launch(['serve', '--port', '0', '--log-format', 'pretty']);
    let text = '';
    for await (const chunk of program.stdout!.setEncoding('utf8')) {
      text += chunk as string;
      if (text.includes('ready;')) program.kill('SIGINT');
    }
    assert.match(text, /^\[\d\d:\d\d:\d\d\] INFO: Pulse Beacon /);
    assert.match(text, /\] INFO: ended: 0 closed/);
    assert.doesNotMatch(text, /[{}]/);
  });
});

describe('lines that strangers cause', () => {
  it('are ten a second of each kind, and then their number', async () => {
    const program = await Program.start();
    for (let count = 0; count < 15; count++) await refused(`${program.socketBase}/nothing`);
    const summary = await program.waitFor(({ skipped }) => skipped !== undefined);
    const lines = program.lines.filter(({ msg }) => msg.startsWith('handshake refused'));
    await program.stop();
    // If the fifteen took more than a second, a second ten may have begun.
    assert(lines.length >= 10 && lines.length + (summary['skipped'] as number) <= 15, `${lines.length} lines`);
    assert.match(summary.msg, /^\d more lines about PB_HANDSHAKE_NO_SUCH_PATH were left out$/);
  });

  it('are counted for each kind by itself, and anew each second', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    const reports: unknown[] = [];
    const limiter = new LineLimiter((skipped, code) => reports.push([skipped, code]));
    const admitted = (code: string, times: number): number =>
      Array.from({ length: times }, () => limiter.admit(code)).filter(Boolean).length;
    assert.equal(admitted('A', 25), 10);
    assert.equal(admitted('B', 3), 3);
    mock.timers.tick(1000);
    assert.deepEqual(reports, [[15, 'A']]);
    assert.equal(admitted('A', 4), 4);
    mock.timers.tick(1000);
    assert.equal(reports.length, 1);
    mock.timers.reset();
  });
});
