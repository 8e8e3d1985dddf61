import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Platform } from '#dist/protocol/platform.js';
import { encodeMessage, MaskingKeys } from '#dist/protocol/sender.js';
import { CHI_SQUARE_255, chiSquare } from '../support/chi-square.ts';
import { transform, utf8 } from '../support/frames.ts';
import { testPlatform } from '../support/platform.ts';
import { meet } from '../support/server-end.ts';

const KEYS = 1_000_000;

/** A million keys as they go out, four bytes each. */
function drawKeys(platform: Platform): Uint8Array {
  const masks = new MaskingKeys(platform);
  const wire = new Uint8Array(4 * KEYS);
  for (let i = 0; i < KEYS; i++) masks.write(wire, 4 * i);
  return wire;
}

/** What is wrong with the keys, statistically; nothing for those of a sound generator. */
function suspicions(wire: Uint8Array): string[] {
  const found: string[] = [];
  const judge = (what: string, valueOf: (i: number) => number): void => {
    const counts = new Uint32Array(256);
    for (let i = 1; i < KEYS; i++) counts[valueOf(i)]!++;
    const value = chiSquare(counts);
    if (value < CHI_SQUARE_255.least || value > CHI_SQUARE_255.most)
      found.push(`${what}: chi-square ${value.toFixed(0)}`);
  };
  for (let octet = 0; octet < 4; octet++) {
    judge(`octet ${octet}`, (i) => wire[4 * i + octet]!);
    // What the key before tells about this one.
    judge(`octet ${octet} XOR the one before`, (i) => wire[4 * i + octet]! ^ wire[4 * i + octet - 4]!);
    judge(`octet ${octet} minus the one before`, (i) => (wire[4 * i + octet]! - wire[4 * i + octet - 4]!) & 0xff);
    judge(
      `octet ${octet} XOR octet ${(octet + 1) % 4}`,
      (i) => wire[4 * i + octet]! ^ wire[4 * i + ((octet + 1) % 4)]!,
    );
  }
  // Of a million numbers of 32 bits, 116 are repetitions by chance; 60 or 190 once in millions of runs.
  const distinct = new Set(new Uint32Array(wire.buffer)).size;
  const repeated = KEYS - distinct;
  if (repeated < 60 || repeated > 190) found.push(`${repeated} keys were given before`);
  return found;
}

test('§10.3: clients MUST choose a new masking key for each frame, unpredictably: a million keys', () => {
  assert.deepEqual(suspicions(drawKeys(testPlatform)), []);
});

const UNSOUND: Record<string, (target: Uint8Array, calls: number) => void> = {
  'one key for ever': (target) => void target.fill(0x37),
  'a counter': (target, calls) => target.forEach((_, i) => (target[i] = (calls * 2048 + (i >> 2)) >> (8 * (i & 3)))),
  'a linear congruence': (target, calls) => {
    let state = calls * 77_777;
    for (let i = 0; i < target.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      target[i] = state;
    }
  },
  'the same bytes for each pool': (target) =>
    target.forEach((_, i) => (target[i] = Math.imul(i + 1, 2_654_435_761) >>> 24)),
  'only ASCII': (target) => {
    testPlatform.randomFill(target);
    target.forEach((byte, i) => (target[i] = byte & 0x7f));
  },
};

for (const [what, fill] of Object.entries(UNSOUND)) {
  test(`§10.3: this test would notice ${what}`, () => {
    let calls = 0;
    const wire = drawKeys({ ...testPlatform, randomFill: (target) => fill(target, calls++) });
    assert.notDeepEqual(suspicions(wire), []);
  });
}

test('§10.3: the application does not control the bytes on the wire: an HTTP request does not appear', () => {
  const masks = new MaskingKeys(testPlatform);
  const request = 'GET /script.js HTTP/1.1\r\nHost: victim.example\r\n\r\n';
  for (let i = 0; i < 1_000; i++) {
    const frame = Buffer.from(encodeMessage(1, false, utf8(request), masks));
    assert.equal(frame.includes('HTTP/1.1'), false);
    assert.equal(frame.includes('victim'), false);
  }
});

test('§10.3: masking a request with the key of the frame before does not bring it onto the wire', () => {
  const masks = new MaskingKeys(testPlatform);
  const request = utf8('GET /script.js HTTP/1.1\r\n\r\n');
  let key: Uint8Array = new Uint8Array(4);
  for (let i = 0; i < 1_000; i++) {
    const frame = encodeMessage(2, false, transform(request, key), masks);
    assert.equal(Buffer.from(frame).includes('HTTP/1.1'), false);
    key = frame.subarray(2, 6);
  }
});

test('§10.3: once a frame is formed the application cannot change it', () => {
  const payload = utf8('as it was when it was sent');
  const frame = encodeMessage(1, false, payload, new MaskingKeys(testPlatform));
  const formed = frame.slice();
  payload.fill(0);
  assert.deepEqual(frame, formed);
  assert.notEqual(frame.buffer, payload.buffer);
  const unmasked = encodeMessage(1, false, payload, null);
  payload.fill(1);
  assert.ok(unmasked.subarray(2).every((byte) => byte === 0));
});

test('§10.3: the keys of a connected client are new for each frame and unpredictable, on the wire', async (t) => {
  const { client, server } = await meet(t);
  const wire = new Uint32Array(20_000);
  for (let at = 0; at < wire.length; at += 1000) {
    for (let i = 0; i < 1000; i++) client.send('');
    (await server.frames(1000)).forEach(({ key }, i) => (wire[at + i] = key.readUInt32LE(0)));
  }
  for (const shift of [0, 8, 16, 24]) {
    const octets = new Uint32Array(256);
    const differences = new Uint32Array(256);
    wire.forEach((key, i) => {
      octets[(key >>> shift) & 0xff]!++;
      if (i > 0) differences[((key >>> shift) - (wire[i - 1]! >>> shift)) & 0xff]!++;
    });
    for (const counts of [octets, differences]) {
      const value = chiSquare(counts);
      assert.ok(value > CHI_SQUARE_255.least && value < CHI_SQUARE_255.most, `shift ${shift}: ${value.toFixed(0)}`);
    }
  }
  // By chance it is one pair in 20 runs; 6 of them once in 10^10.
  assert.ok(new Set(wire).size > wire.length - 6);
});

test('§10.3: a connected client masks what it was given when it was given, though it is changed before it leaves', async (t) => {
  const { client, server } = await meet(t);
  const request = utf8('GET /sensitive HTTP/1.1\r\nHost: target.example\r\n\r\n');
  const data = request.slice();
  client.send(data);
  data.fill(0);
  const [frame] = await server.frames(1);
  assert.deepEqual(Uint8Array.from(frame!.payload), request);
  assert.ok(!frame!.wire.includes('HTTP/1.1'));
});
