import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { bytes, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { meet } from '../support/server-end.ts';

test('§6.1 step 2: the data MUST be encapsulated in a frame as defined in §5.2', () => {
  assert.deepEqual(encodeMessage(2, false, bytes(1, 2, 3), null), bytes(0x82, 3, 1, 2, 3));
});

test('§6.1 step 2: large data MAY be encapsulated in a series of frames as defined in §5.4', () => {
  assert.deepEqual(encodeMessage(2, false, bytes(1, 2, 3), null, 2), bytes(0x02, 2, 1, 2, 0x80, 1, 3));
});

test('§6.1 step 3: the opcode of the first frame MUST say text or binary', () => {
  assert.equal(encodeMessage(1, false, utf8('a'), null)[0]! & 0x0f, 1);
  assert.equal(encodeMessage(2, false, utf8('a'), null)[0]! & 0x0f, 2);
  assert.equal(encodeMessage(1, false, utf8('ab'), null, 1)[0]! & 0x0f, 1);
  assert.equal(encodeMessage(2, false, utf8('ab'), null, 1)[0]! & 0x0f, 2);
});

test('§6.1 step 4: the FIN bit of the last frame, and of no other, MUST be set to 1', () => {
  const fins = (length: number, size: number): number[] => {
    const stream = encodeMessage(2, false, new Uint8Array(length), null, size);
    const bits: number[] = [];
    for (let at = 0; at < stream.length; at += 2 + stream[at + 1]!) bits.push(stream[at]! >> 7);
    return bits;
  };
  assert.deepEqual(fins(0, 4), [1]);
  assert.deepEqual(fins(4, 4), [1]);
  assert.deepEqual(fins(5, 4), [0, 1]);
  assert.deepEqual(fins(8, 4), [0, 1]);
  assert.deepEqual(fins(9, 4), [0, 0, 1]);
});

test('§6.1 step 5: if the data is being sent by the client, the frames MUST be masked: a server takes them', () => {
  const masks = new MaskingKeys(testPlatform);
  assert.deepEqual(receive(encodeMessage(1, false, utf8('Hello'), masks)), ['text "Hello"']);
  assert.deepEqual(receive(encodeMessage(1, false, utf8('Hello'), masks, 2)), ['text "Hello"']);
});

test('§6.1 steps 1 and 7: a client sends while the connection is OPEN, what it took is transmitted, and nothing else', async (t) => {
  const { client, server, log } = await meet(t);
  assert.equal(client.send('one'), 'sent');
  assert.equal(client.send(bytes(2)), 'sent');
  client.close(1000);
  assert.equal(client.state, 'closing');
  assert.equal(client.send('three'), 'closed');
  server.sendClose(1000);
  server.end();
  assert.deepEqual(await server.rest(), ['text "one"', 'binary 02', 'close 1000 ""']);
  await log.has('close');
  assert.equal(client.state, 'closed');
  assert.equal(client.send('four'), 'closed');
});
