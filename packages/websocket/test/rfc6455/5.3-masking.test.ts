import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeControl, encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { buildFrame, concat, fromClient, transform, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { meet } from '../support/server-end.ts';

test('§5.3: a masked frame MUST have the field frame-masked set to 1, and its key in the frame', () => {
  const payload = utf8('Hello');
  const frame = encodeMessage(1, false, payload, new MaskingKeys(testPlatform));
  assert.equal(frame[1], 0x80 | 5);
  assert.equal(frame.length, 2 + 4 + 5);
  assert.deepEqual(transform(frame.subarray(6), frame.subarray(2, 6)), payload);
});

test('§5.3: the payload length does not include the masking key', () => {
  for (const length of [0, 125, 126, 65_535, 65_536]) {
    const payload = new Uint8Array(length);
    const frame = encodeMessage(2, false, payload, new MaskingKeys(testPlatform));
    const keyAt = frame.length - length - 4;
    const key = frame.subarray(keyAt, keyAt + 4);
    assert.deepEqual(frame, buildFrame({ opcode: 2, payload, mask: key }));
  }
});

test('§5.3: octet i is XORed with octet i MOD 4 of the key, whatever the key and wherever the frame is cut', () => {
  const keys = [
    [0, 0, 0, 0],
    [0xff, 0xff, 0xff, 0xff],
    [0x80, 0, 0, 0],
    [0, 0, 0, 0x80],
    [0x12, 0x34, 0x56, 0x78],
  ];
  const text = 'Jedes Zeichen zählt: 0123456789 — and ’tis long enough for words';
  for (const mask of keys) {
    assert.deepEqual(receive(fromClient({ opcode: 1, payload: utf8(text), mask })), [`text "${text}"`]);
  }
});

test('§5.3: each frame is unmasked with its own key, beginning with the first octet of it', () => {
  const parts = ['a', 'bc', 'def', 'ghij', 'klmno'];
  const frames = parts.map((part, i) =>
    fromClient({
      opcode: i === 0 ? 1 : 0,
      fin: i === parts.length - 1,
      payload: utf8(part),
      mask: [i, i + 64, i + 128, i + 192],
    }),
  );
  assert.deepEqual(receive(concat(...frames)), ['text "abcdefghijklmno"']);
});

test('§5.3: the client MUST pick a fresh masking key for each frame: every fragment and control frame too', () => {
  const masks = new MaskingKeys(testPlatform);
  const keys = new Set<string>();
  const frames = 400;
  const fragments = encodeMessage(2, false, new Uint8Array(frames * 3), masks, 3);
  // Frames of zeros show their key as their payload: 2 bytes of header, 4 of key, 3 of payload.
  for (let at = 0; at < fragments.length; at += 9)
    keys.add(Buffer.from(fragments.subarray(at + 2, at + 6)).toString('hex'));
  for (let i = 0; i < frames; i++) {
    const ping = encodeControl(9, new Uint8Array(0), masks);
    keys.add(Buffer.from(ping.subarray(2, 6)).toString('hex'));
  }
  // Eight hundred of 2^32: two alike happen once in 13,000 runs, three pairs alike never.
  assert.ok(keys.size >= 2 * frames - 2, `${2 * frames - keys.size} keys were used twice`);
});

test('§5.3: a client that echoes a masked message masks it afresh', () => {
  const masks = new MaskingKeys(testPlatform);
  const payload = new Uint8Array(64);
  const one = encodeMessage(2, false, payload, masks);
  const two = encodeMessage(2, false, payload, masks);
  const three = encodeMessage(2, false, payload, masks);
  assert.ok(Buffer.compare(one, two) !== 0 || Buffer.compare(two, three) !== 0);
});

test('§5.3: a connected client has the key of each frame in it, and no key twice', async (t) => {
  const { client, server } = await meet(t);
  for (let i = 0; i < 40; i++) {
    client.send('the same');
    client.send('the same', 'text', { fragmentSize: 3 });
    client.ping('the same');
  }
  const frames = await server.frames(40 * 5);
  for (const { masked, key, wire, payload } of frames) {
    assert.ok(masked);
    assert.ok(wire.equals(transform(payload, key)));
    assert.ok('the same'.includes(payload.toString()), payload.toString());
  }
  // Of 200 random keys two are alike once in 200,000 runs: then it is one pair, and never three.
  assert.ok(new Set(frames.map(({ key }) => key.toString('hex'))).size >= 199);
});
