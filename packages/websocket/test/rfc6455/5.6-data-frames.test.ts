import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receive } from '../support/deliver.ts';
import { bytes, concat, fromClient, utf8 } from '../support/frames.ts';
import { INVALID_SEQUENCES, VALID_TEXTS } from '../support/utf8-samples.ts';
import { meet } from '../support/server-end.ts';

test('§5.6: the whole message MUST contain valid UTF-8: every valid text is taken', () => {
  for (const text of VALID_TEXTS) {
    assert.deepEqual(receive(fromClient({ opcode: 1, payload: utf8(text) })), [`text ${JSON.stringify(text)}`]);
  }
});

test('§5.6: a text frame might include a partial UTF-8 sequence: a text may be fragmented anywhere', () => {
  for (const text of VALID_TEXTS) {
    const payload = utf8(text);
    for (let cut = 0; cut <= payload.length; cut++) {
      const stream = concat(
        fromClient({ opcode: 1, fin: false, payload: payload.subarray(0, cut) }),
        fromClient({ opcode: 0, payload: payload.subarray(cut) }),
      );
      assert.deepEqual(receive(stream), [`text ${JSON.stringify(text)}`]);
    }
  }
});

test('§5.6: one byte in each frame', () => {
  const payload = utf8('κόσμε 𝄞');
  const frames = Array.from(payload, (byte, i) =>
    fromClient({ opcode: i === 0 ? 1 : 0, fin: i === payload.length - 1, payload: bytes(byte) }),
  );
  assert.deepEqual(receive(concat(...frames)), ['text "κόσμε 𝄞"']);
});

test('§5.6: a text that ends inside a character is not valid, however it is framed', () => {
  for (const character of ['é', '€', '𝄞']) {
    const payload = utf8(character);
    for (let kept = 1; kept < payload.length; kept++) {
      const part = payload.subarray(0, kept);
      const expected = ['fail 1007 PB_TEXT_INVALID_UTF8'];
      assert.deepEqual(receive(fromClient({ opcode: 1, payload: part })), expected);
      const begun = fromClient({ opcode: 1, fin: false, payload: part });
      assert.deepEqual(receive(concat(begun, fromClient({ opcode: 0 }))), expected);
    }
  }
});

test('§5.6: a text begins anew: what was left of the one before does not count', () => {
  const stream = concat(
    fromClient({ opcode: 2, payload: bytes(0xe2, 0x82) }),
    fromClient({ opcode: 1, fin: false, payload: utf8('a') }),
    fromClient({ opcode: 0, payload: utf8('é') }),
    fromClient({ opcode: 2, fin: false, payload: bytes(0xe2) }),
    fromClient({ opcode: 0, payload: bytes(0x82) }),
    fromClient({ opcode: 1, fin: false, payload: utf8('b') }),
    fromClient({ opcode: 0 }),
  );
  assert.deepEqual(receive(stream), ['binary e282', 'text "aé"', 'binary e282', 'text "b"']);
});

test('§5.6: binary data is arbitrary: bytes that are no text are taken', () => {
  for (const { bytes: payload } of INVALID_SEQUENCES) {
    const hex = Buffer.from(payload).toString('hex');
    assert.deepEqual(receive(fromClient({ opcode: 2, payload })), [`binary ${hex}`]);
  }
});

test('§5.6: a connected client sends text as UTF-8, whole across its frames, and binary as it is', async (t) => {
  const { client, server } = await meet(t);
  client.send('grün 😀\ud800', 'text', { fragmentSize: 2 });
  const whole: Buffer[] = [];
  for (let fin = false; !fin; ) {
    const [frame] = await server.frames(1);
    whole.push(frame!.payload);
    ({ fin } = frame!);
  }
  // A lone surrogate cannot be said in UTF-8.
  assert.equal(Buffer.concat(whole).toString('hex'), Buffer.from('grün 😀\ufffd').toString('hex'));
  client.send(Uint8Array.of(0xff, 0x00));
  assert.equal(await server.next(), 'binary ff00');
  assert.throws(() => client.send(Uint8Array.of(0xff), 'text'), { code: 'PB_DATA_TYPE' });
});
