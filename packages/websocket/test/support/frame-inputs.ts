/**
 * Makes streams of frames from seeds, for the long soak: mostly right ones, and ones that are wrong in every way that
 * the receiver has a name for. The same seed gives the same input for ever.
 */
import type { Role } from '#dist/protocol/opcodes.js';
import type { ReceiverLimits } from '#dist/protocol/receiver.js';
import type { Receiving } from './deliver.ts';
import { buildFrame, closeBody, concat, type FrameSpec, utf8 } from './frames.ts';
import { Random } from './random.ts';
import { INVALID_SEQUENCES, VALID_TEXTS } from './utf8-samples.ts';

export interface FrameInput {
  readonly receiving: Receiving;
  readonly stream: Uint8Array;
  /** Two ways to cut the stream. */
  readonly cuts: readonly (readonly number[])[];
  readonly alignments: readonly number[];
  /** Call i is answered STOP where bit i modulo 32 is set. */
  readonly stops: number;
}

const LIMITS: readonly ReceiverLimits[] = [
  { maxMessageSize: 1024 * 1024, maxFragments: 1024 },
  { maxMessageSize: 1024 * 1024, maxFragments: 1024 },
  { maxMessageSize: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER },
  { maxMessageSize: 300, maxFragments: 1024 },
  { maxMessageSize: 125, maxFragments: 3 },
  { maxMessageSize: 16, maxFragments: 1 },
  { maxMessageSize: 0, maxFragments: 2 },
];

export function makeFrameInput(seed: number, index: number): FrameInput {
  const random = new Random(seed, index);
  const role: Role = random.chance(50) ? 'server' : 'client';
  const receiving: Receiving = { role, deflate: random.chance(30), limits: random.pick(LIMITS) };
  let stream = random.chance(4) ? random.bytes(random.below(200)) : makeStream(random, receiving);
  if (random.chance(25)) stream = damage(random, stream);
  return {
    receiving,
    stream,
    cuts: [everyByteOrFew(random, stream.length), randomCuts(random, stream.length)],
    alignments: Array.from({ length: 3 }, () => random.below(4)),
    stops: random.chance(10) ? 0xffffffff : random.uint32() & random.uint32(),
  };
}

function makeStream(random: Random, receiving: Receiving): Uint8Array {
  const frames: FrameSpec[] = [];
  for (let messages = random.between(1, 5); messages > 0; messages--) {
    if (random.chance(25)) frames.push(makeControl(random));
    frames.push(...makeMessage(random, receiving.deflate));
  }
  // One frame of some is wrong; what comes after it must not matter.
  if (random.chance(35)) {
    const at = random.below(frames.length);
    frames[at] = spoil(random, frames[at]!);
  }
  if (random.chance(5)) frames.splice(random.below(frames.length), 1);
  const mask = receiving.role === 'server';
  return concat(...frames.map((frame) => buildFrame({ mask: mask ? random.bytes(4) : null, ...frame })));
}

function makeMessage(random: Random, deflate: boolean): FrameSpec[] {
  const isText = random.chance(60);
  const payload = isText ? makeText(random) : random.bytes(makeLength(random));
  const compressed = deflate && random.chance(50);
  const parts = random.chance(60) ? 1 : random.between(2, 5);
  const cuts = [
    0,
    ...sorted(Array.from({ length: parts - 1 }, () => random.below(payload.length + 1))),
    payload.length,
  ];
  const frames: FrameSpec[] = [];
  for (let i = 0; i < parts; i++) {
    frames.push({
      fin: i === parts - 1,
      rsv1: compressed && i === 0,
      opcode: i > 0 ? 0 : isText ? 1 : 2,
      payload: payload.subarray(cuts[i], cuts[i + 1]),
    });
    if (i < parts - 1 && random.chance(20)) frames.push(makeControl(random));
  }
  return frames;
}

function makeLength(random: Random): number {
  const kind = random.below(1000);
  if (kind < 2) return random.between(65530, 65540);
  if (kind < 60) return random.between(120, 132);
  if (kind < 250) return random.between(20, 150);
  return random.below(20);
}

function makeText(random: Random): Uint8Array {
  const length = makeLength(random);
  if (random.chance(40)) return random.bytes(length).map((byte) => byte & 0x7f);
  const parts: Uint8Array[] = [];
  for (let size = 0; size < length; ) {
    const part = utf8(random.pick(VALID_TEXTS.slice(1)));
    parts.push(part);
    size += part.length;
  }
  if (random.chance(15)) parts.splice(random.below(parts.length + 1), 0, random.pick(INVALID_SEQUENCES).bytes);
  return concat(...parts);
}

const CLOSE_CODES = [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 2999, 3000, 4999, 5000, 65535];

function makeControl(random: Random): FrameSpec {
  const opcode = random.pick([8, 9, 9, 10, 10]);
  if (opcode !== 8) return { opcode, payload: random.bytes(random.chance(10) ? 125 : random.below(20)) };
  if (random.chance(20)) return { opcode, payload: random.bytes(random.below(3)) };
  const reason = random.chance(80) ? utf8(random.pick(VALID_TEXTS)) : random.pick(INVALID_SEQUENCES).bytes;
  return { opcode, payload: closeBody(random.chance(70) ? 1000 : random.pick(CLOSE_CODES), reason) };
}

const HUGE_LENGTHS = [1n << 31n, 1n << 32n, (1n << 53n) - 1n, 1n << 53n, 1n << 62n, 1n << 63n, (1n << 64n) - 1n];

/** The same frame with one thing wrong about it, or at least unusual. */
function spoil(random: Random, frame: FrameSpec): FrameSpec {
  switch (random.below(10)) {
    case 0:
      return { ...frame, rsv1: true };
    case 1:
      return { ...frame, rsv2: true };
    case 2:
      return { ...frame, rsv3: true };
    case 3:
      return { ...frame, opcode: random.below(16) };
    case 4:
      return { ...frame, mask: random.chance(50) ? null : random.bytes(4) };
    case 5:
      return { ...frame, fin: frame.fin === false };
    case 6:
      return { ...frame, lengthBits: random.chance(50) ? 16 : 64 };
    case 7:
      return { ...frame, lengthBits: 64, declaredLength: random.pick(HUGE_LENGTHS) };
    case 8:
      // A length of eight bytes that begins like one of two, and as many bytes.
      return { ...frame, lengthBits: 64, declaredLength: 128n << 48n, payload: random.bytes(random.between(120, 140)) };
    default:
      return { ...frame, payload: random.bytes(random.between(126, 140)) };
  }
}

/** A few bytes changed, lost, doubled or put in. */
function damage(random: Random, stream: Uint8Array): Uint8Array {
  const at = random.below(stream.length + 1);
  const before = stream.subarray(0, at);
  const after = stream.subarray(at);
  switch (random.below(5)) {
    case 0:
      return concat(before, after.slice(random.below(8)));
    case 1:
      return concat(before, random.bytes(random.between(1, 4)), after);
    case 2:
      return before;
    case 3:
      return concat(before, before.subarray(-random.between(1, 12)), after);
    default: {
      const changed = stream.slice();
      if (at < changed.length) changed[at]! ^= 1 << random.below(8);
      return changed;
    }
  }
}

function everyByteOrFew(random: Random, length: number): number[] {
  if (length > 300) return randomCuts(random, length);
  return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
}

/** Up to seven cuts, some of them at the same place: a chunk may be empty. */
function randomCuts(random: Random, length: number): number[] {
  return sorted(Array.from({ length: random.below(8) }, () => random.below(length + 1)));
}

function sorted(numbers: number[]): number[] {
  return numbers.sort((a, b) => a - b);
}
