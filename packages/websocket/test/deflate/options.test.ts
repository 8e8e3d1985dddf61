import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#dist/connection/errors.js';
import { DeflateMemoryBudget } from '#dist/node/deflate/memory-budget.js';
import { checkDeflateOptions, type DeflateOptions } from '#dist/node/deflate/options.js';
import { NodeDeflateProvider } from '#dist/node/deflate/provider.js';

test('the defaults: fast, nothing kept, nothing compressed that fits into a packet', () => {
  const defaults = {
    level: 1,
    memLevel: 8,
    takeover: false,
    memoryBudget: DeflateMemoryBudget.ofProcess,
    inlineLimit: 16_384,
    threshold: 1024,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  assert.deepEqual(checkDeflateOptions({}), defaults);
  assert.deepEqual(checkDeflateOptions({ level: undefined, memoryBudget: undefined }), defaults);
});

test('a provider says what to ask for and what not to compress', () => {
  const { wishes, threshold } = new NodeDeflateProvider({ takeover: true, serverMaxWindowBits: 10, threshold: 7 });
  assert.deepEqual(
    [wishes.takeover, wishes.serverMaxWindowBits, wishes.clientMaxWindowBits, threshold],
    [true, 10, 15, 7],
  );
});

test('every value in its range is taken', () => {
  for (const options of [
    { level: 1 },
    { level: 9 },
    { memLevel: 1 },
    { memLevel: 9 },
    { inlineLimit: 0 },
    { inlineLimit: 1024 * 1024 },
    { threshold: 0 },
    { threshold: Number.MAX_SAFE_INTEGER },
    { serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
    { takeover: true },
  ]) {
    assert.deepEqual({ ...checkDeflateOptions({}), ...options }, checkDeflateOptions(options));
  }
  const shared = new DeflateMemoryBudget(1000);
  assert.equal(checkDeflateOptions({ memoryBudget: shared }).memoryBudget, shared);
  assert.equal(checkDeflateOptions({ memoryBudget: 0 }).memoryBudget.size, 0);
});

test('anything else is refused with the name, the value, the range and the remedy', () => {
  const refused: readonly [unknown, RegExp][] = [
    [{ level: 0 }, /level is the number 0; it must be a whole number from 1 to 9 \(leave permessage-deflate off/],
    [{ level: 10 }, /level is the number 10/],
    [{ level: 1.5 }, /level is the number 1.5/],
    [{ level: '6' }, /level is the string 6/],
    [{ level: null }, /level is the object null|level is null/],
    [{ memLevel: 0 }, /memLevel is the number 0; it must be a whole number from 1 to 9/],
    [{ takeover: 1 }, /takeover is the number 1; it must be true or false/],
    [
      { memoryBudget: -1 },
      /memoryBudget is the number -1; it must be a whole number of bytes or a DeflateMemoryBudget/,
    ],
    [{ memoryBudget: {} }, /memoryBudget is an object/],
    [{ inlineLimit: 2 ** 21 }, /inlineLimit .* 0 to 1048576 \(larger messages would hold up the event loop\)/],
    [{ threshold: -1 }, /threshold is the number -1.*\(0 compresses every message\)/],
    [{ serverMaxWindowBits: 7 }, /serverMaxWindowBits is the number 7; .* 8 to 15 .*§7\.1\.2\.1/],
    [{ clientMaxWindowBits: 16 }, /clientMaxWindowBits is the number 16; .*§7\.1\.2\.2/],
    [{ windowBits: 15 }, /no option windowBits: there are level, memLevel, .*clientMaxWindowBits/],
    [{ constructor: 1 }, /no option constructor/],
    [null, /deflate is null|the object null/],
    [true, /the boolean true/],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => new NodeDeflateProvider(options as DeflateOptions),
      (error) => error instanceof UsageError && error.code === 'PB_OPTION_INVALID' && message.test(error.message),
      JSON.stringify(options),
    );
  }
});
