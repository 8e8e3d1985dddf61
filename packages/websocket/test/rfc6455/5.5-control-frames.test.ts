import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STOP } from '#dist/protocol/frame-sink.js';
import { FrameReceiver } from '#dist/protocol/receiver.js';
import { encodeCloseBody, encodeControl, MaskingKeys } from '#dist/protocol/sender.js';
import { DEFAULT_LIMITS, receive } from '../support/deliver.ts';
import { buildFrame, bytes, closeBody, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { INVALID_SEQUENCES, VALID_TEXTS } from '../support/utf8-samples.ts';
import { meet } from '../support/server-end.ts';

const SIDES = [
  { role: 'server', frame: fromClient },
  { role: 'client', frame: fromServer },
] as const;
const CONTROLS = [
  { name: 'close', opcode: 8 },
  { name: 'ping', opcode: 9 },
  { name: 'pong', opcode: 10 },
] as const;

for (const { role, frame } of SIDES) {
  for (const { name, opcode } of CONTROLS) {
    test(`§5.5: a ${name} frame MUST have a payload length of 125 bytes or less (${role})`, () => {
      // 1000, and a reason where it is a close frame.
      const payload = concat(bytes(3, 232), new Uint8Array(123).fill(0x61));
      assert.equal(receive(frame({ opcode, payload }), { role }).length, 1);
      assert.match(receive(frame({ opcode, payload }), { role })[0]!, new RegExp(`^${name} `));
      for (const length of [126, 127, 200, 65_535, 65_536]) {
        const tooLong = frame({ opcode, payload: new Uint8Array(length) });
        assert.deepEqual(receive(tooLong, { role }), ['fail 1002 PB_CONTROL_TOO_LONG'], `${length} bytes`);
      }
    });

    test(`§5.5: a ${name} frame of a short length in a long form is no better (${role})`, () => {
      for (const lengthBits of [16, 64] as const) {
        const stream = frame({ opcode, lengthBits, payload: bytes(3, 232) });
        assert.deepEqual(receive(stream, { role }), ['fail 1002 PB_CONTROL_TOO_LONG']);
      }
    });

    test(`§5.5: a ${name} frame MUST NOT be fragmented: FIN=0 fails the connection with 1002 (${role})`, () => {
      assert.deepEqual(receive(frame({ opcode, fin: false }), { role }), ['fail 1002 PB_CONTROL_FRAGMENTED']);
    });
  }
}

test('§5.5: control frames are not counted against the limits of a message', () => {
  const stream = concat(
    fromClient({ opcode: 2, fin: false, payload: bytes(1) }),
    ...Array.from({ length: 20 }, () => fromClient({ opcode: 9, payload: utf8('a ping of some length') })),
    fromClient({ opcode: 0, payload: bytes(2) }),
  );
  const limits = { maxMessageSize: 18, maxFragments: 2 };
  assert.equal(receive(stream, { limits }).at(-1), 'binary 0102');
});

test('§5.5.1: a close frame MAY be without a body', () => {
  assert.deepEqual(receive(fromClient({ opcode: 8 })), ['close']);
});

test('§5.5.1: if there is a body, its first two bytes MUST be a code: a body of one byte fails', () => {
  for (const byte of [0, 3, 255]) {
    assert.deepEqual(receive(fromClient({ opcode: 8, payload: bytes(byte) })), ['fail 1002 PB_CLOSE_LENGTH']);
  }
});

test('§5.5.1: the code is an unsigned integer in network byte order', () => {
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: bytes(0x03, 0xe8) })), ['close 1000 ""']);
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: bytes(0x13, 0x87) })), ['close 4999 ""']);
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: bytes(0xe8, 0x03) })), ['fail 1002 PB_CLOSE_CODE']);
});

test('§5.5.1: the body MAY contain a reason in UTF-8 after the code', () => {
  for (const reason of [...VALID_TEXTS, 'x'.repeat(123)]) {
    const stream = fromClient({ opcode: 8, payload: closeBody(1000, reason) });
    assert.deepEqual(receive(stream), [`close 1000 ${JSON.stringify(reason)}`]);
  }
});

for (const { why, bytes: reason } of INVALID_SEQUENCES) {
  test(`§5.5.1: a reason that is not UTF-8 fails the connection with 1007: ${why}`, () => {
    const stream = fromClient({ opcode: 8, payload: closeBody(1000, concat(utf8('é'), reason)) });
    assert.deepEqual(receive(stream), ['fail 1007 PB_CLOSE_REASON']);
  });
}

test('§5.5.1: a reason that is sent is UTF-8 and leaves room for the code', () => {
  for (const reason of ['going away', '漢'.repeat(200), '\udc00\udc00', '']) {
    const body = encodeCloseBody(1001, reason, testPlatform);
    const [line] = receive(encodeControl(8, body, null), { role: 'client' });
    assert.match(line!, /^close 1001 /);
  }
});

test('§5.5.1: close frames sent from client to server must be masked', () => {
  const frame = encodeControl(8, closeBody(1000), new MaskingKeys(testPlatform));
  assert.deepEqual(receive(frame), ['close 1000 ""']);
});

test('§5.5.2: a ping frame MAY include application data, which is delivered as it came', () => {
  const data = Uint8Array.from({ length: 125 }, (_, i) => 255 - i);
  for (const length of [0, 1, 2, 60, 125]) {
    const payload = data.subarray(0, length);
    const sink = new RecordingSink();
    const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
    const frame = fromClient({ opcode: 9, payload });
    receiver.push(frame, 0, frame.length);
    assert.deepEqual(sink.calls, [{ type: 'control', opcode: 9, payload: Buffer.from(payload) }]);
  }
});

test('§5.5.3: a pong sent in response to a ping has identical application data', () => {
  const data = Uint8Array.from({ length: 125 }, (_, i) => 255 - i);
  assert.deepEqual(encodeControl(10, data, null), buildFrame({ opcode: 10, payload: data }));
  assert.deepEqual(receive(encodeControl(10, utf8('Hello'), new MaskingKeys(testPlatform))), ['pong "Hello"']);
});

test('§5.5.3: a pong MAY be sent unsolicited', () => {
  assert.deepEqual(receive(concat(fromClient({ opcode: 10 }), fromClient({ opcode: 10, payload: utf8('!') }))), [
    'pong ""',
    'pong "!"',
  ]);
});

test('a ping flood can be stopped after any ping: the rest of it stays unread', () => {
  const pings = 1_000;
  const frame = fromClient({ opcode: 9, payload: utf8('flood') });
  const flood = concat(...Array.from({ length: pings }, () => frame));
  const sink = new RecordingSink(() => STOP);
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  let at = 0;
  for (let i = 1; i <= pings; i++) {
    const taken = receiver.push(flood, at, flood.length);
    assert.equal(taken, i * frame.length);
    assert.equal(sink.calls.length, i);
    at = taken;
  }
});

test('§5.5: a connected client sends no control frame above 125 bytes, and none in fragments', async (t) => {
  const { client, server } = await meet(t);
  assert.throws(() => client.ping(new Uint8Array(126)), { name: 'UsageError' });
  assert.throws(() => client.close(1000, 'x'.repeat(124)), { name: 'UsageError' });
  client.ping('p'.repeat(125));
  client.close(1000, 'x'.repeat(123));
  const frames = await server.frames(2);
  assert.deepEqual(
    frames.map(({ opcode, fin, payload }) => [opcode, fin, payload.length]),
    [
      [9, true, 125],
      [8, true, 125],
    ],
  );
});

for (const [name, spec] of [
  ['in fragments', { opcode: 9, fin: false }],
  ['of 126 bytes', { opcode: 9, payload: new Uint8Array(126) }],
  ['with a close body of one byte', { opcode: 8, payload: bytes(3) }],
] as const) {
  test(`§5.5: a connected client fails the connection upon a control frame ${name}`, async (t) => {
    const { server, log } = await meet(t);
    server.send(spec);
    assert.match((await server.rest()).join(), /^close 1002 "[^"]+"$/);
    server.end();
    await log.has('close 1002');
  });
}

test('§5.5.1: a client that receives a Close frame MUST send one in response, and no data frames after it', async (t) => {
  const { client, server } = await meet(t);
  client.send('before');
  server.sendClose(4000, 'enough');
  assert.deepEqual([await server.next(), await server.next()], ['text "before"', 'close 4000 ""']);
  assert.equal(client.send('after'), 'closed');
  client.ping();
  client.close(1000);
  server.end();
  assert.deepEqual(await server.rest(), []);
});

test('§5.5.1: a client that has sent a Close frame MUST NOT send data frames after it, nor a second one', async (t) => {
  const { client, server } = await meet(t);
  client.close(1000);
  assert.equal(client.send('after'), 'closed');
  client.close(1001);
  server.sendClose(1000);
  server.end();
  assert.deepEqual(await server.rest(), ['close 1000 ""']);
});

test('§5.5.2 and §5.5.3: a client MUST answer a Ping with a Pong of the same data', async (t) => {
  const { client, server } = await meet(t);
  for (const data of ['', 'x', 'y'.repeat(125)]) {
    server.send({ opcode: 9, payload: utf8(data) });
    assert.equal(await server.next(), `pong ${JSON.stringify(data)}`);
  }
  // After our own Close frame too, as long as the peer's has not come.
  client.close(1000);
  assert.equal(await server.next(), 'close 1000 ""');
  server.send({ opcode: 9, payload: utf8('z') });
  assert.equal(await server.next(), 'pong "z"');
});

test('§5.5.2: unless it already received a Close frame; §5.5.3: a Pong that was not asked for is not answered', async (t) => {
  const { server } = await meet(t);
  server.send({ opcode: 10, payload: utf8('unasked') }, { opcode: 8, payload: closeBody(1000) }, { opcode: 9 });
  server.end();
  assert.deepEqual(await server.rest(), ['close 1000 ""']);
});
