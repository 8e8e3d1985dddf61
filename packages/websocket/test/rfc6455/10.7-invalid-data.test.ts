import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver, DEFAULT_LIMITS, type Receiving } from '../support/deliver.ts';
import { Random } from '../support/random.ts';

const SIDES: readonly Receiving[] = (['server', 'client'] as const).flatMap((role) =>
  [false, true].map((deflate) => ({ role, deflate, limits: DEFAULT_LIMITS })),
);

test('§10.7: incoming data MUST always be validated: of all first two bytes, only what the RFC defines is taken', () => {
  for (const receiving of SIDES) {
    const taken: string[] = [];
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const { calls } = deliver(Uint8Array.of(first, second), receiving);
        if (calls.at(-1)?.type === 'violation') continue;
        const fin = first >> 7;
        const length = second & 0x7f;
        taken.push(`${fin} ${(first >> 4) & 7} ${first & 15} ${second >> 7} ${length > 125 ? 'long' : 'short'}`);
      }
    }
    const mask = receiving.role === 'server' ? 1 : 0;
    const expected = new Set<string>();
    // FIN, the reserved bits, opcode, mask bit, length: no continuation, for there is nothing to continue.
    for (const rsv of receiving.deflate ? [0, 4] : [0]) {
      for (const opcode of [1, 2]) {
        for (const fin of [0, 1]) {
          for (const length of ['short', 'long']) expected.add(`${fin} ${rsv} ${opcode} ${mask} ${length}`);
        }
      }
    }
    for (const opcode of [8, 9, 10]) expected.add(`1 0 ${opcode} ${mask} short`);
    assert.deepEqual(new Set(taken), expected);
  }
});

test('§10.7: HTTP, TLS and other things that are no frames are refused at their first bytes', () => {
  const strangers = [
    'GET / HTTP/1.1\r\nHost: example\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/1.1 200 OK\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '{"json":true}',
    'SSH-2.0-OpenSSH\r\n',
    // The framing of the draft that came before: text between 00 and FF.
    '\x00Hello\xff',
  ];
  for (const receiving of SIDES) {
    for (const stranger of strangers) {
      const { calls } = deliver(Buffer.from(stranger, 'latin1'), receiving);
      assert.deepEqual(
        calls.map(({ type }) => type),
        ['violation'],
        JSON.stringify(stranger),
      );
    }
  }
});

test('§10.7: a megabyte of noise is refused, never misunderstood as more than a few frames, and never thrown on', () => {
  const random = new Random(0x107);
  for (const receiving of SIDES) {
    for (let i = 0; i < 250; i++) {
      const noise = random.bytes(1024);
      const { calls } = deliver(noise, receiving, { cuts: [random.below(512), 512 + random.below(512)] });
      assert.ok(calls.length < 40);
    }
  }
});
