import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client } from './support/sockets.ts';

describe('the figures', () => {
  let program: Program;
  before(async () => {
    program = await Program.start();
  });
  after(() => program?.stop());

  const read = async (): Promise<ReadonlyMap<string, number>> => {
    const { status, headers, text } = await ask(`${program.base}/metrics`);
    assert.equal(status, 200);
    assert.match(headers['content-type']!, /^text\/plain; version=0\.0\.4/);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    );
  };

  it('say who is connected by transport, path and HTTP version, and what was published and delivered', async () => {
    const socket = await Client.open(`${program.socketBase}/channels/news`);
    const echo = await Client.open(`${program.socketBase}/echo`);
    await ask(`${program.base}/channels/news`, { method: 'POST', body: 'x' });
    assert.equal(await socket.nextText(), 'x');
    echo.socket.send('y');
    await echo.next();
    const figures = await read();
    const labels = (transport: string, where: string): string =>
      `pulsebeacon_connections{transport="${transport}",path="${where}",http_version="1.1"}`;
    assert.equal(figures.get(labels('websocket', '/channels/{name}')), 1);
    assert.equal(figures.get(labels('websocket', '/echo')), 1);
    assert.equal(figures.get('pulsebeacon_connections_peak'), 2);
    assert.equal(figures.get('pulsebeacon_published_total'), 1);
    assert.equal(figures.get('pulsebeacon_delivered_total'), 1);
    assert.equal(figures.get('pulsebeacon_delivery_seconds_count'), 1);
    assert.equal(figures.get('pulsebeacon_messages_total{direction="in"}'), 1);
    assert.equal(figures.get('pulsebeacon_messages_total{direction="out"}'), 2);
    assert.equal(figures.get('pulsebeacon_channels'), 1);
    assert.equal(figures.get('pulsebeacon_slow_consumers'), 0);
    assert.ok(figures.has('nodejs_eventloop_lag_p99_seconds'));
    for (const client of [socket, echo]) client.socket.close();
    await Promise.all([socket.closed, echo.closed]);
  });

  it('count what is refused, by its code', async () => {
    await ask(`${program.base}/channels/${'x'.repeat(256)}`);
    assert.equal((await read()).get('pulsebeacon_refused_total{code="PB_CHANNEL_NAME"}'), 1);
  });

  it('are those of the reference, which has no other', async () => {
    const { text } = await ask(`${program.base}/metrics`);
    const kinds = Array.from(
      text.matchAll(/^# TYPE (pulsebeacon_\w+) (\w+)$/gm),
      ([, name, kind]) => `${name} ${kind}`,
    );
    const page = await readFile(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8');
    const rows = Array.from(
      page.matchAll(/^\| `(pulsebeacon_\w+)` \| (\w+) \|/gm),
      ([, name, kind]) => `${name} ${kind}`,
    );
    assert.deepEqual(rows.toSorted(), kinds.toSorted());
  });

  it('are for those who run the server', async () => {
    const { status, headers, json } = await ask(`${program.base}/metrics`, {
      headers: { 'X-Forwarded-For': '192.0.2.1' },
    });
    assert.equal(status, 401);
    assert.equal(headers['www-authenticate'], 'Bearer realm="pulsebeacon"');
    assert.equal(json()['code'], 'PB_UNAUTHENTICATED');
  });
});

describe('the demonstrations', () => {
  let program: Program;
  before(async () => {
    program = await Program.start();
  });
  after(() => program?.stop());
  const headers = { Authorization: `Basic ${Buffer.from('demo:demo').toString('base64')}` };

  it('/demo/private asks for a name and a password, and lets in', async () => {
    const refused = await ask(`${program.base}/demo/private`);
    assert.equal(refused.status, 401);
    assert.match(refused.headers['www-authenticate']!, /^Basic realm="name demo, password demo"/);
    assert.equal((await ask(`${program.base}/demo/private`, { headers })).text, 'you are in\n');
    const client = await Client.open(`${program.socketBase}/demo/private`, [], { headers });
    assert.equal(await client.nextText(), 'you are in');
    client.socket.close();
    await client.closed;
  });

  it('/demo/moved is somewhere else', async () => {
    const { status, headers: fields } = await ask(`${program.base}/demo/moved`);
    assert.deepEqual([status, fields['location']], [307, '/echo']);
  });
});
