import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { DeflateRun } from '#dist/node/deflate/deflate-run.js';
import type { Deflater } from '#dist/protocol/platform.js';
import {
  assertRoundTrip,
  connect,
  deflate,
  hex,
  inflate,
  makePair,
  makeProvider,
  parameters,
  PATHS,
  takeover,
} from '../support/deflate.ts';
import { Random } from '../support/random.ts';

const INLINE_LIMIT = 16 * 1024;
const HELLO = Buffer.from('Hello');

for (const path of PATHS) {
  test(`messages up to inlineLimit are deflated on the event loop, others off it (${path})`, async () => {
    for (const keeps of [false, true]) {
      for (const inlineLimit of [0, 100, INLINE_LIMIT]) {
        const { provider } = makeProvider(path, { takeover: true, inlineLimit });
        const { deflater } = connect(provider, keeps ? takeover() : parameters());
        assert.equal((await deflate(deflater, new Uint8Array(0))).inline, true);
        if (inlineLimit > 0) assert.equal((await deflate(deflater, new Uint8Array(inlineLimit))).inline, true);
        assert.equal((await deflate(deflater, new Uint8Array(inlineLimit + 1))).inline, false);
      }
    }
  });

  test(`reset: the next message refers to nothing before it (${path})`, async () => {
    const message = Buffer.from(new Random(1).bytes(2000));
    const large = Buffer.from(new Random(2).bytes(50_000));
    const { server, client } = makePair(path, takeover(), { takeover: true });
    for (const sent of [message, large]) {
      server.deflater.reset();
      const first = await assertRoundTrip(server.deflater, client.inflater, sent);
      const second = await assertRoundTrip(server.deflater, client.inflater, sent);
      server.deflater.reset();
      // What another compressor made moves the peer's window; ours begins afresh.
      await inflate(client.inflater, hex('f2 48 cd c9 c9 07 00'));
      const third = await assertRoundTrip(server.deflater, client.inflater, sent);
      assert.ok(third.equals(first));
      if (sent === message) assert.ok(second.length < first.length / 10);
    }
  });

  test(`reset before the first message, without takeover, and while a job runs (${path})`, async () => {
    const large = Buffer.from(new Random(3).bytes(50_000));
    for (const agreed of [parameters(), takeover()]) {
      const { server, client } = makePair(path, agreed, { takeover: true });
      server.deflater.reset();
      const first = await assertRoundTrip(server.deflater, client.inflater, HELLO);
      assert.deepEqual(first, hex('f2 48 cd c9 c9 07 00'));
      const running = deflate(server.deflater, large);
      server.deflater.reset();
      await inflate(client.inflater, (await running).payload);
      assert.deepEqual(await assertRoundTrip(server.deflater, client.inflater, HELLO), first);
    }
  });

  test(`the sink may send the next message from within (${path})`, async () => {
    for (const agreed of [parameters(), takeover()]) {
      const { server, client } = makePair(path, agreed, { takeover: true });
      const random = new Random(4);
      const messages = [100, 40_000, 200, 17_000, 30].map((length) => Buffer.from(random.bytes(length)));
      const payloads: Buffer[] = [];
      await new Promise<void>((resolve) => {
        const next = (): void => {
          const message = messages[payloads.length];
          if (message === undefined) return resolve();
          server.deflater.deflate(message, 0, message.length, {
            onDeflateFailed: assert.fail as () => never,
            onDeflated(bytes, start, end) {
              const before = Buffer.from(bytes.subarray(start, end));
              payloads.push(before);
              next();
              assert.ok(before.equals(bytes.subarray(start, end)), 'overwritten while the sink looked at it');
            },
          });
        };
        next();
      });
      for (const [i, payload] of payloads.entries()) {
        assert.ok((await inflate(client.inflater, payload)).message?.equals(messages[i]!));
      }
    }
  });

  test(`close while a job runs or waits: the sink is not called, and the turn goes to the next (${path})`, async () => {
    const large = new Random(5).bytes(400_000);
    const unexpected = (): never => assert.fail('the sink of a half that was closed is called');
    for (const keeps of [false, true]) {
      const { provider, jobs } = makeProvider(path, { takeover: true });
      const halves = Array.from({ length: 25 }, () => connect(provider, keeps ? takeover() : parameters()));
      const kept: Promise<unknown>[] = [];
      halves.forEach(({ deflater }, i) => {
        if (i % 5 === 4) kept.push(deflate(deflater, large));
        else deflater.deflate(large, 0, large.length, { onDeflated: unexpected, onDeflateFailed: unexpected });
      });
      halves.forEach(({ close }, i) => i % 5 !== 4 && close());
      await Promise.all(kept);
      await jobs.idle();
      assert.deepEqual([jobs.running, jobs.waiting], [0, 0]);
    }
  });

  test(`every level, memLevel and window there and back, on the event loop and off it (${path})`, async () => {
    const random = new Random(6);
    const words = Array.from({ length: 60 }, () => random.bytes(random.between(3, 20)));
    const message = Buffer.concat(Array.from({ length: 2500 }, () => random.pick(words)));
    for (const level of [1, 3, 5, 6, 8, 9]) {
      for (const memLevel of [1, 8, 9]) {
        const bits = random.between(8, 15);
        const windows = { serverMaxWindowBits: bits, clientMaxWindowBits: random.between(8, 15) };
        for (const agreed of [parameters(windows), takeover(windows)]) {
          const { server, client } = makePair(path, agreed, { takeover: true, level, memLevel });
          for (const length of [1, 700, 16_000, 20_000, 700]) {
            await assertRoundTrip(server.deflater, client.inflater, message.subarray(0, length));
            await assertRoundTrip(client.deflater, server.inflater, message.subarray(0, length));
          }
        }
      }
    }
  });
}

/** A run whose output never has room, as if there were no memory. */
function cramped(at: 'begin' | 'end'): DeflateRun {
  const run = new DeflateRun();
  run.output.bytes = Buffer.alloc(8);
  run.output.resize = (size) => at === 'end' && size > 16;
  return run;
}

test('a message that cannot be compressed for want of memory is told as failed; the next one is as if it had not been', async () => {
  const noise = new Random(7).bytes(3000);
  const failure = (deflater: Deflater, message: Uint8Array): Promise<{ cause: unknown; inline: boolean }> =>
    new Promise((resolve, reject) => {
      let returned = false;
      const told = deflater.deflate(message, 0, message.length, {
        onDeflated: reject,
        onDeflateFailed: (cause) => resolve({ cause, inline: !returned }),
      });
      returned = true;
      if (told) return;
    });
  for (const keeps of [false, true]) {
    for (const [length, at] of [
      [3000, 'begin'],
      [3000, 'end'],
      [50_000, 'begin'],
      [50_000, 'end'],
    ] as const) {
      const { server, client, pools } = makePair('private', keeps ? takeover() : parameters(), { takeover: true });
      await assertRoundTrip(server.deflater, client.inflater, noise);
      pools.deflateRuns.take();
      pools.deflateRuns.give(cramped(at));
      const message = Buffer.alloc(length).map((_, i) => noise[i % 3000]! ^ (i >> 8));
      const { cause, inline } = await failure(server.deflater, message);
      assert.match(String(cause), /no memory is left/);
      assert.equal(inline, length === 3000);
      // The cramped run is used again, the next one is not.
      pools.deflateRuns.take();
      await assertRoundTrip(server.deflater, client.inflater, noise);
      await assertRoundTrip(server.deflater, client.inflater, noise);
    }
  }
});

test('output that turns out longer than it was made for grows, on the event loop and off it', async () => {
  const noise = new Random(8).bytes(60_000);
  for (const length of [10_000, 60_000]) {
    const { server, client, pools } = makePair('private', parameters());
    const run = new DeflateRun();
    const begin = run.begin.bind(run);
    run.begin = (...message) => {
      begin(...message);
      run.output.bytes = Buffer.alloc(100);
      return true;
    };
    pools.deflateRuns.give(run);
    await assertRoundTrip(server.deflater, client.inflater, noise.subarray(0, length));
  }
});
