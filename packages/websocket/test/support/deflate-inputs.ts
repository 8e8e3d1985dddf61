/**
 * Makes what permessage-deflate is fed with from seeds, for the long soak: payloads that peers send, right ones and
 * ones that are wrong in many ways, and whole conversations. The same seed gives the same input for ever.
 */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import type { DeflateParameters } from '#dist/protocol/permessage-deflate.js';
import { Random } from './random.ts';
import { BlockWriter } from './reference-inflate.ts';

/** The payload of one compressed message, as a peer sends it. */
export interface PayloadInput {
  readonly type: 'payload';
  readonly payload: Buffer;
  readonly limit: number;
  /** Off the event loop. */
  readonly off: boolean;
}

/** Messages from one end to the other, with what happens between them. */
export interface ConversationInput {
  readonly type: 'conversation';
  readonly parameters: DeflateParameters;
  readonly from: 'server' | 'client';
  readonly level: number;
  readonly memLevel: number;
  readonly off: boolean;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly type: 'message'; readonly bytes: Buffer }
  | { readonly type: 'reset' }
  /** Somebody else's payload, by the contexts that all share. */
  | { readonly type: 'other'; readonly payload: Buffer };

export type DeflateInput = PayloadInput | ConversationInput;

const LIMITS = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1024 * 1024, 10_000, 100, 1, 0];

export function makeDeflateInput(seed: number, index: number): DeflateInput {
  const random = new Random(seed, index);
  // A turn on the thread pool takes as long as ten messages on the event loop.
  const off = random.chance(5);
  if (random.chance(70)) return { type: 'payload', payload: makePayload(random), limit: random.pick(LIMITS), off };
  return {
    type: 'conversation',
    parameters: {
      serverNoContextTakeover: random.chance(40),
      clientNoContextTakeover: random.chance(40),
      serverMaxWindowBits: random.between(8, 15),
      clientMaxWindowBits: random.between(8, 15),
    },
    from: random.pick(['server', 'client']),
    level: random.pick([1, 1, 4, 6]),
    memLevel: random.pick([8, 8, 8, 1]),
    off,
    steps: Array.from({ length: random.between(1, 6) }, () => makeStep(random)),
  };
}

function makeStep(random: Random): Step {
  if (random.chance(8)) return { type: 'reset' };
  if (random.chance(15)) return { type: 'other', payload: makePayload(random) };
  return { type: 'message', bytes: makeMessage(random) };
}

function makeMessage(random: Random): Buffer {
  const length = random.pick([0, 1, 2, 3, 10, 40, 126, 300, 300, 1000, 1000, 4000]) + random.below(8);
  switch (random.below(4)) {
    case 0:
      return Buffer.from(random.bytes(length));
    case 1:
      return Buffer.alloc(length, random.below(256));
    default: {
      const words = Array.from({ length: random.between(1, 20) }, () => random.bytes(random.between(1, 30)));
      const parts: Uint8Array[] = [];
      for (let made = 0; made < length; made += parts.at(-1)!.length) parts.push(random.pick(words));
      return Buffer.concat(parts).subarray(0, length);
    }
  }
}

function makePayload(random: Random): Buffer {
  let payload = makeWhole(random);
  if (random.chance(45)) payload = damage(random, payload);
  return payload;
}

/** A payload that most of the time is right. */
function makeWhole(random: Random): Buffer {
  switch (random.below(8)) {
    case 0:
      return Buffer.from(random.bytes(random.below(60)));
    case 1:
      return Buffer.from(makeBlocks(random));
    case 2:
      // Streams that end, one after the other (RFC 7692 §7.2.3.4).
      return Buffer.concat([
        ...Array.from({ length: random.between(1, random.pick([3, 3, 40])) }, () =>
          deflateRawSync(makeMessage(random)),
        ),
        ...(random.chance(80) ? [Buffer.alloc(1)] : []),
      ]);
    case 3:
      // Blocks of several flushes (§7.2.3.5).
      return Buffer.concat([...Array.from({ length: random.between(1, 4) }, () => flushed(random)), Buffer.alloc(1)]);
    default:
      return flushed(random).subarray(0, -4);
  }
}

function flushed(random: Random): Buffer {
  return deflateRawSync(makeMessage(random), {
    finishFlush: random.pick([constants.Z_SYNC_FLUSH, constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH]),
    level: random.between(0, 9),
    strategy: random.pick([0, 0, 0, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE]),
  });
}

function makeBlocks(random: Random): Uint8Array {
  const writer = new BlockWriter();
  for (let blocks = random.between(0, 5); blocks > 0; blocks--) {
    if (random.chance(60)) writer.stored(random.bytes(random.below(50)), random.chance(20));
    else writer.match(random.between(3, 10), random.chance(80) ? random.between(1, 40) : random.between(1, 32_768));
  }
  return random.chance(90) ? writer.end() : writer.raw();
}

function damage(random: Random, payload: Buffer): Buffer {
  const damaged = Buffer.from(payload);
  const at = random.below(damaged.length + 1);
  switch (random.below(5)) {
    case 0:
      return damaged.subarray(0, at);
    case 1:
      return damaged.subarray(at);
    case 2:
      return Buffer.concat([damaged.subarray(0, at), random.bytes(random.below(6)), damaged.subarray(at)]);
    case 3:
      return Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + random.below(4))]);
    default:
      for (let bits = random.between(1, 4); bits > 0 && damaged.length > 0; bits--) {
        damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
      }
      return damaged;
  }
}
