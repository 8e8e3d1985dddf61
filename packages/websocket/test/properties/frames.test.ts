import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodePlatform } from '#dist/node/platform.js';
import { mask, readPage } from '#dist/node/simd-mask.js';
import { CONTINUE, STOP } from '#dist/protocol/frame-sink.js';
import { maskInPlace } from '#dist/protocol/mask.js';
import type { MessageOpcode, Role } from '#dist/protocol/opcodes.js';
import { encodeControl, encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { advanceUtf8, UTF8_ACCEPT, UTF8_REJECT } from '#dist/protocol/utf8.js';
import { soakFrames } from '../soak/frames.ts';
import {
  alignments,
  anyScenes,
  cutsFor,
  damagedScenes,
  fractions,
  largeScenes,
  randomScenes,
  scenes,
} from '../support/arbitraries.ts';
import { assertSame } from '../support/check-frames.ts';
import { DEFAULT_LIMITS, deliver, makeReceiver, type MakeReceiver, type Receiving } from '../support/deliver.ts';
import { concat, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { normalForm, RecordingSink } from '../support/recording-sink.ts';
import { canBecomeUtf8, referenceParse, validBeginning } from '../support/reference-parser.ts';
import { INVALID_SEQUENCES } from '../support/utf8-samples.ts';
import { budget, figures, inputs, SEED } from './budget.ts';

test('the receiver agrees with the reference parser about streams of frames', () => {
  fc.assert(
    fc.property(scenes, alignments, ({ stream, receiving }, aligned) => {
      const got = normalForm(deliver(stream, receiving, { alignments: aligned }).calls);
      assertSame(got, referenceParse(stream, receiving), 'delivered whole');
    }),
    budget({ test: 5_000, soak: 100_000 }),
  );
});

test('the receiver agrees with the reference parser about damaged streams', () => {
  fc.assert(
    fc.property(damagedScenes, alignments, ({ stream, receiving }, aligned) => {
      const got = normalForm(deliver(stream, receiving, { alignments: aligned }).calls);
      assertSame(got, referenceParse(stream, receiving), 'delivered whole');
    }),
    budget({ test: 10_000, soak: 200_000 }),
  );
});

test('the same bytes cut anywhere, at any alignment, give the same calls', () => {
  fc.assert(
    fc.property(anyScenes, fractions, alignments, ({ stream, receiving }, parts, aligned) => {
      const cuts = cutsFor(stream, parts);
      const whole = normalForm(deliver(stream, receiving).calls);
      const cut = normalForm(deliver(stream, receiving, { cuts, alignments: aligned }).calls);
      assert.deepEqual(cut.events, whole.events);
      const { tail } = referenceParse(stream, receiving);
      assert.ok(tail.startsWith(cut.tail) && tail.startsWith(whole.tail));
    }),
    budget({ test: 5_000, soak: 100_000 }),
  );
});

test('STOP at any call, and the rest pushed again, give the same calls', () => {
  fc.assert(
    fc.property(
      anyScenes,
      fractions,
      fc.array(fc.boolean(), { minLength: 1 }),
      ({ stream, receiving }, parts, flows) => {
        const cuts = cutsFor(stream, parts);
        const freely = deliver(stream, receiving, { cuts }).calls;
        const stopped = deliver(stream, receiving, {
          cuts,
          answer: (_, index) => (flows[index % flows.length]! ? CONTINUE : STOP),
        }).calls;
        assert.deepEqual(stopped, freely);
      },
    ),
    budget({ test: 5_000, soak: 100_000 }),
  );
});

test('terminate() from inside any callback is the last call, whatever the callback answers', () => {
  fc.assert(
    fc.property(anyScenes, fractions, fc.nat(20), fc.boolean(), ({ stream, receiving }, parts, at, flow) => {
      const cuts = cutsFor(stream, parts);
      const freely = deliver(stream, receiving, { cuts }).calls;
      const ended = deliver(stream, receiving, {
        cuts,
        answer: (_, index, receiver, sink) => {
          if (index === at) {
            receiver.terminate();
            sink.terminated = true;
          }
          return index === at ? flow : CONTINUE;
        },
      }).calls;
      assert.deepEqual(ended, freely.slice(0, at + 1));
    }),
    budget({ test: 5_000, soak: 100_000 }),
  );
});

test('arbitrary bytes never throw, and are never taken beyond their end', () => {
  fc.assert(
    fc.property(randomScenes, fractions, ({ stream, receiving }, parts) => {
      // deliver() itself checks every range that the sink is given, and the bytes around each chunk.
      const { calls } = deliver(stream, receiving, { cuts: cutsFor(stream, parts) });
      assertSame(normalForm(calls), referenceParse(stream, receiving), 'random bytes');
    }),
    budget({ test: 5_000, soak: 300_000 }),
  );
});

test('a receiver that served another connection before is as good as new', () => {
  fc.assert(
    fc.property(anyScenes, anyScenes, fractions, fc.boolean(), (before, after, parts, deflate) => {
      const receiving: Receiving = { ...before.receiving, deflate };
      const cuts = cutsFor(after.stream, parts);
      const used: MakeReceiver = (sink, to, platform) => {
        const old = new RecordingSink();
        const receiver = makeReceiver(old, before.receiving, platform);
        receiver.push(before.stream.slice(), 0, before.stream.length);
        if (!receiver.isIdle) return makeReceiver(sink, to, platform);
        receiver.serve(sink, to.deflate);
        old.terminated = true;
        return receiver;
      };
      assert.deepEqual(
        deliver(after.stream, receiving, { cuts, make: used }).calls,
        deliver(after.stream, receiving, { cuts }).calls,
      );
    }),
    budget({ test: 5_000, soak: 100_000 }),
  );
});

test('however it is unmasked, in the page that sockets read into or elsewhere, a stream gives the same calls', () => {
  // Or nothing is compared here.
  assert.notEqual(mask, maskInPlace);
  fc.assert(
    fc.property(anyScenes, largeScenes, fractions, alignments, (small, large, parts, aligned) => {
      for (const { stream, receiving } of [small, large]) {
        const how = { cuts: cutsFor(stream, parts), alignments: aligned };
        const plain = deliver(stream, receiving, how).calls;
        assert.deepEqual(deliver(stream, receiving, { ...how, platform: nodePlatform }).calls, plain);
        assert.deepEqual(deliver(stream, receiving, { ...how, platform: nodePlatform, memory: readPage }).calls, plain);
      }
    }),
    budget({ test: 2_000, soak: 50_000 }),
  );
});

const payloads = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300, size: 'max' }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_530, max: 65_540 }).map((length) => new Uint8Array(length).fill(0x61)) },
);

interface Sent {
  readonly opcode: MessageOpcode;
  readonly payload: Uint8Array;
  readonly compressed: boolean;
  readonly fragmentSize: number;
  readonly ping: Uint8Array | null;
}

const sent: fc.Arbitrary<Sent> = fc
  .record({
    opcode: fc.constantFrom<MessageOpcode[]>(1, 2),
    payload: payloads,
    compressed: fc.boolean(),
    fragmentSize: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 400 })),
    ping: fc.option(fc.uint8Array({ maxLength: 125 })),
  })
  // The reference parser would take for ever over tens of thousands of fragments.
  .map((message) => ({
    ...message,
    fragmentSize: message.payload.length > 1_000 ? message.fragmentSize * 100 : message.fragmentSize,
  }));

test('parse(encode(x)) is x: both roles, fragmented on request, compressed or not, cut anywhere', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<Role>('server', 'client'),
      fc.constantFrom(testPlatform, nodePlatform),
      fc.array(sent, { minLength: 1, maxLength: 4 }),
      fractions,
      (sender, platform, messages, parts) => {
        const masks = sender === 'client' ? new MaskingKeys(platform) : null;
        const receiving: Receiving = {
          role: sender === 'client' ? 'server' : 'client',
          deflate: true,
          limits: { maxMessageSize: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER },
        };
        const expected: string[] = [];
        const stream: Uint8Array[] = [];
        for (const { opcode, payload, compressed, fragmentSize, ping } of messages) {
          // Text has to be text, or it is refused.
          const body = opcode === 1 && !compressed ? payload.map((byte) => byte & 0x7f) : payload;
          const before = body.slice();
          stream.push(encodeMessage(opcode, compressed, body, masks, fragmentSize));
          assert.deepEqual(body, before, "the sender changed the application's bytes");
          expected.push(`start ${compressed ? 'compressed ' : ''}${opcode === 1 ? 'text' : 'binary'}`);
          if (body.length > 0) expected.push(`data ${Buffer.from(body).toString('hex')}`);
          expected.push('end');
          if (ping !== null) {
            stream.push(encodeControl(9, ping, masks));
            expected.push(`ping ${Buffer.from(ping).toString('hex')}`);
          }
        }
        const bytes = concat(...stream);
        const got = normalForm(deliver(bytes, receiving, { cuts: cutsFor(bytes, parts), alignments: [3, 1] }).calls);
        assert.deepEqual(got.events, expected);
        assert.deepEqual(referenceParse(bytes, receiving).events, expected);
      },
    ),
    budget({ test: 600, soak: 20_000 }),
  );
});

const nearlyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }).map(utf8),
  fc.uint8Array({ maxLength: 12 }),
  fc
    .tuple(
      fc.string({ unit: 'binary', maxLength: 8 }).map(utf8),
      fc.constantFrom(...INVALID_SEQUENCES.map((sample) => sample.bytes)),
      fc.string({ unit: 'binary', maxLength: 8 }).map(utf8),
    )
    .map((parts) => concat(...parts)),
  // Lead and continuation bytes alone: most of them almost right.
  fc
    .array(fc.constantFrom(0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xe1, 0xed, 0xf0, 0xf1, 0xf4), {
      maxLength: 8,
    })
    .map((values) => Uint8Array.from(values)),
);

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test('UTF-8: what advanceUtf8 accepts is what a fatal TextDecoder decodes, cut anywhere', () => {
  fc.assert(
    fc.property(nearlyText, fc.nat(60), (bytes, cut) => {
      const middle = Math.min(cut, bytes.length);
      const whole = advanceUtf8(UTF8_ACCEPT, bytes, 0, bytes.length);
      const parts = advanceUtf8(advanceUtf8(UTF8_ACCEPT, bytes, 0, middle), bytes, middle, bytes.length);
      assert.equal(parts, whole);
      assert.equal(whole === UTF8_ACCEPT, decodes(bytes));
    }),
    budget({ test: 10_000, soak: 1_000_000 }),
  );
});

test('UTF-8: advanceUtf8 rejects at the first byte that no text can have there, not before and not after', () => {
  fc.assert(
    fc.property(nearlyText, (bytes) => {
      let state = UTF8_ACCEPT;
      let good = 0;
      while (good < bytes.length) {
        state = advanceUtf8(state, bytes, good, good + 1);
        if (state === UTF8_REJECT) break;
        good++;
      }
      assert.equal(good, validBeginning(bytes));
      assert.equal(good === bytes.length, canBecomeUtf8(bytes));
    }),
    budget({ test: 3_000, soak: 200_000 }),
  );
});

test('generated streams: whole, cut and stopped, they mean what the reference parser says', (t) => {
  const count = inputs({ test: 4_000, soak: 2_000_000 });
  const { bytes, calls, violations, seconds, grownBytes } = soakFrames({ inputs: count, seed: SEED });
  figures(t, { what: 'frame inputs', inputs: count, bytes, calls, seconds, grownBytes });
  // Every violation that a receiver can report occurred, or this tested less than it says.
  assert.equal(Object.keys(violations).length, 16);
});

/** Receivers with one fault each, such as the properties are there to find. */
const BROKEN: Readonly<Record<string, MakeReceiver>> = {
  'loses the last byte of each chunk of data': (sink, receiving, platform) => {
    const onMessageData = sink.onMessageData.bind(sink);
    sink.onMessageData = (bytes, start, end) => (end - start > 1 ? onMessageData(bytes, start, end - 1) : CONTINUE);
    return makeReceiver(sink, receiving, platform);
  },
  'goes on after STOP': (sink, receiving, platform) => {
    const receiver = makeReceiver(sink, receiving, platform);
    const push = receiver.push.bind(receiver);
    receiver.push = (bytes, start, end) => {
      const taken = push(bytes, start, end);
      return taken === end ? taken : push(bytes, taken, end);
    };
    return receiver;
  },
  'does not look at the limits': (sink, receiving, platform) =>
    makeReceiver(sink, { ...receiving, limits: DEFAULT_LIMITS }, platform),
  'takes the other role': (sink, receiving, platform) =>
    makeReceiver(sink, { ...receiving, role: receiving.role === 'server' ? 'client' : 'server' }, platform),
  'finds all text valid': (sink, receiving, platform) =>
    makeReceiver(sink, receiving, { ...platform, isUtf8: () => true }),
};

for (const [fault, make] of Object.entries(BROKEN)) {
  test(`the soak notices a receiver that ${fault}`, () => {
    assert.throws(() => soakFrames({ inputs: 4_000, seed: 2, make }), /^Error: input \d+ of seed 2 failed/);
  });
}

test('the soak notices a receiver that keeps memory', () => {
  const kept: Uint8Array[] = [];
  const make: MakeReceiver = (sink: RecordingSink, receiving, platform) => {
    kept.push(new Uint8Array(64 * 1024));
    return makeReceiver(sink, receiving, platform);
  };
  assert.throws(() => soakFrames({ inputs: 200, seed: 3, make }), /bytes were not freed/);
});
