import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReceiver } from '#dist/protocol/receiver.js';
import { DEFAULT_LIMITS, receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { RecordingSink } from '../support/recording-sink.ts';
import { INVALID_SEQUENCES, KOSME_SURROGATE_EDITED } from '../support/utf8-samples.ts';
import { meet } from '../support/server-end.ts';

const INVALID = ['fail 1007 PB_TEXT_INVALID_UTF8'];

for (const { why, bytes: sequence } of INVALID_SEQUENCES) {
  for (const { role, frame } of [
    { role: 'server', frame: fromClient },
    { role: 'client', frame: fromServer },
  ] as const) {
    test(`§8.1: a byte stream that is not valid UTF-8 MUST fail the connection with 1007 (${role}): ${why}`, () => {
      assert.deepEqual(receive(frame({ opcode: 1, payload: sequence }), { role }), INVALID);
      const long = concat(utf8('long enough that the platform is asked: κόσμε — '), sequence, utf8(' and more'));
      assert.deepEqual(receive(frame({ opcode: 1, payload: long }), { role }), INVALID);
    });

    test(`§8.1: the same in fragments, cut before every byte of it (${role}): ${why}`, () => {
      for (let cut = 0; cut <= sequence.length; cut++) {
        const stream = concat(
          frame({ opcode: 1, fin: false, payload: concat(utf8('é'), sequence.subarray(0, cut)) }),
          frame({ opcode: 9 }),
          frame({ opcode: 0, payload: concat(sequence.subarray(cut), utf8('é')) }),
        );
        assert.ok(receive(stream, { role }).includes(INVALID[0]!), `cut at ${cut}`);
      }
    });
  }
}

test('§8.1: "κόσμε", a surrogate, "edited": whole, in frames, and byte by byte', () => {
  const payload = KOSME_SURROGATE_EDITED;
  assert.deepEqual(receive(fromClient({ opcode: 1, payload })), INVALID);
  const frames = Array.from(payload, (byte, i) =>
    fromClient({ opcode: i === 0 ? 1 : 0, fin: i === payload.length - 1, payload: bytes(byte) }),
  );
  assert.deepEqual(receive(concat(...frames)), INVALID);
});

/** After how many bytes of the stream the connection has failed; the stream is pushed byte by byte. */
function failsAfter(stream: Uint8Array): number {
  const sink = new RecordingSink();
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  for (let at = 0; at < stream.length; at++) {
    receiver.push(stream.slice(at, at + 1), 0, 1);
    if (sink.calls.at(-1)?.type === 'violation') return at + 1;
  }
  return -1;
}

for (const { why, bytes: sequence, good } of INVALID_SEQUENCES) {
  test(`§8.1: it fails at the first bad byte, and does not wait for the rest of the frame: ${why}`, () => {
    const text = utf8('fine so far: é');
    // A character that is only cut short meets its bad byte in what follows, a NUL. Of the rest nothing would be needed.
    const frame = fromClient({ opcode: 1, payload: concat(text, sequence, new Uint8Array(200)) });
    const headerLength = 2 + 2 + 4;
    assert.equal(failsAfter(frame), headerLength + text.length + good + 1);
  });

  test(`§8.1: it fails at the first bad byte, and does not wait for the last fragment: ${why}`, () => {
    const head = fromClient({ opcode: 1, fin: false, payload: utf8('é') });
    const body = fromClient({ opcode: 0, fin: false, payload: concat(sequence, bytes(0)) });
    assert.equal(failsAfter(concat(head, body)), head.length + 6 + good + 1);
  });
}

test('§8.1: this rule applies to text alone', () => {
  assert.deepEqual(receive(fromClient({ opcode: 2, payload: bytes(0xff) })), ['binary ff']);
  assert.deepEqual(receive(fromClient({ opcode: 9, payload: bytes(0x7f) })), ['ping "\x7f"']);
  assert.equal(receive(fromClient({ opcode: 10, payload: bytes(0xff) })).length, 1);
});

test('§8.1: a connected client MUST fail the connection upon a text that is not UTF-8, with 1007', async (t) => {
  for (const { bytes: sequence } of INVALID_SEQUENCES.slice(0, 5)) {
    const { server, log } = await meet(t);
    server.send({ opcode: 1, payload: sequence });
    assert.match((await server.rest()).join(), /^close 1007 "[^"]+"$/);
    server.end();
    await log.has('close 1007');
    assert.equal(log.lines[0], 'error PB_TEXT_INVALID_UTF8');
  }
});
