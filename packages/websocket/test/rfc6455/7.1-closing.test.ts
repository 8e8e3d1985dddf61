import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReceiver } from '#dist/protocol/receiver.js';
import { encodeCloseBody, encodeControl } from '#dist/protocol/sender.js';
import { VIOLATIONS } from '#dist/protocol/violations.js';
import { DEFAULT_LIMITS, receive } from '../support/deliver.ts';
import { bytes, closeBody, concat, fromClient, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { RecordingSink } from '../support/recording-sink.ts';

test('§7.1.2: a closing handshake is started with a close frame that has the code and the reason', () => {
  const frame = encodeControl(8, encodeCloseBody(4001, 'enough', testPlatform), null);
  assert.deepEqual(receive(frame, { role: 'client' }), ['close 4001 "enough"']);
});

test('§7.1.5: a close frame without a code is told from one with any code', () => {
  // 1005 itself never travels: what stands for "no code" to an application is an empty body here.
  assert.deepEqual(receive(fromClient({ opcode: 8 })), ['close']);
  assert.deepEqual(receive(encodeControl(8, encodeCloseBody(undefined, '', testPlatform), null), { role: 'client' }), [
    'close',
  ]);
});

test('§7.1.6: without data after the code the reason is the empty string', () => {
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(1000) })), ['close 1000 ""']);
});

test('§7.1.7: an endpoint MUST NOT continue to process data after failing the connection, a close frame neither', () => {
  const bad = fromClient({ opcode: 1, payload: bytes(0xff) });
  const after = concat(
    fromClient({ opcode: 8, payload: closeBody(1000) }),
    fromClient({ opcode: 9 }),
    fromClient({ opcode: 1, payload: utf8('more') }),
  );
  assert.deepEqual(receive(concat(bad, after)), ['fail 1007 PB_TEXT_INVALID_UTF8']);
});

test('§7.1.7: nor in data that comes later', () => {
  const sink = new RecordingSink();
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  const bad = fromClient({ opcode: 5 });
  receiver.push(bad, 0, bad.length);
  for (let i = 0; i < 3; i++) {
    const later = fromClient({ opcode: 8, payload: closeBody(1000) });
    assert.equal(receiver.push(later, 0, later.length), 0);
  }
  assert.deepEqual(sink.calls, [{ type: 'violation', code: 'PB_FRAME_RESERVED_OPCODE' }]);
});

test('§7.1.7: there is an appropriate status code for every way to fail', () => {
  for (const { closeCode, message } of Object.values(VIOLATIONS)) {
    const frame = encodeControl(8, encodeCloseBody(closeCode, message, testPlatform), null);
    assert.deepEqual(receive(frame, { role: 'client' }), [`close ${closeCode} ${JSON.stringify(message)}`]);
  }
});
