import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, mock, test } from 'node:test';
import zlib, { deflateRawSync } from 'node:zlib';
import type { PartInflater } from '#dist/protocol/platform.js';
import type { ViolationCode } from '#dist/protocol/violations.js';
import { connect, deflate, hex, inflate, makeProvider, parameters, takeover } from '../support/deflate.ts';
import { makeDeflateInput } from '../support/deflate-inputs.ts';
import { Random } from '../support/random.ts';

const payloadOf = (message: Uint8Array): Buffer => deflateRawSync(message, { finishFlush: 2 }).subarray(0, -4);

/** A part inflater whose sink collects what comes out, and says no when it is told to. */
class Collector {
  readonly inflater: PartInflater;
  readonly parts: Buffer[] = [];
  /** How many parts are wanted before the sink says no. */
  wanted = Infinity;
  code: ViolationCode | undefined;
  private told: (() => void) | undefined;
  private calls = 0;

  constructor(keeps: boolean) {
    const { provider } = makeProvider('public', { takeover: true });
    const agreed = keeps ? takeover() : parameters();
    this.inflater = provider.createPartInflater(agreed, 'server', {
      onInflatedPart: (bytes, start, end) => {
        assert.equal(this.code, undefined, 'nothing comes after a failure');
        this.parts.push(Buffer.from(bytes.subarray(start, end)));
        return --this.wanted > 0;
      },
      onInflated: (isLast) => {
        assert.equal(isLast, this.isLast);
        this.tell();
      },
      onInflateFailed: (code) => {
        this.code = code;
        this.tell();
      },
    });
  }

  private isLast = false;

  /** Pushes some bytes, which are overwritten at once. @returns when they are through, or failed */
  async push(bytes: Uint8Array, isLast: boolean): Promise<void> {
    this.isLast = isLast;
    const lent = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]);
    const { calls } = this;
    const through = new Promise<void>((resolve) => (this.told = resolve));
    this.inflater.push(lent, 3, 3 + bytes.length, isLast);
    assert.equal(this.calls, calls, 'the sink is not called from inside push');
    lent.fill(0xdd);
    await through;
  }

  /** A whole message in pieces, of which the last may be empty. */
  async inflate(payload: Uint8Array, pieces: readonly number[]): Promise<Buffer | ViolationCode> {
    this.parts.length = 0;
    let at = 0;
    for (const piece of pieces) {
      if (this.code !== undefined || at >= payload.length) break;
      const end = Math.min(payload.length, at + piece);
      await this.push(payload.subarray(at, end), false);
      at = end;
    }
    if (this.code === undefined) await this.push(payload.subarray(at), true);
    return this.code ?? Buffer.concat(this.parts);
  }

  private tell(): void {
    this.calls++;
    this.told!();
  }
}

for (const keeps of [false, true]) {
  describe(keeps ? 'with takeover' : 'without takeover', () => {
    test('gives what the other inflater gives, for right and wrong payloads, however they are cut', async () => {
      const outcomes = new Map<string, number>();
      for (let index = 0; index < 600; index++) {
        const input = makeDeflateInput(11, index);
        if (input.type !== 'payload') continue;
        const random = new Random(12, index);
        const whole = connect(makeProvider('public', { takeover: true }).provider, keeps ? takeover() : parameters());
        const parts = new Collector(keeps);
        // The second message shows what the first has left behind.
        for (const payload of [input.payload, payloadOf(Buffer.from('hello hello')), input.payload]) {
          const expected = await inflate(whole.inflater, payload);
          const pieces = Array.from({ length: random.below(6) }, () => random.between(1, 300));
          const result = await parts.inflate(payload, pieces);
          const name = expected.code ?? 'inflated';
          outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
          assert.deepEqual(result, expected.code ?? expected.message, `input ${index} in pieces of ${pieces.join()}`);
          if (expected.code !== undefined) break;
        }
        whole.close();
        parts.inflater.close();
      }
      assert.ok(outcomes.get('inflated')! > 100 && outcomes.get('PB_DEFLATE_INVALID')! > 100);
    });

    test('inflates one message after the other', async () => {
      const { provider } = makeProvider('private', { takeover: true });
      const { deflater, close } = connect(provider, keeps ? takeover() : parameters(), 'client');
      const parts = new Collector(keeps);
      const random = new Random(5);
      const words = Array.from({ length: 50 }, () => random.bytes(30));
      for (let i = 0; i < 40; i++) {
        const message = Buffer.concat(Array.from({ length: random.pick([0, 1, 30, 3000]) }, () => random.pick(words)));
        const { payload } = await deflate(deflater, message);
        const pieces = Array.from({ length: random.below(5) }, () => random.between(1, payload.length));
        assert.deepEqual(await parts.inflate(payload, pieces), message);
      }
      close();
    });

    test('refuses a message without a single octet', async () => {
      const parts = new Collector(keeps);
      assert.equal(await parts.inflate(Buffer.alloc(0), []), 'PB_DEFLATE_INVALID');
    });

    test('refuses more ends of streams than a message of its length may have', async () => {
      const streams = (count: number): Buffer => Buffer.concat([Buffer.alloc(count * 2, hex('03 00')), hex('00')]);
      assert.deepEqual(await new Collector(keeps).inflate(streams(16), [3]), Buffer.alloc(0));
      assert.equal(await new Collector(keeps).inflate(streams(40), [3]), 'PB_DEFLATE_INVALID');
    });
  });
}

test('what is not wanted is not inflated: a bomb costs what is taken of it', async () => {
  const bomb = payloadOf(Buffer.alloc(200 * 1024 * 1024));
  const parts = new Collector(false);
  parts.wanted = 1;
  const through = parts.push(bomb, true);
  while (parts.parts.length === 0) await turn();
  const before = process.memoryUsage.rss();
  for (let wanted = 1; wanted < 20; wanted++) {
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(parts.parts.length, wanted, 'one at a time');
    parts.wanted = 1;
    parts.inflater.resume();
    while (parts.parts.length === wanted) await turn();
  }
  assert.ok(process.memoryUsage.rss() - before < 50 * 1024 * 1024);
  parts.inflater.close();
  await Promise.race([through, turn()]);
});

test('after close nothing is told', async () => {
  for (const payload of [payloadOf(Buffer.alloc(1_000_000)), hex('ff ff ff')]) {
    const parts = new Collector(true);
    void parts.push(payload, true);
    parts.inflater.close();
    parts.inflater.resume();
    for (let i = 0; i < 50; i++) await turn();
    assert.deepEqual([parts.parts.length, parts.code], [0, undefined]);
  }
  const empty = new Collector(false);
  void empty.push(Buffer.alloc(0), true);
  empty.inflater.close();
  await turn();
  assert.equal(empty.code, undefined);
});

test('want of memory is a message too big', async () => {
  const parts = new Collector(false);
  await parts.push(payloadOf(Buffer.from('a')), false);
  const error = Object.assign(new Error('insufficient memory'), { code: 'Z_MEM_ERROR' });
  const { write } = zlib.InflateRaw.prototype;
  mock.method(zlib.InflateRaw.prototype, 'write', function (this: zlib.InflateRaw) {
    process.nextTick(() => this.destroy(error));
    return true;
  } as typeof write);
  await parts.push(Buffer.from([0]), false);
  mock.restoreAll();
  assert.equal(parts.code, 'PB_MESSAGE_TOO_BIG');
});
