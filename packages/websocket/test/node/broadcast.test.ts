import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { PreparedMessage, prepareMessage, type SendData, type ServerConnection } from '@pulsebeacon/websocket';
import { SharedBufferStream } from '#dist/node/shared-read-buffer.js';
import { serve } from '../support/servers.ts';

/** How many writes the server's connections do, by how many bytes they write. */
function watchWrites(t: TestContext): number[] {
  const sizes: number[] = [];
  const { write } = SharedBufferStream.prototype;
  t.mock.method(SharedBufferStream.prototype, 'write', function (this: SharedBufferStream, ...values) {
    const [, start, end] = values;
    sizes.push(end - start);
    return write.apply(this, values);
  } as typeof write);
  return sizes;
}

test('publications of one turn are one write for each connection', async (t) => {
  const { open, server } = await serve(t);
  const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
  const writes = watchWrites(t);
  for (let i = 0; i < 8; i++) assert.deepEqual(server.broadcast(`publication ${i}`), { sent: 20, dropped: 0 });
  for (const client of clients) {
    for (let i = 0; i < 8; i++) assert.equal(await client.next(), `text "publication ${i}"`);
  }
  assert.deepEqual(writes, Array(20).fill(8 * 15));
});

test('own messages and broadcasts keep their order', async (t) => {
  const { open, server } = await serve(t);
  const client = await open();
  const [connection] = server.connections;
  const large = 'x'.repeat(100_000);
  connection!.send('1');
  server.broadcast('2');
  connection!.send('3');
  server.broadcast(large);
  connection!.send('5');
  server.broadcast(large);
  server.broadcast('7');
  for (const expected of ['1', '2', '3', large, '5', large, '7']) {
    assert.equal((await client.readFrame())!.payload.toString(), expected);
  }
});

describe('what is broadcast', () => {
  test('may be text, bytes, bytes as text, or prepared; all copied', async (t) => {
    const { open, server } = await serve(t);
    const client = await open();
    const bytes = Buffer.from('grün');
    server.broadcast('text');
    server.broadcast(bytes);
    server.broadcast(bytes, { kind: 'text' });
    server.broadcast('bytes', { kind: 'binary' });
    const prepared = prepareMessage(bytes, 'text');
    server.broadcast(prepared, { kind: 'binary' });
    bytes.fill(0);
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const expected = ['text "text"', `binary ${hex('grün')}`, 'text "grün"', `binary ${hex('bytes')}`, 'text "grün"'];
    for (const frame of expected) assert.equal(await client.next(), frame);
    assert.deepEqual(
      [prepared instanceof PreparedMessage, prepared.kind, prepared.compress],
      [true, 'text', undefined],
    );
  });

  test('is checked like anything that is sent', async (t) => {
    const { server } = await serve(t);
    assert.throws(() => server.broadcast(5 as unknown as SendData), { code: 'PB_DATA_TYPE' });
    assert.throws(() => prepareMessage(Uint8Array.of(0xff), 'text'), { code: 'PB_DATA_TYPE' });
    assert.equal(prepareMessage('x', undefined, { compress: false }).compress, false);
    for (const data of ['two\nlines', Buffer.from('two\nlines'), Uint8Array.of(0)]) {
      const kind = data instanceof Buffer ? 'text' : undefined;
      assert.throws(() => prepareMessage(data, kind, { isLine: true }), { code: 'PB_OPTION_INVALID' });
    }
  });

  test('lines of one turn are one message', async (t) => {
    const { open, server } = await serve(t);
    const client = await open();
    for (const text of ['one', 'two']) server.broadcast(text, { isLine: true });
    assert.equal(await client.next(), 'text "one\\ntwo"');
  });
});

test('a filter picks who gets it; those that are closing are told as dropped', async (t) => {
  const { open, server } = await serve<{ room: string }>(t, {
    path: '/{room}',
    authorize: ({ parameters }) => ({ context: { room: parameters['room']! } }),
  });
  const [a, b] = [await open({ path: '/a' }), await open({ path: '/b' })];
  const filter = ({ context }: ServerConnection<{ room: string }>): boolean => context.room === 'a';
  assert.deepEqual(server.broadcast('for a', { filter }), { sent: 1, dropped: 0 });
  for (const connection of server.connections) if (connection.context.room === 'b') connection.close();
  assert.deepEqual(server.broadcast('for all'), { sent: 1, dropped: 1 });
  assert.deepEqual([await a.next(), await a.next()], ['text "for a"', 'text "for all"']);
  assert.equal(await b.next(), 'close 1000 ""');
});

test('inside a message handler it goes out with the answer', async (t) => {
  const { open, server } = await serve(t, {
    message: (connection, data) => {
      connection.send(`you said ${String(data)}`);
      server.broadcast(`somebody said ${String(data)}`);
    },
  });
  const [first, second] = [await open(), await open()];
  first.sendText('hi');
  assert.deepEqual([await first.next(), await first.next()], ['text "you said hi"', 'text "somebody said hi"']);
  assert.equal(await second.next(), 'text "somebody said hi"');
});

test('compressed once for everybody who agreed on it, plain for the others', async (t) => {
  const { open, server } = await serve(t, { compression: { threshold: 1 } });
  const offer = { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } };
  const [first, second, plain] = [await open(offer), await open(offer), await open()];
  const text = 'the same again and again '.repeat(50);
  server.broadcast(text);
  server.broadcast('a secret', { compress: false });
  const frames = [await first.readFrame(), await second.readFrame()];
  assert.deepEqual(
    frames.map((frame) => frame!.rsv),
    [4, 4],
  );
  assert.ok(frames[0]!.payload.length < 100 && frames[0]!.payload.equals(frames[1]!.payload));
  assert.equal((await plain.readFrame())!.payload.toString(), text);
  for (const client of [first, second, plain]) assert.equal(await client.next(), 'text "a secret"');
  assert.equal(
    [...server.connections][0]!.extensions,
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
  );
});

test('large ones, compressed off the event loop, survive the end of the connection that was first', async (t) => {
  const { open, server } = await serve(t, { compression: { inlineLimit: 0, threshold: 1 } });
  const offer = { headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } };
  const [first, second] = [await open(offer), await open(offer)];
  server.broadcast('x'.repeat(500_000));
  [...server.connections][0]!.terminate();
  assert.equal(await first.next(), 'end');
  assert.equal((await second.readFrame())!.rsv, 4);
});
