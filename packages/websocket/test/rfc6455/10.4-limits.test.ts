import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTINUE, type FrameSink } from '#dist/protocol/frame-sink.js';
import { FrameReceiver, type ReceiverLimits } from '#dist/protocol/receiver.js';
import { DEFAULT_LIMITS, receive } from '../support/deliver.ts';
import { buildFrame, bytes, concat, EXAMPLE_KEY, fromClient, fromServer } from '../support/frames.ts';
import { residentGrowth } from '../support/memory.ts';
import { testPlatform } from '../support/platform.ts';
import { meet } from '../support/server-end.ts';

const SIDES = [
  { role: 'server', frame: fromClient },
  { role: 'client', frame: fromServer },
] as const;
const MAX = Number.MAX_SAFE_INTEGER;

for (const { role, frame } of SIDES) {
  test(`§10.4: a message larger than the limit fails with 1009, by its header alone (${role})`, () => {
    for (const limit of [0, 1, 125, 126, 65_535, 65_536]) {
      const limits = { maxMessageSize: limit };
      const fits = frame({ opcode: 2, payload: new Uint8Array(limit) });
      assert.deepEqual(receive(fits, { role, limits }), [`binary ${'00'.repeat(limit)}`]);
      const header = frame({ opcode: 2, declaredLength: BigInt(limit + 1) });
      assert.deepEqual(receive(header, { role, limits }), ['fail 1009 PB_MESSAGE_TOO_BIG'], `${limit} + 1`);
    }
  });

  test(`§10.4: a single big frame, of size 2^60 or any other, fails before any of it has come (${role})`, () => {
    for (const length of [2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 52n, 2n ** 53n - 1n]) {
      const header = frame({ opcode: 1, declaredLength: length });
      assert.deepEqual(receive(header, { role }), ['fail 1009 PB_MESSAGE_TOO_BIG'], String(length));
    }
    for (const length of [2n ** 53n, 2n ** 53n + 1n, 2n ** 60n, 2n ** 62n, 2n ** 63n - 1n]) {
      const header = frame({ opcode: 1, declaredLength: length });
      assert.deepEqual(receive(header, { role }), ['fail 1009 PB_FRAME_LENGTH_TOO_LARGE'], String(length));
    }
  });

  test(`§10.4: a length of eight bytes is not taken for one of two, though that many bytes follow (${role})`, () => {
    for (const firstTwo of [126, 127, 1000, 0x1fff]) {
      const declaredLength = BigInt(firstTwo) << 48n;
      const stream = frame({ opcode: 2, declaredLength, payload: new Uint8Array(firstTwo + 20) });
      const limits = { maxMessageSize: MAX };
      assert.deepEqual(receive(stream, { role, limits }), ['fail 1009 PB_FRAME_LENGTH_TOO_LARGE']);
    }
  });

  test(`§10.4: without a limit the largest frame is of 2^53 - 1 bytes, exactly (${role})`, () => {
    const limits = { maxMessageSize: MAX, maxFragments: MAX };
    const begins = concat(frame({ opcode: 2, declaredLength: 2n ** 53n - 1n }), bytes(0));
    const [line] = receive(begins, { role, limits });
    assert.match(line!, /^unfinished binary/);
    const header = frame({ opcode: 2, declaredLength: 2n ** 53n });
    assert.deepEqual(receive(header, { role, limits }), ['fail 1009 PB_FRAME_LENGTH_TOO_LARGE']);
  });

  test(`§10.4: fragments are counted together, whichever of them goes over the limit (${role})`, () => {
    const limits = { maxMessageSize: 100 };
    const begun = frame({ opcode: 2, fin: false, payload: bytes(1, 2) });
    const more = frame({ opcode: 0, fin: false, payload: bytes(3) });
    // 2, then 1 and 16 for being a fragment: 81 are left, of which the next one costs 16.
    const fits = frame({ opcode: 0, payload: new Uint8Array(65) });
    const tooMuch = frame({ opcode: 0, declaredLength: 66n });
    assert.deepEqual(receive(concat(begun, more, fits), { role, limits }), [`binary 010203${'00'.repeat(65)}`]);
    assert.deepEqual(receive(concat(begun, more, tooMuch), { role, limits }), [
      'fail 1009 PB_MESSAGE_TOO_BIG',
      'unfinished binary 010203',
    ]);
  });

  test(`§10.4: lengths that overflow when they are added do not pass the limit (${role})`, () => {
    for (const maxMessageSize of [1024, MAX]) {
      for (const length of [2n ** 31n - 1n, 2n ** 32n - 1n, 2n ** 53n - 1n]) {
        const stream = concat(
          frame({ opcode: 2, fin: false, payload: bytes(1, 2) }),
          frame({ opcode: 0, fin: false, payload: bytes(3) }),
          frame({ opcode: 0, declaredLength: length }),
        );
        // Under MAX only what does not fit beside the three bytes and the two fragments.
        const tooBig = maxMessageSize < MAX || length > 2n ** 53n - 1n - 3n - 32n;
        const [line] = receive(stream, { role, limits: { maxMessageSize } });
        assert.equal(line, tooBig ? 'fail 1009 PB_MESSAGE_TOO_BIG' : 'unfinished binary 010203');
      }
    }
  });

  test(`§10.4: more fragments than the limit fail with 1008, empty ones too (${role})`, () => {
    for (const maxFragments of [1, 2, 3, 10]) {
      const limits = { maxFragments };
      const begun = frame({ opcode: 2, fin: false });
      const middles = (count: number): Uint8Array =>
        concat(...Array.from({ length: count }, () => frame({ opcode: 0, fin: false })));
      const last = frame({ opcode: 0 });
      const whole = frame({ opcode: 2 });
      // The limit counts one message, not the connection.
      if (maxFragments > 1) {
        const fits = concat(begun, middles(maxFragments - 2), last);
        assert.deepEqual(receive(concat(fits, whole, fits), { role, limits }), ['binary ', 'binary ', 'binary ']);
      }
      const refused = ['fail 1008 PB_MESSAGE_TOO_MANY_FRAGMENTS', 'unfinished binary '];
      assert.deepEqual(receive(concat(begun, middles(maxFragments)), { role, limits }), refused);
      assert.deepEqual(receive(concat(begun, middles(maxFragments - 1), last), { role, limits }), refused);
    }
  });
}

test('§10.4: every length of every form, cut at every byte, is taken for what it says', () => {
  const edges = [0n, 1n, 124n, 125n, 126n, 127n, 128n, 255n, 256n, 32_767n, 32_768n, 65_534n, 65_535n, 65_536n];
  const huge = [31n, 32n, 33n, 40n, 48n, 52n, 53n, 54n, 60n, 62n, 63n].flatMap((exponent) => [
    2n ** exponent - 1n,
    2n ** exponent,
    2n ** exponent + 1n,
  ]);
  for (const length of [...edges, ...huge, 2n ** 64n - 1n]) {
    for (const lengthBits of [7, 16, 64] as const) {
      if (length >= 2n ** BigInt(lengthBits) || (lengthBits === 7 && length > 125n)) continue;
      const shortest = length <= 125n ? 7 : length <= 65_535n ? 16 : 64;
      const expected =
        lengthBits !== shortest
          ? ['fail 1002 PB_FRAME_LENGTH_NOT_MINIMAL']
          : length > 2n ** 53n - 1n
            ? ['fail 1009 PB_FRAME_LENGTH_TOO_LARGE']
            : length === 0n
              ? ['binary ']
              : ['unfinished binary '];
      for (const { role, frame } of SIDES) {
        const stream = frame({ opcode: 2, lengthBits, declaredLength: length });
        const limits = { maxMessageSize: MAX };
        assert.deepEqual(receive(stream, { role, limits }), expected, `${length} in ${lengthBits} bits`);
      }
    }
  }
});

/** Counts what it is told and keeps none of it. */
class CountingSink implements FrameSink {
  frames = 0;
  violation = '';
  onMessage(): boolean {
    this.frames++;
    return CONTINUE;
  }
  onMessageStart(): boolean {
    this.frames++;
    return CONTINUE;
  }
  onMessageData(): boolean {
    return CONTINUE;
  }
  onMessageEnd(): boolean {
    return CONTINUE;
  }
  onControl(): boolean {
    this.frames++;
    return CONTINUE;
  }
  onViolation(code: string): void {
    this.violation = code;
  }
}

/** `count` frames alike after a first one, in chunks of 64 KiB such as a socket gives, made anew for each run. */
function flood(first: Uint8Array, frame: Uint8Array, count: number, limits: ReceiverLimits): CountingSink {
  const sink = new CountingSink();
  const receiver = new FrameReceiver(sink, 'server', limits, testPlatform, false);
  const perChunk = Math.floor(65_536 / frame.length);
  const template = concat(...Array.from({ length: perChunk }, () => frame));
  const chunk = new Uint8Array(template.length);
  chunk.set(first);
  receiver.push(chunk, 0, first.length);
  for (let sent = 0; sent < count; sent += perChunk) {
    chunk.set(template);
    receiver.push(chunk, 0, Math.min(perChunk, count - sent) * frame.length);
  }
  return sink;
}

const MIB = 1024 * 1024;
const FLOOD = 131_000;

for (const size of [0, 1]) {
  const first = buildFrame({ opcode: 2, fin: false, mask: EXAMPLE_KEY });
  const frame = buildFrame({ opcode: 0, fin: false, mask: EXAMPLE_KEY, payload: new Uint8Array(size) });

  test(`fragment flood: FIN=0 and ${FLOOD} frames of ${size} bytes close with 1008 and take no memory`, () => {
    let sink = new CountingSink();
    const growth = residentGrowth(() => {
      sink = flood(first, frame, FLOOD, DEFAULT_LIMITS);
    });
    assert.equal(sink.violation, 'PB_MESSAGE_TOO_MANY_FRAGMENTS');
    assert.ok(growth < 2 * MIB, `${growth} bytes`);
  });

  test(`fragment flood: ${FLOOD} frames of ${size} bytes are charged where their number is not limited`, () => {
    const sink = flood(first, frame, FLOOD, { maxMessageSize: MIB, maxFragments: MAX });
    assert.equal(sink.violation, 'PB_MESSAGE_TOO_BIG');
  });

  test(`fragment flood: the receiver itself keeps nothing of ${FLOOD} frames of ${size} bytes that it allows`, () => {
    let sink = new CountingSink();
    const growth = residentGrowth(() => {
      sink = flood(first, frame, FLOOD, { maxMessageSize: MAX, maxFragments: MAX });
    });
    assert.equal(sink.violation, '');
    assert.ok(growth < 2 * MIB, `${growth} bytes`);
  });
}

test('ping flood: a million pings are told one by one and take no memory', () => {
  const ping = buildFrame({ opcode: 9, mask: EXAMPLE_KEY, payload: new Uint8Array(20) });
  let sink = new CountingSink();
  const growth = residentGrowth(() => {
    sink = flood(new Uint8Array(0), ping, 1_000_000, DEFAULT_LIMITS);
  });
  assert.equal(sink.frames, 1_000_000);
  assert.equal(sink.violation, '');
  assert.ok(growth < 2 * MIB, `${growth} bytes`);
});

for (const [name, frames] of [
  ['a frame', [{ opcode: 2, declaredLength: 101n }]],
  ['a frame of 2^62 bytes', [{ opcode: 2, declaredLength: 2n ** 62n }]],
  [
    'a message',
    [
      { opcode: 2, fin: false, payload: new Uint8Array(60) },
      { opcode: 0, declaredLength: 60n },
    ],
  ],
  [
    'the number of fragments',
    [
      { opcode: 2, fin: false },
      { opcode: 0, fin: false },
      { opcode: 0, fin: false },
    ],
  ],
] as const) {
  test(`§10.4: a connected client MUST protect itself: ${name} above its limits`, async (t) => {
    const { server, log } = await meet(t, { maxMessageSize: 100, maxFragments: 2 });
    server.send(...frames);
    assert.match((await server.rest()).join(), /^close (1008|1009) "[^"]+"$/);
    server.end();
    assert.match(await log.has('close'), /^close (1008|1009) /);
  });
}
