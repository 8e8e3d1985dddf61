// The class with the interface of WebSocket, over one channel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BeaconWebSocket, type CloseEventLike, type MessageEventLike } from '@pulsebeacon/client/websocket';
import { WebSocket } from '@pulsebeacon/websocket';
import { FAST, type Scope, serve, type Site, until } from '../support/site.ts';

function open(t: Scope, site: Site, query = '', options = {}): BeaconWebSocket {
  const url = `${site.url.replace('http', 'ws')}/channels/news${query}`;
  const socket = new BeaconWebSocket(url, [], { ...FAST, rememberFor: 0, WebSocket, ...options });
  t.after(() => socket.beacon.close());
  return socket;
}

const event = <Event>(socket: BeaconWebSocket, type: string): Promise<Event> =>
  new Promise((resolve) => socket.addEventListener(type, resolve as (event: never) => void));

for (const transports of [['websocket'], ['poll']]) {
  test(`opens, sends, receives and closes as a WebSocket does, by ${transports[0]}`, async (t) => {
    const site = await serve(t);
    const socket = open(t, site, '', { transports });
    socket.binaryType = 'arraybuffer';
    assert.equal(socket.readyState, BeaconWebSocket.CONNECTING);
    assert.throws(() => socket.send('too soon'), { name: 'InvalidStateError' });
    const received: unknown[] = [];
    let wake = (): void => {};
    socket.onmessage = ({ data, origin }) => {
      assert.equal(origin, site.url.replace('http', 'ws'));
      received.push(data);
      wake();
    };
    await event(socket, 'open');
    assert.equal(socket.readyState, BeaconWebSocket.OPEN);
    socket.send('{"a": 1}');
    socket.send(new Blob(['blob']));
    socket.send(new Uint8Array([1, 2]).subarray(1));
    assert(socket.bufferedAmount === 13);
    await site.hub.channel<unknown>('news').publish({ b: [2] });
    while (received.length < 4) await new Promise<void>((resolve) => (wake = resolve));
    const text = (data: unknown): string =>
      typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString();
    const order = received.map(text).filter((each) => each !== '{"b":[2]}');
    assert.deepEqual(order, ['{"a": 1}', 'blob', '\u0002']);
    assert(received.some((data) => data instanceof ArrayBuffer));
    const closed = event<CloseEventLike>(socket, 'close');
    socket.send('last');
    socket.close(3000, 'done');
    assert.equal(socket.readyState, BeaconWebSocket.CLOSING);
    const { code, reason, wasClean } = await closed;
    assert.deepEqual([code, reason, wasClean, socket.readyState], [3000, 'done', true, BeaconWebSocket.CLOSED]);
    assert.equal(socket.bufferedAmount, 0);
    const { publications } = await site.hub.channel('news').history();
    assert.equal(publications.at(-1)!.data, 'last');
  });
}

test('stays open while the connection is lost, and misses nothing', async (t) => {
  const site = await serve(t);
  const socket = open(t, site);
  await event(socket, 'open');
  site.proxy.cut('reset');
  await until(socket.beacon, 'recovering');
  const message = event<MessageEventLike>(socket, 'message');
  await site.hub.channel('news').publish('meanwhile');
  assert.equal((await message).data, 'meanwhile');
  assert.equal(socket.readyState, BeaconWebSocket.OPEN);
});

test('closes with 1008 where something is lost for good, and with 1006 where it may not come in', async (t) => {
  const site = await serve(t, {
    namespaces: [
      { match: 'news', history: { size: 1 }, publish: 'anyone' },
      { match: '*', subscribe: 'nobody' },
    ],
  });
  const socket = open(t, site);
  await event(socket, 'open');
  await site.hub.channel('news').publish('0');
  site.proxy.set({ refuse: true });
  site.proxy.cut();
  await until(socket.beacon, 'offline');
  for (const text of ['1', '2', '3']) await site.hub.channel('news').publish(text);
  const closed = event<CloseEventLike>(socket, 'close');
  site.proxy.set();
  assert.equal((await closed).code, 1008);
  const other = new BeaconWebSocket(`${site.url}/channels/secret`, [], { ...FAST, WebSocket });
  const [error, close] = await Promise.all([event(other, 'error'), event<CloseEventLike>(other, 'close')]);
  assert(error !== undefined);
  assert.deepEqual([close.code, close.wasClean], [1006, false]);
});

test('refuses what a WebSocket refuses', async (t) => {
  const site = await serve(t);
  assert.throws(() => new BeaconWebSocket('wss://example.com/elsewhere'), { name: 'SyntaxError' });
  assert.throws(() => new BeaconWebSocket('wss://example.com/channels/a', 'chat'), { name: 'NotSupportedError' });
  const socket = open(t, site, '?since=all&echo=0');
  assert.throws(() => socket.close(1001), { name: 'InvalidAccessError' });
  assert.throws(() => socket.close(1000, 'x'.repeat(124)), { name: 'SyntaxError' });
  const closed = event<CloseEventLike>(socket, 'close');
  socket.close();
  assert.equal((await closed).code, 1006);
});
