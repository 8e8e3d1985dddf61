import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { type HistoryQuery, MemoryBroker } from '@pulsebeacon/hub';
import { RawHttp } from '../support/raw-http.ts';
import { OPEN, Site } from '../support/site.ts';

const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
/** More than the buffers of the system take. */
const LARGE = { publications: 10, bytes: 1_048_576 };
const HUGE_PAGES = { maxQueuedBytes: 2 * LARGE.publications * LARGE.bytes };

class CountingBroker extends MemoryBroker {
  pages = 0;

  override history(channel: string, query: HistoryQuery): ReturnType<MemoryBroker['history']> {
    this.pages++;
    return super.history(channel, query);
  }
}

async function fill(site: Site): Promise<void> {
  const large = Buffer.alloc(LARGE.bytes, 'x').toString();
  for (let i = 0; i < LARGE.publications; i++) await site.hub.channel('large').publish(large);
}

test('no answer to a pipelined request is made before the client has taken the ones before it', async (t) => {
  const broker = new CountingBroker();
  const site = await Site.start(t, { ...OPEN, broker, limits: HUGE_PAGES });
  await fill(site);
  for (const path of ['/channels/large?since=all', '/channels/large?since=all&as=text']) {
    broker.pages = 0;
    const client = await RawHttp.connect(t, site.port);
    const first = once(client.socket, 'data');
    client.socket.write(get(path).repeat(2) + get(path, 'Connection: close\r\n'));
    await first;
    client.socket.pause();
    assert.equal(broker.pages, 1);
    client.socket.resume();
    assert.equal((await client.over).match(/HTTP\/1\.1 200 OK/g)!.length, 3);
    assert.equal(broker.pages, 3);
  }
});

test('64 pipelined requests wait for their answers; what comes beyond is refused, in its turn', async (t) => {
  const site = await Site.start(t);
  const client = await RawHttp.connect(t, site.port);
  client.socket.write(get('/channels/a?wait=20') + get('/channels/a').repeat(70));
  await site.connected(1);
  await site.hub.channel('a').publish('go on');
  client.socket.write(get('/channels/a', 'Connection: close\r\n'));
  const statuses = (await client.over).match(/(?<=^|\n|})HTTP\/1\.1 \d+/g)!.map((line) => Number(line.slice(-3)));
  const of = (status: number, count: number): number[] => Array<number>(count).fill(status);
  assert.deepEqual(statuses, [200, ...of(200, 64), ...of(409, 6), 200]);
});

/** A client, and its connection as the server has it. */
async function pair(t: TestContext, site: Site): Promise<[RawHttp, Socket]> {
  const accepted = once(site.server, 'connection');
  const client = await RawHttp.connect(t, site.port);
  return [client, ((await accepted) as [Socket])[0]];
}

test('a client that reads nothing of an answer is cut off', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { ...HUGE_PAGES, writeTimeout: 200 } });
  await fill(site);
  const [client, connection] = await pair(t, site);
  client.socket.pause();
  client.socket.write(get('/channels/large?since=all'));
  await once(connection, 'close');
});

test('once an answer was read, the connection may be idle for as long as any', async (t) => {
  const site = await Site.start(t, { ...OPEN, limits: { ...HUGE_PAGES, writeTimeout: 60_000 } });
  await fill(site);
  const [client, connection] = await pair(t, site);
  const before = connection.listenerCount('timeout');
  client.socket.write(get('/channels/large?since=all') + get('/channels/small'));
  await client.until('"publications":[]}\n');
  assert.equal(connection.listenerCount('timeout'), before);
  assert(connection.timeout! < 60_000);
});
