import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { nodePlatform } from '#dist/node/platform.js';
import { testPlatform } from '../support/platform.ts';
import { Random } from '../support/random.ts';

const TEXTS = ['', 'plain', 'grün', '€', '😀', 'a\u0000b', '\ufeffmark', 'x'.repeat(5000), '€'.repeat(5000)];

test('text there and back, anywhere in a buffer that is no Buffer', () => {
  for (const text of TEXTS) {
    const target = new Uint8Array(text.length * 3 + 20).fill(0xee);
    const length = nodePlatform.encodeUtf8(text, target, 10);
    assert.equal(length, Buffer.byteLength(text));
    assert.ok(target.subarray(0, 10).every((byte) => byte === 0xee) && target[10 + length] === 0xee);
    assert.equal(nodePlatform.decodeUtf8(target, 10, 10 + length), text);
    assert.ok(nodePlatform.isUtf8(target, 10, 10 + length));
    if (/^[\0-\x7f]*$/.test(text)) assert.equal(nodePlatform.decodeAscii(target, 10, 10 + length), text);
  }
});

test('lone surrogates become U+FFFD', () => {
  for (const text of ['\ud800', 'a\udc00b', '\ud800\ud800', 'x'.repeat(100) + '\udfff']) {
    const target = new Uint8Array(text.length * 3);
    const length = nodePlatform.encodeUtf8(text, target, 0);
    assert.equal(Buffer.from(target.subarray(0, length)).toString(), Buffer.from(text).toString());
  }
});

test('says the same of any bytes as the plain implementation', () => {
  const random = new Random(1);
  for (let i = 0; i < 2000; i++) {
    const bytes = random.bytes(random.below(6) + 4).map((byte) => (random.chance(50) ? byte & 0x7f : byte));
    const start = random.below(3);
    const end = start + random.below(bytes.length - start);
    assert.equal(nodePlatform.isUtf8(bytes, start, end), testPlatform.isUtf8(bytes, start, end));
  }
});

test('random bytes come from the generator of node:crypto, and SHA-1 is SHA-1', () => {
  const first = new Uint8Array(64);
  const second = new Uint8Array(64);
  nodePlatform.randomFill(first);
  nodePlatform.randomFill(second);
  assert.notDeepEqual(first, second);
  assert.ok(new Set(first).size > 20);
  // RFC 6455 §1.3
  assert.equal(
    nodePlatform.sha1Base64('dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11'),
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  );
  assert.equal(nodePlatform.sha1Base64('x'), crypto.createHash('sha1').update('x').digest('base64'));
});

test('where the methods are missing that are not documented, the documented ones do the same', async () => {
  const names = ['latin1Slice', 'utf8Slice', 'utf8Write'] as const;
  const saved = names.map((name) => Object.getOwnPropertyDescriptor(Buffer.prototype, name)!);
  let documented!: typeof nodePlatform;
  try {
    for (const [i, name] of names.entries()) {
      // Missing for this module alone: the loader of modules needs them as well.
      const get = (): unknown => (new Error().stack!.includes('?documented') ? undefined : saved[i]!.value);
      Object.defineProperty(Buffer.prototype, name, { get, configurable: true });
    }
    const file = `${import.meta.resolve('#dist/node/platform.js')}?documented`;
    documented = ((await import(file)) as { nodePlatform: typeof nodePlatform }).nodePlatform;
  } finally {
    for (const [i, name] of names.entries()) Object.defineProperty(Buffer.prototype, name, saved[i]!);
  }
  assert.notEqual(documented, nodePlatform);
  for (const text of TEXTS) {
    const [one, other] = [documented, nodePlatform].map((platform) => {
      const target = new Uint8Array(text.length * 3 + 20).fill(0xee);
      const length = platform.encodeUtf8(text, target, 10);
      return [length, target, platform.decodeUtf8(target, 10, 10 + length), platform.decodeAscii(target, 3, 12)];
    });
    assert.deepEqual(one, other);
  }
});
