import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodePlatform } from '#dist/node/platform.js';
import type { Platform } from '#dist/protocol/platform.js';
import { processMemory } from '#dist/connection/process-memory.js';
import { utf8 } from '../support/frames.ts';
import { framesIn, makeConnection } from '../support/connections.ts';

// A limit may allow more than the process can hold, or than a string can be long (512 MiB in V8): no crash, but 1009.

function tooLong(): never {
  throw new RangeError('Cannot create a string longer than 0x1fffffe8 characters');
}

describe('a message within the limit that cannot be made', () => {
  const ways: [string, Partial<Platform>, string][] = [
    ['text in ASCII', { decodeAscii: tooLong }, 'ascii'],
    ['other text', { decodeUtf8: tooLong }, 'é'],
  ];
  for (const [name, lacks, payload] of ways) {
    test(`${name}, in one read or several: the connection fails with 1009`, () => {
      for (const cut of [0, 7]) {
        const made = makeConnection({ shared: { platform: { ...nodePlatform, decodeUtf8: tooLong, ...lacks } } });
        const frame = made.peer({ opcode: 1, payload: utf8(payload) });
        made.stream.receive(...(cut === 0 ? [frame] : [frame.slice(0, cut), frame.slice(cut)]));
        assert.deepEqual(made.log, ['error PB_MESSAGE_TOO_BIG']);
        assert.equal(framesIn(made.stream.written)[0]!.payload.readUInt16BE(0), 1009);
        made.stream.close();
        assert.match(made.log[1]!, /^closed 1009/);
        assert.equal(processMemory.buffered, 0);
      }
    });
  }

  test('no memory for the parts that have arrived', () => {
    const made = makeConnection({ shared: { limits: { maxMessageSize: 2 ** 53 - 1, maxFragments: 10 } } });
    const { Uint8Array: Real } = globalThis;
    const frame = made.peer({ opcode: 2, payload: new Real(20_000) });
    made.stream.receive(frame.slice(0, 100));
    globalThis.Uint8Array = new Proxy(Real, {
      construct(target, values: [number]) {
        if (typeof values[0] === 'number' && values[0] > 8192) throw new RangeError('Array buffer allocation failed');
        return Reflect.construct(target, values) as object;
      },
    });
    try {
      made.stream.receive(frame.slice(100));
    } finally {
      globalThis.Uint8Array = Real;
    }
    assert.deepEqual(made.log, ['error PB_MESSAGE_TOO_BIG']);
    made.stream.close();
    assert.equal(processMemory.buffered, 0);
  });
});
