// pulsebeacon subscribe: what it prints, how it comes back, and when it gives up.
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Command, Following, serveStatus, TestHub } from './support/channels.ts';
import type { Outcome } from './support/program.ts';

const TRANSPORTS = ['websocket', 'sse', 'ndjson', 'poll'] as const;

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

function subscribe(t: TestContext, port: number, ...args: readonly string[]): Command {
  return Command.start(t, ['subscribe', '--server', `:${port}`, ...args]);
}

function ended(port: number, ...args: readonly string[]): Promise<Outcome> {
  return new Command(['subscribe', '--server', `:${port}`, ...args]).ended;
}

for (const transport of TRANSPORTS) {
  describe(`by ${transport}`, () => {
    it('prints what is published, and ends after --count', async (t) => {
      const { port, hub } = await TestHub.start(t);
      const command = new Following(t, port, 'news', { transport, count: 4 });
      await command.said('connected: news at ');
      const news = hub.channel('news');
      await news.publish({ a: 1 });
      await hub.publish('news', {
        kind: 'json',
        contentType: 'application/json',
        data: '{"id":12345678901234567890, "x":1.0}',
      });
      await hub.publish('news', { kind: 'text', contentType: 'text/plain', data: 'grüße' });
      await hub.publish('news', { kind: 'binary', contentType: 'image/png', data: Uint8Array.of(0, 255) });
      const { code, stdout } = await command.ended;
      assert.equal(stdout, '{"a":1}\n{"id":12345678901234567890, "x":1.0}\ngrüße\nAP8=\n');
      assert.equal(code, 0);
    });

    it('recovers what it missed while it was cut off, once and in order', async (t) => {
      const server = await TestHub.start(t);
      const command = new Following(t, server.port, 'news', { transport, count: 60 });
      await command.said('connected: ');
      let sent = 0;
      for (let round = 1; round <= 3; round++) {
        for (let i = 0; i < 10; i++) await server.publish('news', String(++sent));
        server.cut();
        for (let i = 0; i < 10; i++) await server.publish('news', String(++sent));
        await command.until(({ stdout }) => lines(stdout).length >= sent);
      }
      const { code, stdout, stderr } = await command.ended;
      assert.deepEqual(
        lines(stdout),
        Array.from({ length: 60 }, (_, i) => String(i + 1)),
      );
      assert.match(stderr, /trying again in \d+\.\d s/);
      assert.match(stderr, /connected again: news at /);
      assert.equal(code, 0);
    });

    it('comes back to a server that restarts, when it says so', async (t) => {
      const server = await TestHub.start(t);
      const command = new Following(t, server.port, 'news', { transport, count: 3 });
      await command.said('connected: ');
      await server.publish('news', 'before');
      await command.until(({ stdout }) => stdout.includes('before'));
      await server.goDown();
      await command.said('trying again in ');
      await server.comeBack(true);
      await server.publish('news', 'meanwhile');
      await server.publish('news', 'after');
      const { code, stdout, stderr } = await command.ended;
      assert.equal(stdout, 'before\nmeanwhile\nafter\n');
      assert.match(stderr, /shutting down|cut off|broke|nobody listens/);
      assert.equal(code, 0);
    });

    it('says that it has not recovered where the server lost its data, and goes on with the newest', async (t) => {
      const server = await TestHub.start(t);
      const command = new Following(t, server.port, 'news', { transport, count: 3 });
      await command.said('connected: ');
      await server.publish('news', 'old');
      await command.until(({ stdout }) => stdout.includes('old'));
      await server.goDown();
      await server.comeBack(false);
      await server.publish('news', 'lost');
      await server.publish('news', 'newest');
      await command.said('not recovered: what was published since ');
      await server.publish('news', 'next');
      const { code, stdout } = await command.ended;
      assert.equal(stdout, 'old\nnewest\nnext\n');
      assert.equal(code, 0);
    });

    it('begins with --since: a position, a duration, or everything', async (t) => {
      const server = await TestHub.start(t);
      const first = await server.publish('news', 'one');
      await server.publish('news', 'two');
      const from = (since: string): Following['ended'] =>
        new Following(t, server.port, 'news', { transport, since, count: since === first ? 1 : 2 }).ended;
      const [all, recent, since] = await Promise.all([from('all'), from('10m'), from(first)]);
      assert.equal(all.stdout, 'one\ntwo\n');
      assert.equal(recent.stdout, 'one\ntwo\n');
      assert.equal(since.stdout, 'two\n');
      assert.match(since.stderr, /recovered 1\n/);
    });

    it('gives up on what cannot succeed, with the sentence of the server', async (t) => {
      const server = await TestHub.start(t);
      const follow = (channel: string, key?: string): Following['ended'] =>
        new Following(t, server.port, channel, { transport }, key).ended;
      const [without, wrong, closed] = await Promise.all([
        follow('private'),
        follow('private', 'wrong'),
        follow('closed', 'reader'),
      ]);
      assert.equal(without.code, 4);
      assert.match(
        without.stderr,
        /^pulsebeacon: credentials are needed to follow private \(401, PB_UNAUTHENTICATED\)\nhint: --api-key KEY/,
      );
      assert.match(wrong.stderr, /^pulsebeacon: the key is not valid \(401, PB_UNAUTHENTICATED\)/);
      assert.match(closed.stderr, /^pulsebeacon: reader may not follow closed \(403, PB_FORBIDDEN\)/);
      assert.equal(closed.code, 4);
    });

    it('gives up where there is no channel', async (t) => {
      const port = await serveStatus(t, '404 Not Found');
      const { code, stderr } = await new Following(t, port, 'news', { transport }).ended;
      assert.match(stderr, /^pulsebeacon: http:\/\/127\.0\.0\.1:\d+\/channels\/news\S* answered 404/);
      assert.equal(code, 4);
    });

    it('waits as long as Retry-After says', async (t) => {
      const port = await serveStatus(t, '503 Busy', 'Retry-After: 77');
      await new Following(t, port, 'news', { transport }).said('trying again in 77.');
    });
  });
}

describe('what it prints', { concurrency: 2 }, () => {
  let server: TestHub;
  before(async () => {
    server = await TestHub.start();
    await server.publish('news', 'one');
    await server.publish('news', 'two');
  });

  after(() => server.stop());

  it('--json has publications as they came', async () => {
    const { stdout } = await ended(server.port, 'news', '--since', 'all', '--count', '2', '--json');
    const [first] = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(Object.keys(first!), ['type', 'channel', 'position', 'time', 'contentType', 'data']);
    assert.equal(first!['data'], 'one');
  });

  it('--timestamps has the time before each', async () => {
    const { stdout } = await ended(server.port, 'news', '--since', 'all', '--count', '1', '--timestamps');
    assert.match(stdout, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z one\n$/);
  });

  it('--quiet says nothing else', async () => {
    const { stderr } = await ended(server.port, 'news', '--since', 'all', '--count', '2', '--quiet');
    assert.equal(stderr, '');
  });

  it('too few within --wait: exit code 9; without --count it has just ended', async () => {
    const few = await ended(server.port, 'news', '--since', 'all', '--count', '3', '--wait', '2s', '--quiet');
    assert.equal(few.code, 9);
    assert.equal(few.stderr, 'pulsebeacon: 2 of 3 publications came before the end\n');
    const over = await ended(server.port, 'news', '--wait', '300ms');
    assert.equal(over.code, 0);
  });

  it('a reader that leaves has seen enough', async (t) => {
    const command = subscribe(t, server.port, 'busy');
    await command.said('connected: ');
    command.child.stdout!.destroy();
    const publishing = setInterval(() => void server.publish('busy', 'x'), 5);
    const { code } = await command.ended;
    clearInterval(publishing);
    assert.equal(code, 0);
  });

  it('Ctrl-C ends it: exit code 130', async (t) => {
    const command = subscribe(t, server.port, 'news');
    await command.said('connected: ');
    command.child.kill('SIGINT');
    assert.equal((await command.ended).code, 130);
  });

  it('nobody listens: exit code 3, once --retry-for is over', async () => {
    const { code, stderr } = await ended(1, 'news', '--retry-for', '0');
    assert.match(stderr, /^pulsebeacon: cannot reach localhost:1: nobody listens there\nhint: --server :3000 /);
    assert.equal(code, 3);
  });

  it('what cannot be is a matter of the command line: exit code 2', async () => {
    for (const [args, said] of [
      [['a/b'], /no name of a channel.*; the server goes into --server/],
      [['news', '--since', 'yesterday'], /Give a position/],
      [['news', '--transport', 'pigeon'], /Allowed choices are websocket, sse, ndjson, poll/],
      [['news', '--api-key', 'a b'], /the key is not one/],
    ] as const) {
      const { code, stderr } = await ended(server.port, ...args);
      assert.equal(code, 2);
      assert.match(stderr, said);
    }
  });
});
