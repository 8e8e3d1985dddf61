// /live: the counts, as they change.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LiveCounts, Rates } from '#dist/sockets/counts.js';
import { RateMeter } from '#dist/sockets/counts.js';
import { ask } from './support/http.ts';
import { Program } from './support/program.ts';
import { Client, refused } from './support/sockets.ts';

type Live = LiveCounts & { readonly rates: Rates };

describe('/live', () => {
  let program: Program;
  let echo: string;
  let live: string;
  before(async () => {
    program = await Program.start(['--message-rate', 'off']);
    echo = `${program.socketBase}/echo`;
    live = `${program.socketBase}/live`;
  });
  after(() => program?.stop());

  it('says at once how many there are, and again when that changes: 1, 2, 1', async () => {
    const watcher = await Client.open(live);
    const first = JSON.parse(await watcher.nextText()) as Live;
    assert.deepEqual([first.echo.open, first.live.open, first.total.open], [0, 1, 1]);
    const open = (count: number): Promise<Live> => watcher.nextJson<Live>((counts) => counts.echo.open === count);
    const one = await Client.open(echo);
    assert.equal((await open(1)).total.open, 2);
    const two = await Client.open(echo);
    assert.equal((await open(2)).total.open, 3);
    await two.close();
    const left = await open(1);
    assert.deepEqual([left.echo.peak, left.echo.accepted, left.total.peak], [2, 2, 3]);
    one.socket.terminate();
    await open(0);
    await watcher.close();
  });

  it('counts messages and bytes, both ways, and gives their rate until it is over', async () => {
    const watcher = await Client.open(live);
    const start = JSON.parse(await watcher.nextText()) as Live;
    const client = await Client.open(echo);
    for (let sent = 0; sent < 40; sent++) client.socket.send('12345');
    for (let got = 0; got < 40; got++) await client.next();
    const fast = await watcher.nextJson<Live>(({ rates }) => rates.messagesIn > 0);
    assert(fast.rates.messagesIn <= 40 && fast.rates.messagesOut <= 40, JSON.stringify(fast.rates));
    const still = await watcher.nextJson<Live>(({ rates }) => rates.messagesIn === 0);
    assert.equal(still.echo.messagesIn - start.echo.messagesIn, 40);
    assert.equal(still.echo.messagesOut - start.echo.messagesOut, 40);
    assert.equal(still.echo.bytesIn - start.echo.bytesIn, 200);
    assert.equal(still.echo.bytesOut - start.echo.bytesOut, 200);
    await client.close();
    await watcher.close();
  });

  it('counts who follows channels, by transport, and what is published and delivered', async () => {
    const watcher = await Client.open(live);
    const follower = await Client.open(`${program.socketBase}/channels/news`);
    const following = await watcher.nextJson<Live>(({ channels }) => channels.open === 1);
    assert.equal(following.channels.byTransport.websocket, 1);
    assert.equal(following.total.open, 2);
    assert.equal((await ask(`${program.base}/channels/news`, { method: 'POST', body: 'hello' })).status, 201);
    assert.equal(await follower.nextText(), 'hello');
    const { channels, rates } = await watcher.nextJson<Live>((counts) => counts.channels.delivered === 1);
    assert.deepEqual([channels.published, rates.published, rates.delivered], [1, 1, 1]);
    await follower.close();
    const left = await watcher.nextJson<Live>((counts) => counts.channels.open === 0);
    assert.deepEqual([left.channels.peak, left.channels.byTransport.websocket], [1, 0]);
    await watcher.close();
  });

  it('counts refusals by code', async () => {
    await refused(echo, { origin: 'https://evil.test' });
    const { refused: byCode } = (await ask(`${program.base}/live`)).json() as { refused: Record<string, number> };
    assert.equal(byCode['PB_HANDSHAKE_ORIGIN_FORBIDDEN'], 1);
  });

  it('tells at most five times a second, however fast things change', async () => {
    const watcher = await Client.open(live);
    const begin = performance.now();
    let told = 0;
    watcher.socket.on('message', () => told++);
    const client = await Client.open(echo);
    while (performance.now() - begin < 1000) {
      client.socket.send('x');
      await client.next();
    }
    const seconds = (performance.now() - begin) / 1000;
    await client.close();
    await watcher.close();
    assert(told >= 2, `${told} in ${seconds} s`);
    // One at once, and one more for the edges.
    assert(told <= seconds * 5 + 2, `${told} in ${seconds} s`);
  });

  it('tells each watcher the same', async () => {
    const watchers = [await Client.open(live), await Client.open(live)];
    const client = await Client.open(echo);
    const seen = await Promise.all(
      watchers.map((watcher) => watcher.nextJson<Live>((counts) => counts.echo.open === 1 && counts.live.open === 2)),
    );
    assert.deepEqual(seen[0], seen[1]);
    await client.close();
    for (const watcher of watchers) await watcher.close();
  });

  it('takes no messages', async () => {
    const watcher = await Client.open(live);
    watcher.socket.send('hello');
    assert.deepEqual(await watcher.closed, { code: 1008, reason: 'nothing is expected on /live' });
  });

  it('has the same door as /echo', async () => {
    assert.equal((await refused(live, { origin: 'https://evil.test' })).status, 403);
    assert.equal((await refused(live, { headers: { Host: 'evil.test' } })).status, 421);
  });
});

describe('RateMeter', () => {
  it('gives what came in the last second', () => {
    const meter = new RateMeter();
    assert.equal(meter.add(0, 0), 0);
    assert.equal(meter.add(10, 200), 10);
    assert.equal(meter.add(50, 1000), 50);
    assert.equal(meter.add(50, 1200), 40);
    assert.equal(meter.add(50, 2000), 0);
  });

  it('begins anew after a pause', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    meter.add(100, 200);
    // Nobody watched for a minute, in which much came.
    assert.equal(meter.add(6100, 60_200), 0);
    assert.equal(meter.add(6130, 60_400), 30);
  });
});
