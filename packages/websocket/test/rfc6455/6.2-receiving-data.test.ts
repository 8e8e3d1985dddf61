import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { meet } from '../support/server-end.ts';

test('§6.2: incoming data MUST be parsed as frames, however the network cuts and joins it', () => {
  // receive() cuts every stream at every byte.
  const stream = concat(
    fromClient({ opcode: 1, payload: utf8('a') }),
    fromClient({ opcode: 9 }),
    fromClient({ opcode: 2, payload: new Uint8Array(130) }),
    fromClient({ opcode: 1, payload: utf8('b') }),
  );
  assert.deepEqual(receive(stream), ['text "a"', 'ping ""', `binary ${'00'.repeat(130)}`, 'text "b"']);
});

test('§6.2: the type of the data is that of the opcode, for fragmented messages that of the first frame', () => {
  const stream = concat(
    fromClient({ opcode: 1, payload: utf8('t') }),
    fromClient({ opcode: 2, payload: utf8('b') }),
    fromClient({ opcode: 1, fin: false, payload: utf8('t') }),
    fromClient({ opcode: 0, payload: utf8('T') }),
    fromClient({ opcode: 2, fin: false, payload: utf8('b') }),
    fromClient({ opcode: 0, payload: utf8('B') }),
  );
  assert.deepEqual(receive(stream), ['text "t"', 'binary 62', 'text "tT"', 'binary 6242']);
});

test('§6.2: subsequent data frames MUST be interpreted as belonging to a new message', () => {
  const stream = concat(
    fromClient({ opcode: 1, fin: false, payload: utf8('one') }),
    fromClient({ opcode: 0, payload: utf8('!') }),
    fromClient({ opcode: 1, fin: false, payload: utf8('two') }),
    fromClient({ opcode: 0, payload: utf8('!') }),
  );
  assert.deepEqual(receive(stream), ['text "one!"', 'text "two!"']);
});

test('§6.2: a server MUST remove masking for data frames received from a client', () => {
  const payload = utf8('what the application sees is what was sent');
  const mask = [0xde, 0xad, 0xbe, 0xef];
  assert.deepEqual(receive(fromClient({ opcode: 1, payload, mask })), [
    'text "what the application sees is what was sent"',
  ]);
});

test('§6.2: a client takes the data as it is', () => {
  assert.deepEqual(receive(fromServer({ opcode: 2, payload: bytes(0xde, 0xad) }), { role: 'client' }), ['binary dead']);
});

test('§6.2: a connected client takes frames as they come, byte by byte and behind the answer', async (t) => {
  const { server, log } = await meet(t);
  const frames = concat(
    fromServer({ opcode: 1, fin: false, payload: utf8('a') }),
    fromServer({ opcode: 9 }),
    fromServer({ opcode: 0, payload: utf8('b') }),
    fromServer({ opcode: 2, payload: new Uint8Array(126) }),
  );
  for (let at = 0; at < frames.length; at++) server.write(frames.subarray(at, at + 1));
  await log.has('binary');
  assert.deepEqual(log.lines, ['ping ', 'text "ab"', `binary ${'00'.repeat(126)}`]);
});
