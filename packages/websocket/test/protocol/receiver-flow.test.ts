import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTINUE, STOP } from '#dist/protocol/frame-sink.js';
import { FrameReceiver } from '#dist/protocol/receiver.js';
import { DEFAULT_LIMITS, deliver, type Receiving } from '../support/deliver.ts';
import { bytes, closeBody, concat, fromClient, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { lineOf, RecordingSink } from '../support/recording-sink.ts';

const SERVER: Receiving = { role: 'server', deflate: false, limits: DEFAULT_LIMITS };

test('after a violation nothing is taken, by this push or the next', () => {
  const sink = new RecordingSink();
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  const bad = concat(fromClient({ opcode: 3 }), fromClient({ opcode: 1, payload: utf8('more') }));
  const taken = receiver.push(bad, 0, bad.length);
  assert.ok(taken < bad.length);
  assert.equal(receiver.push(bad, taken, bad.length), taken);
  assert.equal(receiver.push(bad, 0, 0), 0);
  assert.deepEqual(sink.calls, [{ type: 'violation', code: 'PB_FRAME_RESERVED_OPCODE' }]);
});

test('STOP: push says how far it came, and goes on from there', () => {
  const one = fromClient({ opcode: 1, payload: utf8('one') });
  const ping = fromClient({ opcode: 9, payload: utf8('?') });
  const begun = fromClient({ opcode: 2, fin: false, payload: utf8('two') });
  const ended = fromClient({ opcode: 0, payload: utf8('!') });
  const stream = concat(one, ping, begun, ended, one);
  const sink = new RecordingSink(() => STOP);
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  const afterPing = one.length + ping.length;
  const afterBegun = afterPing + begun.length;
  const expected: [call: string, taken: number][] = [
    ['message 1 one', one.length],
    ['control 9 ?', afterPing],
    ['start 2 3', afterPing + 6],
    ['data two', afterBegun],
    ['data !', afterBegun + ended.length],
    ['end', afterBegun + ended.length],
    ['message 1 one', stream.length],
  ];
  let at = 0;
  for (const [index, [call, taken]] of expected.entries()) {
    at = receiver.push(stream, at, stream.length);
    assert.equal(sink.calls.length, index + 1, 'one call for each push');
    assert.equal(lineOf(sink.calls[index]!), call);
    assert.equal(at, taken);
  }
  assert.equal(receiver.push(stream, at, stream.length), stream.length);
  assert.equal(sink.calls.length, expected.length);
});

test('STOP at the last byte: an empty push brings what is still to be said', () => {
  const stream = fromClient({ opcode: 1, payload: utf8('Hello') });
  const sink = new RecordingSink((call) => (call.type === 'data' ? STOP : CONTINUE));
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  receiver.push(stream, 0, 3);
  assert.equal(receiver.push(stream, 3, stream.length), stream.length);
  assert.equal(sink.calls.at(-1)!.type, 'data');
  assert.equal(receiver.isIdle, false);
  assert.equal(receiver.push(new Uint8Array(0), 0, 0), 0);
  assert.equal(sink.calls.at(-1)!.type, 'end');
});

test('STOP inside a message does not hide a violation that follows', () => {
  const stream = concat(
    fromClient({ opcode: 1, fin: false, payload: bytes(0xe2, 0x82) }),
    fromClient({ opcode: 0, payload: bytes() }),
  );
  const { calls } = deliver(stream, SERVER, { answer: () => STOP });
  assert.deepEqual(
    calls.map(({ type }) => type),
    ['start', 'data', 'violation'],
  );
});

const ONE_OF_EACH = concat(
  fromClient({ opcode: 1, payload: utf8('whole') }),
  fromClient({ opcode: 1, fin: false, payload: utf8('in ') }),
  fromClient({ opcode: 9, payload: utf8('ping') }),
  fromClient({ opcode: 0, payload: utf8('parts') }),
  fromClient({ opcode: 1, payload: utf8('whole') }),
  fromClient({ opcode: 8, payload: closeBody(1000) }),
  fromClient({ opcode: 7 }),
);

test('terminate() from inside each callback: no further call, and nothing more is taken', () => {
  const total = deliver(ONE_OF_EACH, SERVER).calls;
  assert.deepEqual(
    total.map(({ type }) => type),
    ['message', 'start', 'data', 'control', 'data', 'end', 'message', 'control', 'violation'],
  );
  for (const cuts of [[], Array.from(ONE_OF_EACH.keys())]) {
    const all = deliver(ONE_OF_EACH, SERVER, { cuts }).calls.length;
    for (let at = 0; at < all; at++) {
      for (const flow of [CONTINUE, STOP]) {
        // deliver() pushes the rest, and RecordingSink fails on a call after `terminated`.
        const { calls } = deliver(ONE_OF_EACH, SERVER, {
          cuts,
          answer: (_, index, receiver, sink) => {
            if (index === at) {
              receiver.terminate();
              sink.terminated = true;
            }
            return flow;
          },
        });
        assert.equal(calls.length, at + 1);
      }
    }
  }
});

test('terminate() from outside: nothing is taken, not even the rest of a frame', () => {
  for (let at = 0; at <= ONE_OF_EACH.length; at++) {
    const sink = new RecordingSink();
    const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
    const stream = ONE_OF_EACH.slice();
    receiver.push(stream, 0, at);
    receiver.terminate();
    sink.terminated = true;
    if (sink.calls.at(-1)?.type === 'violation') break;
    assert.equal(receiver.push(stream, at, stream.length), at);
  }
});

test('isIdle: between messages, with nothing of the next frame read', () => {
  const frames: [frame: Uint8Array, idleAfter: boolean][] = [
    [fromClient({ opcode: 1, fin: false, payload: utf8('a') }), false],
    [fromClient({ opcode: 9 }), false],
    [fromClient({ opcode: 0, fin: false }), false],
    [fromClient({ opcode: 0, payload: utf8('b') }), true],
    [fromClient({ opcode: 9, payload: utf8('ping') }), true],
    [fromClient({ opcode: 1, payload: utf8('whole') }), true],
  ];
  const receiver = new FrameReceiver(new RecordingSink(), 'server', DEFAULT_LIMITS, testPlatform, false);
  assert.equal(receiver.isIdle, true);
  for (const [frame, idleAfter] of frames) {
    for (let at = 0; at < frame.length; at++) {
      receiver.push(frame, at, at + 1);
      const expected = at === frame.length - 1 && idleAfter;
      assert.equal(receiver.isIdle, expected, `after byte ${at} of ${Buffer.from(frame).toString('hex')}`);
    }
  }
});

test('isIdle: never again after a violation or terminate()', () => {
  for (const end of [
    (receiver: FrameReceiver): void => receiver.terminate(),
    (receiver: FrameReceiver): void => void receiver.push(fromClient({ opcode: 3 }), 0, 6),
  ]) {
    const receiver = new FrameReceiver(new RecordingSink(), 'server', DEFAULT_LIMITS, testPlatform, false);
    end(receiver);
    assert.equal(receiver.isIdle, false);
  }
});

test('serve: another connection gets a receiver as good as new, and the old one nothing more', () => {
  const limits = { maxMessageSize: 100, maxFragments: 3 };
  /** Each leaves something behind in the receiver, were it not begun anew. */
  const before = [
    fromClient({ opcode: 1, payload: utf8('whole') }),
    concat(fromClient({ opcode: 1, fin: false, payload: utf8('é') }), fromClient({ opcode: 0, payload: utf8('x') })),
    concat(
      fromClient({ opcode: 2, fin: false, payload: new Uint8Array(60) }),
      fromClient({ opcode: 0, fin: false }),
      fromClient({ opcode: 0 }),
    ),
    fromClient({ opcode: 9, payload: new Uint8Array(125).fill(0x61) }),
    fromClient({ opcode: 1, rsv1: true, payload: bytes(0xff, 0xff) }),
  ];
  const after = [
    fromClient({ opcode: 1, payload: utf8('next') }),
    concat(
      fromClient({ opcode: 1, fin: false, payload: new Uint8Array(66).fill(0x61) }),
      fromClient({ opcode: 0, fin: false }),
      fromClient({ opcode: 0, payload: utf8('é') }),
    ),
    fromClient({ opcode: 10, payload: utf8('pong') }),
    fromClient({ opcode: 1, payload: bytes(0xff) }),
    fromClient({ opcode: 1, rsv1: true, payload: bytes(0xff) }),
    fromClient({ opcode: 0 }),
  ];
  for (const first of before) {
    for (const second of after) {
      for (const deflate of [false, true]) {
        for (const cut of [false, true]) {
          const old = new RecordingSink();
          const receiver = new FrameReceiver(old, 'server', limits, testPlatform, true);
          pushAll(receiver, first, cut);
          const told = old.calls.length;
          assert.equal(receiver.isIdle, true);

          const sink = new RecordingSink();
          receiver.serve(sink, deflate);
          pushAll(receiver, second, cut);
          assert.equal(old.calls.length, told, 'the old connection was told of another one');

          const fresh = new RecordingSink();
          pushAll(new FrameReceiver(fresh, 'server', limits, testPlatform, deflate), second, cut);
          assert.deepEqual(sink.calls, fresh.calls);
        }
      }
    }
  }
});

function pushAll(receiver: FrameReceiver, stream: Uint8Array, byteByByte: boolean): void {
  const bytesOf = stream.slice();
  if (!byteByByte) receiver.push(bytesOf, 0, bytesOf.length);
  else for (let at = 0; at < bytesOf.length; at++) receiver.push(bytesOf, at, at + 1);
}
