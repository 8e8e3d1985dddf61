/**
 * The long soak of the frame receiver: as many generated streams as asked for, each delivered whole, cut and stopped
 * in several ways, and compared with the reference parser. Prints its figures as JSON; fails when a result depends on
 * where the bytes were cut, on an exception, and when memory grows.
 *
 *   node build/test/soak/frames.js [--inputs 2000000] [--seed 1] [--first 0]
 *
 * An input that failed is run again by itself with `--seed S --first INDEX --inputs 1`.
 */
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkFrameInput } from '../support/check-frames.ts';
import { type MakeReceiver, makeReceiver } from '../support/deliver.ts';
import { makeFrameInput } from '../support/frame-inputs.ts';
import { usedMemory } from '../support/memory.ts';

export interface SoakOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Index of the first input. */
  readonly first?: number;
  /** For the test of this very soak: a receiver that is broken. */
  readonly make?: MakeReceiver;
}

export interface SoakFigures {
  readonly inputs: number;
  readonly seed: number;
  readonly bytes: number;
  readonly calls: number;
  /** How often each violation was the end; what never occurred was not tested. */
  readonly violations: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Growth of the heap and of memory outside of it, after a collection, from a tenth of the inputs to the end. */
  readonly grownBytes: number;
}

/** What may remain of a hundred thousand or a million inputs: nothing but noise. */
const MAX_GROWTH = 4 * 1024 * 1024;

export function soakFrames({ inputs, seed, first = 0, make = makeReceiver }: SoakOptions): SoakFigures {
  const start = performance.now();
  const violations: Record<string, number> = {};
  const warm = first + Math.ceil(inputs / 10);
  let bytes = 0;
  let calls = 0;
  let usedWhenWarm = 0;
  for (let index = first; index < first + inputs; index++) {
    if (index === warm) usedWhenWarm = usedMemory();
    const input = makeFrameInput(seed, index);
    bytes += input.stream.length;
    try {
      const got = checkFrameInput(input, make);
      calls += got.length;
      const last = got.at(-1);
      if (last?.type === 'violation') violations[last.code] = (violations[last.code] ?? 0) + 1;
    } catch (cause) {
      throw new Error(`input ${index} of seed ${seed} failed`, { cause });
    }
  }
  const grownBytes = usedWhenWarm === 0 ? 0 : usedMemory() - usedWhenWarm;
  assert.ok(grownBytes <= MAX_GROWTH, `${grownBytes} bytes were not freed`);
  return { inputs, seed, bytes, calls, violations, seconds: (performance.now() - start) / 1000, grownBytes };
}

function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} wants a whole number from ${least} up`);
  return value;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '2000000' },
      seed: { type: 'string', default: '1' },
      first: { type: 'string', default: '0' },
    },
  });
  const figures = soakFrames({
    inputs: count('inputs', values.inputs, 1),
    seed: count('seed', values.seed, 0),
    first: count('first', values.first, 0),
  });
  console.log(JSON.stringify(figures, null, 2));
}
