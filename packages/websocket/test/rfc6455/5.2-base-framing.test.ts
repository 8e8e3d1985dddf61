import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMessage } from '#dist/protocol/sender.js';
import { receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, fromServer, type FrameSpec, utf8 } from '../support/frames.ts';
import { meet } from '../support/server-end.ts';

const SIDES = [
  { role: 'server', frame: fromClient },
  { role: 'client', frame: fromServer },
] as const;

for (const { role, frame } of SIDES) {
  for (const bit of ['rsv1', 'rsv2', 'rsv3'] as const) {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      test(`§5.2: ${bit} set without an extension MUST fail the connection (${role}, opcode ${opcode})`, () => {
        const begun = opcode === 0 ? frame({ opcode: 1, fin: false, payload: utf8('a') }) : bytes();
        const stream = concat(begun, frame({ opcode, [bit]: true }));
        assert.equal(receive(stream, { role })[0], 'fail 1002 PB_FRAME_RESERVED_BITS');
      });
    }
  }

  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    test(`§5.2: the unknown opcode ${opcode} MUST fail the connection (${role})`, () => {
      for (const fin of [true, false]) {
        const stream = concat(frame({ opcode: 9 }), frame({ opcode, fin, payload: utf8('Hello') }));
        assert.deepEqual(receive(stream, { role }), ['ping ""', 'fail 1002 PB_FRAME_RESERVED_OPCODE']);
      }
    });
  }

  test(`§5.2: a payload length of 0 to 125 stands in the second byte (${role})`, () => {
    for (const length of [0, 1, 124, 125]) {
      const payload = new Uint8Array(length).fill(0x61);
      assert.deepEqual(receive(frame({ opcode: 1, payload }), { role }), [`text "${'a'.repeat(length)}"`]);
    }
  });

  test(`§5.2: 126 means that the following 2 bytes are the length, in network byte order (${role})`, () => {
    for (const length of [126, 127, 255, 256, 65_534, 65_535]) {
      const payload = new Uint8Array(length).fill(0x61);
      const stream = frame({ opcode: 1, payload });
      assert.equal(stream[1]! & 0x7f, 126);
      assert.deepEqual(receive(stream, { role }), [`text "${'a'.repeat(length)}"`]);
    }
  });

  test(`§5.2: 127 means that the following 8 bytes are the length, in network byte order (${role})`, () => {
    for (const length of [65_536, 65_537, 100_000]) {
      const payload = new Uint8Array(length).fill(0x61);
      const stream = frame({ opcode: 1, payload });
      assert.equal(stream[1]! & 0x7f, 127);
      assert.deepEqual(receive(stream, { role }), [`text "${'a'.repeat(length)}"`]);
    }
  });

  const notMinimal: { length: number; lengthBits: 16 | 64 }[] = [
    ...[0, 1, 124, 125].map((length) => ({ length, lengthBits: 16 as const })),
    ...[0, 1, 125, 126, 127, 65_534, 65_535].map((length) => ({ length, lengthBits: 64 as const })),
  ];
  for (const { length, lengthBits } of notMinimal) {
    test(`§5.2: the minimal number of bytes MUST be used: ${length} in ${lengthBits} bits fails (${role})`, () => {
      const stream = frame({ opcode: 2, lengthBits, declaredLength: BigInt(length), payload: new Uint8Array(20) });
      assert.deepEqual(receive(stream, { role }), ['fail 1002 PB_FRAME_LENGTH_NOT_MINIMAL']);
    });

    test(`§5.2: the same holds of a continuation frame: ${length} in ${lengthBits} bits (${role})`, () => {
      const stream = concat(
        frame({ opcode: 2, fin: false, payload: bytes(1) }),
        frame({ opcode: 0, lengthBits, declaredLength: BigInt(length) }),
      );
      assert.deepEqual(receive(stream, { role }), ['fail 1002 PB_FRAME_LENGTH_NOT_MINIMAL', 'unfinished binary 01']);
    });
  }

  for (const length of [2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
    test(`§5.2: the most significant bit of a 64-bit length MUST be 0: ${length} fails (${role})`, () => {
      const stream = frame({ opcode: 2, declaredLength: length, payload: new Uint8Array(20) });
      // Whatever the limit: no message of that size could be counted.
      const limits = { maxMessageSize: Number.MAX_SAFE_INTEGER };
      assert.deepEqual(receive(stream, { role, limits }), ['fail 1009 PB_FRAME_LENGTH_TOO_LARGE']);
    });
  }
}

test("§5.2: the RFC's own example of a wrong length: 124 as 126, 0, 124", () => {
  const stream = concat(bytes(0x81, 126, 0, 124), new Uint8Array(124));
  assert.deepEqual(receive(stream, { role: 'client' }), ['fail 1002 PB_FRAME_LENGTH_NOT_MINIMAL']);
});

test('§5.2: a length field of three or seven bytes that were read is not yet a length', () => {
  const stream = fromClient({ opcode: 2, payload: new Uint8Array(65_536) });
  for (let length = 0; length < 14; length++) {
    assert.deepEqual(receive(stream.subarray(0, length)), [], `${length} bytes of the header`);
  }
  assert.deepEqual(receive(stream.subarray(0, 14)), ['unfinished binary ']);
});

test('§5.2: the minimal number of bytes MUST be used to encode the length, when sending', () => {
  const lengthField = (length: number): number[] => {
    const frame = encodeMessage(2, false, new Uint8Array(length), null);
    return Array.from(frame.subarray(1, frame.length - length));
  };
  assert.deepEqual(lengthField(0), [0]);
  assert.deepEqual(lengthField(124), [124]);
  assert.deepEqual(lengthField(125), [125]);
  assert.deepEqual(lengthField(126), [126, 0, 126]);
  assert.deepEqual(lengthField(65_535), [126, 255, 255]);
  assert.deepEqual(lengthField(65_536), [127, 0, 0, 0, 0, 0, 1, 0, 0]);
});

test('§5.2: what is wrong with the first two bytes fails the connection before any length or payload has come', () => {
  const wrong: FrameSpec[] = [
    { opcode: 1, rsv3: true },
    { opcode: 6 },
    { opcode: 1, mask: null },
    { opcode: 9, fin: false },
    { opcode: 9, payload: new Uint8Array(126) },
    { opcode: 0 },
  ];
  for (const spec of wrong) assert.equal(receive(fromClient(spec).subarray(0, 2)).length, 1, JSON.stringify(spec));
});

test('§5.2: a connected client MUST use the minimal number of bytes for each length, and no reserved bit', async (t) => {
  const { client, server } = await meet(t);
  const lengths = { 0: 0, 125: 125, 126: 126, 65_535: 126, 65_536: 127 };
  for (const length of Object.keys(lengths)) client.send(new Uint8Array(Number(length)));
  const frames = await server.frames(5);
  assert.deepEqual(
    frames.map(({ payload, shortLength, rsv }) => [payload.length, shortLength, rsv]),
    Object.entries(lengths).map(([length, short]) => [Number(length), short, 0]),
  );
});

for (const [name, code, frame] of [
  ['RSV1 without an extension', 'PB_FRAME_RESERVED_BITS', [0xc1, 0]],
  ['RSV2', 'PB_FRAME_RESERVED_BITS', [0xa1, 0]],
  ['RSV3', 'PB_FRAME_RESERVED_BITS', [0x91, 0]],
  ['an unknown opcode', 'PB_FRAME_RESERVED_OPCODE', [0x83, 0]],
  ['an unknown control opcode', 'PB_FRAME_RESERVED_OPCODE', [0x8b, 0]],
  ['a length that is not minimal', 'PB_FRAME_LENGTH_NOT_MINIMAL', [0x82, 126, 0, 125]],
] as const) {
  test(`§5.2: a connected client MUST fail the connection upon ${name}`, async (t) => {
    const { server, log } = await meet(t);
    server.write(Uint8Array.from(frame));
    assert.match((await server.rest()).join(), /^close 1002 "[^"]+"$/);
    assert.equal(log.lines[0], `error ${code}`);
  });
}
