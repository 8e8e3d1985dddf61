import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keepFreedMemory } from '#dist/node/freed-memory.js';

/** Nearly as large as the one that is taken, and dropped. */
const BLOCK = 20 * 1024 * 1024;

/** glibc learns from the end of any block that it mapped, so that these do not end. */
const held: Buffer[] = [];

/** How much the heap of the allocator grows with a block of a size that glibc maps by itself at first. */
function growth(): number {
  const before = heapSize();
  held.push(Buffer.allocUnsafeSlow(BLOCK));
  return heapSize() - before;
}

function heapSize(): number {
  const [, start, end] = /^([\da-f]+)-([\da-f]+) .*\[heap\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'))!;
  return parseInt(end!, 16) - parseInt(start!, 16);
}

const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
const isDynamic =
  glibcVersionRuntime !== undefined && !Object.keys(process.env).some((name) => /^(MALLOC_|GLIBC_TUNABLES)/.test(name));

test('large blocks come from a heap that keeps what it is given back', { skip: !isDynamic }, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const end = async (): Promise<void> => {
    collect();
    await setImmediate();
  };
  await end();
  await end();
  assert(growth() < BLOCK, 'it was mapped');
  keepFreedMemory();
  // The collector frees the block in a thread, and has done so before it begins anew.
  for (let tries = 0; growth() < BLOCK; tries++) {
    assert(tries < 100, 'each is mapped still');
    await end();
  }
});

test('where there are no addresses left for it, nothing happens', async (t) => {
  const another = `${import.meta.resolve('#dist/node/freed-memory.js')}?another`;
  const { keepFreedMemory: keep } = (await import(another)) as { keepFreedMemory: typeof keepFreedMemory };
  const { mock } = t.mock.method(Buffer, 'allocUnsafeSlow', () => {
    throw new RangeError('Array buffer allocation failed');
  });
  keep();
  assert.equal(mock.callCount(), process.platform === 'linux' ? 1 : 0);
});
