import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPCODE_BINARY, OPCODE_TEXT } from '#dist/protocol/opcodes.js';
import { encodeMessage } from '#dist/protocol/sender.js';
import { connect, deflate, inflate, makeProvider, parameters } from '../support/deflate.ts';
import { DEFAULT_LIMITS, deliver } from '../support/deliver.ts';
import { buildFrame, bytes, concat, type FrameSpec, utf8 } from '../support/frames.ts';
import type { Call } from '../support/recording-sink.ts';
import { meet } from '../support/server-end.ts';
import { compressed, decompressed } from '../support/server-deflate.ts';

const MASK = [1, 2, 3, 4];

function receive(frames: readonly FrameSpec[], agreed = true): readonly Call[] {
  const stream = concat(...frames.map((frame) => buildFrame({ mask: MASK, ...frame })));
  return deliver(stream, { role: 'server', deflate: agreed, limits: DEFAULT_LIMITS }).calls;
}

const violations = (calls: readonly Call[]): string[] =>
  calls.flatMap((call) => (call.type === 'violation' ? [call.code] : []));

test('§6: RSV1 says whether a message is compressed, message by message', () => {
  const calls = receive([
    { opcode: 1, rsv1: true, payload: bytes(0) },
    { opcode: 1, payload: bytes(0x41) },
    { opcode: 2, rsv1: true, payload: bytes(0) },
  ]);
  assert.deepEqual(
    calls.map((call) => call.type === 'message' && [call.opcode, call.compressed]),
    [
      [OPCODE_TEXT, true],
      [OPCODE_TEXT, false],
      [OPCODE_BINARY, true],
    ],
  );
});

test('§6: the opcode is that of the original message, compressed or not', () => {
  for (const opcode of [OPCODE_TEXT, OPCODE_BINARY] as const) {
    for (const compressed of [true, false]) {
      assert.equal(encodeMessage(opcode, compressed, bytes(0), null)[0]! & 0x0f, opcode);
    }
  }
});

test('§6: compressed data is not subject to the rules for text, what comes out of it is', () => {
  // 0xf2 … is not UTF-8.
  const calls = receive([{ opcode: 1, rsv1: true, payload: bytes(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00) }]);
  assert.deepEqual(violations(calls), []);
  assert.deepEqual(violations(receive([{ opcode: 1, payload: bytes(0xf2, 0x48) }])), ['PB_TEXT_INVALID_UTF8']);
});

test('§6.1: an endpoint sends RSV1 on the first frame of a compressed message', () => {
  const frame = encodeMessage(OPCODE_TEXT, true, bytes(1, 2, 3), null);
  assert.equal(frame[0]! & 0x70, 0x40);
});

test('§6.1: an endpoint sends an uncompressed message without RSV1, though compression was agreed on', () => {
  assert.equal(encodeMessage(OPCODE_TEXT, false, bytes(1, 2, 3), null)[0]! & 0x70, 0);
});

test('§6.1: an endpoint MUST NOT set RSV1 on a fragment that is not the first', () => {
  const stream = encodeMessage(OPCODE_BINARY, true, bytes(1, 2, 3, 4, 5, 6, 7), null, 3);
  const firstOctets = [0, 5, 10].map((at) => stream[at]! & 0x70);
  assert.deepEqual(firstOctets, [0x40, 0, 0]);
});

test('§6.1: an endpoint that receives RSV1 on a fragment that is not the first MUST fail the connection', () => {
  for (const fin of [false, true]) {
    const calls = receive([
      { opcode: 2, fin: false, rsv1: true, payload: bytes(1) },
      { opcode: 0, fin, rsv1: true, payload: bytes(2) },
    ]);
    assert.deepEqual(violations(calls), ['PB_FRAME_RESERVED_BITS']);
  }
});

test('§6.1: an endpoint that receives RSV1 on a control frame MUST fail the connection', () => {
  for (const opcode of [8, 9, 10]) {
    assert.deepEqual(violations(receive([{ opcode, rsv1: true }])), ['PB_FRAME_RESERVED_BITS'], `opcode ${opcode}`);
  }
});

test('§6: an endpoint that receives RSV1 without an extension that defines it MUST fail the connection', () => {
  assert.deepEqual(violations(receive([{ opcode: 1, rsv1: true, payload: bytes(0) }], false)), [
    'PB_FRAME_RESERVED_BITS',
  ]);
});

test('§6.1, §6.2: a message is compressed as a whole, then cut into frames; joined, then decompressed', async () => {
  const { provider } = makeProvider('private');
  const { deflater, inflater } = connect(provider, parameters());
  const text = utf8('compressed as a whole, compressed as a whole, compressed as a whole');
  const { payload } = await deflate(deflater, text);
  for (const fragmentSize of [1, 2, 5, payload.length]) {
    const stream = encodeMessage(OPCODE_TEXT, true, payload, null, fragmentSize);
    const { calls } = deliver(stream, { role: 'client', deflate: true, limits: DEFAULT_LIMITS });
    const parts = calls.flatMap((call) => (call.type === 'data' || call.type === 'message' ? [call.payload] : []));
    assert.deepEqual(concat(...parts), new Uint8Array(payload));
    assert.deepEqual((await inflate(inflater, concat(...parts))).message, Buffer.from(text));
  }
});

const AGREED = ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover'];
const ALWAYS = { compression: { threshold: 0 } };

test('§6, §6.1: a connected client sets RSV1 on the first frame of a compressed message alone, and masks what is compressed', async (t) => {
  const { client, server } = await meet(t, ALWAYS, AGREED);
  client.send('compressed', 'text', { fragmentSize: 4 });
  const frames = await server.frames(3);
  assert.deepEqual(
    frames.map(({ rsv, opcode, masked }) => [rsv, opcode, masked]),
    [
      [4, 1, true],
      [0, 0, true],
      [0, 0, true],
    ],
  );
  const payload = Buffer.concat(frames.map((frame) => frame.payload));
  assert.equal(Buffer.from(decompressed(payload).bytes).toString(), 'compressed');
});

test('§6.1: a connected client MUST NOT set RSV1 on what it does not compress, nor on control frames', async (t) => {
  const { client, server } = await meet(t, ALWAYS, AGREED);
  client.send('plain', 'text', { compress: false });
  assert.equal(await server.next(), 'text "plain"');
  client.ping('plain');
  assert.equal(await server.next(), 'ping "plain"');
  server.send({ opcode: 9, payload: utf8('plain') });
  assert.equal(await server.next(), 'pong "plain"');
  client.close(1000, 'plain');
  assert.equal(await server.next(), 'close 1000 "plain"');
});

for (const [name, frames] of [
  [
    'a continuation',
    [
      { opcode: 1, fin: false },
      { opcode: 0, rsv1: true },
    ],
  ],
  ['a ping', [{ opcode: 9, rsv1: true }]],
  ['a close frame', [{ opcode: 8, rsv1: true }]],
] as const) {
  test(`§6.1: a connected client MUST fail the connection upon RSV1 on ${name}`, async (t) => {
    const { server, log } = await meet(t, ALWAYS, AGREED);
    server.send(...frames);
    assert.match((await server.rest()).join(), /^close 1002 "[^"]+"$/);
    assert.equal(log.lines[0], 'error PB_FRAME_RESERVED_BITS');
  });
}

test('§6.2: a connected client takes compressed messages, whole and in fragments, and others in between', async (t) => {
  const { server, log } = await meet(t, ALWAYS, AGREED);
  const payload = compressed('Hello, Hello');
  server.send({ opcode: 1, rsv1: true, payload });
  server.sendText('plain');
  server.send(
    { opcode: 2, rsv1: true, fin: false, payload: payload.subarray(0, 3) },
    { opcode: 9 },
    { opcode: 0, payload: payload.subarray(3) },
  );
  await log.has('binary');
  assert.deepEqual(log.lines, [
    'text "Hello, Hello"',
    'text "plain"',
    'ping ',
    `binary ${Buffer.from('Hello, Hello').toString('hex')}`,
  ]);
});

test('§6.2: what comes out of a compressed text MUST be UTF-8 (RFC 6455 §8.1): a connected client fails the connection', async (t) => {
  const { server, log } = await meet(t, ALWAYS, AGREED);
  server.send({ opcode: 1, rsv1: true, payload: compressed(bytes(0x61, 0xff)) });
  assert.match((await server.rest()).join(), /^close 1007 "[^"]+"$/);
  assert.equal(log.lines[0], 'error PB_TEXT_INVALID_UTF8');
});
