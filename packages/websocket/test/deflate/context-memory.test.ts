// alone: measures memory
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { deflateContextBytes, inflateContextBytes } from '#dist/node/deflate/memory-budget.js';
import { ZlibContext, type ZlibSettings } from '#dist/node/deflate/zlib-handle.js';
import { connect, deflate, inflate, makeProvider, takeover } from '../support/deflate.ts';
import { Random } from '../support/random.ts';

const skip = process.platform !== 'linux' && 'reads /proc';

/** Bytes of the process's own memory that are in use. */
function anonymous(): number {
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

const isNear = (taken: number | undefined, charged: number): boolean =>
  taken !== undefined && taken < charged * 1.15 + 4096 && taken > charged * 0.7 - 4096;

test('what is charged for a context is what it takes', { skip }, () => {
  const incompressible = new Random(4).bytes(200_000);
  const output = Buffer.alloc(300_000);
  const open: ZlibContext[] = [];
  const use = (settings: ZlibSettings, input: Uint8Array, step: number): void => {
    const context = new ZlibContext(settings);
    open.push(context);
    for (let at = 0; at < input.length; at += step) {
      context.run(2, input, at, Math.min(step, input.length - at), output, 0, output.length);
    }
  };
  const deflater = new ZlibContext({ mode: 'deflate', windowBits: 15, level: 1, memLevel: 8, strategy: 0 });
  deflater.run(2, incompressible, 0, incompressible.length, output, 0, output.length);
  const deflated = Buffer.from(output.subarray(0, output.length - deflater.availableOut));
  open.push(deflater);
  const cases = [15, 12, 9].flatMap((windowBits) => [
    ...[9, 8, 4].map((memLevel) => ({ mode: 'deflate' as const, windowBits, memLevel })),
    { mode: 'inflate' as const, windowBits: 15, memLevel: 8 },
  ]);
  for (const { mode, windowBits, memLevel } of cases) {
    const settings = { mode, windowBits, memLevel, level: 1, strategy: 0 };
    const [input, step] = mode === 'deflate' ? [incompressible, incompressible.length] : [deflated, 1000];
    const charged = mode === 'deflate' ? deflateContextBytes(windowBits, memLevel) : inflateContextBytes(windowBits);
    for (let i = 0; i < 3; i++) use(settings, input, step);
    const measured: number[] = [];
    // What else the process does, and what was free in it before, shows at times, and not each time.
    for (let attempt = 0; attempt < 4 && !isNear(measured.at(-1), charged); attempt++) {
      const before = anonymous();
      for (let i = 0; i < 60; i++) use(settings, input, step);
      measured.push(Math.round((anonymous() - before) / 60));
    }
    const what = `${mode} ${windowBits}, ${memLevel}: ${measured.join(', ')} bytes taken, ${charged} charged`;
    assert.ok(isNear(measured.at(-1), charged), what);
  }
  for (const context of open) context.close();
});

test('the memory of contexts is given back at once, not when garbage is collected', {
  skip: process.platform !== 'linux',
}, async () => {
  const { provider } = makeProvider('private', { takeover: true });
  const message = new Random(5).bytes(16_000);
  const round = async (): Promise<void> => {
    const all = Array.from({ length: 150 }, () => connect(provider, takeover()));
    for (const { deflater, inflater } of all) {
      await inflate(inflater, (await deflate(deflater, message)).payload);
    }
    for (const { close } of all) close();
  };
  await round();
  await round();
  const before = anonymous();
  for (let i = 0; i < 6; i++) await round();
  // Six times 150 connections, 300 KiB each: 270 MiB if it were kept.
  const grown = anonymous() - before;
  assert.ok(grown < 40 * 1024 * 1024, `${grown} bytes more`);
});
