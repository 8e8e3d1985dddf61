import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromClient, utf8 } from '../support/frames.ts';

// Read once, when the module is loaded.
process.env['PULSEBEACON_POISON'] = '1';
const { serve } = await import('../support/servers.ts');

test('borrowed: text and binary come as bytes, valid until the handler returns, and overwritten then', async (t) => {
  const kept: { data: Uint8Array; seen: string; kind: string }[] = [];
  const { open } = await serve<unknown, 'borrowed'>(t, {
    receive: 'borrowed',
    message: (connection, data, kind) => {
      kept.push({ data, seen: Buffer.from(data).toString(), kind });
      connection.send(data, kind);
    },
  });
  const client = await open();
  const large = 'x'.repeat(100_000);
  client.write(
    fromClient({ opcode: 1, payload: utf8('grün') }),
    fromClient({ opcode: 2, payload: utf8('bytes') }),
    fromClient({ opcode: 1, fin: false, payload: utf8('in ') }),
    fromClient({ opcode: 0, payload: utf8('parts') }),
    fromClient({ opcode: 1, payload: utf8(large) }),
  );
  assert.equal(await client.next(), 'text "grün"');
  assert.equal(await client.next(), `binary ${Buffer.from('bytes').toString('hex')}`);
  assert.equal(await client.next(), 'text "in parts"');
  assert.equal((await client.readFrame())!.payload.toString(), large);
  assert.deepEqual(
    kept.map(({ seen }) => seen),
    ['grün', 'bytes', 'in parts', large],
  );
  assert.deepEqual(
    kept.map(({ kind }) => kind),
    ['text', 'binary', 'text', 'text'],
  );
  // On the way through a socket of its own, through the shared read buffer, and put together from parts.
  for (const { data } of kept) assert.equal(Object.getPrototypeOf(data), Uint8Array.prototype, 'a Buffer is lent');
  for (const { data } of kept)
    assert.ok(
      data.every((byte) => byte === 0xdb),
      'what was borrowed is still readable',
    );
});

test('borrowed: the poison touches nothing but the message', async (t) => {
  const seen: string[] = [];
  const { open } = await serve<unknown, 'borrowed'>(t, {
    receive: 'borrowed',
    message: (connection, data) => {
      seen.push(Buffer.from(data).toString());
      if (seen.length === 100) connection.send('all');
    },
  });
  const client = await open();
  // All of them in one read.
  client.write(...Array.from({ length: 100 }, (_, i) => fromClient({ opcode: 1, payload: utf8(`message ${i}`) })));
  assert.equal(await client.next(), 'text "all"');
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => `message ${i}`),
  );
});

test('borrowed: UTF-8 is checked all the same', async (t) => {
  const { open } = await serve<unknown, 'borrowed'>(t, { receive: 'borrowed', message: () => assert.fail() });
  const client = await open();
  client.send({ opcode: 1, payload: Uint8Array.of(0xff) });
  assert.match(await client.next(), /^close 1007 /);
});

test('borrowed: messages() yields owned data', async (t) => {
  const kept: (string | Uint8Array)[] = [];
  const { open } = await serve<unknown, 'borrowed'>(t, {
    receive: 'borrowed',
    open: async (connection) => {
      for await (const message of connection.messages()) {
        kept.push(message);
        connection.send('got it');
      }
    },
  });
  const client = await open();
  for (const opcode of [1, 2]) {
    client.send({ opcode, payload: utf8('keep') });
    await client.next();
  }
  assert.deepEqual(kept, ['keep', new Uint8Array(utf8('keep'))]);
});

test('owned data is not poisoned', async (t) => {
  const kept: Uint8Array[] = [];
  const { open } = await serve(t, {
    message: (connection, data) => {
      kept.push(data as Uint8Array);
      connection.send('ok');
    },
  });
  const client = await open();
  client.send({ opcode: 2, payload: utf8('mine') });
  await client.next();
  assert.equal(Buffer.from(kept[0]!).toString(), 'mine');
});
