import fc from 'fast-check';
import type { ReceiverLimits } from '#dist/protocol/receiver.js';
import type { Receiving } from './deliver.ts';
import { buildFrame, closeBody, concat, type FrameSpec, utf8 } from './frames.ts';
import { INVALID_SEQUENCES } from './utf8-samples.ts';

/** A stream and who receives it. */
export interface Scene {
  readonly receiving: Receiving;
  readonly stream: Uint8Array;
}

const lengths = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20) },
  { weight: 2, arbitrary: fc.nat(160) },
  { weight: 1, arbitrary: fc.integer({ min: 124, max: 130 }) },
);

const binary = lengths.chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
const validText = fc.string({ unit: 'binary', maxLength: 60, size: 'max' }).map(utf8);
const brokenText = fc
  .tuple(validText, fc.constantFrom(...INVALID_SEQUENCES.map((sample) => sample.bytes)), validText)
  .map((parts) => concat(...parts));

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 140, size: 'max' }).map(utf8) },
  { weight: 4, arbitrary: validText },
  { weight: 1, arbitrary: brokenText },
);

const closeBodies = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ minLength: 1, maxLength: 1 }),
  fc
    .tuple(fc.oneof(fc.constantFrom(1000, 1001, 1014, 3000, 4999), fc.nat(65535)), fc.string({ maxLength: 30 }))
    .map(([code, reason]) => closeBody(code, reason)),
  brokenText.map((reason) => closeBody(1000, reason.subarray(0, 123))),
);

const control: fc.Arbitrary<FrameSpec> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) }) },
  { weight: 1, arbitrary: closeBodies.map((payload) => ({ opcode: 8, payload })) },
);

/** The frames of one message, control frames between them. */
const message: fc.Arbitrary<FrameSpec[]> = fc
  .record({
    opcode: fc.constantFrom(1, 2),
    compressed: fc.boolean(),
    cuts: fc.oneof({ weight: 2, arbitrary: fc.constant<number[]>([]) }, fc.array(fc.nat(150), { maxLength: 4 })),
    between: fc.array(fc.option(control, { freq: 2 }), { maxLength: 4 }),
  })
  .chain(({ opcode, compressed, cuts, between }) =>
    (opcode === 1 ? text : binary).map((payload) => {
      const edges = [0, ...cuts.map((cut) => Math.min(cut, payload.length)).sort((a, b) => a - b), payload.length];
      const frames: FrameSpec[] = [];
      for (let i = 0; i + 1 < edges.length; i++) {
        const isFirst = i === 0;
        frames.push({
          fin: i + 2 === edges.length,
          rsv1: compressed && isFirst,
          opcode: isFirst ? opcode : 0,
          payload: payload.subarray(edges[i], edges[i + 1]),
        });
        const interposed = between[i];
        if (interposed && i + 2 < edges.length) frames.push(interposed);
      }
      return frames;
    }),
  );

const limits: fc.Arbitrary<ReceiverLimits> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ maxMessageSize: 1024 * 1024, maxFragments: 1024 }) },
  fc.record({ maxMessageSize: fc.nat(300), maxFragments: fc.integer({ min: 1, max: 4 }) }),
);

const receiving: fc.Arbitrary<Receiving> = fc.record({
  role: fc.constantFrom('server', 'client'),
  deflate: fc.boolean(),
  limits,
});

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 });

function encode(frames: readonly FrameSpec[], masks: readonly Uint8Array[], { role, deflate }: Receiving): Uint8Array {
  return concat(
    ...frames.map((frame, i) =>
      buildFrame({
        ...frame,
        rsv1: deflate && frame.rsv1 === true,
        mask: role === 'server' ? masks[i % masks.length]! : null,
      }),
    ),
  );
}

/** Right framing (what is in the frames may still be wrong: text that is no UTF-8, close codes, limits). */
export const scenes: fc.Arbitrary<Scene> = fc
  .tuple(
    receiving,
    fc.array(
      fc.oneof(
        message,
        control.map((frame) => [frame]),
      ),
      { minLength: 1, maxLength: 5 },
    ),
    fc.array(mask, { minLength: 1, maxLength: 3 }),
  )
  .map(([to, frames, masks]) => ({ receiving: to, stream: encode(frames.flat(), masks, to) }));

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({ at: fc.nat(400), remove: fc.nat(4), insert: fc.uint8Array({ maxLength: 4 }) }),
  { minLength: 1, maxLength: 3 },
);

/** The same with bytes removed, put in and changed. */
export const damagedScenes: fc.Arbitrary<Scene> = fc.tuple(scenes, edits).map(([scene, changes]) => ({
  receiving: scene.receiving,
  stream: changes.reduce((stream, { at, remove, insert }) => {
    const from = at % (stream.length + 1);
    return concat(stream.subarray(0, from), insert, stream.subarray(from + remove));
  }, scene.stream),
}));

/** Frames of a client that are long enough for every way of unmasking, nearly all of their text ASCII. */
export const largeScenes: fc.Arbitrary<Scene> = fc
  .tuple(
    fc.array(
      fc.record({
        opcode: fc.constantFrom(1, 2),
        length: fc.oneof(
          { weight: 8, arbitrary: fc.integer({ min: 200, max: 2_000 }) },
          { weight: 1, arbitrary: fc.integer({ min: 65_400, max: 66_000 }) },
        ),
        odd: fc.option(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255))),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    fc.array(mask, { minLength: 1, maxLength: 3 }),
  )
  .map(([messages, masks]) => {
    const to: Receiving = { role: 'server', deflate: false, limits: { maxMessageSize: 1024 * 1024, maxFragments: 1 } };
    const frames = messages.map(({ opcode, length, odd }): FrameSpec => {
      const payload = Uint8Array.from({ length }, (_, i) => (i * 7) & 0x7f);
      if (odd !== null) payload[Math.floor(odd[0] * (length - 1))] = odd[1];
      return { opcode, payload };
    });
    return { receiving: to, stream: encode(frames, masks, to) };
  });

/** Bytes that are no frames but by chance. */
export const randomScenes: fc.Arbitrary<Scene> = fc.record({
  receiving,
  stream: fc.uint8Array({ maxLength: 200, size: 'max' }),
});

export const anyScenes: fc.Arbitrary<Scene> = fc.oneof(
  { weight: 3, arbitrary: scenes },
  { weight: 3, arbitrary: damagedScenes },
  { weight: 1, arbitrary: randomScenes },
);

/** Where to cut, for a stream of any length; see {@link cutsFor}. */
export const fractions: fc.Arbitrary<number[]> = fc.array(fc.nat(999), { maxLength: 12 });

export function cutsFor(stream: Uint8Array, thousandths: readonly number[]): number[] {
  return thousandths.map((part) => Math.floor((part * (stream.length + 1)) / 1000)).sort((a, b) => a - b);
}

export const alignments: fc.Arbitrary<number[]> = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 });
