import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform } from '#dist/protocol/platform.js';
import { encodeControl, encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { bytes, concat, EXAMPLE_KEY, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';

// Bytes as they are printed in the RFC.
const HELLO = bytes(0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f);
const HELLO_MASKED = bytes(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
const HEL_LO = bytes(0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f);
const PING = bytes(0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f);
const PONG_MASKED = bytes(0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
const DATA_256 = Uint8Array.from({ length: 256 }, (_, i) => i);
const BINARY_256 = concat(bytes(0x82, 0x7e, 0x01, 0x00), DATA_256);
const DATA_64K = Uint8Array.from({ length: 65_536 }, (_, i) => i ^ (i >> 8));
const BINARY_64K = concat(bytes(0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0), DATA_64K);

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

/** Masks with the key of the examples. */
function exampleKeys(): MaskingKeys {
  const platform: Platform = {
    ...testPlatform,
    randomFill: (target) => target.forEach((_, i) => (target[i] = EXAMPLE_KEY[i % 4]!)),
  };
  return new MaskingKeys(platform);
}

test('§5.7: a single-frame unmasked text message', () => {
  assert.deepEqual(receive(HELLO, { role: 'client' }), ['text "Hello"']);
  assert.deepEqual(encodeMessage(1, false, utf8('Hello'), null), HELLO);
});

test('§5.7: a single-frame masked text message', () => {
  assert.deepEqual(receive(HELLO_MASKED), ['text "Hello"']);
  assert.deepEqual(encodeMessage(1, false, utf8('Hello'), exampleKeys()), HELLO_MASKED);
});

test('§5.7: a fragmented unmasked text message', () => {
  assert.deepEqual(receive(HEL_LO, { role: 'client' }), ['text "Hello"']);
  assert.deepEqual(encodeMessage(1, false, utf8('Hello'), null, 3), HEL_LO);
});

test('§5.7: unmasked ping request and masked ping response', () => {
  assert.deepEqual(receive(PING, { role: 'client' }), ['ping "Hello"']);
  assert.deepEqual(encodeControl(9, utf8('Hello'), null), PING);
  assert.deepEqual(receive(PONG_MASKED), ['pong "Hello"']);
  assert.deepEqual(encodeControl(10, utf8('Hello'), exampleKeys()), PONG_MASKED);
});

test('§5.7: 256 bytes binary message in a single unmasked frame', () => {
  assert.deepEqual(receive(BINARY_256, { role: 'client' }), [`binary ${hex(DATA_256)}`]);
  assert.deepEqual(encodeMessage(2, false, DATA_256, null), BINARY_256);
});

test('§5.7: 64 KiB binary message in a single unmasked frame', () => {
  assert.deepEqual(receive(BINARY_64K, { role: 'client' }), [`binary ${hex(DATA_64K)}`]);
  assert.deepEqual(encodeMessage(2, false, DATA_64K, null), BINARY_64K);
});
