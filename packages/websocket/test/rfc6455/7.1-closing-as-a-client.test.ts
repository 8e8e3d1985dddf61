import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closeBody } from '../support/frames.ts';
import { meet, roundTrips } from '../support/server-end.ts';

describe('§7.1.1 Close the WebSocket Connection', () => {
  test('a client SHOULD wait for the server to close the TCP connection, whoever began', async (t) => {
    for (const begins of ['client', 'server']) {
      const { client, server, log } = await meet(t, { closeTimeout: 60_000 });
      if (begins === 'client') client.close(1000);
      else server.sendClose(1000);
      assert.equal(await server.next(), 'close 1000 ""');
      if (begins === 'client') server.sendClose(1000);
      await roundTrips(t);
      assert.ok(!server.isEnded, `the client was first to close, begun by ${begins}`);
      assert.deepEqual(log.lines, []);
      server.end();
      await server.ended();
      assert.equal(await log.has('close'), 'close 1000 "" clean');
    }
  });

  test('it MAY close the TCP connection itself where the server does not within a reasonable time: closeTimeout', async (t) => {
    for (const answers of [true, false]) {
      const { client, server, log } = await meet(t, { closeTimeout: 50 });
      client.close(4000, 'enough');
      if (answers) server.sendClose(4000);
      assert.deepEqual(await server.rest(), ['close 4000 "enough"']);
      assert.equal(await log.has('close'), answers ? 'close 4000 "" clean' : 'close 1006 ""');
    }
  });
});

describe('§7.1.2 to §7.1.6, as a client is told', () => {
  test('§7.1.2: to start the closing handshake it MUST send a Close frame with the code and the reason', async (t) => {
    const { client, server } = await meet(t);
    client.close(4001, 'grün');
    assert.equal(await server.next(), 'close 4001 "grün"');
  });

  test('§7.1.4: cleanly, where both Close frames came before the TCP connection closed, else not', async (t) => {
    const { server, log } = await meet(t);
    server.end();
    assert.equal(await log.has('close'), 'close 1006 ""');
    assert.deepEqual(await server.rest(), []);
  });

  test('§7.1.5 and §7.1.6: code and reason of the first Close frame received; 1005 and nothing without', async (t) => {
    for (const [payload, told] of [
      [closeBody(4002, 'why'), 'close 4002 "why" clean'],
      [closeBody(1001), 'close 1001 "" clean'],
      [new Uint8Array(0), 'close 1005 "" clean'],
    ] as const) {
      const { server, log } = await meet(t);
      server.send({ opcode: 8, payload }, { opcode: 8, payload: closeBody(4999, 'second') });
      server.end();
      assert.equal(await log.has('close'), told);
      assert.deepEqual(await server.rest(), [payload.length === 0 ? 'close' : `${told.split(' ', 2).join(' ')} ""`]);
    }
  });

  test('§7.1.6: the reason is the server’s, though the client said one first', async (t) => {
    const { client, server, log } = await meet(t);
    client.close(1000, 'ours');
    server.sendClose(4003, 'theirs');
    server.end();
    assert.equal(await log.has('close'), 'close 4003 "theirs" clean');
  });
});

describe('§7.1.7 Fail the WebSocket Connection', () => {
  test('the client says why, MUST close, and MUST NOT process anything more, a Close frame neither', async (t) => {
    const { server, log } = await meet(t);
    server.send(
      { opcode: 3 },
      { opcode: 1, payload: Buffer.from('late') },
      { opcode: 9 },
      { opcode: 8, payload: closeBody(4000) },
    );
    assert.deepEqual(await server.rest(), ['close 1002 "the frame has a reserved opcode"']);
    server.end();
    await log.has('close');
    assert.deepEqual(log.lines, ['error PB_FRAME_RESERVED_OPCODE', 'close 1002 "the frame has a reserved opcode"']);
  });

  test('§7.4.1: 1005, 1006 and 1015 MUST NOT be sent, nor codes that nobody defined', async (t) => {
    const { client, server } = await meet(t);
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]) {
      assert.throws(() => client.close(code), { code: 'PB_CLOSE_CODE_INVALID' });
    }
    client.close(1000);
    assert.equal(await server.next(), 'close 1000 ""');
  });

  test('§7.4.1: nor taken: the client fails the connection over them', async (t) => {
    for (const code of [999, 1004, 1005, 1006, 1015, 2999, 5000]) {
      const { server, log } = await meet(t);
      server.send({ opcode: 8, payload: closeBody(code) });
      assert.match((await server.rest()).join(), /^close 1002 "[^"]+"$/);
      server.end();
      assert.match(await log.has('close'), /^close 1002 /);
    }
  });
});
