import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { connect, hex, inflate, makeProvider, parameters, PATHS, takeover } from '../support/deflate.ts';
import { Random } from '../support/random.ts';
import { BlockWriter } from '../support/reference-inflate.ts';
import { meet } from '../support/server-end.ts';

const HELLO = hex('f2 48 cd c9 c9 07 00');

/** The parameters under which an end in this role receives as named. */
const receiving = (role: 'server' | 'client', keeps: boolean, bits = 15) =>
  role === 'server'
    ? parameters({ clientNoContextTakeover: !keeps, clientMaxWindowBits: bits })
    : parameters({ serverNoContextTakeover: !keeps, serverMaxWindowBits: bits });

for (const path of PATHS) {
  for (const role of ['server', 'client'] as const) {
    test(`§7.2.2: 0x00 0x00 0xff 0xff is appended, then the message is decompressed (${path}, ${role})`, async () => {
      for (const keeps of [false, true]) {
        const { inflater } = connect(makeProvider(path, { takeover: true }).provider, receiving(role, keeps), role);
        assert.equal((await inflate(inflater, HELLO)).message?.toString(), 'Hello');
        // With the four octets already there it is another message, and ends in a block that was cut short.
        assert.equal((await inflate(inflater, HELLO.subarray(0, -1))).code, 'PB_DEFLATE_INVALID');
      }
    });

    test(`§7.2.2: the window of the last compressed message MUST be used where it is taken over (${path}, ${role})`, async () => {
      const { inflater } = connect(makeProvider(path, { takeover: true }).provider, receiving(role, true), role);
      const window = Buffer.from(new Random(1).bytes(32_768));
      assert.ok((await inflate(inflater, new BlockWriter().stored(window).end())).message?.equals(window));
      // Each takes three bytes from the far end of the window, which thereby moves on by three.
      for (let at = 0; at < 30; at += 3) {
        const { message } = await inflate(inflater, new BlockWriter().match(3, 32_768).end());
        assert.ok(message?.equals(window.subarray(at, at + 3)), `at ${at}`);
      }
    });

    test(`§7.2.2: the window MUST have 32,768 bytes where nothing else was agreed on (${path}, ${role})`, async () => {
      for (const keeps of [false, true]) {
        const { inflater } = connect(makeProvider(path, { takeover: true }).provider, receiving(role, keeps), role);
        const start = Buffer.from(new Random(2).bytes(32_768));
        const payload = new BlockWriter().stored(start).match(10, 32_768).end();
        const { message } = await inflate(inflater, payload);
        assert.ok(message?.equals(Buffer.concat([start, start.subarray(0, 10)])));
      }
    });

    test(`§7.2.2: a smaller window is enough where it was agreed on (${path}, ${role})`, async () => {
      for (const bits of [8, 9, 12, 14]) {
        const agreed = receiving(role, true, bits);
        const { inflater } = connect(makeProvider(path, { takeover: true }).provider, agreed, role);
        const start = Buffer.from(new Random(bits).bytes(2 ** bits));
        assert.ok((await inflate(inflater, new BlockWriter().stored(start).end())).message?.equals(start));
        const { message } = await inflate(inflater, new BlockWriter().match(5, 2 ** bits).end());
        assert.ok(message?.equals(start.subarray(0, 5)), `${bits} bits`);
      }
    });

    test(`§7.2.2: without takeover every message is decompressed with an empty window (${path}, ${role})`, async () => {
      const { inflater } = connect(makeProvider(path).provider, receiving(role, false), role);
      assert.equal((await inflate(inflater, HELLO)).message?.toString(), 'Hello');
      assert.equal((await inflate(inflater, new BlockWriter().match(3, 5).end())).code, 'PB_DEFLATE_INVALID');
      assert.equal((await inflate(inflater, HELLO)).message?.toString(), 'Hello');
    });
  }

  test(`§7.2.2: an uncompressed message in between leaves the window as it is (${path})`, async () => {
    // It never reaches the inflater: the next compressed message refers to the last compressed one.
    const { inflater } = connect(makeProvider(path, { takeover: true }).provider, takeover());
    await inflate(inflater, HELLO);
    assert.equal((await inflate(inflater, hex('f2 00 11 00 00'))).message?.toString(), 'Hello');
  });

  test(`§7.2.2: data that is no DEFLATE stream is refused (${path})`, async () => {
    const broken = {
      'the reserved block type': hex('06'),
      'LEN and NLEN that differ': hex('00 05 00 fb ff 48 65 6c 6c 6f 00'),
      'a match before the beginning': new BlockWriter().match(3, 1).end(),
      'a message without an octet': hex(''),
      'a fixed block that does not end': hex('f2 48 cd'),
      'a stored block that is cut short': hex('00 05 00 fa ff 48 65'),
      'a message without the header of the last block': hex('00 05 00 fa ff 48 65 6c 6c 6f'),
      'a dynamic block with too many codes': hex('fc ff ff 00'),
    };
    for (const keeps of [false, true]) {
      for (const [what, payload] of Object.entries(broken)) {
        const { inflater, close } = connect(
          makeProvider(path, { takeover: true }).provider,
          receiving('server', keeps),
        );
        assert.equal((await inflate(inflater, payload)).code, 'PB_DEFLATE_INVALID', what);
        close();
      }
    }
  });
}

test('§7.2.2: a connected client MUST keep a window of 32,768 bytes where nothing else was agreed on', async (t) => {
  const { server, log } = await meet(t, { compression: { takeover: true } }, [
    'Sec-WebSocket-Extensions: permessage-deflate',
  ]);
  const window = new Random(6).bytes(32_768);
  server.send(
    { opcode: 2, rsv1: true, payload: new BlockWriter().stored(window).end() },
    // No compressed message: the window stays as it is.
    { opcode: 2, payload: Buffer.from('plain') },
    { opcode: 2, rsv1: true, payload: new BlockWriter().match(10, 32_768).end() },
  );
  assert.equal(await log.has('binary', 3), `binary ${Buffer.from(window.subarray(0, 10)).toString('hex')}`);
});

test('§7.2.2: a connected client fails the connection upon data that is no DEFLATE stream', async (t) => {
  const { server, log } = await meet(t, { compression: { takeover: true } }, [
    'Sec-WebSocket-Extensions: permessage-deflate',
  ]);
  server.send({ opcode: 2, rsv1: true, payload: Buffer.from('ffffffff', 'hex') });
  assert.match((await server.rest()).join(), /^close 1007 "[^"]+"$/);
  server.end();
  await log.has('close 1007');
});
