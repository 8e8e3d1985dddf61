import assert from 'node:assert/strict';
import type { Flow } from '#dist/protocol/frame-sink.js';
import type { Role } from '#dist/protocol/opcodes.js';
import type { Platform } from '#dist/protocol/platform.js';
import { FrameReceiver, type ReceiverLimits } from '#dist/protocol/receiver.js';
import { testPlatform } from './platform.ts';
import { type Call, RecordingSink, readable } from './recording-sink.ts';

/** The receiving end: who we are and what was agreed on. */
export interface Receiving {
  readonly role: Role;
  readonly deflate: boolean;
  readonly limits: ReceiverLimits;
}

export const DEFAULT_LIMITS: ReceiverLimits = { maxMessageSize: 1024 * 1024, maxFragments: 1024 };

/** What stands for a FrameReceiver: the tests of the tests hand in broken ones. */
export type MakeReceiver = (sink: RecordingSink, receiving: Receiving, platform: Platform) => FrameReceiver;

export const makeReceiver: MakeReceiver = (sink, { role, deflate, limits }, platform) =>
  new FrameReceiver(sink, role, limits, platform, deflate);

export interface Delivery {
  /** Where the bytes are cut, in ascending order; the same place twice is an empty chunk. */
  readonly cuts?: readonly number[];
  /** Chunk i begins at this byteOffset modulo 4 of its buffer (i-th of them, repeating). */
  readonly alignments?: readonly number[];
  /** What call number `index` answers; STOP makes the rest come again. */
  readonly answer?: (call: Call, index: number, receiver: FrameReceiver, sink: RecordingSink) => Flow;
  readonly make?: MakeReceiver;
  /** Default: {@link testPlatform}. */
  readonly platform?: Platform;
  /** Chunks that fit are delivered in this memory, from its beginning; by default each has memory of its own. */
  readonly memory?: Uint8Array;
}

/** Bytes around every chunk, which nothing may touch. */
const GUARD = 8;
const GUARD_BYTE = 0x5a;
/** What is written over bytes that were taken: a receiver that looks at them again is found out. */
const POISON = 0xa5;

/** Pushes the bytes as they were cut, and after each STOP the rest again, as a connection does. */
export function deliver(stream: Uint8Array, receiving: Receiving, delivery: Delivery = {}): RecordingSink {
  const { cuts = [], alignments = [0], answer, make = makeReceiver, platform = testPlatform } = delivery;
  const sink: RecordingSink = new RecordingSink(
    answer === undefined ? undefined : (call, index) => answer(call, index, receiver, sink),
  );
  const receiver = make(sink, receiving, platform);
  let from = 0;
  for (let i = 0; i <= cuts.length; i++) {
    const to = cuts[i] ?? stream.length;
    const place = placeChunk(stream.subarray(from, to), alignments[i % alignments.length]!, delivery.memory);
    pushChunk(receiver, sink, place);
    from = to;
  }
  return sink;
}

interface Place {
  /** The chunk, and the guards around it. */
  readonly guarded: Uint8Array;
  /** What is pushed, and where the chunk lies in it. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

function placeChunk(chunk: Uint8Array, alignment: number, memory: Uint8Array | undefined): Place {
  const size = alignment + GUARD + chunk.length + GUARD;
  const isShared = memory !== undefined && size <= memory.length;
  const guarded = isShared ? memory.subarray(0, size) : new Uint8Array(size);
  guarded.fill(GUARD_BYTE).set(chunk, alignment + GUARD);
  if (isShared) return { guarded, bytes: memory, start: alignment + GUARD, end: size - GUARD };
  // A view that does not begin at its buffer's start, of bytes that do not begin at the view's start.
  return { guarded, bytes: guarded.subarray(alignment), start: GUARD, end: GUARD + chunk.length };
}

function pushChunk(receiver: FrameReceiver, sink: RecordingSink, { guarded, bytes, start, end }: Place): void {
  const before = guarded.length - GUARD - (end - start);
  let at = start;
  for (;;) {
    const stopsBefore = sink.stops;
    const callsBefore = sink.calls.length;
    const taken = receiver.push(bytes, at, end);
    assert.ok(taken >= at && taken <= end, `took ${taken} of ${at} to ${end}`);
    if (!isUntouched(guarded, 0, before) || !isUntouched(guarded, guarded.length - GUARD, guarded.length)) {
      assert.fail('a byte outside of the range was written');
    }
    bytes.fill(POISON, at, taken);
    at = taken;
    const dead = sink.terminated || sink.calls.at(-1)?.type === 'violation';
    if (dead) {
      const calls = sink.calls.length;
      assert.equal(receiver.push(bytes, at, end), at, 'bytes were taken after the end');
      assert.equal(sink.calls.length, calls);
      return;
    }
    if (sink.stops === stopsBefore) {
      assert.equal(at, end, 'bytes were left though nobody said STOP');
      return;
    }
    assert.equal(sink.stops, stopsBefore + 1, 'called again after STOP');
    assert.ok(sink.calls.length > callsBefore);
  }
}

function isUntouched(memory: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (memory[i] !== GUARD_BYTE) return false;
  return true;
}

/** Every way to cut that is worth the time: whole, byte by byte, and at each single place. */
export function* cutsOf(length: number): Generator<number[]> {
  yield [];
  yield Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
  for (let at = 1; at < length; at++) yield [at];
}

export interface ReceiveOptions {
  readonly role?: Role;
  readonly deflate?: boolean;
  readonly limits?: Partial<ReceiverLimits>;
}

/** Streams longer than this are cut in fewer places. */
const EVERY_CUT_UP_TO = 600;

/**
 * What these bytes mean to a receiver, in the lines of {@link readable}. They are delivered whole, byte by byte, and
 * cut at every place (of long streams: around both ends), and each time must mean the same.
 */
export function receive(stream: Uint8Array, options: ReceiveOptions = {}): string[] {
  const receiving: Receiving = {
    role: options.role ?? 'server',
    deflate: options.deflate ?? false,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const whole = readable(deliver(stream, receiving).calls);
  const check = (cuts: number[]): void => {
    const got = readable(deliver(stream, receiving, { cuts, alignments: [1, 0, 3, 2] }).calls);
    assert.deepEqual(got, whole, `cut at ${cuts.length === 1 ? cuts[0] : 'many places'} it means something else`);
  };
  if (stream.length <= EVERY_CUT_UP_TO) {
    for (const cuts of cutsOf(stream.length)) check(cuts);
  } else {
    for (let at = 1; at <= 20; at++) {
      check([at]);
      check([stream.length - at]);
    }
    const every = Math.ceil(stream.length / 50);
    check(Array.from({ length: 49 }, (_, i) => (i + 1) * every).filter((at) => at < stream.length));
  }
  return whole;
}
