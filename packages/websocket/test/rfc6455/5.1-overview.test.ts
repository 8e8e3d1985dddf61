import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeControl, encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { bytes, closeBody, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { meet } from '../support/server-end.ts';

const KINDS = [
  { name: 'text', frame: { opcode: 1, payload: utf8('Hello') } },
  { name: 'binary', frame: { opcode: 2, payload: bytes(0, 255) } },
  { name: 'first fragment', frame: { opcode: 1, fin: false, payload: utf8('Hel') } },
  { name: 'empty text', frame: { opcode: 1 } },
  { name: 'ping', frame: { opcode: 9, payload: utf8('?') } },
  { name: 'pong', frame: { opcode: 10 } },
  { name: 'close', frame: { opcode: 8, payload: closeBody(1000) } },
];

for (const { name, frame } of KINDS) {
  test(`§5.1: the server MUST close the connection upon receiving a frame that is not masked (${name}), with 1002`, () => {
    assert.deepEqual(receive(fromServer(frame)), ['fail 1002 PB_FRAME_NOT_MASKED']);
  });

  test(`§5.1: a client MUST close a connection if it detects a masked frame (${name}), with 1002`, () => {
    assert.deepEqual(receive(fromClient(frame), { role: 'client' }), ['fail 1002 PB_FRAME_MASKED']);
  });
}

test('§5.1: each frame is looked at, not only the first', () => {
  const masked = fromClient({ opcode: 1, payload: utf8('fine') });
  const unmasked = fromServer({ opcode: 1, payload: utf8('fine') });
  assert.deepEqual(receive(concat(masked, masked, unmasked, masked)), [
    'text "fine"',
    'text "fine"',
    'fail 1002 PB_FRAME_NOT_MASKED',
  ]);
  assert.deepEqual(receive(concat(unmasked, unmasked, masked, unmasked), { role: 'client' }), [
    'text "fine"',
    'text "fine"',
    'fail 1002 PB_FRAME_MASKED',
  ]);
});

test('§5.1: a continuation frame that is not masked fails the message that was masked so far', () => {
  const stream = concat(
    fromClient({ opcode: 1, fin: false, payload: utf8('Hel') }),
    fromServer({ opcode: 0, payload: utf8('lo') }),
  );
  assert.deepEqual(receive(stream), ['fail 1002 PB_FRAME_NOT_MASKED', 'unfinished text "Hel"']);
});

/** Reads the mask bit of every frame in a stream whose payloads are shorter than 126 bytes. */
function maskBits(stream: Uint8Array): number[] {
  const bits: number[] = [];
  for (let at = 0; at < stream.length; ) {
    const bit = stream[at + 1]! >> 7;
    bits.push(bit);
    at += 2 + 4 * bit + (stream[at + 1]! & 0x7f);
  }
  return bits;
}

test('§5.1: a client MUST mask all frames that it sends to the server', () => {
  const masks = new MaskingKeys(testPlatform);
  const stream = concat(
    encodeMessage(1, false, utf8('Hello'), masks),
    encodeMessage(2, false, new Uint8Array(10), masks, 3),
    encodeMessage(2, false, new Uint8Array(0), masks),
    encodeControl(8, closeBody(1000), masks),
    encodeControl(9, utf8('?'), masks),
    encodeControl(10, new Uint8Array(0), masks),
  );
  assert.deepEqual(maskBits(stream), Array(9).fill(1));
});

test('§5.1: a server MUST NOT mask any frames that it sends to the client', () => {
  const stream = concat(
    encodeMessage(1, false, utf8('Hello'), null),
    encodeMessage(2, false, new Uint8Array(10), null, 3),
    encodeMessage(2, false, new Uint8Array(0), null),
    encodeControl(8, closeBody(1000), null),
    encodeControl(9, utf8('?'), null),
    encodeControl(10, new Uint8Array(0), null),
  );
  assert.deepEqual(maskBits(stream), Array(9).fill(0));
});

test('§5.1: a connected client MUST mask all frames that it sends: of every kind and length, over TLS or not', async (t) => {
  const { client, server } = await meet(t);
  client.send('');
  client.send('text');
  client.send(new Uint8Array(70_000));
  client.send('in fragments', 'text', { fragmentSize: 5 });
  client.ping('a');
  server.send({ opcode: 9 });
  const open = await server.frames(8);
  client.close(1000);
  const [close] = await server.frames(1);
  assert.deepEqual([...open, close!].map(({ opcode, masked }) => `${opcode} ${masked}`).sort(), [
    '0 true',
    '0 true',
    '1 true',
    '1 true',
    '1 true',
    '10 true',
    '2 true',
    '8 true',
    '9 true',
  ]);
});

for (const [name, frame] of [
  ['a text', [0x81, 0x81, 1, 2, 3, 4, 5]],
  ['an empty ping', [0x89, 0x80, 1, 2, 3, 4]],
  ['a close frame', [0x88, 0x80, 0, 0, 0, 0]],
  ['a key of zeros', [0x82, 0x81, 0, 0, 0, 0, 9]],
] as const) {
  test(`§5.1: a connected client MUST close the connection upon a masked frame (${name}), with 1002`, async (t) => {
    const { server, log } = await meet(t);
    server.write(Uint8Array.from(frame));
    assert.deepEqual(await server.rest(), ['close 1002 "a frame from a server must not be masked"']);
    server.end();
    assert.match(await log.has('close'), /^close 1002 /);
    assert.deepEqual(log.lines.slice(0, -1), ['error PB_FRAME_MASKED']);
  });
}
