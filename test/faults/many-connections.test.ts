// alone: 15,000 connections
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Scope } from '../support/cleanup.ts';
import { Client, refusal } from '../support/client.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { CrowdQuestion } from './programs/crowd.ts';

/** The limit that ships. */
const MOST = 15_000;
const FILES = 20_000;

/** How many files a process may open; Node raises its own limit to the highest that it may have. */
function openFiles(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, , hard = '0'] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  return hard === 'unlimited' ? Infinity : Number(hard);
}

/** Clients in a process of their own, from addresses in 127.{network}.0.0/16. */
class Crowd {
  private readonly child: ChildProcess;

  constructor(scope: Scope, port: number, network: number) {
    const program = new URL('programs/crowd.js', import.meta.url);
    this.child = fork(program, [String(port), String(network)], { stdio: 'inherit' });
    scope.after(() => this.child.kill('SIGKILL'));
  }

  /** Gives how many of them are connected afterwards. */
  async ask(question: CrowdQuestion): Promise<number> {
    this.child.send(question);
    const ended = once(this.child, 'exit').then(([code]) => assert.fail(`the crowd ended with ${code}`));
    const [{ open }] = (await Promise.race([once(this.child, 'message'), ended])) as [{ open: number }];
    return open;
  }
}

const skip = openFiles() < FILES && `a process may open ${openFiles()} files here; this takes ${FILES} (ulimit -n)`;

test('15,000 idle connections in one process, and not one more', { skip }, async (t) => {
  const server = await ServerProcess.start(t, { closeTimeout: 20_000 });
  const empty = await server.residentBytes();
  const crowds = [1, 2, 3].map((network) => new Crowd(t, server.port, network));
  const share = MOST / crowds.length;

  const start = performance.now();
  const opened = await Promise.all(crowds.map((crowd) => crowd.ask({ ask: 'open', count: share })));
  assert.deepEqual(opened, [share, share, share]);
  await server.untilOpen(MOST);
  const seconds = (performance.now() - start) / 1000;
  const perConnection = ((await server.residentBytes()) - empty) / MOST;
  t.diagnostic(`${MOST} connections in ${seconds.toFixed(1)} s, ${Math.round(perConnection)} bytes each`);

  const { open, peak, accepted } = await server.counts();
  assert.deepEqual({ open, peak, accepted }, { open: MOST, peak: MOST, accepted: MOST });
  const refused = await refusal(server.socket('/echo'));
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '5');
  assert.equal(JSON.parse(refused.body).code, 'PB_HANDSHAKE_SERVER_FULL');
  // They are idle, not dead.
  await Promise.all(crowds.map((crowd) => crowd.ask({ ask: 'echo' })));
  assert.equal((await server.counts()).messagesOut, MOST / 100);

  // A third goes by itself, and makes room.
  assert.equal(await crowds[0]!.ask({ ask: 'close' }), 0);
  await server.untilOpen(MOST - share);
  const late = await Client.open(t, server.socket('/echo'));
  assert.equal(await late.ask('room again?'), 'room again?');
  await late.close();
  await server.untilOpen(MOST - share);

  // The others are told to, by the server that closes.
  const leaving = crowds.slice(1).map((crowd) => crowd.ask({ ask: 'gone' }));
  await server.ask({ ask: 'close' });
  assert.deepEqual(await Promise.all(leaving), [0, 0]);
  const counts = await server.counts();
  assert.equal(counts.open, 0);
  assert.deepEqual(counts.closedByCode, { 1000: share + 1, 1001: MOST - share });
  await server.stop();
});
