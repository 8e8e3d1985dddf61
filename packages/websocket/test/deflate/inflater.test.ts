import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { INLINE_OUTPUT, InflateRun } from '#dist/node/deflate/inflate-run.js';
import type { DeflateParameters } from '#dist/protocol/permessage-deflate.js';
import {
  assertRoundTrip,
  connect,
  deflate,
  hex,
  type Inflated,
  inflate,
  makePair,
  makeProvider,
  NO_LIMIT,
  parameters,
  type Path,
  PATHS,
  takeover,
} from '../support/deflate.ts';
import { Random } from '../support/random.ts';

const HELLO = hex('f2 48 cd c9 c9 07 00');
const INLINE_LIMIT = 16 * 1024;

/** The payload of a message, by zlib itself. */
function payloadOf(message: Uint8Array): Buffer {
  const deflated = deflateRawSync(message, { finishFlush: 2, level: 6 });
  return deflated.subarray(0, -4);
}

const zeros = (length: number): Buffer => payloadOf(Buffer.alloc(length));
const noise = (length: number): Buffer => payloadOf(new Random(length).bytes(length));

function makeInflater(path: Path, keeps: boolean) {
  const made = makeProvider(path, { takeover: true });
  return { ...made, ...connect(made.provider, keeps ? takeover() : parameters()) };
}

/** Runs a test on both ways, and with and without takeover. */
function each(name: string, body: (path: Path, keeps: boolean) => Promise<void>): void {
  for (const path of PATHS) {
    for (const keeps of [false, true]) {
      test(`${name} (${path}, ${keeps ? 'takeover' : 'no takeover'})`, () => body(path, keeps));
    }
  }
}

each('a message of exactly the limit comes out, one of a byte more does not', async (path, keeps) => {
  const { inflater } = makeInflater(path, keeps);
  // On the event loop; off it for what comes out, for what goes in; larger than the steps in which memory grows.
  const lengths = [1, 1000, INLINE_OUTPUT - 1, INLINE_OUTPUT, INLINE_OUTPUT + 1, 1_000_000, 6_000_000];
  for (const payloadFor of [zeros, noise]) {
    for (const length of lengths) {
      const payload = payloadFor(length);
      assert.equal((await inflate(inflater, payload, length)).message?.length, length);
      assert.equal((await inflate(inflater, payload, length + 1)).message?.length, length);
      // What failed is at its end, and so is the connection.
      const fresh = makeInflater(path, keeps);
      assert.equal((await inflate(fresh.inflater, payload, length - 1)).code, 'PB_MESSAGE_TOO_BIG');
      fresh.close();
    }
  }
});

each('nothing may come out where the limit is 0', async (path, keeps) => {
  const { inflater } = makeInflater(path, keeps);
  assert.deepEqual((await inflate(inflater, hex('00'), 0)).message, Buffer.alloc(0));
  assert.equal((await inflate(inflater, HELLO, 0)).code, 'PB_MESSAGE_TOO_BIG');
});

each('a limit may be larger than any memory', async (path, keeps) => {
  const { inflater } = makeInflater(path, keeps);
  for (const limit of [Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
    assert.equal((await inflate(inflater, zeros(2_000_000), limit)).message?.length, 2_000_000);
    assert.equal((await inflate(inflater, noise(2_000_000), limit)).message?.length, 2_000_000);
  }
});

each('small messages are inflated on the event loop, others off it', async (path, keeps) => {
  const { inflater } = makeInflater(path, keeps);
  const where = async (payload: Uint8Array): Promise<boolean> => {
    const result = await inflate(inflater, payload);
    assert.notEqual(result.message, undefined);
    return result.inline;
  };
  const largest = new Random(1).bytes(INLINE_LIMIT);
  const fits = payloadOf(largest.subarray(0, INLINE_LIMIT - 20));
  assert.ok(fits.length <= INLINE_LIMIT && payloadOf(largest).length > INLINE_LIMIT);
  assert.equal(await where(HELLO), true);
  assert.equal(await where(fits), true);
  assert.equal(await where(payloadOf(largest)), false);
  assert.equal(await where(zeros(INLINE_OUTPUT - 1)), true);
  // Few bytes that become many.
  assert.equal(await where(zeros(INLINE_OUTPUT * 2)), false);
});

each('any order of small and large messages comes out as it went in', async (path, keeps) => {
  const { server, client } = makePair(path, keeps ? takeover() : parameters(), { takeover: true });
  const random = new Random(77);
  const words = Array.from({ length: 200 }, () => random.bytes(random.between(3, 30)));
  const makeMessage = (length: number): Buffer => {
    const parts: Uint8Array[] = [];
    for (let made = 0; made < length; made += parts.at(-1)!.length) parts.push(random.pick(words));
    return Buffer.concat(parts).subarray(0, length);
  };
  for (let i = 0; i < 60; i++) {
    const length = random.pick([0, 1, 20, 500, 4000, 16_384, 16_385, 40_000, 300_000, 1_200_000]);
    const message = random.chance(80) ? makeMessage(length) : Buffer.from(random.bytes(length));
    await assertRoundTrip(server.deflater, client.inflater, message);
    if (random.chance(10)) server.deflater.reset();
  }
});

each('what is not DEFLATE data fails one message and leaves other connections alone', async (path, keeps) => {
  const { provider } = makeProvider(path, { takeover: true });
  const good = connect(provider, keeps ? takeover() : parameters());
  const random = new Random(3);
  for (const length of [3, 100, INLINE_LIMIT, INLINE_LIMIT + 1, 100_000]) {
    for (let i = 0; i < 10; i++) {
      const agreed = keeps ? takeover() : parameters();
      const bad = connect(provider, agreed);
      // Right at first: the error is met off the event loop, or while memory grows.
      const start = i % 3 === 0 ? zeros(INLINE_OUTPUT * 2) : HELLO.subarray(0, -1);
      const payload = Buffer.concat([start, random.bytes(length), hex('06')]);
      assert.equal((await inflate(bad.inflater, payload)).code, 'PB_DEFLATE_INVALID');
      bad.close();
      assert.equal((await inflate(good.inflater, HELLO)).message?.toString(), 'Hello');
      assert.equal((await inflate(good.inflater, zeros(300_000))).message?.length, 300_000);
    }
  }
});

each('a message of many DEFLATE streams is read, one of nothing else is refused', async (path, keeps) => {
  const { inflater } = makeInflater(path, keeps);
  const finished = deflateRawSync(new Random(5).bytes(400));
  const streams = (count: number): Buffer => Buffer.concat([...Array<Buffer>(count).fill(finished), hex('00')]);
  for (const count of [2, 16, 40, 300]) {
    assert.equal((await inflate(inflater, streams(count))).message?.length, 400 * count);
  }
  // Two octets each: an empty block with BFINAL. Every one of them costs a call of zlib.
  const empty = (count: number): Buffer => Buffer.concat([...Array<Buffer>(count).fill(hex('03 00')), hex('00')]);
  assert.equal((await inflate(inflater, empty(10))).message?.length, 0);
  for (const count of [100, 8000, 100_000]) {
    assert.equal((await inflate(makeInflater(path, keeps).inflater, empty(count))).code, 'PB_DEFLATE_INVALID');
  }
});

each('the sink may use the same half, and others, while it looks at a message', async (path, keeps) => {
  const { provider } = makeProvider(path, { takeover: true });
  const pair = (): DeflateParameters => (keeps ? takeover() : parameters());
  const [outer, inner] = [connect(provider, pair()), connect(provider, pair())];
  const messages = [Buffer.from('a'.repeat(3000)), Buffer.from('b'.repeat(3000)), Buffer.from('c'.repeat(3000))];
  const payloads = messages.map((message) => payloadOf(message));
  const seen: string[] = [];
  const look = (depth: number): void => {
    const half = depth % 2 === 0 ? outer.inflater : inner.inflater;
    const payload = payloads[depth]!;
    half.inflate(payload, 0, payload.length, NO_LIMIT, {
      onInflateFailed: assert.fail as () => never,
      onInflated(bytes, start, end) {
        if (depth < 2) look(depth + 1);
        outer.deflater.deflate(messages[depth]!, 0, 3000, {
          onDeflateFailed: assert.fail as () => never,
          onDeflated: () => seen.push('deflated'),
        });
        // All of it is still there after what happened meanwhile.
        assert.ok(messages[depth]!.equals(bytes.subarray(start, end)));
        seen.push(String(depth));
      },
    });
  };
  look(0);
  assert.deepEqual(seen, ['deflated', '2', 'deflated', '1', 'deflated', '0']);
});

each('a sink that throws does no harm', async (path, keeps) => {
  const { inflater, deflater } = makeInflater(path, keeps);
  const fail = (): never => {
    throw new Error('thrown by the sink');
  };
  for (let i = 0; i < 15; i++) {
    assert.throws(
      () => inflater.inflate(HELLO, 0, HELLO.length, 100, { onInflated: fail, onInflateFailed: fail }),
      /thrown by the sink/,
    );
    assert.throws(
      () => deflater.deflate(Buffer.from('Hello'), 0, 5, { onDeflated: fail, onDeflateFailed: fail }),
      /thrown by the sink/,
    );
  }
  assert.equal((await inflate(inflater, HELLO)).message?.toString(), 'Hello');
});

each('one message at a time, and none after close', async (path, keeps) => {
  const { inflater, deflater } = makeInflater(path, keeps);
  const large = new Random(9).bytes(100_000);
  const payload = payloadOf(large);
  const results: Promise<unknown>[] = [inflate(inflater, payload), deflate(deflater, large)];
  const never = {
    onInflated: unexpected,
    onInflateFailed: unexpected,
    onDeflated: unexpected,
    onDeflateFailed: unexpected,
  };
  assert.throws(() => inflater.inflate(HELLO, 0, 7, 100, never), /one message at a time/);
  assert.throws(() => deflater.deflate(HELLO, 0, 7, never), /one message at a time/);
  const [inflated] = (await Promise.all(results)) as [Inflated];
  assert.ok(inflated.message?.equals(large));
  inflater.close();
  deflater.close();
  assert.throws(() => inflater.inflate(HELLO, 0, 7, 100, never), /closed/);
  assert.throws(() => deflater.deflate(HELLO, 0, 7, never), /closed/);
});

const unexpected = (): never => assert.fail('the sink of a half that was closed is called');

each('close while a job runs or waits: the sink is not called, and the turn goes to the next', async (path, keeps) => {
  const { provider, jobs } = makeProvider(path, { takeover: true });
  const agreed = (): DeflateParameters => (keeps ? takeover() : parameters());
  const large = new Random(11).bytes(200_000);
  const bomb = zeros(900_000);
  const broken = Buffer.concat([payloadOf(large).subarray(0, -1), hex('06')]);
  for (const payload of [payloadOf(large), bomb, broken]) {
    const halves = Array.from({ length: 30 }, () => connect(provider, agreed()));
    const sink = { onInflated: unexpected, onInflateFailed: unexpected };
    const kept: Promise<Inflated>[] = [];
    halves.forEach(({ inflater }, i) => {
      if (i % 5 === 4) kept.push(inflate(inflater, payload));
      else assert.equal(inflater.inflate(payload, 0, payload.length, NO_LIMIT, sink), false);
    });
    assert.equal(jobs.running + jobs.waiting, 30);
    halves.forEach(({ close }, i) => i % 5 !== 4 && close());
    for (const { message, code } of await Promise.all(kept)) {
      if (payload === broken) assert.equal(code, 'PB_DEFLATE_INVALID');
      else assert.equal(message?.length, payload === bomb ? 900_000 : 200_000);
    }
    await jobs.idle();
    assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
    for (const { close } of halves) close();
  }
});

each('the sink may close its half', async (path, keeps) => {
  for (const payload of [HELLO, noise(100_000)]) {
    const { inflater, close, jobs } = makeInflater(path, keeps);
    await new Promise<void>((resolve) => {
      inflater.inflate(payload, 0, payload.length, NO_LIMIT, {
        onInflateFailed: unexpected,
        onInflated() {
          close();
          resolve();
        },
      });
    });
    assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
  }
});

test('a message that cannot grow for want of memory is too big, and told after the call', async () => {
  for (const keeps of [false, true]) {
    for (const payload of [zeros(INLINE_OUTPUT * 2), noise(INLINE_OUTPUT * 2)]) {
      const { inflater, pools } = makeInflater('private', keeps);
      const run = new InflateRun();
      run.grow = () => false;
      pools.inflateRuns.give(run);
      const { code, inline } = await inflate(inflater, payload);
      assert.deepEqual([code, inline], ['PB_MESSAGE_TOO_BIG', false]);
    }
  }
});

test('the order of what waits is kept over the end of the stream of one message', async () => {
  // The window is empty after BFINAL, for what follows in the same message and in the next.
  for (const path of PATHS) {
    const { inflater } = makeInflater(path, true);
    assert.equal((await inflate(inflater, hex('f3 48 cd c9 c9 07 00 00'))).message?.toString(), 'Hello');
    assert.equal((await inflate(inflater, hex('f2 00 11 00 00'))).code, 'PB_DEFLATE_INVALID');
  }
});
