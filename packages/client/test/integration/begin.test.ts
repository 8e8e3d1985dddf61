// What a WebSocket says by its URL, and what by messages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Beacon, type BeaconOptions } from '@pulsebeacon/client';
import { WebSocket } from '@pulsebeacon/websocket';
import { Log, serve, until } from '../support/site.ts';

/** A class of WebSockets, and what each of them said: its query, then its messages. */
function listen(): { readonly options: BeaconOptions; readonly said: string[][] } {
  const said: string[][] = [];
  class Recorded extends WebSocket {
    private readonly own: string[];

    constructor(url: string) {
      super(url);
      this.own = [decodeURIComponent(new URL(url).search)];
      said.push(this.own);
    }

    override send(data: string): void {
      this.own.push(data);
      super.send(data);
    }
  }
  return { options: { WebSocket: Recorded, transports: ['websocket'] }, said };
}

const typesOf = (messages: readonly string[]): unknown[] =>
  messages.map((text) => (JSON.parse(text) as { type: unknown }).type);

test('the first hello, and what is followed, are said by the URL', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  const beacon = site.connect(options);
  const log = new Log<number>(beacon.channel('news'), 'all');
  await log.ready;
  const query =
    '?begin={"hello":{"versions":[1],"lines":true},"commands":[{"type":"subscribe","id":0,"channel":"news","since":"all","echo":true}]}';
  assert.deepEqual(said, [[query]]);
  // What came too late for it, and what is none of a URL's business, is said by messages.
  await new Log(beacon.channel('late')).ready;
  await beacon.channel<number>('news').publish(1);
  await log.reaches(1);
  assert.deepEqual(typesOf(said[0]!.slice(1)), ['subscribe', 'publish']);
});

test('a query that the address has already stays', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  const beacon = new Beacon(`${site.url}/?page=1`, options);
  t.after(() => beacon.close());
  await beacon.channel('news').subscribe().ready;
  assert.match(said[0]![0]!, /^\?page=1&begin=\{"hello"/);
});

test('where what the URL says is not heard, messages say it the next time', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  class Deaf extends (options.WebSocket as typeof WebSocket) {
    constructor(url: string) {
      super(url.split('?')[0]!);
    }
  }
  const beacon = site.connect({ ...options, WebSocket: Deaf, openTimeout: 100 });
  await beacon.channel('news').subscribe().ready;
  assert.deepEqual(
    said.map(([, ...messages]) => typesOf(messages)),
    [[], ['hello', 'subscribe']],
  );
});

for (const [what, spoil] of [
  ['encoded twice', (query: string) => query.replaceAll('%', '%25')],
  ['cut short', (query: string) => query.slice(0, 40)],
  ['there twice', (query: string) => `${query}&${query}`],
] as const) {
  test(`where what the URL says arrives ${what}, messages say it, too`, async (t) => {
    const site = await serve(t);
    const { options, said } = listen();
    class Spoilt extends (options.WebSocket as typeof WebSocket) {
      constructor(url: string) {
        const [address, query] = url.split('?', 2);
        super(query === undefined ? url : `${address}?${spoil(query)}`);
      }
    }
    const beacon = site.connect({ ...options, WebSocket: Spoilt });
    await beacon.channel('news').subscribe().ready;
    assert.deepEqual(
      said.map(([, ...messages]) => typesOf(messages)),
      [[], ['hello', 'subscribe']],
    );
  });
}

test('what is refused by messages, too, is final', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  class Stranger extends (options.WebSocket as typeof WebSocket) {
    constructor(url: string) {
      super(url.replace('%22versions%22%3A%5B1%5D', '%22versions%22%3A%5B99%5D'));
    }

    override send(data: string): void {
      super.send(data.replace('"versions":[1]', '"versions":[99]'));
    }
  }
  const beacon = site.connect({ ...options, WebSocket: Stranger });
  await until(beacon, 'offline');
  assert.equal(said.length, 2);
  assert.equal(beacon.status.retryIn, undefined);
});

test('a session is said by a message', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  const beacon = site.connect(options);
  await new Log(beacon.channel('news')).ready;
  const { client } = beacon;
  site.proxy.cut('reset');
  await until(beacon, 'recovering');
  await until(beacon, 'online');
  assert.equal(beacon.client, client);
  assert.equal(said.at(-1)![0], '');
  assert.match(said.at(-1)![1]!, /^\{"type":"hello",.*"session":"/);
});

test('credentials are said by a message', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  const beacon = site.connect({ ...options, authorization: 'Bearer secret' });
  await beacon.channel('news').subscribe().ready;
  assert.equal(said[0]![0], '');
  assert.deepEqual(typesOf(said[0]!.slice(1)), ['hello', 'subscribe']);
});

test('what is long is said by messages', async (t) => {
  const site = await serve(t);
  const { options, said } = listen();
  const beacon = site.connect(options);
  const names = Array.from({ length: 40 }, (_, at) => `channel-with-a-name-${at}`);
  await Promise.all(names.map((name) => beacon.channel(name).subscribe().ready));
  assert.equal(said[0]![0], '');
  assert.deepEqual(typesOf(said[0]!.slice(1)), ['hello', ...names.map(() => 'subscribe')]);
});
