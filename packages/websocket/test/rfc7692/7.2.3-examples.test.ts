import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { OPCODE_TEXT } from '#dist/protocol/opcodes.js';
import { encodeMessage } from '#dist/protocol/sender.js';
import {
  connect,
  deflate,
  hex,
  inflate,
  makePair,
  makeProvider,
  parameters,
  PATHS,
  takeover,
} from '../support/deflate.ts';
import { DEFAULT_LIMITS, deliver } from '../support/deliver.ts';
import { meet } from '../support/server-end.ts';

const HELLO = Buffer.from('Hello');
const ONE_BLOCK = hex('0xf2 0x48 0xcd 0xc9 0xc9 0x07 0x00');

for (const path of PATHS) {
  test(`§7.2.3.1: a message compressed using one compressed DEFLATE block (${path})`, async () => {
    const { server, client } = makePair(path, parameters());
    assert.deepEqual((await deflate(server.deflater, HELLO)).payload, ONE_BLOCK);
    assert.deepEqual((await inflate(client.inflater, ONE_BLOCK)).message, HELLO);
    assert.deepEqual(
      Buffer.from(encodeMessage(OPCODE_TEXT, true, ONE_BLOCK, null)),
      hex('0xc1 0x07 0xf2 0x48 0xcd 0xc9 0xc9 0x07 0x00'),
    );
  });

  test(`§7.2.3.1: the same message in fragments of 3 and 4 octets (${path})`, async () => {
    const { inflater } = connect(makeProvider(path).provider, parameters(), 'client');
    const stream = hex('0x41 0x03 0xf2 0x48 0xcd  0x80 0x04 0xc9 0xc9 0x07 0x00');
    const { calls } = deliver(stream, { role: 'client', deflate: true, limits: DEFAULT_LIMITS });
    assert.deepEqual(
      calls.map(({ type }) => type),
      ['start', 'data', 'data', 'end'],
    );
    const payload = Buffer.concat(calls.flatMap((call) => (call.type === 'data' ? [call.payload] : [])));
    assert.deepEqual((await inflate(inflater, payload)).message, HELLO);
  });

  test(`§7.2.3.2: sharing the LZ77 sliding window (${path})`, async () => {
    const without = makePair(path, parameters());
    assert.deepEqual((await deflate(without.client.deflater, HELLO)).payload, ONE_BLOCK);
    assert.deepEqual((await deflate(without.client.deflater, HELLO)).payload, ONE_BLOCK);

    const second = hex('0xf2 0x00 0x11 0x00 0x00');
    const { server, client } = makePair(path, takeover(), { takeover: true });
    assert.deepEqual((await deflate(client.deflater, HELLO)).payload, ONE_BLOCK);
    assert.deepEqual((await inflate(server.inflater, ONE_BLOCK)).message, HELLO);
    assert.deepEqual((await deflate(client.deflater, HELLO)).payload, second);
    assert.deepEqual((await inflate(server.inflater, second)).message, HELLO);
  });

  for (const [keeps, agreed] of [
    [false, parameters()],
    [true, takeover()],
  ] as const) {
    const kept = `${path}, ${keeps ? 'takeover' : 'no takeover'}`;
    const receiver = () => connect(makeProvider(path, { takeover: true }).provider, { ...agreed }).inflater;

    test(`§7.2.3.3: a DEFLATE block with no compression (${kept})`, async () => {
      const payload = hex('0x00 0x05 0x00 0xfa 0xff 0x48 0x65 0x6c 0x6c 0x6f 0x00');
      assert.deepEqual((await inflate(receiver(), payload)).message, HELLO);
    });

    test(`§7.2.3.4: a DEFLATE block with "BFINAL" set to 1 (${kept})`, async () => {
      const inflater = receiver();
      const payload = hex('0xf3 0x48 0xcd 0xc9 0xc9 0x07 0x00 0x00');
      for (let again = 0; again < 3; again++) assert.deepEqual((await inflate(inflater, payload)).message, HELLO);
      // The window is empty after it, and the next message is read as ever.
      assert.deepEqual((await inflate(inflater, ONE_BLOCK)).message, HELLO);
    });

    test(`§7.2.3.4: blocks after one with "BFINAL" set to 1 (${kept})`, async () => {
      const inflater = receiver();
      const finished = '0xf3 0x48 0xcd 0xc9 0xc9 0x07 0x00';
      const message = Buffer.from('HelloHelloHello');
      assert.deepEqual((await inflate(inflater, hex(`${finished} ${finished} ${finished} 0x00`))).message, message);
      assert.deepEqual((await inflate(inflater, Buffer.concat([hex(finished), ONE_BLOCK]))).message?.length, 10);
    });

    test(`§7.2.3.4: the empty block itself may have "BFINAL" set to 1, or be left out after it (${kept})`, async () => {
      const inflater = receiver();
      const endsInFinal = hex('0xf2 0x48 0xcd 0xc9 0xc9 0x07 0x00 0x00 0x00 0xff 0xff 0x01');
      assert.deepEqual((await inflate(inflater, endsInFinal)).message, HELLO);
      assert.deepEqual((await inflate(inflater, hex('0xf3 0x48 0xcd 0xc9 0xc9 0x07 0x00'))).message, HELLO);
      assert.deepEqual((await inflate(inflater, ONE_BLOCK)).message, HELLO);
    });

    test(`§7.2.3.5: two DEFLATE blocks in one message (${kept})`, async () => {
      const payload = hex('0xf2 0x48 0x05 0x00 0x00 0x00 0xff 0xff 0xca 0xc9 0xc9 0x07 0x00');
      assert.deepEqual((await inflate(receiver(), payload)).message, HELLO);
    });

    test(`§7.2.3.6: an empty message is the octet 0x00, as often as it is sent (${kept})`, async () => {
      const { server, client } = makePair(path, { ...agreed }, { takeover: true });
      for (const message of ['', 'Hello', '', '', 'Hello', '']) {
        const { payload } = await deflate(server.deflater, Buffer.from(message));
        if (message === '') assert.deepEqual(payload, hex('0x00'));
        assert.equal((await inflate(client.inflater, payload)).message?.toString(), message);
      }
    });

    test(`§7.2.3.6: an empty message in another form (${kept})`, async () => {
      const inflater = receiver();
      for (const payload of ['0x02 0x00', '0x03 0x00 0x00', '0x00 0x00 0x00 0xff 0xff 0x00']) {
        assert.deepEqual((await inflate(inflater, hex(payload))).message, Buffer.alloc(0), payload);
      }
      assert.deepEqual((await inflate(inflater, ONE_BLOCK)).message, HELLO);
    });
  }
}

test('§7.2.3: a connected client receives all the examples', async (t) => {
  const { server, log } = await meet(t, { compression: { takeover: true } }, [
    'Sec-WebSocket-Extensions: permessage-deflate',
  ]);
  const message = (payload: Buffer) => ({ opcode: 1, rsv1: true, payload });
  server.send(
    message(ONE_BLOCK),
    { opcode: 1, rsv1: true, fin: false, payload: ONE_BLOCK.subarray(0, 3) },
    { opcode: 0, payload: ONE_BLOCK.subarray(3) },
    message(hex('0xf2 0x00 0x11 0x00 0x00')),
    message(hex('0x00 0x05 0x00 0xfa 0xff 0x48 0x65 0x6c 0x6c 0x6f 0x00')),
    message(hex('0xf3 0x48 0xcd 0xc9 0xc9 0x07 0x00 0x00')),
    message(hex('0xf2 0x48 0x05 0x00 0x00 0x00 0xff 0xff 0xca 0xc9 0xc9 0x07 0x00')),
    message(hex('0x00')),
  );
  assert.equal(await log.has('text', 7), 'text ""');
  assert.deepEqual(
    log.lines.slice(0, -1),
    Array.from({ length: 6 }, () => 'text "Hello"'),
  );
});
