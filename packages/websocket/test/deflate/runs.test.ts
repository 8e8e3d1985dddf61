import assert from 'node:assert/strict';
import { Buffer, constants as bufferConstants } from 'node:buffer';
import { test } from 'node:test';
import { constants } from 'node:zlib';
import { DeflateRun } from '#dist/node/deflate/deflate-run.js';
import { INLINE_OUTPUT, InflateRun } from '#dist/node/deflate/inflate-run.js';
import { PublicDeflater } from '#dist/node/deflate/public-zlib.js';
import type { ZlibContext } from '#dist/node/deflate/zlib-handle.js';
import { MOST_JOBS, ZlibJobs } from '#dist/node/deflate/zlib-jobs.js';
import { ZlibPools } from '#dist/node/deflate/zlib-pools.js';
import { DONE, FULL, INVALID, type Outcome, Output, SLICE, TOO_BIG } from '#dist/node/deflate/zlib-run.js';
import {
  assertRoundTrip,
  connect,
  deflate,
  inflate,
  makePair,
  makeProvider,
  parameters,
  PATHS,
  takeover,
} from '../support/deflate.ts';
import { Random } from '../support/random.ts';

/** What zlib leaves behind, call by call, where no data brings it there at will. */
function fakeContext(...calls: { errno?: number; availableIn?: number; availableOut?: number }[]): ZlibContext {
  const context = { errno: 0, availableIn: 0, availableOut: 0, run: () => Object.assign(context, calls.shift()) };
  return context as unknown as ZlibContext;
}

test('zlib without memory is no fault of the peer', () => {
  const outcomes: Outcome[] = [];
  for (const errno of [constants.Z_MEM_ERROR, constants.Z_DATA_ERROR, constants.Z_BUF_ERROR]) {
    const inflating = new InflateRun();
    inflating.begin(Buffer.alloc(10), 0, 10, 100, false);
    outcomes.push(inflating.run(fakeContext({ errno })));
    const deflating = new DeflateRun();
    deflating.begin(Buffer.alloc(10), 0, 10);
    outcomes.push(deflating.run(fakeContext({ errno })));
  }
  assert.deepEqual(outcomes, [TOO_BIG, INVALID, INVALID, INVALID, INVALID, INVALID]);
});

test('a context that zlib failed on is not used again; one that met bad data is', () => {
  const settings = { mode: 'inflate', windowBits: 15, level: 0, memLevel: 8, strategy: 0 } as const;
  const ends = {
    [constants.Z_MEM_ERROR]: 'closed',
    [constants.Z_STREAM_ERROR]: 'closed',
    [constants.Z_DATA_ERROR]: 'reset',
  };
  for (const [errno, end] of Object.entries(ends)) {
    const calls: string[] = [];
    const pool = new ZlibPools().contexts(settings);
    const context = { errno: Number(errno), close: () => calls.push('closed'), reset: () => calls.push('reset') };
    pool.give(context as unknown as ZlibContext);
    pool.take().close();
    assert.equal(calls[0], end);
  }
});

test('a few idle contexts are kept, one at least of each kind', () => {
  const settings = { mode: 'inflate', windowBits: 15, level: 0, memLevel: 8, strategy: 0 } as const;
  const pools = new ZlibPools();
  const closed: string[] = [];
  const fill = (windowBits: number, count: number) => {
    const pool = pools.contexts({ ...settings, windowBits });
    for (let i = 0; i < count; i++) {
      const context = { errno: 0, close: () => closed.push(`${windowBits}`), reset: () => {} };
      pool.give(context as unknown as ZlibContext);
    }
    return pool;
  };
  const first = fill(15, 1 + MOST_JOBS);
  assert.deepEqual(closed, []);
  fill(12, 2);
  assert.deepEqual(closed, ['12']);
  assert.equal(pools.contexts(settings), first);
  first.take();
  fill(12, 2);
  assert.deepEqual(closed, ['12', '12']);
});

test('a message that needs more room for what its tail makes goes on from there', () => {
  const run = new InflateRun();
  run.begin(Buffer.alloc(10), 0, 10, 2 * INLINE_OUTPUT, false);
  const context = fakeContext(
    { availableOut: 1 },
    { availableOut: 0, availableIn: 7 },
    { availableOut: 50, availableIn: 0 },
  );
  assert.equal(run.run(context), FULL);
  run.own();
  assert.equal(run.grow(), true);
  assert.equal(run.run(context), DONE);
  assert.equal(run.produced, run.output.bytes.length - 50);
});

test('memory for what comes out grows, and is let go of where it was for one huge message', () => {
  const output = new Output(10);
  output.bytes.fill(7);
  const first = Buffer.from(output.bytes);
  assert.equal(output.resize(5, 5), true);
  assert.equal(output.bytes.length, 10);
  assert.equal(output.resize(1000, 10), true);
  assert.deepEqual([output.bytes.length, output.bytes.subarray(0, 10)], [1000, first]);
  output.shrink(10);
  assert.equal(output.bytes.length, 1000, 'not kept for the next message');
  assert.equal(output.resize(2_000_000, 10), true);
  output.shrink(10);
  assert.equal(output.bytes.length, 10);
});

test('memory that the process cannot have is refused, not thrown', () => {
  const output = new Output(10);
  // As much as a buffer may have: on some versions more than any machine has.
  const most = output.resize(bufferConstants.MAX_LENGTH, 0);
  assert.equal(output.bytes.length, most ? bufferConstants.MAX_LENGTH : 10);
  output.shrink(10);
  assert.equal(output.resize(bufferConstants.MAX_LENGTH + 1, 0), false);
});

test('memory that was grown once is used again, and the event loop is held up no longer for that', async () => {
  const { provider, pools } = makeProvider('private');
  const { deflater, inflater } = connect(provider, parameters());
  const large = Buffer.from(new Random(3).bytes(900_000));
  await assertRoundTrip(deflater, inflater, large);
  const run = pools.inflateRuns.take();
  const { bytes } = run.output;
  assert.ok(bytes.length > INLINE_OUTPUT);
  pools.inflateRuns.give(run);
  await assertRoundTrip(deflater, inflater, large);
  assert.equal(pools.inflateRuns.take().output.bytes, bytes);
  pools.inflateRuns.give(run);
  const { payload } = await deflate(deflater, Buffer.alloc(INLINE_OUTPUT + 1));
  assert.equal((await inflate(inflater, payload)).inline, false);
});

for (const path of PATHS) {
  test(`messages of many megabytes, which zlib takes and makes in steps (${path})`, async () => {
    const noise = Buffer.from(new Random(1).bytes(3_500_000));
    for (const agreed of [parameters(), takeover()]) {
      const { server, client } = makePair(path, agreed, { takeover: true });
      for (const message of [noise, Buffer.alloc(5_000_000), noise]) {
        await assertRoundTrip(server.deflater, client.inflater, message);
      }
    }
  });
}

test('no step takes or makes more than a slice, so that one message does not keep a thread to itself', () => {
  const steps: [taken: number, made: number][] = [];
  const run: ZlibContext['run'] = (_flush, _input, _at, length, _output, _to, room) => {
    steps.push([length, room]);
    fake.availableOut = 1;
  };
  const fake = { errno: 0, availableIn: 0, availableOut: 0, run };
  const context = fake as unknown as ZlibContext;
  const input = Buffer.alloc(5 * SLICE + 3);
  const deflating = new DeflateRun();
  assert.equal(deflating.begin(input, 0, input.length), true);
  assert.equal(deflating.run(context), DONE);
  const inflating = new InflateRun();
  inflating.begin(input, 0, input.length, 100 * SLICE, false);
  assert.equal(inflating.grow(), true);
  assert.ok([DONE, FULL].includes(inflating.run(context) as 1 | 2));
  assert.ok(steps.length >= 10, `${steps.length} steps`);
  for (const [taken, made] of steps) assert.ok(taken <= SLICE && made <= SLICE);
});

test('a compressor of node:zlib that fails is told as failed', async () => {
  const settings = { mode: 'deflate', windowBits: 99, level: 1, memLevel: 8, strategy: 0 } as const;
  for (const takesOver of [false, true]) {
    const deflater = new PublicDeflater(new ZlibJobs(), settings, takesOver, 100);
    const cause = await new Promise((resolve, reject) => {
      deflater.deflate(Buffer.alloc(50), 0, 50, { onDeflated: reject, onDeflateFailed: resolve });
    });
    assert.match(String(cause), /windowBits/);
  }
});
