import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, utf8 } from '../support/frames.ts';

test('§5.8: RSV1 has a meaning only where an extension that defines it was negotiated', () => {
  const stream = fromClient({ opcode: 2, rsv1: true, payload: bytes(1) });
  assert.deepEqual(receive(stream, { deflate: true }), ['compressed binary 01']);
  assert.deepEqual(receive(stream, { deflate: false }), ['fail 1002 PB_FRAME_RESERVED_BITS']);
});

test('§5.8: permessage-deflate defines RSV1 on the first frame of a message, and nowhere else', () => {
  const begun = fromClient({ opcode: 1, fin: false, rsv1: true, payload: bytes(1) });
  const refused = [
    concat(begun, fromClient({ opcode: 0, rsv1: true })),
    concat(fromClient({ opcode: 1, fin: false }), fromClient({ opcode: 0, rsv1: true })),
    fromClient({ opcode: 8, rsv1: true }),
    fromClient({ opcode: 9, rsv1: true }),
    fromClient({ opcode: 10, rsv1: true }),
  ];
  for (const stream of refused) {
    assert.equal(receive(stream, { deflate: true })[0], 'fail 1002 PB_FRAME_RESERVED_BITS');
  }
});

test('§5.8: with permessage-deflate RSV2 and RSV3 are still reserved', () => {
  for (const bits of [{ rsv2: true }, { rsv3: true }, { rsv1: true, rsv2: true }, { rsv1: true, rsv3: true }]) {
    const stream = fromClient({ opcode: 1, payload: utf8('Hello'), ...bits });
    assert.deepEqual(receive(stream, { deflate: true }), ['fail 1002 PB_FRAME_RESERVED_BITS']);
  }
});

test('§5.8: with permessage-deflate the opcodes 3 to 7 and 11 to 15 are still reserved', () => {
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    assert.deepEqual(receive(fromClient({ opcode }), { deflate: true }), ['fail 1002 PB_FRAME_RESERVED_OPCODE']);
  }
});
