import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keepFreedMemory } from '#dist/node/freed-memory.js';

const MIB = 1024 * 1024;

/** How much the heap of the allocator grows when blocks are taken of a size that glibc maps one by one at first. */
function growth(): number {
  const before = heapSize();
  const blocks = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(4 * MIB));
  return blocks.length > 0 ? heapSize() - before : 0;
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
  assert(growth() < 4 * MIB, 'each was mapped');
  keepFreedMemory();
  // The allocator learns from the end of the block, which a thread of the collector brings about.
  for (let tries = 0; growth() < 12 * MIB; tries++) {
    assert(tries < 1000, 'each is mapped still');
    collect();
    await setImmediate();
  }
});
