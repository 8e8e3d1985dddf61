import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAGMENT_OVERHEAD, FrameReceiver } from '#dist/protocol/receiver.js';
import type { ViolationCode } from '#dist/protocol/violations.js';
import { type ReceiveOptions, DEFAULT_LIMITS, deliver, receive, type Receiving } from '../support/deliver.ts';
import { bytes, closeBody, concat, fromClient, fromServer, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { lineOf, RecordingSink } from '../support/recording-sink.ts';

const SERVER: Receiving = { role: 'server', deflate: false, limits: DEFAULT_LIMITS };
const CLIENT: Receiving = { ...SERVER, role: 'client' };

/** The calls as they came, one line for each: which of the two ways a message took shows here. */
function rawCalls(stream: Uint8Array, cuts: number[], receiving: Receiving = SERVER): string[] {
  return deliver(stream, receiving, { cuts }).calls.map(lineOf);
}

test('a message of one frame that lies whole in the chunk is one call', () => {
  const stream = concat(
    fromClient({ opcode: 1, payload: utf8('one') }),
    fromClient({ opcode: 2, payload: utf8('two') }),
  );
  assert.deepEqual(rawCalls(stream, []), ['message 1 one', 'message 2 two']);
  assert.deepEqual(rawCalls(stream, [9]), ['message 1 one', 'message 2 two']);
});

test('a message that is cut comes as start, data and end', () => {
  const stream = fromClient({ opcode: 1, payload: utf8('Hello') });
  assert.deepEqual(rawCalls(stream, [1]), ['start 1 5', 'data Hello', 'end']);
  assert.deepEqual(rawCalls(stream, [6]), ['start 1 5', 'data Hello', 'end']);
  assert.deepEqual(rawCalls(stream, [8]), ['start 1 5', 'data He', 'data llo', 'end']);
  assert.deepEqual(rawCalls(stream, [8, 8, 10]), ['start 1 5', 'data He', 'data ll', 'data o', 'end']);
});

test('the last byte of a message ends it: nothing more has to come', () => {
  const stream = fromClient({ opcode: 1, payload: utf8('Hello') });
  for (let cut = 1; cut < stream.length; cut++) assert.equal(rawCalls(stream, [cut]).at(-1), 'end');
});

test('a fragmented message comes in parts, and the next one whole again', () => {
  const stream = concat(
    fromClient({ opcode: 1, fin: false, payload: utf8('Hel') }),
    fromClient({ opcode: 9, payload: utf8('?') }),
    fromClient({ opcode: 0, payload: utf8('lo') }),
    fromClient({ opcode: 1, payload: utf8('next') }),
  );
  assert.deepEqual(rawCalls(stream, []), ['start 1 3', 'data Hel', 'control 9 ?', 'data lo', 'end', 'message 1 next']);
});

test('empty frames: no data between start and end', () => {
  const stream = concat(
    fromClient({ opcode: 2, fin: false }),
    fromClient({ opcode: 0, fin: false }),
    fromClient({ opcode: 0 }),
    fromClient({ opcode: 1 }),
    fromClient({ opcode: 9 }),
  );
  assert.deepEqual(rawCalls(stream, []), ['start 2 0', 'end', 'message 1 ', 'control 9 ']);
});

test('control frames come whole, however they were cut', () => {
  const stream = concat(
    fromClient({ opcode: 9, payload: utf8('ping') }),
    fromClient({ opcode: 10, payload: utf8('pong') }),
  );
  for (let cut = 0; cut <= stream.length; cut++) {
    assert.deepEqual(rawCalls(stream, [cut]), ['control 9 ping', 'control 10 pong']);
  }
  const everyByte = Array.from(stream.keys());
  assert.deepEqual(rawCalls(stream, everyByte), ['control 9 ping', 'control 10 pong']);
});

test('a close frame: no body, a code alone, or a code and a reason', () => {
  assert.deepEqual(receive(fromClient({ opcode: 8 })), ['close']);
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(1000) })), ['close 1000 ""']);
  assert.deepEqual(receive(fromClient({ opcode: 8, payload: closeBody(4999, 'bye') })), ['close 4999 "bye"']);
});

test('nothing is copied: a sink is given the memory that was pushed', () => {
  const sink = new RecordingSink();
  const given: Uint8Array[] = [];
  for (const name of ['onMessageData', 'onControl', 'onMessage'] as const) {
    const original = sink[name].bind(sink) as (...args: unknown[]) => boolean;
    Object.assign(sink, {
      [name]: (...args: unknown[]) => {
        given.push(args.find((arg) => arg instanceof Uint8Array) as Uint8Array);
        return original(...args);
      },
    });
  }
  const receiver = new FrameReceiver(sink, 'server', DEFAULT_LIMITS, testPlatform, false);
  const stream = concat(
    fromClient({ opcode: 1, payload: utf8('whole') }),
    fromClient({ opcode: 9, payload: utf8('ping') }),
    fromClient({ opcode: 1, payload: utf8('cut') }),
  );
  receiver.push(stream, 0, stream.length - 1);
  assert.deepEqual(
    sink.calls.map(({ type }) => type),
    ['message', 'control', 'start', 'data'],
  );
  assert.ok(given.every((memory) => memory === stream));
});

test('ascii is said of text that comes whole, masked or not, and only where it is so', () => {
  const asciiOf = (stream: Uint8Array, receiving: Receiving): boolean[] => {
    const said: boolean[] = [];
    const sink = new RecordingSink();
    const onMessage = sink.onMessage.bind(sink);
    sink.onMessage = (opcode, compressed, ascii, ...rest) => {
      said.push(ascii);
      return onMessage(opcode, compressed, ascii, ...rest);
    };
    const receiver = new FrameReceiver(sink, receiving.role, receiving.limits, testPlatform, receiving.deflate);
    receiver.push(stream, 0, stream.length);
    return said;
  };
  const texts = ['Hello', 'Héllo', 'x'.repeat(200), `${'x'.repeat(199)}é`, ''];
  const stream = (frame: typeof fromClient): Uint8Array =>
    concat(...texts.map((text) => frame({ opcode: 1, payload: utf8(text) })));
  assert.deepEqual(asciiOf(stream(fromClient), SERVER), [true, false, true, false, true]);
  assert.deepEqual(asciiOf(stream(fromServer), CLIENT), [true, false, true, false, true]);
});

test('text is checked by the table up to 48 bytes and by the platform above, with the same result', () => {
  for (const length of [47, 48, 49, 200]) {
    for (const frame of [fromClient, fromServer]) {
      const role = frame === fromClient ? 'server' : 'client';
      const good = utf8(`é${'x'.repeat(length - 2)}`);
      const bad = good.slice();
      bad[1] = 0x28;
      assert.deepEqual(receive(frame({ opcode: 1, payload: good }), { role }), [`text "é${'x'.repeat(length - 2)}"`]);
      assert.deepEqual(receive(frame({ opcode: 1, payload: bad }), { role }), ['fail 1007 PB_TEXT_INVALID_UTF8']);
    }
  }
});

test('a chunk of no bytes changes nothing', () => {
  const stream = fromClient({ opcode: 1, payload: utf8('Hello') });
  for (let cut = 0; cut <= stream.length; cut++) {
    assert.deepEqual(rawCalls(stream, [cut, cut, cut]), rawCalls(stream, [cut]));
  }
});

interface Provocation extends ReceiveOptions {
  readonly stream: Uint8Array;
  /** What was said before. */
  readonly before?: string[];
}

/** One stream for each violation that a receiver reports; a new code without one does not compile. */
const PROVOCATIONS: Record<Exclude<ViolationCode, 'PB_DEFLATE_INVALID'>, Provocation> = {
  PB_FRAME_RESERVED_BITS: { stream: fromClient({ opcode: 1, rsv2: true }) },
  PB_FRAME_RESERVED_OPCODE: { stream: fromClient({ opcode: 3 }) },
  PB_FRAME_NOT_MASKED: { stream: fromServer({ opcode: 1 }) },
  PB_FRAME_MASKED: { stream: fromClient({ opcode: 1 }), role: 'client' },
  PB_FRAME_LENGTH_NOT_MINIMAL: { stream: fromClient({ opcode: 1, lengthBits: 16, payload: utf8('Hello') }) },
  PB_FRAME_LENGTH_TOO_LARGE: { stream: fromClient({ opcode: 1, declaredLength: 2n ** 53n }) },
  PB_CONTROL_FRAGMENTED: { stream: fromClient({ opcode: 9, fin: false }) },
  PB_CONTROL_TOO_LONG: { stream: fromClient({ opcode: 9, payload: new Uint8Array(126) }) },
  PB_FRAGMENT_UNEXPECTED: { stream: fromClient({ opcode: 0 }) },
  PB_FRAGMENT_INTERLEAVED: {
    stream: concat(fromClient({ opcode: 1, fin: false, payload: utf8('a') }), fromClient({ opcode: 2 })),
    before: ['unfinished text "a"'],
  },
  PB_CLOSE_LENGTH: { stream: fromClient({ opcode: 8, payload: bytes(3) }) },
  PB_CLOSE_CODE: { stream: fromClient({ opcode: 8, payload: closeBody(1005) }) },
  PB_CLOSE_REASON: { stream: fromClient({ opcode: 8, payload: closeBody(1000, bytes(0xff)) }) },
  PB_TEXT_INVALID_UTF8: { stream: fromClient({ opcode: 1, payload: bytes(0x80) }) },
  PB_MESSAGE_TOO_BIG: { stream: fromClient({ opcode: 2, payload: bytes(1, 2, 3) }), limits: { maxMessageSize: 2 } },
  PB_MESSAGE_TOO_MANY_FRAGMENTS: {
    stream: concat(fromClient({ opcode: 2, fin: false, payload: bytes(1) }), fromClient({ opcode: 0 })),
    limits: { maxFragments: 1 },
    before: ['unfinished binary 01'],
  },
};

for (const [code, { stream, before = [], ...options }] of Object.entries(PROVOCATIONS)) {
  test(`${code}: reported once, wherever the bytes are cut, and nothing after it`, () => {
    const frame = options.role === 'client' ? fromServer : fromClient;
    const more = concat(
      stream,
      frame({ opcode: 9, payload: utf8('more') }),
      frame({ opcode: 1, payload: utf8('more') }),
    );
    // A message that had begun never ends; readable() lists it last.
    const [violation, ...unfinished] = receive(more, options);
    assert.match(violation!, new RegExp(`^fail \\d{4} ${code}$`));
    assert.deepEqual(unfinished, before);
  });
}

test('a client takes unmasked frames, cut anywhere', () => {
  const stream = concat(
    fromServer({ opcode: 1, payload: utf8('Ünmasked, and long enough for the words') }),
    fromServer({ opcode: 2, fin: false, payload: bytes(1, 2) }),
    fromServer({ opcode: 10, payload: utf8('pong') }),
    fromServer({ opcode: 0, payload: bytes(3) }),
    fromServer({ opcode: 8, payload: closeBody(1001, 'bye') }),
  );
  assert.deepEqual(receive(stream, { role: 'client' }), [
    'text "Ünmasked, and long enough for the words"',
    'pong "pong"',
    'binary 010203',
    'close 1001 "bye"',
  ]);
});

test('with permessage-deflate RSV1 marks a compressed message, which is not looked at', () => {
  const notText = bytes(0xff, 0xfe, 0x80);
  const stream = concat(
    fromClient({ opcode: 1, rsv1: true, payload: notText }),
    fromClient({ opcode: 2, rsv1: true, fin: false, payload: notText }),
    fromClient({ opcode: 0, payload: notText }),
    fromClient({ opcode: 1, rsv1: true, fin: false, payload: notText }),
    fromClient({ opcode: 0, payload: notText }),
    fromClient({ opcode: 1, payload: utf8('plain') }),
  );
  assert.deepEqual(receive(stream, { deflate: true }), [
    'compressed text fffe80',
    'compressed binary fffe80fffe80',
    'compressed text fffe80fffe80',
    'text "plain"',
  ]);
});

test('a compressed message may be a little larger than the limit for what comes out of it', () => {
  const maxMessageSize = 1024 * 1024;
  const allowed = maxMessageSize + 1024 + 64;
  // The header alone decides.
  const begin = (rsv1: boolean, length: number): string =>
    receive(fromServer({ opcode: 2, rsv1, declaredLength: BigInt(length) }), {
      role: 'client',
      deflate: true,
      limits: { maxMessageSize },
    }).join();
  assert.equal(begin(true, allowed), 'unfinished compressed binary ');
  assert.equal(begin(true, allowed + 1), 'fail 1009 PB_MESSAGE_TOO_BIG');
  assert.equal(begin(false, maxMessageSize), 'unfinished binary ');
  assert.equal(begin(false, maxMessageSize + 1), 'fail 1009 PB_MESSAGE_TOO_BIG');
});

test('the fragments of a compressed message are charged together, against that larger limit', () => {
  const allowed = 100 + 1 + 64;
  const begun = fromServer({ opcode: 2, rsv1: true, fin: false, payload: new Uint8Array(10) });
  const last = (length: number): Uint8Array => fromServer({ opcode: 0, payload: new Uint8Array(length) });
  const options: ReceiveOptions = { role: 'client', deflate: true, limits: { maxMessageSize: 100 } };
  const left = allowed - 10 - FRAGMENT_OVERHEAD;
  assert.deepEqual(receive(concat(begun, last(left)), options), [`compressed binary ${'00'.repeat(10 + left)}`]);
  assert.equal(receive(concat(begun, last(left + 1)), options)[0], 'fail 1009 PB_MESSAGE_TOO_BIG');
});

test('every fragment after the first is charged its overhead', () => {
  const message = (sizes: number[]): Uint8Array =>
    concat(
      ...sizes.map((size, i) =>
        fromServer({ opcode: i === 0 ? 2 : 0, fin: i === sizes.length - 1, payload: new Uint8Array(size) }),
      ),
    );
  const options: ReceiveOptions = { role: 'client', limits: { maxMessageSize: 100 } };
  const fails = (sizes: number[]): boolean => receive(message(sizes), options)[0] === 'fail 1009 PB_MESSAGE_TOO_BIG';
  assert.equal(FRAGMENT_OVERHEAD, 16);
  assert.equal(fails([100]), false);
  assert.equal(fails([101]), true);
  assert.equal(fails([84, 0]), false);
  assert.equal(fails([85, 0]), true);
  assert.equal(fails([0, 84]), false);
  assert.equal(fails([0, 85]), true);
  assert.equal(fails([50, 10, 8]), false);
  assert.equal(fails([50, 10, 9]), true);
  assert.equal(fails([4, 0, 0, 0, 0, 0, 0]), false);
  assert.equal(fails([5, 0, 0, 0, 0, 0, 0]), true);
});

test('a message is charged anew, however much the one before it took', () => {
  const half = fromServer({ opcode: 2, fin: false, payload: new Uint8Array(40) });
  const rest = fromServer({ opcode: 0, payload: new Uint8Array(40) });
  const stream = concat(half, rest, half, rest, half, rest);
  assert.equal(receive(stream, { role: 'client', limits: { maxMessageSize: 96, maxFragments: 2 } }).length, 3);
});
